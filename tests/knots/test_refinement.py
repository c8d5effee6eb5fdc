"""Knots that are inserted, removed and placed by themselves."""

import pickle
import re

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline
from scipy.interpolate import insert as scipy_insert

from sklearn_kan import KAN, KANClassifier, KANRegressor
from sklearn_kan.bases import BSpline, TruncatedPower
from sklearn_kan.bases._bspline import ADAPTIVE_TOLERANCE, mass_between
from sklearn_kan.data._table import Column
from sklearn_kan.knots import (
    adaptive_knots,
    insert_knots,
    insertion_matrix,
    remove_knots,
    roughness,
    split_intervals,
    stacked,
)
from tests.tables import random

all_degrees = pytest.mark.parametrize("degree", range(6))
VARIANTS = [
    ("bspline", {}),
    ("truncated_power", {}),
    ("truncated_power", {"learn_knots": True}),
    ("truncated_power", {"individual_knots": True}),
    ("truncated_power", {"individual_knots": True, "learn_knots": True}),
]


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def splines(knots, degree):
    """A basis on a table of knots that may end in inf."""
    basis = BSpline(len(knots), n_knots=knots.shape[1], degree=degree).double()
    basis.replace_knots(knots)
    return basis


@all_degrees
def test_insertion_leaves_functions_unchanged(degree):
    knots = stacked([tensor([-1.0, -0.2, 0.1, 0.15, 2.0]), tensor([0.0, 1.0, 2.0])])
    finer = stacked([tensor([-1.0, -0.99, -0.2, 0.1, 0.12, 0.15, 1.9, 2.0]), tensor([0.0, 0.5, 1.0, 1.25, 1.5, 2.0])])
    weight = random(2, knots.shape[1] + degree - 1, 3)
    inserted = insert_knots(weight, knots, finer, degree)
    x = 3 * random(500, 2, seed=1)  # outside the knots too
    before, after = splines(knots, degree).edge_functions(x, weight), splines(finer, degree).edge_functions(x, inserted)
    torch.testing.assert_close(after, before, rtol=0, atol=1e-11 * before.abs().max().item())


@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_inserting_one_inner_knot_is_scipy_s_rule(degree):
    knots = torch.linspace(0, 7, 8, dtype=torch.float64)
    t = np.arange(-degree, 8.0 + degree)
    c = random(len(knots) + degree - 1).numpy()
    _, expected, _ = scipy_insert(3.3, (t, np.append(c, np.zeros(degree + 1)), degree))
    finer = torch.cat([knots, tensor([3.3])]).sort().values
    ours = insertion_matrix(knots, finer, degree) @ torch.from_numpy(c)
    np.testing.assert_allclose(ours, expected[: len(c) + 1], rtol=0, atol=1e-12)


@all_degrees
def test_rows_of_an_insertion_sum_to_one(degree):
    matrix = insertion_matrix(tensor([0.0, 0.3, 1.0]), tensor([0.0, 0.1, 0.3, 0.31, 0.9, 1.0]), degree)
    torch.testing.assert_close(matrix.sum(1), torch.ones(5 + degree, dtype=torch.float64))


@pytest.mark.parametrize("finer", [[0.0, 0.4, 1.0], [0.0, 0.5, 1.0, 2.0], [-1.0, 0.0, 0.5, 1.0]])
def test_insertion_needs_all_old_knots(finer):
    with pytest.raises(ValueError, match="does not hold knots"):
        insertion_matrix(tensor([0.0, 0.5, 1.0]), tensor(finer), 3)


@all_degrees
def test_knots_that_were_inserted_are_removed_again(degree):
    knots = tensor([[-1.0, 0.1, 1.0], [0.0, 1.0, 2.0]])
    finer = tensor([[-1.0, -0.5, 0.1, 0.3, 1.0], [0.0, 0.25, 0.5, 1.0, 2.0]])
    weight = random(2, 2 + degree, 3)
    back, coarse = remove_knots(insert_knots(weight, knots, finer, degree), finer, degree, tol=1e-9)
    torch.testing.assert_close(coarse, knots, rtol=0, atol=0)
    torch.testing.assert_close(back, weight, rtol=0, atol=1e-8)


