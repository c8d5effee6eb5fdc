"""Spline collocation: orders of convergence, and the Riesz operator against other definitions."""

from math import comb

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.interpolate import BSpline
from scipy.special import gamma

from sklearn_kan.equations import spline_collocation
from sklearn_kan.equations._riesz import RieszMatrix, riesz_derivative, splines_on_unit_interval

GRID = np.linspace(0, 1, 501)


def source(x, order, m=4):
    """Riesz derivative of ``x^m (1 - x)^m``, by expanding it at both ends."""
    terms = [
        (-1) ** k * comb(m, k) * gamma(m + k + 1) / gamma(m + k + 1 - order)
        * (x ** (m + k - order) + (1 - x) ** (m + k - order)) for k in range(m + 1)
    ]  # fmt: skip
    return -sum(terms) / (2 * np.cos(np.pi * order / 2))


def error(degree, n, order):
    solution = spline_collocation(lambda x: source(x, order), (0, 1), degree=degree, n_pieces=n, order=order)
    return np.abs(solution(GRID) - (GRID * (1 - GRID)) ** 4).max()


@pytest.mark.parametrize("order", [1.3, 1.7])
@pytest.mark.parametrize("degree", [2, 3, 4])
def test_the_riesz_operator_has_the_papers_orders(degree, order):
    expected = degree + 2 - order if degree % 2 == 0 else degree + 1 - order
    n = 60
    assert np.log2(error(degree, n, order) / error(degree, 2 * n, order)) == pytest.approx(expected, abs=0.25)


def test_many_pieces_are_solved_by_iteration_to_the_same_order():
    assert np.log2(error(2, 500, 1.5) / error(2, 1000, 1.5)) == pytest.approx(2.5, abs=0.1)


@pytest.mark.parametrize("degree", [2, 3, 5])
def test_the_matrix_is_that_of_every_spline_by_itself(degree):
    matrix = RieszMatrix.of(degree, 24, 1.4)
    knots, points = splines_on_unit_interval(degree, 24)
    size = len(points)
    columns = [riesz_derivative(BSpline(knots, np.eye(size)[j], degree), 1.4, points[1:-1]) for j in range(1, size - 1)]
    np.testing.assert_allclose(matrix.dense(), np.column_stack(columns), atol=1e-9 * np.abs(columns).max())
    vector = np.random.default_rng(0).normal(size=size - 2)
    np.testing.assert_allclose(matrix @ vector, matrix.dense() @ vector, atol=1e-9 * np.abs(columns).max())


@pytest.mark.parametrize("point", [5.5, 7.0, -0.3])
def test_outside_its_support_the_derivative_of_a_spline_is_an_integral(point):
    order, knots = 1.5, np.arange(-8.0, 14.0)
    spline = BSpline(knots, np.eye(17)[8], 4)  # on [0, 5]
    value, _ = quad(lambda y: spline(y) * abs(point - y) ** (-1 - order), 0, 5, epsabs=1e-14, points=[1, 2, 3, 4])
    expected = -value / gamma(-order) / (2 * np.cos(np.pi * order / 2))
    assert riesz_derivative(spline, order, np.array([point]))[0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("degree", "expected"), [(2, 2), (3, 2), (4, 4), (5, 4)])
def test_second_order_problems_with_coefficients(degree, expected):
    def errors(n):
        solution = spline_collocation(
            lambda x: -np.sin(x) + np.cos(x) * (1 + x) + x * np.sin(x), (0, 2), (0, np.sin(2)), degree=degree,
            n_pieces=n, coefficients=lambda x: (1.0, 1 + x, x),
        )  # fmt: skip
        return np.abs(solution(2 * GRID) - np.sin(2 * GRID)).max()

    assert np.log2(errors(20) / errors(40)) == pytest.approx(expected, abs=0.2)


@pytest.mark.parametrize(("settings", "message"), [
    ({"degree": 1}, "degree=1"), ({"n_pieces": 3}, "n_pieces=3"), ({"order": 0.5}, "order=0.5"),
    ({"order": 1.5, "boundary": (0, 1)}, "boundary"), ({"interval": (1, 0)}, "interval"),
])  # fmt: skip
def test_parameters_out_of_range_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        spline_collocation(np.sin, **{"interval": (0, 1)} | settings)
