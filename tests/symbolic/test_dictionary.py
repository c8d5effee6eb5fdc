"""Sums of products of functions, and of compositions of one column, against the functions that rows were made of."""

import numpy as np
import pytest
import sympy as sp

from sklearn_kan.symbolic._curves import fit_curve
from sklearn_kan.symbolic._dictionary import sparse_sums
from sklearn_kan.symbolic._expressions import Table, evaluate
from sklearn_kan.symbolic._library import T, make_library
from sklearn_kan.symbolic._nodes import judge_of, root_of

NAMES = sp.symbols("a b c", positive=True)


def sums_of(law, ranges, is_over=lambda: False):
    """Forms that were found for a law, the best first, with the largest relative error on further rows."""
    rng, ranges = np.random.default_rng(0), np.array(ranges, float)
    symbols = NAMES[: len(ranges)]
    function = sp.lambdify(symbols, sp.sympify(law, locals=dict(zip("abc", symbols, strict=False))), "numpy")
    X, fresh = (rng.uniform(*ranges.T, (300, len(ranges))) for _ in range(2))
    y, expected = function(*X.T), function(*fresh.T)
    table = Table(symbols, X, y, np.ones(len(y)), float(y.std()))
    forms = sparse_sums(X, y, np.ones(len(y)), list(symbols), judge_of(table, root_of(table)), is_over=is_over)
    errors = [np.abs(evaluate(form, symbols, fresh) - expected).max() / np.abs(expected).max() for form in forms]
    return forms, errors


@pytest.mark.parametrize(
    ("law", "ranges"),
    [
        ("sin(a**2)*cos(a) - 1", [(0.1, 1.5)]),
        ("log(a + 1) + log(a**2 + 1)", [(0.1, 2)]),
        ("(a - 1)/log(a)", [(0.1, 0.8)]),
        ("a*b**3 - 2*a**3*b + a**4 + 3*b - a", [(-2, 2), (-2, 2)]),
        ("a**2/(1 + b**2 - 2*b*cos(c))", [(1, 2), (0.4, 0.8), (0, 6)]),
    ],
)
def test_a_sum_or_quotient_of_terms_is_found_exactly(law, ranges):
    assert sums_of(law, ranges)[1][0] < 1e-9


def test_nothing_is_looked_at_once_time_is_over():
    assert sums_of("sin(a**2)*cos(a) - 1", [(0.1, 1.5)], is_over=lambda: True)[0] == []


def test_a_curve_may_be_any_power_of_a_shifted_square():
    t = np.linspace(0.1, 3, 61)
    best = fit_curve(make_library(), t, 2 * (t**2 + 1.7) ** -1.3, tolerance=1e-5, deep=True)[0]
    assert best.error < 1e-6
    outside = evaluate(best.formula, [T], np.array([[5.0]]))
    np.testing.assert_allclose(outside, 2 * (25 + 1.7) ** -1.3, rtol=1e-4)
