"""The Riesz derivative of splines, in closed form, and its matrix at their Greville points.

A spline with compact support is a sum of truncated powers, ``Σ J_r / r! (x - ξ)_+^r``, J_r the jump of its r-th
derivative at the knot ξ, and the Riemann-Liouville derivative of a truncated power is one. Away from the support these
terms cancel, and the derivative is an integral with a smooth kernel. Splines on even knots are shifts of one spline, so
all but the first and last rows and columns of the matrix are a Toeplitz matrix.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.interpolate import BSpline, PPoly
from scipy.linalg import matmul_toeplitz, toeplitz
from scipy.special import gamma

N_NODES = 12  # Gauss-Legendre nodes of a piece


def riesz_derivative(spline, order, points):
    """Riesz derivative of a spline that is zero outside its knots.

    Parameters
    ----------
    spline : BSpline
        With compact support: its value is zero at the first and last of its knots.
    order : float
        α, between 1 and 2.
    points : ndarray of shape (m,)
        No knots of a jump in the first derivative.

    Returns
    -------
    values : ndarray of shape (m,)
        ``-(D_left + D_right) / (2 cos(πα/2))``, which is the second derivative for α = 2.
    """
    pieces = PPoly.from_spline(spline)
    solid = np.diff(pieces.x) > 0
    breaks = np.append(pieces.x[:-1][solid], pieces.x[1:][solid][-1])
    coefficients = pieces.c[:, solid]
    used = np.flatnonzero(np.abs(coefficients).max(0) > 0)
    breaks, coefficients = breaks[used[0] : used[-1] + 2], coefficients[:, used[0] : used[-1] + 1]
    width = breaks[-1] - breaks[0]
    gap = np.maximum(breaks[0] - points, points - breaks[-1])
    far = gap > 0.5 * width
    values = np.empty(len(points))
    values[far] = far_away(breaks, coefficients, order, points[far])
    values[~far] = by_jumps(breaks, coefficients, order, points[~far])
    return -values / (2 * np.cos(np.pi * order / 2))


def by_jumps(breaks, coefficients, order, points):
    """Both Riemann-Liouville derivatives, as sums over knots and jumps."""
    degree = len(coefficients) - 1
    steps = np.diff(breaks)
    total = np.zeros(len(points))
    for k, knot in enumerate(breaks):
        for r in range(degree + 1):
            jump: Any = 0.0
            if k < len(steps):
                jump += coefficients[degree - r, k] * gamma(r + 1)
            if k:
                jump -= np.polyval(np.polyder(coefficients[:, k - 1], r), steps[k - 1]) if r else np.polyval(
                    coefficients[:, k - 1], steps[k - 1])  # fmt: skip
            if abs(jump) <= 1e-12 * np.abs(coefficients).max() / steps.min() ** min(r, 1) and r < degree:
                continue
            offset = points - knot
            right, left = offset > 0, offset < 0
            factor = jump / gamma(r + 1 - order)
            total[right] += factor * offset[right] ** (r - order)
            total[left] -= factor * (-1) ** r * (-offset[left]) ** (r - order)
    return total


def far_away(breaks, coefficients, order, points):
    """The same outside the support, where it is an integral over it."""
    nodes, weights = np.polynomial.legendre.leggauss(N_NODES)
    total = np.zeros(len(points))
    for k, step in enumerate(np.diff(breaks)):
        local = 0.5 * step * (nodes + 1)
        values = np.polyval(coefficients[:, k], local) * weights * 0.5 * step
        total += (np.abs(points[:, None] - breaks[k] - local) ** (-1 - order)) @ values
    return total / gamma(-order)


class RieszMatrix(NamedTuple):
    """Riesz derivatives of B-splines on [0, 1] with even pieces at their Greville points, first and last left out.

    Rows and columns near the ends are kept whole; the rest is Toeplitz.
    """

    column: np.ndarray  # first column of the Toeplitz block
    row: np.ndarray  # its first row
    top: np.ndarray  # (border, N)
    bottom: np.ndarray  # (border, N)
    left: np.ndarray  # (N - 2 border, border)
    right: np.ndarray  # (N - 2 border, border)

    @classmethod
    def of(cls, degree, n_pieces, order):
        knots, points = splines_on_unit_interval(degree, n_pieces)
        points = points[1:-1]
        N, border = len(points), degree
        at = [BSpline(knots, np.eye(N + 2)[j + 1], degree) for j in range(N)] if 4 * border >= N else None

        def spline(j):
            return at[j] if at else BSpline(knots, np.eye(1, N + 2, j + 1)[0], degree)

        edge = [*range(border), *range(N - border, N)]
        columns = {j: riesz_derivative(spline(j), order, points) for j in edge}
        middle = slice(border, N - border)
        first = riesz_derivative(spline(border), order, points)
        last = riesz_derivative(spline(N - border - 1), order, points)
        # the border's rows, on inner splines: their points are moved instead, as inner splines are shifts of the first
        step = 1 / n_pieces
        shifts = np.arange(N - 2 * border) * step
        top = np.array([riesz_derivative(spline(border), order, point - shifts) for point in points[:border]])
        bottom = np.array([riesz_derivative(spline(border), order, point - shifts) for point in points[-border:]])
        starts, ends = [columns[j] for j in edge[:border]], [columns[j] for j in edge[border:]]
        return cls(
            first[middle], last[middle][::-1],
            np.column_stack([*(c[:border] for c in starts), top, *(c[:border] for c in ends)]),
            np.column_stack([*(c[-border:] for c in starts), bottom, *(c[-border:] for c in ends)]),
            np.column_stack([c[middle] for c in starts]), np.column_stack([c[middle] for c in ends]),
        )  # fmt: skip

    def dense(self):
        """All entries, (N, N)."""
        inner = np.column_stack([self.left, toeplitz(self.column, self.row), self.right])
        return np.vstack([self.top, inner, self.bottom])

    def __matmul__(self, vector):
        """Product in O(N log N)."""
        border = len(self.top)
        inner = matmul_toeplitz((self.column, self.row), vector[border:-border])
        inner = inner + self.left @ vector[:border] + self.right @ vector[-border:]
        return np.concatenate([self.top @ vector, inner, self.bottom @ vector])


def splines_on_unit_interval(degree, n_pieces):
    """Open knots with even pieces, and the Greville points of their B-splines."""
    knots = np.concatenate([np.zeros(degree), np.linspace(0, 1, n_pieces + 1), np.ones(degree)])
    windows = np.lib.stride_tricks.sliding_window_view(knots[1:-1], degree)
    return knots, windows.mean(1)