@pytest.mark.parametrize("tol", [1e-3, 1e-2, 1.0])
def test_removal_stays_within_its_tolerance(tol):
    knots = torch.linspace(-1, 1, 24, dtype=torch.float64)[None]
    x = torch.linspace(-1, 1, 2001, dtype=torch.float64)[:, None]
    fine = splines(knots, 3)
    target = torch.stack([torch.tanh(8 * x[:, 0]), torch.sin(3 * x[:, 0])], 1)
    weight = torch.linalg.lstsq(fine(x)[:, 0], target).solution[None]
    fewer, coarse = remove_knots(weight, knots, 3, tol)
    change = (splines(coarse, 3).edge_functions(x, fewer) - fine.edge_functions(x, weight)).abs().max()
    assert change <= tol
    assert coarse.shape[1] < 24
    assert np.isin(coarse.numpy(), knots.numpy()).all()


def test_intervals_are_split_by_score():
    knots = tensor([[0.0, 1.0, 2.0, 4.0], [0.0, 1.0, torch.inf, torch.inf]])
    score = tensor([[1.0, 0.0, 3.0], [1.0, 0.0, 0.0]])
    expected = tensor([[0.0, 1.0, 2.0, 2.5, 3.0, 4.0], [0.0, 0.25, 0.5, 0.75, 1.0, torch.inf]])
    assert torch.equal(split_intervals(knots, score, 6)[0], expected[0])
    assert torch.equal(split_intervals(knots[1:], score[1:], 5), expected[1:, :5])
    assert torch.equal(split_intervals(knots, torch.zeros(2, 3), 9), stacked([knots[0], knots[1, :2]]))


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_roughness_is_the_next_derivative(degree):
    # Of x**(p+1) / (p+1)! the derivative of order p + 1 is one, so that h**(p+1) is left.
    knots = tensor([[0.0, 0.5, 1.0, 1.5, 2.0, 2.5]])
    basis, x = splines(knots, degree), torch.linspace(0, 2.5, 4001, dtype=torch.float64)[:, None]
    target = x ** (degree + 1) / torch.arange(1, degree + 2).prod()
    weight = torch.linalg.lstsq(basis(x)[:, 0], target).solution[None]
    torch.testing.assert_close(roughness(weight, knots, degree)[0], tensor([0.5 ** (degree + 1)] * 5), rtol=0.2, atol=0)


def test_mass_is_counted_strictly_inside_intervals():
    knots, x = tensor([[0.0, 1.0, 3.0, torch.inf]]), tensor([-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0])[:, None]
    assert mass_between(knots, x)[0, :2].tolist() == [1.0, 2.0]
    assert mass_between(knots, x, torch.arange(8.0))[0, :2].tolist() == [2.0, 9.0]


@pytest.mark.parametrize(("basis", "params"), VARIANTS)
@pytest.mark.parametrize("knots", ["uniform", "quantile", tensor([-1.5, -0.5, 0.0, 0.2, 1.5])])
def test_refinement_leaves_a_network_unchanged(basis, params, knots):
    net = KAN(3, 2, hidden_layer_sizes=(4,), basis=basis, basis_params=params, n_knots=5, knots=knots).double()
    x = random(200, 3)
    net.place_knots(x)
    with torch.no_grad():
        for p in net.parameters():
            p += 0.3 * random(*p.shape, seed=p.numel())
    before = net(x).detach()
    for n_knots in (6, 9, 17):
        net.refine_knots(n_knots, x)
        assert net.n_knots == [n_knots, n_knots]
        assert net.layers[0].coef.shape[-1] == net.layers[0].basis.n_basis
        torch.testing.assert_close(net(x), before, rtol=0, atol=1e-10)
    net(x).sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_uniform_knots_stay_uniform_when_doubled():
    net = KAN(1, 1, hidden_layer_sizes=(), n_knots=5)
    net.refine_knots(9)
    torch.testing.assert_close(net.layers[0].basis.knots[0], torch.linspace(-1, 1, 9))


