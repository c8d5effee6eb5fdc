"""Dimensional analysis: which columns may be added, and a table in dimensionless groups (Buckingham, 1914)."""

import ast
from typing import NamedTuple

import numpy as np
import sympy as sp

from ._states import State, divided

DERIVED = {
    "N": "kg*m/s**2", "J": "kg*m**2/s**2", "W": "kg*m**2/s**3", "Pa": "kg/(m*s**2)", "Hz": "1/s", "C": "A*s",
    "V": "kg*m**2/(A*s**3)", "F": "A**2*s**4/(kg*m**2)", "ohm": "kg*m**2/(A**2*s**3)", "T": "kg/(A*s**2)",
    "Wb": "kg*m**2/(A*s**2)", "H": "kg*m**2/(A**2*s**2)", "rad": "1", "L": "m**3", "g": "kg", "eV": "kg*m**2/s**2",
}  # fmt: skip
TARGET = "target"


class Units(NamedTuple):
    """Dimensions of columns and target, exponents by base unit.

    Parameters
    ----------
    columns : dict of sympy.Symbol to dict
    target : dict or None
        None if it was not given.
    """

    columns: dict
    target: dict | None

    def of(self, expression):
        """The dimension of an expression; None if it has none, as sums of unlike terms."""
        if expression in self.columns:
            return self.columns[expression]
        if expression.is_Mul:
            parts = [self.of(factor) for factor in expression.args]
            return None if None in parts else combined([(part, 1) for part in parts])
        if expression.is_Pow and expression.exp.is_Rational:
            base = self.of(expression.base)
            return None if base is None else combined([(base, expression.exp)])
        if expression.is_Add:
            parts = [self.of(term) for term in expression.args]
            return parts[0] if all(part == parts[0] for part in parts) else None
        return {}

    def can_be_added(self, columns, i, j):
        first, second = self.of(columns[i]), self.of(columns[j])
        return first is not None and first == second


def combined(parts):
    """The dimension of a product of powers."""
    total: dict = {}
    for dimension, power in parts:
        for unit, exponent in dimension.items():
            total[unit] = total.get(unit, 0) + exponent * power
    return {unit: exponent for unit, exponent in total.items() if exponent != 0}


def read_units(units, names, symbols):
    """Check what a user says of units.

    Parameters
    ----------
    units : dict of str to str
    names : sequence of str
    symbols : sequence of sympy.Symbol

    Returns
    -------
    Units
    """
    unknown = [name for name in units if name not in (*names, TARGET)]
    if unknown:
        raise ValueError(
            f"units has {unknown}, which are no columns. Name columns of X ({', '.join(map(str, names))}), or "
            f"{TARGET!r} for y."
        )
    units = dict.fromkeys((name for name in names if "=" in name), "1") | units  # levels of categories are numbers
    missing = [name for name in names if name not in units]
    if missing:
        raise ValueError(f"units has nothing for {missing}. Pass a unit for every column, '1' for plain numbers.")
    columns = {symbol: parse(units[name], name) for name, symbol in zip(names, symbols, strict=True)}
    return Units(columns, parse(units[TARGET], TARGET) if TARGET in units else None)


def parse(text, name):
    """The dimension of a unit such as ``"kg*m/s**2"``; names that are not SI's count as base units."""
    if not isinstance(text, str):
        raise TypeError(f"units[{name!r}]={text!r} is not a text. Pass one such as 'kg*m/s**2', or '1'.")
    try:
        return of_node(ast.parse(text.replace("^", "**").strip() or "1", mode="eval").body)
    except (SyntaxError, ValueError) as error:
        raise ValueError(
            f"units[{name!r}]={text!r} is not a product of powers. Write it like 'kg*m/s**2', or '1'."
        ) from error


def of_node(node):
    """The dimension of a parsed unit."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return {}
    if isinstance(node, ast.Name):
        return parse(DERIVED[node.id], node.id) if node.id in DERIVED else {node.id: sp.Integer(1)}
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        sign = 1 if isinstance(node.op, ast.Mult) else -1
        return combined([(of_node(node.left), 1), (of_node(node.right), sign)])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        power = sp.nsimplify(ast.unparse(node.right), rational=True)
        if not power.is_Rational:
            raise ValueError("powers are numbers")
        return combined([(of_node(node.left), power)])
    raise ValueError("neither name, product nor power")


def without_dimensions(state, units):
    """The state in dimensionless groups, ``y / prod x**p = f(groups)``; None where columns cannot make up y's unit."""
    if units.target is None:
        return None
    bases = sorted({unit for dimension in [*units.columns.values(), units.target] for unit in dimension})
    dimensions = [units.columns[column] for column in state.columns]
    if not bases:
        return None
    D = sp.Matrix([[sp.Rational(d.get(unit, 0)) for d in dimensions] for unit in bases])
    goal = sp.Matrix([sp.Rational(units.target.get(unit, 0)) for unit in bases])
    try:
        solution, free = D.gauss_jordan_solve(goal)
    except ValueError:
        return None
    powers = [solution.subs(dict.fromkeys(free, 0))[j] for j in range(len(dimensions))]
    factor, term = monomial(state, powers)
    groups = [monomial(state, [q / lead(vector) for q in vector]) for vector in D.nullspace()]
    if factor is None or any(values is None for values, _ in groups):
        return None
    X = np.stack([values for values, _ in groups], 1) if groups else np.empty((len(state.y), 0))
    return divided(state, [e for _, e in groups], X, factor, term, f"in units of {term}")


def lead(vector):
    return next(q for q in vector if q != 0)


def monomial(state: State, powers):
    """Values and expression of a product of powers; no values where it has none or is zero."""
    used = [(state.X[:, j], state.columns[j], q) for j, q in enumerate(powers) if q != 0]
    expression = sp.Mul(*[column**q for _, column, q in used])
    if any((x <= 0).any() and (q != int(q) or (x == 0).any()) for x, _, q in used):
        return None, expression
    return np.prod([x ** float(q) for x, _, q in used], axis=0) * np.ones(len(state.y)), expression
