"""How much of a network's prediction depends on each column, and on each pair of them.

With x' a row of the same table, drawn apart from x, and a set u of columns, ``f(x'_u, x)`` is the prediction for x with
the columns u of x'. The total effect of a column is ``E[(f(x) - f(x'_j, x))**2] / 2`` (Jansen 1999); that of a pair
``E[(f(x) - f(x'_j, x) - f(x'_k, x) + f(x'_jk, x))**2] / 4``, the variance of all interactions with both (Liu & Owen
2006).
"""

from itertools import combinations

import numpy as np

from ._response import swapped

MOST_PARTNERS = 4  # of each row
CALLS = 20_000  # of the network, about
LEAST_ROWS = 100


def total_effects(response, encoded):
    """Mean squared change of the prediction when a column is taken from another row.

    Parameters
    ----------
    response : Response
    encoded : ndarray of shape (n_samples, n_inputs)

    Returns
    -------
    effects : ndarray of shape (n_columns, n_outputs)
        Half of it: without interactions, and for independent columns, the variance of the column's effect.
    """
    owner = response.model.encoder.column_of_input_
    n_columns = len(response.model.encoder.kinds_)
    encoded = encoded[: max(LEAST_ROWS, CALLS // n_columns)]
    at_rows, total = response(encoded), np.zeros(())
    partners = partners_of(encoded, CALLS // (len(encoded) * n_columns))
    for partner in partners:
        moved = [
            np.square(response(swapped(encoded, partner, owner == column)) - at_rows).mean(0)
            for column in range(n_columns)
        ]
        total = total + np.array(moved) / (2 * len(partners))
    return total


def pair_effects(response, encoded, pairs=None):
    """Variance of the prediction's interactions that hold both columns, for pairs of columns.

    Parameters
    ----------
    response : Response
    encoded : ndarray of shape (n_samples, n_inputs)
    pairs : list of (int, int), optional
        By default all.

    Returns
    -------
    effects : dict of (int, int) to ndarray of shape (n_outputs,)
    """
    owner = response.model.encoder.column_of_input_
    pairs = list(combinations(range(len(response.model.encoder.kinds_)), 2)) if pairs is None else pairs
    at_rows, partners = response(encoded), partners_of(encoded, CALLS * 2 // (len(encoded) * max(1, len(pairs))))
    found = {pair: np.zeros(at_rows.shape[1]) for pair in pairs}
    for partner in partners:
        alone = {
            column: response(swapped(encoded, partner, owner == column))
            for column in sorted({column for pair in pairs for column in pair})
        }
        for one, other in pairs:
            both = response(swapped(encoded, partner, (owner == one) | (owner == other)))
            difference = at_rows - alone[one] - alone[other] + both
            found[one, other] = found[one, other] + np.square(difference).mean(0) / (4 * len(partners))
    return found


def partners_of(encoded, n_partners):
    """For each row another one, drawn without replacement, so many times; the same for the same table."""
    order = np.random.RandomState(0).permutation(len(encoded))
    partners = np.empty_like(order)
    tables = []
    for shift in range(1, 1 + min(max(1, n_partners), MOST_PARTNERS)):
        partners[order] = np.roll(order, shift)
        tables.append(encoded[partners])
    return tables


def shares_of_columns(response, encoded):
    """Total effects of all columns as shares that sum to one, averaged over outputs by their variances."""
    effects = total_effects(response, encoded)
    spread = response(encoded).var(0)
    by_column = (effects[:, spread > 0] / spread[spread > 0]).sum(1)
    return by_column / by_column.sum() if by_column.sum() > 0 else by_column
