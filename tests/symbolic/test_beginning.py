"""What a search begins with, and how it writes a law down, against the laws that rows were made of."""

import numpy as np
import pytest
import sympy as sp

from sklearn_kan.symbolic._budget import Budget
from sklearn_kan.symbolic._conclusion import simplified, with_short_decimals, without_nothings
from sklearn_kan.symbolic._curves import fit_curve
from sklearn_kan.symbolic._dictionary import plain_sums
from sklearn_kan.symbolic._expansion import without_idle
from sklearn_kan.symbolic._expressions import Table, evaluate
from sklearn_kan.symbolic._library import T, make_library
from sklearn_kan.symbolic._nodes import Node, judge_of, root_of
from sklearn_kan.symbolic._rational import bent_forms, rational_forms
from sklearn_kan.symbolic._search import Search
from sklearn_kan.symbolic._states import Power

A, B, C, D = COLUMNS = list(sp.symbols("a b c d", positive=True))


def table_of(law, ranges, n=400, noise=0.0):
    """A table of rows of a law, and further rows with the law's values."""
    ranges, rng = np.array(ranges, float), np.random.default_rng(0)
    symbols = tuple(COLUMNS[: len(ranges)])
    X, fresh = (
        rng.uniform(*ranges.T, (n, len(ranges))),
        rng.uniform(0.9 * ranges[:, 0], 1.1 * ranges[:, 1], (200, len(ranges))),
    )
    function = sp.lambdify(symbols, law, "numpy")
    y = function(*X.T) * np.ones(n)
    y = y + noise * y.std() * rng.standard_normal(n)
    return Table(symbols, X, y, np.ones(n), float(y.std())), fresh, function(*fresh.T)


@pytest.mark.parametrize(
    ("law", "ranges"),
    [
        ((A - 1) * (1 / B - 1 / C + (A - 1) * D / (A * B * C)), [(1.3, 1.9), (1, 3), (4, 9), (0.1, 1)]),
        (sp.sqrt((A + B + C) * (B + C - A) * (A - B + C) * (A + B - C)), [(3, 5)] * 3),
        (sp.exp((A - B) / (C + D)), [(1, 3)] * 4),
        (A * B / (C * (1 + A / B) + D * A), [(1, 4)] * 4),
    ],
)
def test_a_quotient_of_polynomials_behind_a_function_is_the_law(law, ranges):
    table, fresh, expected = table_of(law, ranges)
    form = next(iter(rational_forms(table.X, table.y, list(table.symbols))))
    np.testing.assert_allclose(evaluate(form, table.symbols, fresh), expected, rtol=1e-6)


def test_one_column_of_a_quotient_may_be_bent_and_one_may_have_few_values():
    table, fresh, expected = table_of(A * sp.sqrt(1 - B**2) / (1 - B * sp.cos(C)), [(1, 5), (0.1, 0.8), (0.1, 3)])
    form = next(bent_forms(table.X, table.y, list(table.symbols), lambda: False))
    np.testing.assert_allclose(evaluate(form, table.symbols, fresh), expected, rtol=1e-6)
    X = table.X.copy()
    X[:, 1] = 1 + np.round(2 * X[:, 1])  # 1, 2 and 3
    form = next(rational_forms(X, X[:, 0] ** 3 * X[:, 1] / (1 + X[:, 2]), list(table.symbols)))
    assert sp.simplify(form - A**3 * B / (1 + C)) == 0


@pytest.mark.parametrize(("law", "noise"), [(sp.sin(A * B) + C, 0.0), (A**B / C, 0.0), (A / (B + C), 1e-6)])
def test_what_is_no_quotient_of_polynomials_is_not_made_one(law, noise):
    table, *_ = table_of(law, [(1, 4)] * 3, noise=noise)
    assert not list(rational_forms(table.X, table.y, list(table.symbols)))


@pytest.mark.parametrize("law", [1 / (1 / A + B / C), A * sp.exp(B - C / A), A * sp.cos(B) + sp.log(C) - sp.sqrt(D)])
def test_a_sum_of_plain_terms_behind_a_function_is_the_law(law):
    table, fresh, expected = table_of(law, [(0.5, 4), (4, 9), (0.5, 3), (2, 5)])
    state = root_of(table)
    forms = plain_sums(state.X, state.y, state.weight, state.columns, judge_of(table, state))
    errors = [np.abs(evaluate(form, table.symbols, fresh) - expected).max() for form in forms]
    assert min(errors) < 1e-6 * np.abs(expected).max()


def test_columns_that_do_not_matter_are_left_out_before_all_else():
    table, *_ = table_of(A * sp.exp(-(B**2)) + sp.sin(2 * A), [(1, 4), (0.1, 2), (0, 1), (0, 1)])
    search = Search(table, make_library(), Budget(max_steps=50))
    lesser = without_idle(search, Node(root_of(table)))
    assert lesser.state.columns == [A, B]
    assert lesser.is_whole
    table, *_ = table_of(A * sp.exp(-(B**2)) + C * D, [(1, 4), (0.1, 2), (0.1, 1), (0.1, 1)])
    assert without_idle(Search(table, make_library(), Budget(max_steps=50)), Node(root_of(table))) is None


def test_a_search_that_was_cut_short_goes_on_where_it_was():
    table, *_ = table_of(A / (B + C) + A**2, [(1, 4)] * 3, n=120)
    search = Search(table, make_library(), Budget(max_steps=1), seed=0)
    search.run()
    assert search.is_done
    assert search.best.error > 0.1
    root = Node(root_of(table))
    root.reader = Search(table, make_library(), Budget()).fit(root.state, rows=slice(None))
    smaller = search.child(root, Power(0, 1).apply(root.state, None)[0])
    assert smaller.reader is None  # and not the network of more columns
    search.budget = Budget(max_steps=60)
    search.go_on()
    assert search.best.error < 1e-8


def test_a_curve_may_be_the_logarithm_of_what_is_left():
    t = np.linspace(1, 16, 61)
    best = fit_curve(make_library(), t, 3 * np.log(24 - t) + 1, tolerance=1e-5)[0]
    np.testing.assert_allclose(evaluate(best.formula, [T], np.array([[20.0]])), 3 * np.log(4) + 1, rtol=1e-6)


def test_a_law_is_written_without_what_does_nothing():
    formula = sp.asin(A * B + sp.Float(5e-16) * sp.Max(0, B - 2))
    table, *_ = table_of(formula, [(0.1, 0.9)] * 2, n=50)
    assert without_nothings(formula, table) == sp.asin(A * B)
    formula = sp.Abs(A - B - 3) * sp.Float(1.7) + sp.Float(2.3) * C + sp.Float(0.7) * D + sp.Float(0.2)
    table, *_ = table_of(formula, [(0.1, 0.9)] * 4, n=50)
    assert not simplified(formula, table).has(sp.Abs)
    formula = sp.Abs(A - B - 3) / C
    table, *_ = table_of(formula, [(0.1, 0.9)] * 3, n=50)
    assert not simplified(formula, table).has(sp.Abs)
    formula = sp.sqrt(A**2 + 2 * A * B + B**2) / C
    table, *_ = table_of(formula, [(0.1, 0.9)] * 3, n=50)
    assert sp.simplify(simplified(formula, table) - (A + B) / C) == 0
    formula = sp.Float(0.3965000000001) * A + sp.Float(0.123456789)
    table, *_ = table_of(formula, [(1, 2)], n=50)
    assert str(with_short_decimals(formula, table)) == "0.3965*a + 0.123456789"
