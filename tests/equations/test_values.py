"""What a residual sees: values and derivatives of the solution, through functions of torch and NumPy."""

import numpy as np
import pytest
import torch

from sklearn_kan.equations._values import linearise

X = np.random.default_rng(0).uniform(1, 2, (6, 2))
VALUES = {(): X[:, 0], (0,): X[:, 1], (0, 0): X[:, 0] ** 2, (0, 1): X[:, 1] - 3}


def test_coefficients_are_partial_derivatives_by_hand():
    found = linearise(lambda x, u: x[:, 0] * u[0, 0] + u**3 * u[0] + torch.exp(u[1, 0]), X, VALUES.__getitem__)
    u, ux, uxx, uxy = VALUES[()], VALUES[(0,)], VALUES[(0, 0)], VALUES[(0, 1)]
    np.testing.assert_allclose(found.residual, X[:, 0] * uxx + u**3 * ux + np.exp(uxy))
    expected = {(): 3 * u**2 * ux, (0, 0): X[:, 0], (0,): u**3, (0, 1): np.exp(uxy)}
    assert found.coefficients.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_allclose(found.coefficients[key], values)


@pytest.mark.parametrize("residual", [
    lambda x, u: u[0] - np.sin(x[:, 0]) * u,
    lambda x, u: u[0] - torch.sin(x[:, 0]) * u,
    lambda x, u: u[0] - np.sin(np.asarray(x)[:, 0]) * u,
    lambda x, u: -(np.asarray(np.sin(X[:, 0])) * u - u[0]),
])  # fmt: skip
def test_sources_may_be_written_with_either_library(residual):
    found = linearise(residual, X, VALUES.__getitem__)
    np.testing.assert_allclose(found.residual, X[:, 1] - np.sin(X[:, 0]) * X[:, 0])
    np.testing.assert_allclose(found.coefficients[()], -np.sin(X[:, 0]))


@pytest.mark.parametrize("function", ["sin", "cos", "exp", "tanh", "sqrt", "log", "square", "abs"])
def test_numpy_functions_of_the_solution_are_differentiated(function):
    found = linearise(lambda x, u: getattr(np, function)(u), X, VALUES.__getitem__)
    u, step = VALUES[()], 1e-6
    slope = (getattr(np, function)(u + step) - getattr(np, function)(u - step)) / (2 * step)
    np.testing.assert_allclose(found.coefficients[()], slope, rtol=1e-6)


def test_indices_that_are_no_derivatives_are_refused():
    for index in (2, (0, 0, 0, 0, 0), slice(3), -1):
        with pytest.raises(IndexError, match="not a derivative"):
            linearise(lambda x, u, index=index: u[index], X, VALUES.__getitem__)


def test_a_residual_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="one number for each point"):
        linearise(lambda x, u: u + np.ones((6, 1)), X, VALUES.__getitem__)


@pytest.mark.parametrize(("residual", "message"), [
    (lambda x, u: (u[0], u[0, 0]), "system of equations is not supported"),
    (lambda x, u: torch.stack([u[0], u[0, 0]], 1), "systems of equations are not supported"),
    (lambda x, u: None, "type NoneType"),
    (lambda x, u: u[0] + 1j * u, "complex numbers"),
    (lambda x, u, speed: u[1] + speed * u[0], "parameters does not have it"),
])  # fmt: skip
def test_residuals_that_are_no_equation_are_refused(residual, message):
    with pytest.raises(ValueError, match=message):
        linearise(residual, X, VALUES.__getitem__)


@pytest.mark.parametrize("function", [lambda x, u: np.where(u > 0, u, -u), lambda x, u: np.gradient(u)])
def test_functions_that_cannot_be_differentiated_name_the_remedy(function):
    with pytest.raises(TypeError, match=r"such as torch\.where"):
        linearise(function, X, VALUES.__getitem__)
