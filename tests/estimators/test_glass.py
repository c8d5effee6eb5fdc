"""Glass boxes: terms that add up, known functions that are found, and pairs that are pure."""

import pickle

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_sample_weight_equivalence_on_dense_data

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.data._table import Column
from sklearn_kan.model._effect import model_effects, term_values
from sklearn_kan.search import KANSearchCV
from tests.tables import table

QUICK = {"n_members": 3, "max_iter": 4, "random_state": 0, "dtype": "float64", "early_stopping": True}
TARGETS = {
    "squared_error": {}, "several outputs": {}, "poisson": {"loss": "poisson"}, "quantile": {"loss": "quantile"},
    "two classes": {}, "three classes": {}, "rising": {"monotonic_cst": {"x": 1}},
}  # fmt: skip


def mixed(n=160):
    """A number of few values, one with gaps, one of many values, and a category with a missing label."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"few": rng.integers(0, 4, n).astype(float), "gaps": rng.normal(size=n), "x": rng.normal(size=n)})
    X.loc[::9, "gaps"] = np.nan
    return X.assign(label=pd.Categorical(rng.choice(["a", "b", "c", None], n, p=[0.4, 0.3, 0.2, 0.1])))


def aim(kind, X):
    signal = X["x"] + X["few"] * (X["label"] == "a") + np.nan_to_num(X["gaps"])
    if kind.endswith("classes"):
        return np.digitize(signal, [1.0] if kind == "two classes" else [0.0, 2.0])
    outputs = np.column_stack([signal, -np.square(X["x"])]) if kind == "several outputs" else signal
    return np.exp(outputs / 4) if kind == "poisson" else outputs


def on_scale(model, X):
    """What terms add up to, by the estimator's public methods."""
    found = model.decision_function(X) if isinstance(model, KANClassifier) else model.predict(X)
    return np.log(found) if getattr(model, "loss", None) == "poisson" else found


@pytest.fixture(scope="module", params=TARGETS)
def fitted(request):
    X = mixed()
    estimator = KANClassifier if request.param.endswith("classes") else KANRegressor
    model = estimator(interaction_cst={"pairs": 2}, **QUICK, **TARGETS[request.param])
    weight = np.linspace(0.5, 2, len(X))
    return model.fit(X, aim(request.param, X), weight), X, weight


def test_terms_add_up_to_the_prediction(fitted):
    model, X, _ = fitted
    found = on_scale(model, X)
    values = term_values(model, X)
    assert values.shape[:2] == (len(X), len(model.terms_)) == (len(X), 6)
    together = (values.sum(1) + model.intercept_).reshape(found.shape)
    np.testing.assert_allclose(together, found, rtol=0, atol=1e-10 * np.ptp(found))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(term_values(again, X), values)


def test_terms_are_centred_and_pairs_have_no_marginal_means(fitted):
    model, X, weight = fitted
    values, names = term_values(model, X), list(X)
    size = np.abs(values).max()
    np.testing.assert_allclose(np.average(values, axis=0, weights=weight), 0, atol=1e-8 * size)
    for number, term in enumerate(model.terms_):
        for name in term if len(term) == 2 else ():
            column = X[name].astype(object).where(X[name].notna(), "missing")
            if column.nunique() > 10:  # a line is among the functions of one column that a pair is orthogonal to
                present = X[name].notna()
                places = model.encoder_.transform_column(column_of(X, name))[:, inputs_of(model, names.index(name))]
                moment = (weight * places)[present] @ values[present, number]
                np.testing.assert_allclose(moment / len(X), 0, atol=1e-8 * size)
                continue
            for level in column.unique():
                rows = (column == level).to_numpy()
                mean = np.average(values[rows, number], axis=0, weights=weight[rows])
                np.testing.assert_allclose(mean, 0, atol=1e-8 * size)


def column_of(X, name):
    return Column(list(X).index(name), X[name].to_numpy())


def inputs_of(model, place):
    return int(np.flatnonzero(model.encoder_.column_of_input_ == place)[0])


def test_effects_are_the_terms_at_their_places(fitted):
    model, X, _ = fitted
    for number, effect in enumerate(model_effects(model)):
        assert tuple(list(X)[column] for column in effect.columns) == model.terms_[number]
        assert effect.values.shape[:-1] == tuple(map(len, effect.places)) == effect.density.shape
        np.testing.assert_allclose(effect.density.sum(), 1)
        grids = np.meshgrid(*(np.arange(len(places)) for places in effect.places), indexing="ij")
        rows = X.iloc[np.zeros(grids[0].size, dtype=int)].reset_index(drop=True)
        for column, places, grid in zip(effect.columns, effect.places, grids, strict=True):
            values = pd.Series(places[grid.ravel()], dtype=object)
            rows[list(X)[column]] = values.astype(X.dtypes.iloc[column])
        np.testing.assert_allclose(
            term_values(model, rows)[:, number], effect.values.reshape(len(rows), -1), atol=1e-9
        )  # fmt: skip
        assert effect.spread.max() > 0


def test_importances_are_standard_deviations(fitted):
    model, X, weight = fitted
    values = term_values(model, X)
    size = np.sqrt(np.average(np.square(values), axis=0, weights=weight).mean(1))
    np.testing.assert_allclose(model.term_importances_, size, rtol=1e-6)


