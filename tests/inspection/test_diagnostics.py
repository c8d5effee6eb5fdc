"""Tangent kernels and Taylor polynomials, by automatic differentiation and by their order."""

import numpy as np
import pytest
import torch

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.inspection import neural_tangent_kernel, tangent_spectrum, taylor_expansion

X = np.random.default_rng(0).normal(size=(150, 3))
Y = X[:, 0] * X[:, 1] + np.sin(X[:, 2])
SMALL = {"hidden_layer_sizes": (5,), "n_members": 2, "max_iter": 5, "random_state": 0}


def test_the_kernel_says_how_far_a_step_on_one_row_moves_another():
    model = KANRegressor(**SMALL | {"n_members": 1}).fit(X, Y)
    kernel = neural_tangent_kernel(model, X[:3], X[3:5])
    module = model.module_
    x = torch.from_numpy(model.encoder_.transform(model._columns(X[:5])))
    parameters = [p for p in module.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(module(x)[1].sum(), parameters)
    before, step = module(x).detach(), 1e-7
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter += step * gradient
    moved = (module(x) - before).detach()[3:, 0].numpy() / step
    np.testing.assert_allclose(kernel[1], moved, rtol=1e-4)


def test_the_kernel_is_positive_and_its_spectrum_complete():
    model = KANClassifier(**SMALL).fit(X, np.digitize(Y, [-1, 1]))
    kernel = neural_tangent_kernel(model, X[:12])
    np.testing.assert_allclose(kernel, kernel.T)
    np.testing.assert_allclose(kernel, neural_tangent_kernel(model, X[:12], X[:12]))
    spectrum = tangent_spectrum(model, X[:12], Y[:12])
    np.testing.assert_allclose([spectrum.eigenvalues.sum(), spectrum.shares.sum()], 1.0)
    assert (np.diff(spectrum.eigenvalues) <= 1e-12).all()
    with pytest.raises(ValueError, match="X has 12 rows and y has 3"):
        tangent_spectrum(model, X[:12], Y[:3])


@pytest.mark.parametrize(
    "parameters",
    [{}, {"loss": "poisson"}, {"n_members": 1, "hidden_layer_sizes": (3, 2)}, {"interactions": "product"}],
)
def test_the_error_of_a_polynomial_falls_with_its_order(parameters):
    model = KANRegressor(**SMALL | parameters).fit(X, np.exp(Y / 3))
    direction = np.array([[0.3, -0.5, 0.4]])
    for order, step in enumerate([1e-4, 1e-3, 1e-2, 3e-2]):
        polynomial = taylor_expansion(model, X[[7]], order)
        errors = [
            abs(polynomial(X[[7]] + t * direction) - model.predict(X[[7]] + t * direction))[0] for t in (step, step / 2)
        ]
        assert errors[0] / errors[1] == pytest.approx(2 ** (order + 1), rel=0.2)


@pytest.mark.parametrize("limits", [[0.0], [-1.0, 1.0]])
def test_polynomials_of_classes_are_of_log_odds_or_logarithms_of_probabilities(limits):
    model = KANClassifier(**SMALL).fit(X, np.digitize(Y, limits))
    expected = model.predict_log_proba(X[[7]])
    polynomial = taylor_expansion(model, X[[7]], order=1)
    np.testing.assert_allclose(polynomial(X[[7]]), expected if len(limits) > 1 else expected[:, 1] - expected[:, 0])


def test_polynomials_of_squares_have_their_coefficients():
    x = np.random.default_rng(1).uniform(-1, 1, size=(400, 2))
    model = KANRegressor((), n_members=1, max_iter=200, alpha=0.0, learning_rate_init=0.05, random_state=0)
    model.fit(x, 3 * x[:, 0] ** 2 - x[:, 1])
    polynomial = taylor_expansion(model, np.array([[0.5, 0.0]]))
    found = {tuple(e): c for e, c in zip(polynomial.exponents.tolist(), polynomial.coefficients, strict=True)}
    assert found[0, 0] == pytest.approx(0.75, abs=0.02)
    assert found[1, 0] == pytest.approx(3.0, abs=0.1)
    assert found[2, 0] == pytest.approx(3.0, abs=0.6)
    assert found[1, 1] == 0.0


def test_what_has_no_polynomial():
    model = KANRegressor(**SMALL | {"max_iter": 1}).fit(np.where(X > 2, np.nan, X), Y)
    with pytest.raises(ValueError, match="x0 has 2 rows"):
        taylor_expansion(model, X[:2])
    with pytest.raises(ValueError, match="order=9 is not usable"):
        taylor_expansion(model, X[:1], order=9)
    with pytest.raises(ValueError, match=r"x0 has missing values in \[1\]"):
        taylor_expansion(model, np.array([[0.0, np.nan, 0.0]]))
