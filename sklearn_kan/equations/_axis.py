"""Functions along one axis of a grid: of the frequencies that data show there, made orthonormal on the grid."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from scipy import linalg
from scipy.special import roots_legendre

from ._families import families
from ._pursuit import AT_ONCE, FALSE_ALARM, is_apart, lattice

RESOLVED = 1e-10  # relative misfit at which no more frequencies are looked for; `RANK` leaves out what is smaller
FULL = 0.8  # functions, of the number of points
RANK = 1e-9  # singular values below, relative to the largest, are left out: digits of derivatives are lost with them


nodes = lru_cache(8)(roots_legendre)


class AxisBasis(NamedTuple):
    """Orthonormal functions on the points of an axis."""

    points: np.ndarray  # (n,)
    family: Any
    transform: np.ndarray  # (columns, r): functions as combinations of the family's

    def __call__(self, points, order=0):
        """Values or derivatives of all functions, (m, r)."""
        return self.family.columns(points, order) @ self.transform

    def products(self):
        """Integrals of products of two functions over the axis, (r, r)."""
        places, weights = nodes(2 * len(self.points) + 20)  # no function has more waves than half its points
        half = np.ptp(self.points) / 2
        columns = self(self.points[0] + half * (places + 1))
        return (columns * (half * weights)[:, None]).T @ columns


def same_functions(one, other):
    """Whether two bases on the same points are the same."""
    return one.transform.shape == other.transform.shape and np.array_equal(one.transform, other.transform)


def axis_basis(points, data, finer=0):
    """Functions that hold the columns of data, (n, m), each of which counts by its size.

    The smoothest that do, or those that are `finer` by so many steps: data do not show all of a solution.
    """
    best, least = None, np.inf
    for family in families(points)[finer:]:
        if best is not None and family.n_columns > 0.9 * len(points):
            break
        family, misfit = pursued(points, data, family)
        if misfit < 0.5 * least:
            best, least = family, misfit
        if least < RESOLVED:
            break
    return None if best is None else orthonormal(points, best)


def orthonormal(points, family):
    """What a family spans on points, up to rounding."""
    _, s, Vt = linalg.svd(family.columns(points), full_matrices=False)
    kept = s > RANK * s[0]
    kept[int(FULL * len(points)) :] = False  # as many functions as points would oscillate between them
    return AxisBasis(points, family, Vt[kept].T / s[kept])


def pursued(points, data, family):
    """The family with the peaks that data ask for, and the relative misfit of left-out rows."""
    size = np.linalg.norm(data) or 1.0
    noise, misfit = 0.1, np.inf
    highest = np.pi * (len(points) - 1) / family.extent
    candidates = lattice(family, highest)
    table = np.exp(1j * (points - family.middle)[:, None] * candidates[:, 0])
    while True:
        rest, misfit = remainder(data / size, family.columns(points), noise)
        if misfit < RESOLVED:
            break
        is_low = noise < 1e-12
        scores = (np.abs(rest.T @ table) ** 2).sum(0) / max((rest**2).sum(), 1e-300)
        grown = with_peaks(family, candidates, scores, 0.7 if is_low else 1.6)
        if len(grown.centres) > len(family.centres) and grown.n_columns <= 0.9 * len(points):
            family = grown
        elif is_low:
            break
        else:
            noise *= 0.03
    return family, misfit


def with_peaks(family, candidates, scores, share):
    """The family with the strongest of the candidates that stand out of white noise and are not in its reach yet."""
    grown, most = family, len(family.centres) + AT_ONCE
    threshold = max(np.log(len(candidates) / FALSE_ALARM), 0.1 * scores.max())
    for k in np.argsort(scores)[::-1]:
        if scores[k] < threshold or len(grown.centres) == most:
            break
        if all(is_apart(candidates[k], centre, family, share) for centre in grown.centres):
            grown = grown.with_peak(candidates[k])
    return grown


def remainder(data, columns, noise):
    """What columns leave of data, and the root mean square of left-out rows over that of all."""
    U, s, _ = linalg.svd(columns / (np.linalg.norm(columns) / np.sqrt(len(columns))), full_matrices=False)
    kept = s**2 / (s**2 + max(noise, 1e-13) ** 2 * len(columns))
    rest = data - U @ (kept[:, None] * (U.T @ data))
    leverage = (U**2) @ kept
    left_out = rest / np.maximum(1 - leverage, 1e-3)[:, None]
    return rest, float(np.linalg.norm(left_out) / (np.linalg.norm(data) + 1e-300))
