"""Functions of one number as polynomials on intervals, found by asking the function for values."""

from typing import NamedTuple

import numpy as np

DEGREE = 5
MOST_PIECES = 4_000
LEAST_WIDTH = 1e-9


class Curve(NamedTuple):
    """Polynomials between places.

    Parameters
    ----------
    ends : list of float
        Between two pieces; one fewer than there are pieces.
    centers : list of float
        Of the pieces: polynomials are in the distance from there.
    coefficients : list of ndarray of shape (n_powers, n_outputs)
        The constant first; powers that a piece has no use for are left out.
    """

    ends: list[float]
    centers: list[float]
    coefficients: list[np.ndarray]


def pieced(function, low, high, breaks, tolerance):
    """The polynomials of a function.

    Parameters
    ----------
    function : callable
        ``(n,) -> (n, n_outputs)``; never asked at breaks themselves.
    low, high : float
    breaks : array-like
        Where the function or a derivative jumps. Others are looked for by halving intervals.
    tolerance : float

    Returns
    -------
    Curve

    Raises
    ------
    ValueError
        If more than 4,000 pieces would be needed.
    """
    inner = np.unique([place for place in np.asarray(breaks, dtype=float) if low < place < high])
    ends = np.concatenate([[low], inner[np.diff(inner, prepend=-np.inf) > LEAST_WIDTH], [high]])
    waiting, found = np.stack([ends[:-1], ends[1:]], 1), []
    nodes = np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))
    between = np.linspace(-0.97, 0.97, DEGREE + 4)
    solve = np.linalg.inv(np.vander(nodes, DEGREE + 1, increasing=True))
    check = np.vander(between, DEGREE + 1, increasing=True)
    while len(waiting):
        center, half = waiting.mean(1), np.diff(waiting, axis=1)[:, 0] / 2
        values = function((center[:, None] + half[:, None] * np.concatenate([nodes, between])).ravel())
        values = values.reshape(len(waiting), len(nodes) + len(between), -1)
        powers = np.einsum("pk,iko->ipo", solve, values[:, : len(nodes)])
        error = np.abs(np.einsum("kp,ipo->iko", check, powers) - values[:, len(nodes) :]).max((1, 2))
        is_good = (error <= tolerance) | (half < LEAST_WIDTH)
        found += [(a, b, c, h, own) for (a, b), c, h, own in zip(waiting[is_good], center[is_good], half[is_good],
                                                                powers[is_good], strict=True)]  # fmt: skip
        bad, middle = waiting[~is_good], center[~is_good]
        waiting = np.concatenate([np.stack([bad[:, 0], middle], 1), np.stack([middle, bad[:, 1]], 1)])
        if len(found) + len(waiting) > MOST_PIECES:
            raise ValueError(f"More than {MOST_PIECES} polynomials would be needed.")
    found.sort(key=lambda piece: piece[0])
    return Curve(
        [float(piece[1]) for piece in found[:-1]],
        [float(piece[2]) for piece in found],
        [scaled(piece[4], piece[3], tolerance) for piece in found],
    )


def scaled(powers, half, tolerance):
    """Coefficients in the distance from the centre, those at the end that make no difference left out."""
    rest = np.abs(powers).max(1)[::-1].cumsum()[::-1]
    n = max(1, int((rest > 1e-3 * tolerance).sum()))
    return powers[:n] / half ** np.arange(n)[:, None]