def test_quantile_knots_are_added_where_rows_are():
    x = torch.cat([0.01 * random(90, 1), random(10, 1, seed=1)])
    net = KAN(1, 1, hidden_layer_sizes=(), knots="quantile", n_knots=3).double()
    net.place_knots(x)
    before = mass_between(net.layers[0].basis.knots, x).max()
    net.refine_knots(30, x)
    assert mass_between(net.layers[0].basis.knots, x).max() < 0.3 * before


def test_adaptive_knots_follow_the_function():
    basis = BSpline(2, n_knots=20, knots="adaptive").double()
    x = torch.linspace(-1, 1, 2001, dtype=torch.float64)[:, None].expand(-1, 2)
    phi = basis(x)
    steep = torch.linalg.lstsq(phi[:, 0], torch.tanh(12 * x[:, :1])).solution
    straight = torch.linalg.lstsq(phi[:, 1], 2 * x[:, 1:]).solution
    weight = torch.stack([steep, straight])
    before = basis.edge_functions(x, weight)
    weight = basis.refine_knots(weight, 40)
    change = (basis.edge_functions(x, weight) - before).abs().max()
    assert change <= ADAPTIVE_TOLERANCE
    rows = [row[row.isfinite()] for row in basis.knots]
    assert len(rows[1]) == 2  # a straight line needs none inside
    assert 10 < len(rows[0]) <= 40
    assert (rows[0].abs() < 0.3).double().mean() > 0.5


FUNCTIONS = {
    "power": (lambda x: x.abs() ** 1.5, -1.0, 1.0),
    "step": (lambda x: torch.tanh(50 * x), -1.0, 1.0),
    "chirp": (lambda x: torch.sin(1 / (x + 0.1)), 0.0, 1.0),
    "plateau": (lambda x: torch.exp(-40 * (x.abs() - 0.5).clamp(min=0) ** 2), -2.0, 2.0),
}


def error_of_spline(f, knots, a, b):
    """Largest error on a dense grid, in units of the tolerance ``1e-6 (|f| + max |f|)``."""
    x = torch.linspace(a, b, 100_001, dtype=torch.float64)
    y = f(x)
    spline = torch.from_numpy(CubicSpline(knots.numpy(), f(knots).numpy())(x.numpy()))
    return ((spline - y).abs() / (1e-6 * (y.abs() + y.abs().max()))).max().item()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_placed_knots_reach_the_tolerance_with_a_third_of_uniform_ones(name):
    f, a, b = FUNCTIONS[name]
    knots = adaptive_knots(f, a, b, rtol=1e-6)
    assert knots.diff().min() > 0
    assert (knots[0].item(), knots[-1].item()) == (a, b)
    assert error_of_spline(f, knots, a, b) <= 1.0
    three_times = torch.linspace(a, b, 3 * len(knots), dtype=torch.float64)
    assert error_of_spline(f, three_times, a, b) > 1.0


def test_a_cubic_needs_no_more_than_the_first_knots():
    assert len(adaptive_knots(lambda x: x**3 - x, -1.0, 2.0)) == 6


def test_a_constant_zero_needs_no_tolerance():
    assert len(adaptive_knots(torch.zeros_like, 0.0, 1.0)) == 6


