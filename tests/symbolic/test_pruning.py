"""What formulas do without: terms, curves where lines would do, and curves of levels."""

import numpy as np
import sympy as sp

from sklearn_kan.symbolic._expressions import Table, evaluate
from sklearn_kan.symbolic._losses import SQUARES
from sklearn_kan.symbolic._pruning import pruned, with_straight_levels

RNG = np.random.default_rng(0)
X, U, V = SYMBOLS = sp.symbols("x u v")
LEVEL = RNG.integers(0, 3, 200)
COLUMNS = np.stack([RNG.uniform(1, 3, 200), LEVEL == 1, LEVEL == 2], 1).astype(float)


def table_of(y):
    return Table(SYMBOLS, COLUMNS, y, np.ones(len(y)), float(y.std()), SQUARES)


def test_what_depends_on_levels_alone_is_a_weighted_sum():
    formula = X * sp.log(2.0 + U) + (1.5 - U**3) * (sp.cos(V) + 4.0) + sp.sin(X * U) + 3 * V
    before = evaluate(formula, SYMBOLS, COLUMNS)
    found = with_straight_levels(formula, table_of(before))
    np.testing.assert_allclose(evaluate(found, SYMBOLS, COLUMNS), before, rtol=1e-12)
    assert found.atoms(sp.Function) == {sp.sin(X * U)}
    assert not found.has(U * V)
    assert with_straight_levels(U + 2 * V + X, table_of(before)) == U + 2 * V + X


def test_two_levels_that_rows_have_together_keep_their_product():
    both = COLUMNS.copy()
    both[::7, 1:] = 1.0
    table = table_of(both[:, 0])._replace(X=both)
    assert with_straight_levels(U * V, table) == U * V


def test_a_curve_that_is_as_good_as_a_line_becomes_one():
    y = COLUMNS[:, 0] * np.sin(2 * COLUMNS[:, 0]) + 0.05 * RNG.normal(size=200)
    bent = sp.sin(2.0 * X) * sp.acos(0.18 * sp.exp(X) - 0.57 * X**2 + 0.57)
    fit = pruned(bent, table_of(y))
    assert fit.formula.atoms(sp.Function) == {next(iter(fit.formula.atoms(sp.sin)))}
    assert fit.error < 1.05 * 0.05 / y.std()


def test_a_curve_stays_where_a_line_is_not_as_good():
    y = np.exp(COLUMNS[:, 0]) + 0.01 * RNG.normal(size=200)
    assert pruned(sp.exp(1.0 * X), table_of(y)).formula.has(sp.exp)
