"""Models that are monotone in some columns, or sums over sets of columns, by construction."""

import pickle
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_kan import KAN, KANClassifier, KANRegressor
from sklearn_kan.inspection import EdgeFunctionDisplay
from sklearn_kan.network._constrained import ConstrainedKAN, Edges

mpl.use("Agg")

SMALL = {"hidden_layer_sizes": (6,), "n_knots": 4, "max_iter": 8, "learning_rate_init": 0.03, "random_state": 0}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@torch.no_grad()
def shaken(net, seed, spread):
    """The network in float64 with random numbers added to all its parameters, in evaluation mode."""
    generator = seeded(seed)
    for p in net.double().parameters():
        p += spread * torch.randn(p.shape, generator=generator, dtype=p.dtype)
    return net.eval()


def grid_of(net, column, at_least=300):
    """Places of an input in and far out of the knots' range, each knot, and its neighbours in floating point."""
    knots = net.layers[0].basis.knots.reshape(-1, net.layers[0].in_features, net.layers[0].basis.n_knots)[:, column]
    knots = knots[knots.isfinite()].double()
    beside = [torch.nextafter(knots, torch.full_like(knots, side)) for side in (-torch.inf, torch.inf)]
    plain = torch.linspace(-4, 4, at_least, dtype=torch.float64)
    return torch.cat([plain, knots, *beside, torch.tensor([-1e6, -50.0, 50.0, 1e6], dtype=torch.float64)]).sort().values


def rises(y, rtol=1e-12):
    """Whether the columns of `y` never fall, up to the rounding of their largest value."""
    return bool((y.diff(dim=0) >= -rtol * y.abs().max()).all())


@given(
    seed=st.integers(0, 10**6), spread=st.sampled_from([0.0, 0.3, 3.0]), degree=st.integers(0, 5),
    n_knots=st.integers(2, 7), sizes=st.sampled_from([(), (1,), (5,), (4, 3)]),
    norm=st.sampled_from(["layer", "batch", "none"]), directions=st.tuples(*[st.sampled_from([-1, 0, 1])] * 3),
    groups=st.sampled_from([None, [[0, 1], [1, 2, 3]], [[0], [1], [2], [3]]]),
    basis=st.sampled_from([("bspline", None), ("truncated_power", {"individual_knots": True})]),
)  # fmt: skip
def test_networks_are_monotone_whatever_their_parameters(
    seed, spread, degree, n_knots, sizes, norm, directions, groups, basis
):
    net = ConstrainedKAN(
        3, 2, hidden_layer_sizes=sizes, n_levels=[3], degree=degree, n_knots=n_knots, norm=norm, directions=directions,
        groups=groups, output_directions=[1, -1], basis=basis[0], basis_params=basis[1], generator=seeded(seed),
    )  # fmt: skip
    net = shaken(net, seed, spread)
    rows = torch.randn(3, 4, generator=seeded(seed), dtype=torch.float64)
    rows[:, 3] = torch.arange(3)
    for column, direction in enumerate(directions):
        for row in rows if direction else []:
            x = row.repeat(len(grid := grid_of(net, column)), 1)
            x[:, column] = grid
            with torch.no_grad():
                y = net(x) * torch.tensor([1.0, -1.0]) * direction
            assert rises(y)
            assert degree == 0 or (y[-1] > y[0]).all()


def test_free_columns_may_go_up_and_down():
    net = shaken(ConstrainedKAN(2, 1, hidden_layer_sizes=(8,), directions=[1, 0], generator=seeded()), 0, 1.0)
    x = torch.zeros(300, 2, dtype=torch.float64)
    x[:, 1] = torch.linspace(-1, 1, 300)
    steps = net(x).diff(dim=0)
    assert steps.min() < -1e-3
    assert steps.max() > 1e-3


def test_free_and_constrained_columns_interact():
    net = shaken(ConstrainedKAN(2, 1, hidden_layer_sizes=(8,), directions=[1, 0], generator=seeded()), 0, 1.0)
    assert mixed_difference(net, torch.zeros(1, 2, dtype=torch.float64), 0, 1).abs() > 1e-3


def mixed_difference(f, x, i, j, step=0.7):
    """``f(x + e_i + e_j) - f(x + e_i) - f(x + e_j) + f(x)``, over the largest of these or one."""

    def moved(*columns):
        places = x.clone()
        places[:, list(columns)] += step
        with torch.no_grad():
            return f(places)

    both, one, other, none = moved(i, j), moved(i), moved(j), moved()
    largest = max(value.abs().max() for value in (both, one, other, none))
    return (both - one - other + none).abs().max() / largest.clamp(min=1.0)


SETS = [[[0, 1], [2, 3]], [[0, 1, 2], [2, 3]], [[0], [1], [2], [3]], [[0, 3], [1, 3], [2]]]


