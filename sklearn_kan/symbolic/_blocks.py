"""Sums and products of functions of one or two columns each, ``u(y) = F(x_i, x_j) + G(x_k, x_l) + ...``.

All ways to put the columns into such blocks are fitted with tensor products of splines, which is least squares.
"""

from itertools import product
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, solve

from ._monotone import RIDGE
from ._outer import mapped
from ._scales import scales
from ._structures import Splines

OUTERS = ("id", "log", "inv", "sq")
MOST_BASIS, ROWS_FOR_EACH = 12, 4  # of a column in a pair; rows for each coefficient
FEWEST_BASIS = 5


class Split(NamedTuple):
    """A sum of blocks.

    Parameters
    ----------
    error : float
        Of the original target, corrected for the number of coefficients.
    outer : str
    blocks : tuple of tuple of int
    values : ndarray of shape (n_blocks, n_samples)
        Each with mean zero.
    """

    error: float
    outer: str
    blocks: tuple
    values: Any


def partitions(places):
    """All ways to put places into blocks of one or two."""
    if not places:
        yield ()
        return
    first, rest = places[0], places[1:]
    for blocks in partitions(rest):
        yield ((first,), *blocks)
    for other in rest:
        for blocks in partitions(tuple(place for place in rest if place != other)):
            yield ((first, other), *blocks)


def splits(X, y, weight, judge):
    """Sums of blocks of which some are pairs, the best first.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_columns)
    y, weight : ndarray of shape (n_samples,)
    judge : callable
        From predictions of `y` to an error in the original target's units.
    """
    n_samples, n_columns = X.shape
    n_basis = min(MOST_BASIS, int(np.sqrt(n_samples / ROWS_FOR_EACH / (n_columns // 2))))
    if n_basis < FEWEST_BASIS:
        return []
    wanted = [blocks for blocks in partitions(tuple(range(n_columns))) if 1 < len(blocks) < n_columns]
    targets = [(outer, target) for outer in OUTERS if (target := mapped(outer, y)) is not None]
    found = []
    for S, blocks in product([Splines(X, n_basis - 2, is_log).values for is_log in scales(X)], wanted):
        parts = [S[:, b[0]] if len(b) == 1 else np.einsum("ni,nj->nij", *(S[:, j] for j in b)).reshape(n_samples, -1)
                 for b in blocks]  # fmt: skip
        ends = np.cumsum([part.shape[1] for part in parts])[:-1]
        A = np.concatenate(parts, 1)
        correction = 1 / max(0.2, 1 - A.shape[1] / n_samples)
        for outer, target in targets:
            w = weight * target.weight
            share = w / w.sum()
            H = (A * share[:, None]).T @ A
            H[np.diag_indices_from(H)] += RIDGE
            try:
                coef = solve(H, A.T @ (share * target.values), assume_a="pos")
            except LinAlgError:
                continue
            error = correction * judge(target.inverse(A @ coef))
            if np.isfinite(error):
                values = [part @ own for part, own in zip(parts, np.split(coef, ends), strict=True)]
                found.append(Split(error, outer, blocks, np.stack([v - share @ v for v in values])))
    return sorted(found, key=lambda split: split.error)