@pytest.mark.parametrize(
    ("f", "a", "b", "message"),
    [
        (torch.sin, 1.0, 1.0, "a=1.0 and b=1.0 do not bound a range."),
        (lambda x: 1 / x.clamp(min=0), -1.0, 1.0, "or a value that is not finite."),
        (lambda x: x[:2], 0.0, 1.0, "f gives shape (2,) for (6,)"),
        (lambda x: (x > 0.3).double(), 0.0, 1.0, "f seems to jump near x=0.3."),
    ],
)
def test_what_has_no_spline_is_refused(f, a, b, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        adaptive_knots(f, a, b)


SMALL = {"hidden_layer_sizes": (4,), "max_iter": 6, "n_knots": 4, "random_state": 0}


def waves():
    X = random(80, 2).numpy()
    return X, np.sin(3 * X[:, 0]) + X[:, 1]


def test_training_goes_on_with_more_knots():
    X, y = waves()
    model = KANRegressor(**{**SMALL, "max_iter": 9}, refine_knots=[7, 13]).fit(X, y)
    assert model.module_.n_knots == [13, 13]
    assert model.n_iter_ == 9
    assert KANRegressor(**SMALL, knots="adaptive").fit(X, y).module_.n_knots[0] <= 8


@pytest.mark.parametrize("knots", ["quantile", "uniform", "adaptive"])
def test_members_with_validation_rows_of_their_own_get_knots_too(knots):
    model = KANRegressor(**SMALL, n_members=3, knots=knots, refine_knots=[7], early_stopping=True).fit(*waves())
    assert model.module_.n_knots[1] == 7
    assert 4 <= model.module_.n_knots[0] <= 7


@pytest.mark.parametrize(("basis", "params"), VARIANTS)
@pytest.mark.parametrize("knots", ["quantile", "adaptive"])
def test_a_refined_model_can_be_copied(basis, params, knots):
    X, y = waves()
    shape = {"n_members": 2, "basis": basis, "basis_params": params, "knots": knots, "refine_knots": [7]}
    model = KANRegressor(**SMALL, **shape).fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    copy.set_params(warm_start=True).fit(X, y)
    assert copy.module_.n_knots == model.module_.n_knots


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
def test_knots_are_given_in_the_units_of_the_columns(estimator):
    X, y = waves()
    X[:, 1] = 100 + 10 * X[:, 1]
    knots = np.stack([np.linspace(-2, 2, 5), [80, 90, 100, 105, 130]], 1)
    y = y if estimator is KANRegressor else y > 0
    model = estimator(**SMALL, knots=knots).fit(X, y)
    encoded = model.encoder_.transform([Column("a", knots[:, 0], False), Column("b", knots[:, 1], False)])
    np.testing.assert_allclose(model.module_.layers[0].basis.knots.T, encoded, rtol=1e-6)
    assert model.module_.n_knots == [5, 4]
    same = estimator(**SMALL, knots=np.linspace(-2, 2, 5)).fit(X, y)
    assert same.module_.n_knots == [5, 4]


def test_a_table_without_numbers_is_refined():
    net = KAN(0, 1, hidden_layer_sizes=(3,), n_levels=[3], n_knots=4)
    net.refine_knots(7, torch.ones(5, 1))
    assert net(torch.ones(5, 1)).shape == (5, 1)


def test_individual_knots_need_no_names():
    assert TruncatedPower(2, knots=[0.0, 0.5, 1.0]).knots.shape == (2, 3)
    assert TruncatedPower(2, out_features=3, individual_knots=True, knots=[0.0, 0.5, 1.0]).knots.shape == (6, 3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_value_that_most_rows_have_does_not_draw_all_knots_to_it(dtype):
    x = torch.cat([torch.full((500, 1), 0.3), torch.linspace(-1, 1, 20)[:, None]]).to(dtype)
    basis = BSpline(1, n_knots=3, knots="quantile").to(dtype)
    basis.place_knots(x)
    weight = torch.ones(1, basis.n_basis, 1, dtype=dtype)
    basis.refine_knots(weight, 60, x)
    knots = basis.knots[0][basis.knots[0].isfinite()]
    assert (knots.diff() > 4e-4 * (knots[-1] - knots[0])).all()
    assert len(knots) > 10
