"""The end of a fit: the front, when there is time for all of it and when there is none."""

import numpy as np
import pytest
import sympy as sp

from sklearn_kan.symbolic._conclusion import checked, conclude, entry
from sklearn_kan.symbolic._expressions import Table, error_of, information
from sklearn_kan.symbolic._nodes import Candidate
from sklearn_kan.symbolic._rows import scaling_of

A, B = sp.symbols("a b", positive=True)


@pytest.mark.parametrize("seconds", [None, 0.0])
def test_the_front_has_simpler_formulas_also_when_time_is_over(seconds):
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 3, (120, 2))
    y = 2.7 * X[:, 0] * X[:, 1] + 1.37 + 0.1 * rng.standard_normal(120)
    table = Table((A, B), X, y, np.ones(120), float(y.std()))
    formulas = [sp.Float(y.mean()), sp.Float(5.0) * A, sp.Float(2.7) * A * B + sp.Float(1.37)]
    candidates = [Candidate(f, error_of(f, table), information(error_of(f, table), table, f), ()) for f in formulas]
    best, front = conclude(candidates, table, scaling_of(table), 0, seconds)
    np.testing.assert_allclose(float(best.formula.subs({A: 2, B: 3})), 2.7 * 6 + 1.37, rtol=0.02)
    assert len(front) == 3
    assert front[-1] is best
    assert [entry.held_out for entry in front] == sorted([entry.held_out for entry in front], reverse=True)


def test_a_long_formula_that_is_only_near_a_law_is_not_exact():
    x = sp.Symbol("x", positive=True)
    X = np.random.default_rng(0).uniform(0, 1, (400, 1))
    y = np.exp(X[:, 0])
    table = Table((x,), X, y, np.ones(400), float(y.std()))
    coef = np.polynomial.Polynomial.fit(X[:, 0], y, 7).convert().coef
    near = sum(sp.Float(c, 17) * x**power for power, c in enumerate(coef))
    found = [checked(entry(formula, error_of(formula, table), table, (), 0), table, 2e-16, 0, False).is_exact
             for formula in (near, sp.exp(x))]  # fmt: skip
    assert 1e-11 < error_of(near, table) < 1e-8
    assert found == [False, True]
