"""Sums of products of functions, and of compositions of one column, against the functions that rows were made of."""

import numpy as np
import pytest
import sympy as sp

from sklearn_kan.symbolic._curves import fit_curve
from sklearn_kan.symbolic._dictionary import make_problem, make_terms, sparse_sums
from sklearn_kan.symbolic._expressions import Table, error_of, evaluate, refit
from sklearn_kan.symbolic._library import T, make_library
from sklearn_kan.symbolic._nodes import judge_of, root_of
from sklearn_kan.symbolic._supports import exchanged

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
        ("(a - 1)/log(a)", [(0.1, 0.8)]),
        ("a*b**3 - 2*a**3*b + a**4 + 3*b - a", [(-2, 2), (-2, 2)]),
        ("1/(1 + a**2 - 2*a*cos(b))", [(0.4, 0.8), (0, 6)]),
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


def test_terms_that_are_much_alike_are_exchanged_for_the_right_ones():
    a, b = np.random.default_rng(0).uniform([1.3, 4], [1.9, 9], (300, 2)).T
    terms = make_terms(np.stack([a, b], 1))
    problem = make_problem(terms, (a - 1) ** 2 / (a * b) + 0.3 * b, np.ones(300), implicit=False)
    wrong = tuple(terms.numbers.index(pair) for pair in ((3, 2), (4, 2), (0, 2), (0, 1)))  # a**2 / b, 1 / (a**2 * b)
    found = exchanged(problem, wrong, lambda: False)
    assert {terms.numbers[j] for j in found} == {(1, 2), (0, 2), (2, 2), (0, 1)}
    assert exchanged(problem, wrong, lambda: True) == wrong


def test_constants_are_the_best_so_far_once_it_is_late():
    a = np.linspace(1, 2, 50)
    table = Table(NAMES[:1], a[:, None], np.exp(2 * a), np.ones(50), float(np.exp(2 * a).std()))
    formula = sp.Float(1.5) * sp.exp(sp.Float(1.8) * NAMES[0])
    errors = []
    for n_calls in range(0, 30, 2):
        calls = iter(range(100))
        errors.append(refit(formula, table, is_late=lambda calls=calls, most=n_calls: next(calls) >= most).error)
    assert errors[0] == pytest.approx(error_of(formula, table))
    assert (np.diff(errors) <= 0).all()
    assert any(refit(formula, table).error < error < errors[0] for error in errors)