def test_a_rising_column_rises():
    X = mixed()
    model = KANRegressor(interaction_cst={"pairs": 2}, monotonic_cst={"x": 1}, **QUICK).fit(X, -X["x"])
    swept = X.loc[np.repeat(3, 200)].assign(x=np.linspace(-4, 4, 200))
    assert (np.diff(model.predict(swept)) >= -1e-12).all()


@pytest.fixture(scope="module")
def product():
    """``3 a b + sin(2 c)``, with a column that does nothing, and a model of it."""
    X = pd.DataFrame(np.random.default_rng(0).uniform(-1, 1, (500, 4)), columns=list("abcd"))
    y = 3 * X["a"] * X["b"] + np.sin(2 * X["c"])
    params = {"hidden_layer_sizes": (8,), "n_members": 3, "max_iter": 40, "learning_rate_init": 0.05}
    return KANRegressor(interaction_cst="auto", random_state=0, **params).fit(X, y), X


def test_known_functions_are_recovered(product):
    model, X = product
    sizes = dict(zip(model.terms_, model.term_importances_, strict=True))
    assert max((term for term in sizes if len(term) == 2), key=sizes.get) == ("a", "b")
    assert max([0.0, *(sizes[term] for term in sizes if len(term) == 2 and term != ("a", "b"))]) < 0.1
    values = dict(zip(model.terms_, term_values(model, X)[:, :, 0].T, strict=True))
    a, b = X["a"] - X["a"].mean(), X["b"] - X["b"].mean()
    truth = {("a", "b"): 3 * a * b, ("c",): np.sin(2 * X["c"])}
    truth |= {("a",): 3 * X["b"].mean() * X["a"], ("b",): 3 * X["a"].mean() * X["b"], ("d",): 0 * X["d"]}
    for term, expected in truth.items():
        assert np.std(values[term] - expected) < 0.2, term


def test_an_additive_target_asks_for_no_pair():
    X = pd.DataFrame(np.random.default_rng(1).uniform(-1, 1, (400, 3)), columns=list("abc"))
    y = np.sin(3 * X["a"]) + X["b"] + np.random.default_rng(2).normal(size=400)
    model = KANRegressor(interaction_cst="auto", **QUICK).fit(X, y)
    assert model.terms_ == [("a",), ("b",), ("c",)]
    assert len(model.module_.layers) == 1


def test_fits_are_reproducible_and_estimators_are_cloned(product):
    model, X = product
    few = clone(model).set_params(max_iter=2, interaction_cst={"pairs": 1})
    X, y = X[:120], (X["a"] * X["b"])[:120]
    np.testing.assert_array_equal(clone(few).fit(X, y).predict(X), few.fit(X, y).predict(X))


def test_all_pairs_are_those_of_pairwise():
    X, y = table(60, 3), table(60, 1, seed=1)[:, 0]
    models = [KANRegressor(interaction_cst=given, **QUICK).fit(X, y) for given in ({"pairs": 3}, "pairwise")]
    assert models[0].terms_ == models[1].terms_ == [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)]


def test_a_search_tries_glass_boxes():
    X, y = table(90, 3), table(90, 1, seed=1)[:, 0]
    model = KANRegressor(interaction_cst="auto", **QUICK | {"max_iter": 2})
    space = {"alpha": FloatDistribution(0.1, 10.0)}
    search = KANSearchCV(model, space=space, n_trials=2, cv=2, random_state=0).fit(X, y)
    assert search.best_estimator_.terms_[:3] == [(0,), (1,), (2,)]


def test_weights_count_as_repeated_rows():
    model = KANRegressor(interaction_cst="auto", n_members=2, max_iter=2, random_state=0)
    check_sample_weight_equivalence_on_dense_data("KANRegressor", model)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"interaction_cst": {"pairs": -1}}, r"interaction_cst=\{'pairs': -1\} is not usable\. Pass \{'pairs': 10\}"),
        ({"interaction_cst": {"pair": 3}}, r"interaction_cst=\{'pair': 3\} is not usable"),
        ({"interaction_cst": "auto", "hidden_layer_sizes": ()}, r"hidden_layer_sizes=\(\) has no units for the pairs"),
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_refused(params, message):
    with pytest.raises(ValueError, match=message):
        KANRegressor(**params).fit(table(60), table(60)[:, 0])


def test_what_is_no_sum_has_no_terms():
    X, y = table(60, 3), table(60)[:, 0]
    assert not hasattr(KANRegressor(**QUICK).fit(X, y), "terms_")
    assert not hasattr(KANRegressor(interaction_cst=[{0, 1, 2}], **QUICK).fit(X, y), "terms_")
    with pytest.raises(AttributeError) as refusal:
        KANRegressor(interaction_cst="auto").partial_fit(X, y)
    assert "partial_fit holds no rows out" in str(refusal.value.__cause__)


@pytest.mark.parametrize("constraint", ["auto", "no_interactions", {"pairs": 1}])
def test_a_single_column_is_a_term(constraint):
    X = table(100, 1)
    model = KANRegressor(interaction_cst=constraint, **QUICK).fit(X, np.sin(2 * X[:, 0]))
    assert model.terms_ == [(0,)]
    np.testing.assert_allclose(term_values(model, X)[:, 0, 0] + model.intercept_, model.predict(X), atol=1e-10)
