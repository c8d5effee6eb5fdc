"""Columns replaced by combinations of two."""

from itertools import permutations

import numpy as np

OPERATIONS = (
    (np.subtract, lambda a, b: a - b), (np.add, lambda a, b: a + b),
    (np.multiply, lambda a, b: a * b), (np.divide, lambda a, b: a / b),
    (np.power, lambda a, b: a**b), (lambda a, b: (1 + a) ** b, lambda a, b: (1 + a) ** b),
    (lambda a, b: a**2 + b**2, lambda a, b: a**2 + b**2), (lambda a, b: a**2 - b**2, lambda a, b: a**2 - b**2),
)  # fmt: skip


def recombined(X, columns):
    """Tables in which one column is its difference from, sum, product, power and so on with another one."""
    for i, j in permutations(range(X.shape[1]), 2):
        for numeric, symbolic in OPERATIONS:
            with np.errstate(all="ignore"):
                z = numeric(X[:, i], X[:, j])
            if np.isfinite(z).all() and np.ptp(z) > 0:
                others, expressions = X.copy(), list(columns)
                others[:, i], expressions[i] = z, symbolic(columns[i], columns[j])
                yield others, expressions
