"""Wide tables: which columns are kept, and what a fit, its memory and its validation make of it."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway, rankdata
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.data._given_knots import encode_knots
from sklearn_kan.data._screening import FEWEST, WIDE, log_p_values, of_levels, of_numbers, screened
from sklearn_kan.data._table import Column

SMALL = {"hidden_layer_sizes": (6,), "n_members": 4, "max_iter": 60, "learning_rate_init": 0.03, "random_state": 0}
N, P = 150, 1200


def wide(n=N, p=P, seed=0):
    """A table in which a step in one column matters, and a parabola in another."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    y = 3 * (X[:, 7] > 0) + X[:, 77] ** 2 + 0.3 * rng.normal(size=n)
    return X, y


def centered(values):
    return values - values.mean(0)


def test_p_values_of_levels_are_those_of_the_analysis_of_variance():
    rng = np.random.default_rng(0)
    labels, y = np.array(list("abc") * 20, dtype=object), rng.normal(size=60)
    ours = of_levels(labels, centered(y[:, None]), np.ones(60), 60.0)
    assert np.exp(ours) == pytest.approx(f_oneway(*(y[labels == level] for level in "abc")).pvalue)


def test_p_values_of_numbers_are_those_of_a_regression_on_a_parabola_of_ranks():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)), rng.normal(size=60)
    X[:, 3] = 1.0
    ours = of_numbers(X, centered(y[:, None]), np.ones(60), 60.0)
    for x, found in zip(X.T[:3], ours[:3], strict=True):
        ranks = rankdata(x)
        residual = y - np.polyval(np.polyfit(ranks, y, 2), ranks)
        explained = np.square(y - y.mean()).sum() - np.square(residual).sum()
        expected = log_p_values(np.array([[explained]]), np.array([[2]]), centered(y[:, None]), 60.0)
        assert found == pytest.approx(expected[0], abs=1e-8)
    assert ours[3] == 0


def test_p_values_of_noise_are_uniform():
    rng = np.random.default_rng(0)
    p = np.exp(of_numbers(rng.normal(size=(80, 4000)), centered(rng.exponential(size=(80, 1))), np.ones(80), 80.0))
    np.testing.assert_allclose(np.quantile(p, [0.01, 0.1, 0.5, 0.9]), [0.01, 0.1, 0.5, 0.9], atol=0.03)


def test_weights_count():
    X, y = wide()
    weight = np.where(np.arange(N) < 100, 1.0, 1e-12)
    columns = [Column(i, x) for i, x in enumerate(X.T)]
    some = screened([column.rows(slice(100)) for column in columns], y[:100, None], np.ones(100))
    np.testing.assert_array_equal(screened(columns, y[:, None], weight), some)


@pytest.mark.parametrize("kind", ["numbers", "missing", "categories", "classes"])
def test_what_matters_is_kept(kind):
    X, y = wide()
    if kind == "missing":
        X[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
        y = y + 3 * np.isnan(X[:, 3])
    columns = [Column(i, x) for i, x in enumerate(X.T)]
    if kind == "categories":
        columns[7] = Column(7, np.where(X[:, 7] > 0, "high", None).astype(object), "category")
    selected = screened(columns, (y > 2) * 1 if kind == "classes" else y[:, None], np.ones(N))
    assert selected[[3, 7] if kind == "missing" else 7].all()
    assert FEWEST <= selected.sum() < 40


def test_noise_keeps_few_and_what_all_columns_share_keeps_many():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(N, P)), rng.normal(size=(N, 1))
    assert screened([Column(i, x) for i, x in enumerate(X.T)], y, np.ones(N)).sum() == FEWEST
    assert screened([Column(i, x) for i, x in enumerate((X + y).T)], y, np.ones(N)).sum() == WIDE


@pytest.mark.parametrize("estimator", [KANClassifier, KANRegressor])
def test_a_wide_table_is_learned_and_read_by_what_it_keeps(estimator):
    X, y = wide(400)
    y = y > 2 if estimator is KANClassifier else y
    table = pd.DataFrame(X, columns=[f"x{i}" for i in range(P)])
    model = estimator(**SMALL).fit(table[:200], y[:200])
    selected = model.selected_features_
    assert selected.shape == (P,)
    assert selected[7]
    assert model.n_features_in_ == P
    assert model.score(table[200:], y[200:]) > 0.6
    assert len(pickle.dumps(model)) < 2e6
    others = table.copy()
    others.loc[:, ~selected] = np.inf  # would be refused where it was read
    np.testing.assert_array_equal(model.predict(others), model.predict(table))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table.rename(columns={f"x{np.flatnonzero(~selected)[0]}": "other"}))
    with pytest.raises(ValueError, match=f"{P} features"):
        estimator(**SMALL | {"max_iter": 1}).fit(X, y).predict(X[:, :-1])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(table), model.predict(table))


def test_few_columns_are_all_selected():
    X, y = np.random.default_rng(0).normal(size=(60, 5)), np.arange(60.0)
    assert KANRegressor(**SMALL | {"max_iter": 1}).fit(X, y).selected_features_.tolist() == [True] * 5


def test_validation_rows_take_no_part_in_screening():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 3000)), rng.normal(size=400)
    model = KANRegressor(**SMALL | {"max_iter": 20}, early_stopping=True).fit(X, y)
    assert model.best_score_ < -0.4  # half the squared error of a constant is 0.5: nothing is learned from noise


def test_constraints_and_given_knots_are_those_of_the_kept_columns():
    X, y = wide()
    y = y + X[:, 9]
    directions = np.where(np.arange(P) == 7, 1, 0)
    knots = np.linspace(-2, 2, 5)[:, None] + np.arange(P) / P
    model = KANRegressor(**SMALL | {"max_iter": 2, "n_members": 2}, monotonic_cst=directions, knots=knots).fit(X, y)
    line = np.repeat(X[:1], 30, axis=0)
    line[:, 7] = np.linspace(-3, 3, 30)
    assert (np.diff(model.predict(line)) >= 0).all()
    place = np.cumsum(model.selected_features_)[7] - 1
    first = model.module_.layers[0].basis.knots[place].numpy()
    expected = encode_knots(model.encoder_, knots[:, model.selected_features_])[place]
    np.testing.assert_allclose(first, expected, atol=1e-6)
    pairs = KANRegressor(**SMALL | {"max_iter": 2}, interaction_cst=[{7, 1}, {77}]).fit(X, y)
    assert pairs.predict(X).shape == (N,)


def test_streams_pipelines_and_other_fits():
    X, y = wide(400, WIDE + 100)
    few = SMALL | {"max_iter": 2}
    stream = KANRegressor(**few).partial_fit(X, y)
    assert stream.selected_features_.sum() < 100
    stream.partial_fit(X[:10], y[:10])
    assert KANRegressor(**few).partial_fit(X[:50], y[:50]).selected_features_.all()
    pipeline = make_pipeline(StandardScaler(), KANRegressor(**few, warm_start=True)).fit(X, y)
    before = pipeline[-1].selected_features_
    assert pipeline.fit(X, y)[-1].selected_features_ is before
    given = KANRegressor(**few).fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    assert len(given.validation_scores_) == given.n_iter_


def test_memory_is_linear_in_what_is_kept():
    X, y = wide(100, 5000)
    tracemalloc.start()
    KANRegressor(**SMALL | {"max_iter": 1}).fit(X, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * X.nbytes
