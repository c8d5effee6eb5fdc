"""Sums that grow: against sums that are known, and against scikit-learn's models of the same terms."""

import numpy as np
import pandas as pd
import pytest
import sympy as sp
from scipy.special import expit

from sklearn_kan.symbolic import KANSymbolicRegressor
from sklearn_kan.symbolic._additive import LINKS, Factor, Problem, Sum, settled, tangent
from sklearn_kan.symbolic._budget import Budget
from sklearn_kan.symbolic._expressions import Table, error_of
from sklearn_kan.symbolic._growth import grow
from sklearn_kan.symbolic._losses import DEVIANCE, SQUARES

RNG = np.random.default_rng(0)
X = RNG.uniform(0.5, 3, (300, 4))
NOISE = RNG.normal(size=300)


def table_of(y, X=X, loss=SQUARES):
    symbols = sp.symbols(f"x0:{X.shape[1]}", positive=True)
    return Table(symbols, X, y, np.ones(len(y)), float(y.std()), loss)


@pytest.mark.parametrize(
    "law",
    [
        lambda a, b, c, d: 2 * a + 3 * np.maximum(b - 1.5, 0),
        lambda a, b, c, d: np.log(a) - 4 * b * c,
        lambda a, b, c, d: np.exp(np.sin(2 * a) + 0.5 * d),
    ],
)
def test_a_sum_with_noise_is_found_up_to_the_noise(law):
    clean = law(*X.T)
    y = clean + 0.05 * clean.std() * NOISE
    *_, last = grow(table_of(y), Budget(None, 60))
    assert last.error < 0.07
    table = table_of(y)
    assert error_of(last.formula, table) == pytest.approx(last.error, rel=1e-6)


def test_noise_has_no_terms():
    assert len([one for one in grow(table_of(NOISE), Budget(None, 100)) if one.columns]) <= 1


def test_deviances_are_those_of_a_likelihood():
    y, odds = (RNG.uniform(size=300) < 0.3).astype(float), RNG.normal(size=300)
    residuals = DEVIANCE.residuals(odds, y, 1.0)
    p = expit(odds)
    np.testing.assert_allclose(residuals**2 / 2, -np.log(np.where(y > 0, p, 1 - p)))
    step = 1e-6
    slope = (DEVIANCE.residuals(odds + step, y, 1.0) ** 2 - DEVIANCE.residuals(odds - step, y, 1.0) ** 2) / (4 * step)
    np.testing.assert_allclose(DEVIANCE.working(odds, y, 1.0).gradient, slope, atol=1e-6)


def test_tangents_are_derivatives():
    terms = ((Factor(0, "step", (1.2, 2.0)),), (Factor(1, "line"), Factor(2, "bump", (1.5, 1.0))))
    found = Sum(terms, np.array([0.3, 1.1, -0.7]), 0.0)
    J = tangent(found, X)
    assert J.shape == (300, 3 + 4)
    np.testing.assert_allclose(J[:, 2], X[:, 1] * np.exp(-((X[:, 2] - 1.5) ** 2)))
    inner = 1.1 * (1 - np.tanh(2 * (X[:, 0] - 1.2)) ** 2)
    np.testing.assert_allclose(J[:, 3], -2 * inner, atol=1e-6)
    np.testing.assert_allclose(J[:, 4], inner * (X[:, 0] - 1.2), atol=1e-6)


def test_constants_settle_where_least_squares_has_them():
    y = 2 * np.tanh(3 * (X[:, 0] - 1.6)) + X[:, 1]
    problem = Problem(X, y, np.ones(300), float(y.std()), SQUARES, LINKS["id"])
    start = Sum(((Factor(0, "step", (1.4, 2.0)),), (Factor(1, "line"),)), np.zeros(3) + 0.5, np.inf)
    found = settled(start, problem, 40)
    assert found.error < 1e-7
    np.testing.assert_allclose(np.abs(found.terms[0][0].inner), [1.6, 3.0], rtol=1e-5)


def test_wide_tables_grow_first_and_find_the_columns_that_count():
    wide = np.random.default_rng(1).normal(size=(200, 40))
    y = 3 * wide[:, 7] + 2 * wide[:, 21] * wide[:, 7] + 0.1 * NOISE[:200]
    model = KANSymbolicRegressor(max_seconds=None, max_steps=25, random_state=0).fit(wide, y)
    assert {symbol.name for symbol in model.formula_.free_symbols} == {"x7", "x21"}
    assert model.score(wide, y) > 0.99


def test_categories_and_texts_are_symbols():
    frame = pd.DataFrame({"kind": pd.Categorical(RNG.choice(["up", "down"], 120)), "x": X[:120, 0]})
    y = 2 * frame["x"] + 5 * (frame["kind"] == "up")
    model = KANSymbolicRegressor(max_seconds=None, max_steps=20, random_state=0).fit(frame, y)
    assert model.formula_ == 2 * sp.Symbol("x") + 5 * sp.Symbol("kind=up")
    np.testing.assert_allclose(model.predict(frame.astype({"kind": str})), y)
    assert "CASE WHEN \"kind\" = 'up' THEN 1.0" in model.to_sql()
    assert "kind_up" in model.to_python()
    with pytest.raises(ValueError, match="contains NaN"):
        model.predict(frame.assign(x=np.nan))
    with pytest.raises(TypeError, match="Convert it to numbers"):
        model.fit(frame.assign(x=pd.Timestamp("2020-01-01")), y)
