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
N_ROWS, COARSE_BASIS, N_FINE = 500, 7, 2  # rows and splines of a column that show blocks; of which the best are fitted
MOST_BASIS, FEWEST_BASIS = 12, 5
ROWS_FOR_EACH = 4  # coefficient


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


def splits(X, y, weight, judge, is_over=lambda: False):
    """Sums of blocks of which some are pairs, the best first.

    Few rows and coarse splines show which blocks there are; the best of them are fitted to all rows.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_columns)
    y, weight : ndarray of shape (n_samples,)
    judge : callable
        ``(predictions, rows)``, to an error in the original target's units.
    is_over : callable
        Whether to take what has been found.
    """
    n_columns = X.shape[1]
    wanted = [blocks for blocks in partitions(tuple(range(n_columns))) if 1 < len(blocks) < n_columns]
    outers = [outer for outer in OUTERS if mapped(outer, y) is not None]
    part = slice(0, N_ROWS)
    coarse: list = []
    for is_log in scales(X):
        splines: dict = {}  # by their number
        for blocks, outer in product(wanted, outers):
            if is_over():
                return []
            coarse.append((fitted(X, y, weight, judge, part, is_log, blocks, outer, COARSE_BASIS, splines), is_log))
    coarse = sorted([pair for pair in coarse if pair[0] is not None], key=lambda pair: pair[0].error)
    fine = [fitted(X, y, weight, judge, slice(None), is_log, split.blocks, split.outer, MOST_BASIS, {})
            for split, is_log in coarse[:N_FINE]]  # fmt: skip
    return sorted([split for split in fine if split is not None], key=lambda split: split.error)


def fitted(X, y, weight, judge, part, is_log, blocks, outer, most_basis, splines):
    """A sum of given blocks; None if there are too few rows, or no solution."""
    X, target = X[part], mapped(outer, y[part])
    n_samples, n_pairs = len(X), sum(len(block) == 2 for block in blocks)
    n_basis = min(most_basis, int(np.sqrt(n_samples / ROWS_FOR_EACH / n_pairs)))
    if n_basis < FEWEST_BASIS or target is None:
        return None
    if n_basis not in splines:
        splines[n_basis] = Splines(X, n_basis - 2, is_log).values
    S = splines[n_basis]
    parts = [S[:, b[0]] if len(b) == 1 else np.einsum("ni,nj->nij", *(S[:, j] for j in b)).reshape(n_samples, -1)
             for b in blocks]  # fmt: skip
    A = np.concatenate(parts, 1)
    w = weight[part] * target.weight
    share = w / w.sum()
    H = (A * share[:, None]).T @ A
    H[np.diag_indices_from(H)] += RIDGE
    try:
        coef = solve(H, A.T @ (share * target.values), assume_a="pos")
    except LinAlgError:
        return None
    error = judge(target.inverse(A @ coef), part) / max(0.2, 1 - A.shape[1] / n_samples)
    ends = np.cumsum([own.shape[1] for own in parts])[:-1]
    values = [own @ c for own, c in zip(parts, np.split(coef, ends), strict=True)]
    return Split(error, outer, blocks, np.stack([v - share @ v for v in values])) if np.isfinite(error) else None