def pairs(groups):
    """Every pair of four columns, with whether a group has both."""
    return [(i, j, any({i, j} <= set(group) for group in groups)) for i, j in combinations(range(4), 2)]


def sum_over_groups(groups, sizes, norm, basis, seed):
    net = ConstrainedKAN(3, 2, hidden_layer_sizes=sizes, n_levels=[40], norm=norm, basis=basis, groups=groups,
                         generator=seeded(seed))  # fmt: skip
    return shaken(net, seed, 0.3)


def rows_with_a_level(n, seed):
    """Three numbers and a category."""
    return torch.cat([torch.randn(n, 3, generator=seeded(seed)), torch.full((n, 1), 7.0)], 1).double()


@given(
    seed=st.integers(0, 10**6), sizes=st.sampled_from([(3,), (4, 3)]), norm=st.sampled_from(["layer", "batch", "none"]),
    basis=st.sampled_from(["bspline", "rational", "sine", "fourier"]), groups=st.sampled_from(SETS),
)  # fmt: skip
@example(seed=6435, sizes=(3,), norm="none", basis="rational", groups=[[0, 1], [2, 3]])
def test_what_is_in_no_common_group_does_not_interact(seed, sizes, norm, basis, groups):
    net, x = sum_over_groups(groups, sizes, norm, basis, seed), rows_with_a_level(1, seed)
    for i, j, is_in_a_group in pairs(groups):
        assert is_in_a_group or mixed_difference(net, x, i, j, step=1.0) < 1e-10


@pytest.mark.parametrize("basis", ["bspline", "rational", "sine", "fourier"])
@pytest.mark.parametrize("groups", SETS, ids=str)
def test_what_is_in_a_common_group_interacts_somewhere(groups, basis):
    net, x = sum_over_groups(groups, (4, 3), "layer", basis, seed=0), rows_with_a_level(50, seed=0)
    for i, j, is_in_a_group in pairs(groups):
        assert not is_in_a_group or mixed_difference(net, x, i, j, step=1.0) > 1e-3


def test_one_set_of_all_columns_is_no_constraint():
    plain = KAN(3, 2, hidden_layer_sizes=(8, 8), n_levels=[3, 40], generator=seeded()).double()
    net = ConstrainedKAN(3, 2, hidden_layer_sizes=(8, 8), n_levels=[3, 40], generator=seeded()).double()
    x = torch.randn(20, 5, generator=seeded(), dtype=torch.float64)
    x[:, 3:] = torch.randint(0, 3, (20, 2), generator=seeded())
    torch.testing.assert_close(net(x), plain(x))


@given(seed=st.integers(0, 10**6), n_basis=st.integers(1, 9))
def test_monotone_coefficients_are_taken_over_as_they_are(seed, n_basis):
    direction = torch.tensor([[1.0, -1.0, 0.0]])
    coef = torch.randn(3, n_basis, 1, generator=seeded(seed), dtype=torch.float64)
    coef[0], coef[1] = coef[0].sort(dim=0).values, coef[1].sort(dim=0, descending=True).values
    edges = Edges(torch.ones(1, 3), direction)
    torch.testing.assert_close(edges(edges.right_inverse(coef)), coef)


@pytest.mark.parametrize("knots", ["uniform", "quantile", "adaptive"])
def test_refinement_keeps_function_and_constraints(knots):
    net = ConstrainedKAN(2, 1, hidden_layer_sizes=(6,), n_knots=4, knots=knots, directions=[1, -1], generator=seeded())
    x = torch.randn(200, 2, generator=seeded(), dtype=torch.float64)
    net = shaken(net, 0, 0.1)
    net.place_knots(x)
    before = net(x)
    net.refine_knots(11, x)
    assert net.n_knots[0] > 4
    assert (net(x) - before).abs().max() < (0.05 if knots == "adaptive" else 1e-9)
    grid = torch.stack([grid_of(net, 0), torch.zeros_like(grid_of(net, 0))], 1)
    assert rises(net(grid))


