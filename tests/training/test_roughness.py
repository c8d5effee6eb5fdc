"""Roughness of edges: straight lines have none, it is an integral, and much of it makes functions straight."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sklearn_kan import KAN, KANClassifier, KANRegressor
from sklearn_kan.bases import BSpline
from sklearn_kan.knots import second_differences
from sklearn_kan.training._roughness import Roughness

DEGREES = [1, 2, 3, 5]


def knots_of(widths):
    return torch.tensor(np.cumsum([-1.0, *widths]))[None]


def line_coef(basis, slope, shift):
    """Coefficients of a straight line, by least squares."""
    x = torch.linspace(float(basis.knots[0, 0]), float(basis.knots[0, -1]), 200, dtype=torch.float64)[:, None]
    return torch.linalg.lstsq(basis(x)[:, 0], slope * x + shift).solution[:, 0]


@given(
    widths=st.lists(st.floats(0.1, 2.0), min_size=3, max_size=8), degree=st.sampled_from(DEGREES),
    slope=st.floats(-3, 3), shift=st.floats(-3, 3),
)  # fmt: skip
def test_straight_lines_are_not_rough(widths, degree, slope, shift):
    basis = BSpline(1, degree=degree, n_knots=len(widths) + 1, knots=knots_of(widths)[0]).double()
    D = second_differences(basis.knots, degree)[0]
    assert D.shape == (basis.n_basis - 2, basis.n_basis)
    assert (D @ line_coef(basis, slope, shift)).abs().max() < 1e-8


@pytest.mark.parametrize(("n_knots", "degree"), [(2, 0), (3, 0), (2, 1)])
def test_functions_too_few_to_bend_are_not_rough(n_knots, degree):
    for knots in ("uniform", "adaptive"):
        params = {"n_knots": n_knots, "degree": degree, "knots": knots, "n_members": 1, "max_iter": 2}
        params |= {"dtype": "float64", "random_state": 0}
        X = np.random.default_rng(0).integers(0, 2, (50, 2)).astype(float)
        plain, little, much = (
            KANRegressor((), **params, smoothness=strength).fit(X, X[:, 0]).predict(X) for strength in (0.0, 1.0, 1e6)
        )
        np.testing.assert_array_equal(little, much)
        np.testing.assert_allclose(plain, much, rtol=1e-12)  # the library's sums beside torch's


@pytest.mark.parametrize("degree", DEGREES)
def test_uniform_knots_have_plain_second_differences(degree):
    D = second_differences(torch.linspace(-1, 2, 7)[None], degree)[0]
    plain = np.diff(np.eye(7 + degree - 1), n=2, axis=0)
    np.testing.assert_allclose(D.numpy(), plain, atol=1e-6)


def test_roughness_approaches_the_integral_of_the_second_derivative():
    knots = torch.tensor([-1.0, *np.sort(np.random.default_rng(0).uniform(-1, 1, 498)), 1.0], dtype=torch.float64)
    basis = BSpline(1, n_knots=500, knots=knots).double()
    x = torch.linspace(-1, 1, 4000, dtype=torch.float64)[:, None]
    coef = torch.linalg.lstsq(basis(x)[:, 0], torch.sin(3 * x), driver="gelsd").solution[:, 0]
    roughness = (second_differences(basis.knots, 3)[0] @ coef).square().sum()
    spacing = 2 / 501  # nearly: the outermost sites lie a little outside
    integral = 81 * (1 - np.sin(6) / 6)  # of (9 sin 3x)**2 from -1 to 1
    assert abs(float(roughness) / spacing**3 / integral - 1) < 0.05


def test_a_step_is_implicit_and_the_penalty_its_potential():
    network = KAN(2, 1, hidden_layer_sizes=(3,), n_knots=6, n_members=2).double()
    roughness = Roughness(network.layers, 0.7)
    before = [layer.edge_weight.detach().clone().requires_grad_() for layer in network.layers]
    roughness.shrink({layer.edge_weight: 0.1 for layer in network.layers})
    after = [layer.edge_weight for layer in network.layers]
    for gradient, old, new in zip(torch.autograd.grad(roughness.penalty(), after), before, after, strict=True):
        torch.testing.assert_close(new, old - 0.1 * gradient)  # implicit: the gradient where the step ends


@pytest.mark.parametrize(("solver", "max_iter"), [("adam", 60), ("lbfgs", 15), ("hybrid", 15)])
def test_much_smoothness_leaves_straight_lines(solver, max_iter):
    X = np.random.default_rng(0).uniform(-1, 1, (200, 1))
    y = np.sin(4 * X[:, 0]) + X[:, 0]
    params = {
        "hidden_layer_sizes": (), "n_knots": 20, "solver": solver, "max_iter": max_iter, "learning_rate_init": 0.05,
        "n_members": 1, "alpha": 0.0, "random_state": 0,
    }  # fmt: skip
    rough, smooth = (KANRegressor(**params, smoothness=strength).fit(X, y) for strength in (0.0, 1e7))

    def bend(model):
        layer = model.module_.layers[0]
        return float(Roughness([layer], 2.0).penalty().detach()) ** 0.5

    assert bend(smooth) < 1e-3 * bend(rough)


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
def test_streams_and_refined_knots_are_smoothed(estimator):
    X = np.random.default_rng(0).normal(size=(80, 2))
    y = X[:, 0] > 0
    params = {"hidden_layer_sizes": (3,), "max_iter": 4, "random_state": 0}
    for fit in (lambda model: model.fit(X, y), lambda model: model.partial_fit(X, y, **classes(model))):
        plain = fit(estimator(**params, refine_knots=[9]))
        smooth = fit(estimator(**params, refine_knots=[9], smoothness=100.0))
        bends = [float(Roughness(model.module_.layers, 1.0).penalty().detach()) for model in (plain, smooth)]
        assert bends[1] < 0.9 * bends[0]


def classes(model):
    return {"classes": [False, True]} if isinstance(model, KANClassifier) else {}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"basis": "sine"}, r"^smoothness needs splines on knots that stay where they are, not basis=Sine\. Choose"),
        ({"basis": "truncated_power", "basis_params": {"learn_knots": True}}, "not basis=TruncatedPower"),
        ({"solver": "kfac"}, r"^smoothness=1\.0 .*solver='kfac'.* Choose 'adam', 'lbfgs' or 'hybrid', or set"),
        ({"monotonic_cst": [1, 0]}, r"^smoothness=1\.0 cannot be combined with monotonic_cst"),
    ],
)
def test_what_cannot_be_smoothed_is_refused(params, message):
    X = np.random.default_rng(0).normal(size=(30, 2))
    with pytest.raises(ValueError, match=message):
        KANRegressor(smoothness=1.0, **params).fit(X, X[:, 0])


def test_rows_of_fewer_knots_are_smoothed_by_those_they_have():
    few, many = torch.tensor([[0.0, 1.0, 2.0, 3.0]]), torch.tensor([[0.0, 1.0, 2.0, 3.0, torch.inf, torch.inf]])
    D = second_differences(many, 3)[0]
    torch.testing.assert_close(D[:4, :6], second_differences(few, 3)[0])
    assert not D[4:].any()
