"""Sums of functions behind a function of the target that is not known either: ``u(y) = sum_i f_i(x_i)``.

Alternating conditional expectations (Breiman & Friedman, 1985) in closed form: with splines for u as for all f_i, the
share of u's variance that the sum leaves is a ratio of quadratic forms, which is least at an eigenvector.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, eigh

RIDGE = 1e-9  # of a row
LEAST_RISING = 0.99  # share of neighbours along the target that u has in the same order
LARGEST_LEFT = 0.1  # share of u's variance that a sum may leave
FINE, N_POINTS = 1001, 66  # points of the function; about so many of them are enough to read it


class Link(NamedTuple):
    """The inverse of u at some points.

    Parameters
    ----------
    sums, values : ndarray of shape (n_points,)
        Both rising along the points.
    """

    sums: np.ndarray
    values: np.ndarray

    def __call__(self, sums):
        return np.interp(sums, self.sums, self.values)

    def some(self):
        """Fewer points."""
        return self.sums[:: FINE // N_POINTS], self.values[:: FINE // N_POINTS]


class Monotone(NamedTuple):
    """Coefficients of the columns' splines, the sums at rows, and from sums to the target."""

    coef: np.ndarray
    sums: np.ndarray
    link: Link


def fit_monotone(splines, outer, y, weight):
    """The sum, and the increasing function of the target that is most like it; None if the likest one turns around.

    Parameters
    ----------
    splines : Splines
        Of the columns.
    outer : Splines
        Of the target as a single column.
    y, weight : ndarray of shape (n_samples,)
    """
    n_samples, n_columns, n_basis = splines.values.shape
    share = weight / weight.sum()
    root = np.sqrt(share)[:, None]
    F, U = splines.values.reshape(n_samples, -1), outer.values[:, 0]
    A, B = (F - share @ F) * root, (U - share @ U) * root
    H, S = A.T @ A, B.T @ B
    for matrix in (H, S):
        matrix[np.diag_indices_from(matrix)] += RIDGE
    try:
        projection = np.linalg.solve(H, A.T @ B)
        left, vectors = eigh(S - B.T @ A @ projection, S, subset_by_index=[0, 0])
    except (LinAlgError, ValueError):
        return None
    chosen = vectors[:, 0]
    points = outer.points(FINE)
    u, coef = outer.at(points)[:, 0] @ chosen, projection @ chosen
    sign = np.sign(u[-1] - u[0])
    rising = sign * np.diff(U[np.argsort(y)] @ chosen) >= 0
    if left[0] > LARGEST_LEFT or rising.mean() < LEAST_RISING:
        return None
    level = share @ U @ chosen - share @ F @ coef  # the sum has the target's mean
    sums = np.maximum.accumulate(sign * (u - level))
    return Monotone(sign * coef.reshape(n_columns, n_basis), sign * F @ coef, Link(sums, points[:, 0]))