def falling(n=120, seed=0, dtype=np.float64):
    """A target that falls in the first column, and a table with categories and missing values."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 3)).astype(dtype), columns=["a", "b", "c"])
    y = -2 * X["a"] + np.sin(3 * X["b"]) * X["c"] + 0.1 * rng.normal(size=n)
    X.loc[rng.choice(n, 20), "a"] = np.nan
    return X.assign(kind=pd.Categorical(rng.choice(["u", "v"], n))), y.to_numpy()


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
    model = KANRegressor((16,), monotonic_cst=[1, -1], solver="lbfgs", max_iter=20, random_state=0)
    assert model.fit(X, y).score(X, y) > 0.999


@pytest.mark.parametrize(
    ("constraint", "params"),
    [
        ("no_interactions", {}), ([{"a"}, ["b", "kind"]], {}), ([(0, 3), {1}, {2}], {}),
        ([(0, 3), {1}, {2}], {"solver": "gauss_newton"}), ([{"a"}, ["b", "kind"]], {"solver": "gauss_newton"}),
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
    model = KANRegressor(**SMALL, monotonic_cst={"a": 1, "b": -1}, interaction_cst="no_interactions").fit(X, y)
    display = EdgeFunctionDisplay.from_estimator(model, ["a", "b"])
    for (_, places, curve), column, direction in zip(display.curves, "ab", (1, -1), strict=True):
        assert rises(torch.from_numpy(direction * curve))
        table = X.iloc[[2]].loc[np.repeat(X.index[2], len(places))].assign(**{column: places})
        effect = model.predict(table) / model.target_scaler_.scale_
        np.testing.assert_allclose(curve[:, 0], effect - effect.mean(), atol=1e-9)


REFUSED = [
    ({"monotonic_cst": [1, 2, 0, 0]}, r"monotonic_cst must be an array-like of -1, 0 or 1\. Observed values: \[2\]"),
    ({"monotonic_cst": [1, 0]}, r"monotonic_cst has shape \(2,\) but the input data X has 4 features"),
    ({"monotonic_cst": {"z": 1}}, r"monotonic_cst contains 1 unexpected feature names: \['z'\]"),
    ({"monotonic_cst": {"a": 3}}, r"monotonic_cst\['a'\] must be either -1, 0 or 1\. Got 3"),
    ({"monotonic_cst": {"kind": 1}}, r"Column 'kind' of X is categorical and cannot have a monotonic constraint\. Set"),
    ({"interaction_cst": [{0, 4}]}, r"interaction_cst holds 4, which is not a feature\. Pass integers from 0 to 3"),
    ({"interaction_cst": [0, 1]}, r"interaction_cst holds 0\. Pass a sequence of sets, lists or tuples"),
]  # fmt: skip


@pytest.mark.parametrize(("params", "message"), REFUSED, ids=str)
def test_what_gradient_boosting_refuses_is_refused(params, message):
    X, y = falling()
    with pytest.raises(ValueError, match=message):
        KANRegressor(**SMALL, **params).fit(X, y)
    with pytest.raises(ValueError, match=r"."):
        HistGradientBoostingRegressor(**params).fit(X, y)


def test_more_than_two_classes_have_no_monotone_probabilities():
    X, y = falling()
    labels = np.digitize(y, [-1, 1])
    with pytest.raises(ValueError, match=r"^monotonic_cst=\{'a': 1\} has constraints, and y has 3 classes.* Choose"):
        KANClassifier(**SMALL, monotonic_cst={"a": 1}).fit(X, labels)
    with pytest.raises(ValueError, match="multiclass"):
        HistGradientBoostingClassifier(monotonic_cst={"a": 1}).fit(X, labels)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"monotonic_cst": [[1, 0, 0, 0]]}, r"^monotonic_cst has shape \(1, 4\)\. Pass one of -1, 0 and 1 for each"),
        ({"interaction_cst": [["a", "z"]]}, r"^interaction_cst holds 'z', which is not a feature.*names among \['a', "),
        ({"interaction_cst": ["ab"]}, r"^interaction_cst holds 'ab'\. Pass a sequence of sets"),
        ({"interaction_cst": [[["a", "b"]]]}, r"^interaction_cst holds \['a', 'b'\], which is not a feature"),
        ({"interaction_cst": [[]]}, r"^interaction_cst holds \[\]\. Pass a sequence of sets"),
        ({"monotonic_cst": {"a": 1}, "basis": "sine"}, r"^basis='sine' cannot be held monotone.*Choose 'bspline' or"),
        ({"monotonic_cst": {"a": 1}, "basis": ["bspline", "rbf"]}, r"^basis='rbf' cannot be held monotone"),
        ({"monotonic_cst": {"a": 1}, "interactions": "product"}, r"^interactions='product' multiplies columns"),
        ({"interaction_cst": "pairwise", "interactions": "product"}, r"^interactions='product' multiplies columns"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_held_to_is_refused(params, message):
    X, y = falling()
    with pytest.raises(ValueError, match=message):
        KANRegressor(**SMALL, **params).fit(X, y)


def test_too_many_pairs_are_refused():
    X = np.random.default_rng(0).normal(size=(20, 80))
    with pytest.raises(ValueError, match=r"^interaction_cst has 3160 groups.*'no_interactions' or a single hidden"):
        KANRegressor(**SMALL, interaction_cst="pairwise").fit(X, X[:, 0])
