"""Formulas that every other has to beat."""

import numpy as np
import sympy as sp

from ._expressions import number
from ._outer import applies


def first_guesses(table):
    """A constant, a plane, and a product of powers: what every other formula has to beat."""
    root = np.sqrt(table.weight)
    yield number(np.average(table.y, weights=table.weight))
    A = np.column_stack([np.ones(len(table.y)), table.X])
    coef, *_ = np.linalg.lstsq(A * root[:, None], table.y * root, rcond=None)
    yield sp.Add(number(coef[0]), *[number(c) * s for c, s in zip(coef[1:], table.symbols, strict=True)])
    if (table.X > 0).all() and applies("log", table.y):
        sign = 1 if table.y[0] > 0 else -1
        logs = np.column_stack([np.ones(len(table.y)), np.log(table.X)])
        coef, *_ = np.linalg.lstsq(logs * root[:, None], np.log(sign * table.y) * root, rcond=None)
        powers = [s ** number(c) for c, s in zip(coef[1:], table.symbols, strict=True)]
        yield number(sign * np.exp(np.clip(coef[0], -60, 60))) * sp.Mul(*powers)
