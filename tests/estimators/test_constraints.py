"""Estimators that are monotone in some columns, or sums over sets of columns, by construction."""

import pickle
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.inspection import EdgeFunctionDisplay
from tests.monotone import falling, rises

mpl.use("Agg")

SMALL = {
    "hidden_layer_sizes": (6,), "n_members": 2, "n_knots": 4, "max_iter": 8, "learning_rate_init": 0.03,
    "random_state": 0,
}  # fmt: skip


def sweeps(X, column, n_rows=4, n_points=400):
    """For some rows, tables in which a column goes through and out of its range; missing values are left alone."""
    low, high = X[column].min(), X[column].max()
    places = np.sort(np.r_[np.linspace(2 * low - high, 2 * high - low, n_points), X[column].dropna(), low - 1e4, 1e4])
    for i in range(n_rows):
        yield X.iloc[[i]].loc[np.repeat(X.index[i], len(places))].assign(**{column: places.astype(X[column].dtype)})


MODELS = [
    {"solver": "adam"}, {"solver": "lbfgs", "max_iter": 3}, {"solver": "hybrid", "max_iter": 4},
    {"hidden_layer_sizes": ()}, {"hidden_layer_sizes": (4, 4), "norm": "batch"}, {"refine_knots": [7], "degree": 2},
    {"knots": "adaptive"}, {"interaction_cst": "pairwise"}, {"interaction_cst": "no_interactions", "degree": 1},
    {"basis": "truncated_power", "basis_params": {"learn_knots": True}}, {"dtype": "float32"}, {"early_stopping": True},
]  # fmt: skip


@pytest.mark.parametrize("params", MODELS, ids=str)
def test_predictions_keep_to_constraints_against_the_data(params):
    X, y = falling()
    model = KANRegressor(**{**SMALL, **params}, monotonic_cst={"a": 1, "b": -1}).fit(X, y, np.linspace(1, 2, len(y)))
    rtol = 1e-5 if params.get("dtype") == "float32" else 1e-12
    for column, direction in (("a", 1), ("b", -1)):
        for table in sweeps(X, column):
            assert rises(torch.from_numpy(direction * model.predict(table)), rtol)
    free = KANRegressor(**{**SMALL, **params}).fit(X, y)
    assert not all(rises(torch.from_numpy(free.predict(table)), rtol) for table in sweeps(X, "a"))


@pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
def test_the_probability_of_the_second_class_rises(method):
    X, y = falling()
    labels = np.where(y > 0, "yes", "no")
    model = KANClassifier(**SMALL, monotonic_cst=[1, 0, 0, 0])
    model.partial_fit(X, labels).partial_fit(X, labels)
    for table in sweeps(X, "a"):
        values = getattr(model, method)(table)
        assert rises(torch.from_numpy(values[:, 1] if values.ndim == 2 else values))
        assert (np.diff(model.predict(table) == "yes") >= 0).all()


def test_a_monotone_target_is_learned():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (300, 2))
    y = np.tanh(3 * X[:, 0]) - np.exp(X[:, 1])
    model = KANRegressor((8,), n_members=1, monotonic_cst=[1, -1], solver="lbfgs", max_iter=20, random_state=0)
    assert model.fit(X, y).score(X, y) > 0.999


@pytest.mark.parametrize(
    ("constraint", "params"),
    [
        ("no_interactions", {}), ([{"a"}, ["b", "kind"]], {}), ([(0, 3), {1}, {2}], {}),
        ([(0, 3), {1}, {2}], {"solver": "gauss_newton", "max_iter": 1, "hidden_layer_sizes": (3,)}),
        ([{"a"}, ["b", "kind"]], {"solver": "lbfgs", "basis": "rational", "max_iter": 2}),
    ],
)  # fmt: skip
def test_predictions_are_sums_over_sets(constraint, params):
    X, y = falling()
    model = KANRegressor(**{**SMALL, **params}, interaction_cst=constraint).fit(X, y)
    base, other = X.iloc[:20], X.iloc[20:40]
    names = list(X.columns)
    sets = {"no_interactions": [], (0, 3): [{"a", "kind"}]}.get(
        constraint if isinstance(constraint, str) else tuple(constraint[0]), [{"b", "kind"}]
    )
    for pair in combinations(names, 2):
        tables = [base.assign(**{name: other[name].to_numpy() for name in moved})
                  for moved in ([], pair[:1], pair[1:], pair)]  # fmt: skip
        none, one, two, both = (model.predict(table) for table in tables)
        difference = np.abs(both - one - two + none).max() / np.abs([none, one, two, both]).max()
        assert difference > 1e-4 if set(pair) in sets else difference < 1e-10


def test_sets_hold_for_missing_values_too():
    X, y = falling()
    model = KANRegressor(**SMALL, interaction_cst=[["a"], ["b", "c", "kind"]]).fit(X, y)
    row = X.dropna().iloc[[0]]
    effects = [model.predict(table.assign(a=np.nan)) - model.predict(table) for table in (row, row.assign(b=1.7))]
    np.testing.assert_allclose(*effects, rtol=1e-9)


def test_constraints_of_nothing_change_nothing():
    X, y = falling()
    plain, model = KANRegressor(**SMALL).fit(X, y), KANRegressor(**SMALL, monotonic_cst=[0, 0, 0, 0]).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))


@pytest.mark.parametrize("params", [{}, {"interaction_cst": [{"a", "kind", "b"}]}, {"refine_knots": [9]}])
def test_constrained_models_are_cloned_pickled_and_go_on(params):
    X, y = falling()
    model = KANRegressor(**SMALL, **params, monotonic_cst={"a": -1}).fit(X, y)
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    np.testing.assert_array_equal(clone(model).fit(X, y).predict(X), model.predict(X))
    loaded.set_params(warm_start=True).fit(X, y)
    assert loaded.score(X, y) > model.score(X, y)
    assert all(rises(torch.from_numpy(-loaded.predict(table))) for table in sweeps(X, "a"))


def test_inside_a_pipeline():
    X, y = falling()
    X = X[["b", "c"]].to_numpy()
    pipeline = make_pipeline(StandardScaler(), KANRegressor(**SMALL)).set_params(kanregressor__monotonic_cst=[1, 0])
    pipeline.fit(X, y)
    grid = np.column_stack([np.linspace(-5, 5, 500), np.full(500, 0.3)])
    assert rises(torch.from_numpy(pipeline.predict(grid)))


def test_a_fitted_network_keeps_its_constraints():
    X, y = falling()
    model = KANRegressor(**SMALL, monotonic_cst={"a": 1}, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"^monotonic_cst=\{'a': -1\} differs from the fitted network's \{'a': 1\}"):
        model.set_params(monotonic_cst={"a": -1}).fit(X, y)


def test_drawn_edges_are_those_that_predict():
    X, y = falling()
    params = SMALL | {"n_members": 1}
    model = KANRegressor(**params, monotonic_cst={"a": 1, "b": -1}, interaction_cst="no_interactions").fit(X, y)
    display = EdgeFunctionDisplay.from_estimator(model, ["a", "b"])
    for (_, places, curve), column, direction in zip(display.curves, "ab", (1, -1), strict=True):
        assert rises(torch.from_numpy(direction * curve))
        table = X.iloc[[2]].loc[np.repeat(X.index[2], len(places))].assign(**{column: places})
        effect = model.predict(table)
        np.testing.assert_allclose(curve[:, 0], effect - effect.mean(), atol=1e-9)
