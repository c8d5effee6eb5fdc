"""Formulas that every other has to beat."""

import numpy as np
import sympy as sp

from ._expressions import number
from ._outer import applies

FEW_COLUMNS, SIZES = 8, (1, 2, 4, 8, 12)  # of a plane that is offered whole; of shorter ones


def first_guesses(table):
    """A constant, a plane, and a product of powers: what every other formula has to beat."""
    root = np.sqrt(table.weight)
    yield number(np.average(table.y, weights=table.weight))
    A = np.column_stack([np.ones(len(table.y)), table.X])
    coef, *_ = np.linalg.lstsq(A * root[:, None], table.y * root, rcond=None)
    yield sp.Add(number(coef[0]), *[number(c) * s for c, s in zip(coef[1:], table.symbols, strict=True)])
    if table.X.shape[1] > FEW_COLUMNS:
        yield from short_planes(A * root[:, None], table.y * root, table.symbols)
    if (table.X > 0).all() and applies("log", table.y):
        sign = 1 if table.y[0] > 0 else -1
        logs = np.column_stack([np.ones(len(table.y)), np.log(table.X)])
        coef, *_ = np.linalg.lstsq(logs * root[:, None], np.log(sign * table.y) * root, rcond=None)
        powers = [s ** number(c) for c, s in zip(coef[1:], table.symbols, strict=True)]
        yield number(sign * np.exp(np.clip(coef[0], -60, 60))) * sp.Mul(*powers)


def short_planes(A, y, symbols):
    """Planes of some columns, chosen one after the other by how much they explain of what is left."""
    centred = A - np.outer(A[:, 0], A[:, 0] @ A) / (A[:, 0] @ A[:, 0])
    lengths = np.linalg.norm(centred, axis=0) + 1e-9 * np.linalg.norm(A, axis=0) + 1e-300
    chosen, left = [0], y - A[:, 0] * (A[:, 0] @ y) / (A[:, 0] @ A[:, 0])
    while len(chosen) <= max(SIZES) and len(chosen) < A.shape[1]:
        gains = np.abs(left @ centred) / lengths
        gains[chosen] = -1.0
        chosen.append(int(gains.argmax()))
        coef, *_ = np.linalg.lstsq(A[:, chosen], y, rcond=None)
        left = y - A[:, chosen] @ coef
        if len(chosen) - 1 in SIZES:
            terms = zip(coef[1:], chosen[1:], strict=True)
            yield sp.Add(number(coef[0]), *[number(c) * symbols[j - 1] for c, j in terms])
