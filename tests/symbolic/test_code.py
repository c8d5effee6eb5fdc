"""Formulas as code and queries, run in Python and SQLite; units of their parts."""

import sqlite3

import numpy as np
import pytest
import sympy as sp

from sklearn_kan.symbolic._code import identifiers, to_python, to_sql
from sklearn_kan.symbolic._units import parse, read_units

A, B = SYMBOLS = sp.symbols("a b")
FORMULAS = [
    1 / (A + B),
    sp.sqrt(A) * B**1.5 - 3,
    sp.Abs(A - B) / 7,
    sp.Piecewise((A, sp.And(A < B, B < 2)), (B**2, sp.Or(A > 3, B > 2.5)), (sp.Integer(7), True)),
]


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_queries_and_code_compute_the_formula(formula):
    rows = np.random.default_rng(0).uniform(0.1, 4, (30, 2))
    expected = [float(formula.subs({A: a, B: b})) for a, b in rows]
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE t (a REAL, b REAL)")
    base.executemany("INSERT INTO t VALUES (?, ?)", rows.tolist())
    found = [value for (value,) in base.execute(f"SELECT {to_sql(formula, SYMBOLS)} FROM t")]
    np.testing.assert_allclose(found, expected)
    module: dict = {}
    exec(to_python(formula, SYMBOLS), module)
    np.testing.assert_allclose([module["law"](*row) for row in rows.tolist()], expected)


def test_functions_that_sql_does_not_have_are_refused():
    with pytest.raises(ValueError, match=r"SQL has no function besselj\. Use to_python"):
        to_sql(sp.besselj(0, A), SYMBOLS)


def test_names_become_different_identifiers():
    assert identifiers(["x y", "x_y", "2x", "for", "law", ""], reserved=("law",)) == [
        "x_y", "x_y_", "_2x", "_for", "_law", "_",
    ]  # fmt: skip


def test_expressions_have_the_units_that_physics_gives_them():
    units = read_units({"a": "m", "b": "s", "target": "m/s^2"}, ["a", "b"], SYMBOLS)
    assert units.of(A / B**2) == units.target == {"m": 1, "s": -2}
    assert units.of(3 * A + sp.sqrt(A**2)) == {"m": 1}
    assert units.of(A + B) is None
    assert units.of(A * (A + B)) is units.of(sp.sqrt(A + B)) is None
    assert units.can_be_added([A, 2 * A, B], 0, 1)
    assert not units.can_be_added([A, 2 * A, B], 0, 2)
    assert parse("N*m", "work") == parse("kg*m**2/s**2", "work") == parse("J", "work")


@pytest.mark.parametrize(
    ("unit", "kind"), [("m +", ValueError), ("m+s", ValueError), ("m**x", ValueError), (1, TypeError)]
)
def test_units_that_are_no_products_of_powers_are_refused(unit, kind):
    with pytest.raises(kind, match=r"units\['a'\]=.* is not a"):
        parse(unit, "a")
