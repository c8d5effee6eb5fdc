"""Two columns that enter through a sum whose weight is a product of powers of the other columns.

Where ``y = g(z, others)`` with ``z = x_i**(1 - b) + c M x_j**(1 + a)``, the ratio of derivatives
``(dy/dx_j) / (dy/dx_i)`` is a product of powers, ``x_i**b x_j**a M`` up to a constant, whatever g is.
"""

from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

NICE = [sp.Rational(p, q) for p, q in ((1, 1), (2, 1), (1, 2), (3, 1), (1, 3), (4, 1), (1, 4))]
LARGEST_POWER = 4
POWER_WITHIN, FACTOR_WITHIN = 0.15, 0.04
FEWEST_ROWS = 30


class Level(NamedTuple):
    """Replace two columns by ``x_i**p + factor * x_j**q * product of powers of others``."""

    first: tuple  # place and power
    second: tuple
    factor: Any
    others: tuple  # pairs of a place and a power

    def apply(self, state, context):
        columns, X = state.without(*self.places)
        parts = [self.first], [self.second, *self.others]
        with np.errstate(all="ignore"):
            values = [np.prod([state.X[:, j] ** float(p) for j, p in part], axis=0) for part in parts]
        expressions = [sp.Mul(*[state.columns[j] ** p for j, p in part]) for part in parts]
        z = values[0] + float(self.factor) * values[1]
        if not np.isfinite(z).all() or np.ptp(z) == 0:
            return []
        expression = expressions[0] + self.factor * expressions[1]
        names = ", ".join(str(state.columns[j]) for j in self.places)
        columns, X = [*columns, expression], np.column_stack([X, z])
        step = f"{names} only through {expression}"
        return [state._replace(columns=columns, X=X, steps=(*state.steps, step))]

    @property
    def places(self):
        return self.first[0], self.second[0]


def levels(X, G, is_tiny, mismatch):
    """Pairs of how well it fits, and a level, for all pairs of columns."""
    positive = (X > 0).all(0)
    with np.errstate(all="ignore"):
        logs = np.where(positive, np.log(np.abs(X)), 0.0)
    for i, j in combinations(np.flatnonzero(~is_tiny), 2):
        for one, other in ((i, j), (j, i)):
            found = level_of(logs, positive, G, int(one), int(other))
            if found is not None:
                level, ratio = found
                yield mismatch(G[:, other], ratio * G[:, one]), level
                break


def level_of(logs, positive, G, i, j):
    """A level, and its ratio of derivatives at rows; None if that is not a simple product of powers."""
    with np.errstate(all="ignore"):
        ratio = G[:, j] / G[:, i]
        sign = float(np.sign(np.median(ratio)))
        size = np.log(np.abs(ratio))
    usable = np.isfinite(size) & (np.sign(ratio) == sign)
    if sign == 0 or usable.sum() < max(FEWEST_ROWS, 0.8 * len(ratio)):
        return None
    powers = powers_of(logs[usable], size[usable], positive)
    if powers is None:
        return None
    a, b = powers[j], powers[i]
    others = tuple((int(k), p) for k, p in enumerate(powers) if p and k not in (i, j))
    if a == -1 or b == 1 or not others:  # products of powers are groups, as are sums without weights
        return None
    exponents = np.array([float(p) for p in powers])
    slope = float(np.median(np.exp(size[usable] - logs[usable] @ exponents)))
    factor = slope * float((1 - b) / (1 + a))
    nice = min(NICE, key=lambda c: abs(abs(factor) - float(c)) / float(c))
    if abs(abs(factor) - float(nice)) > FACTOR_WITHIN * float(nice):
        return None
    signed = nice * int(sign * np.sign(factor))
    return Level((i, 1 - b), (j, 1 + a), signed, others), sign * slope * np.exp(logs @ exponents)


def powers_of(logs, size, positive):
    """Halves as powers of the columns, by least squares without the worst rows; None if other numbers fit better."""
    A = np.column_stack([np.ones(len(logs)), logs[:, positive]])
    rows = np.ones(len(logs), bool)
    for _ in range(3):
        coef, *_ = np.linalg.lstsq(A[rows], size[rows], rcond=None)
        misses = np.abs(A @ coef - size)
        rows = misses <= np.quantile(misses, 0.85)
    near = np.round(2 * coef[1:]) / 2
    if np.abs(coef[1:] - near).max(initial=0) > POWER_WITHIN or np.abs(near).max(initial=0) > LARGEST_POWER:
        return None
    found = [sp.Integer(0)] * len(positive)
    for place, p in zip(np.flatnonzero(positive), near, strict=True):
        found[place] = sp.Rational(round(2 * p), 2)
    return found
