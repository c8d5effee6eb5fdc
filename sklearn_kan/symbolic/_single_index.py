"""Laws of one combination of the columns, which need no network: neighbours in the right combination are alike."""

from itertools import product

import numpy as np
import sympy as sp

EXPONENTS = (0, 1, -1, 2, -2)
WEIGHTS = (0, 1, -1)
MOST_COMBINATIONS = 400
LARGEST_RATIO = 0.05  # of neighbours' differences to those of any two rows
FEWEST_ROWS = 100


def single_indices(X, y, columns, can_be_added, n_best=2):
    """Pairs of values and an expression of combinations that tell the target, best first.

    The mean squared difference of the target between neighbours in a combination is compared with twice its variance
    (von Neumann's ratio): it is small if the target is any function of the combination alone, also one that oscillates.
    """
    if len(y) < FEWEST_ROWS or X.shape[1] < 2:
        return []
    found = []
    for values, expression in combinations(X, columns, can_be_added):
        order = np.argsort(values, kind="stable")
        ratio = np.mean(np.square(np.diff(y[order]))) / (2 * y.var())
        if ratio < LARGEST_RATIO:
            found.append((float(ratio), sp.count_ops(expression), values, expression))
    found.sort(key=lambda item: item[:2])
    return [item[2:] for item in found[:n_best]]


def combinations(X, columns, can_be_added):
    """Products of powers, and sums, of two columns or more; each up to a power or a factor."""
    n_columns = X.shape[1]
    with np.errstate(all="ignore"):
        logs = np.log(np.abs(X))
    if np.isfinite(logs).all() and (len(EXPONENTS) ** n_columns) / 2 <= MOST_COMBINATIONS:
        for powers in product(EXPONENTS, repeat=n_columns):
            if is_first(powers) and np.gcd.reduce(powers) == 1:
                sign = np.prod([np.sign(X[:, i]) for i, p in enumerate(powers) if p % 2], axis=0)
                yield sign * np.exp(logs @ powers), sp.Mul(*[c**p for c, p in zip(columns, powers, strict=True)])
    if can_be_added and (len(WEIGHTS) ** n_columns) / 2 <= MOST_COMBINATIONS:
        for weights in product(WEIGHTS, repeat=n_columns):
            if is_first(weights):
                yield X @ weights, sp.Add(*[w * c for c, w in zip(columns, weights, strict=True)])


def is_first(numbers):
    """Whether at least two are not zero, and the first of these is positive."""
    used = [number for number in numbers if number]
    return len(used) > 1 and used[0] > 0
