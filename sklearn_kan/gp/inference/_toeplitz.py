"""Inference on a uniform axis, where the covariance depends on the lag alone: O(n²) with a small constant."""

import math

import numpy as np
import torch
from numpy.fft import irfft, rfft  # less overhead than SciPy's
from scipy.fft import next_fast_len
from scipy.linalg import solve_triangular

from ..._compat import levinson
from .._blocks import HELD, blocks
from ._dense import Dense, DensePosterior
from ._evidence import NotPositiveDefiniteError, finished
from ._points import LOG_TWO_PI, is_uniform
from ._solver import Posterior

COMPILED_ROWS = 1_500  # up to which a compiled recursion is faster than one over NumPy's vectors
CONSISTENT = 1e-6  # two ways to the last error of prediction, relative
RESIDUAL = 1e-11  # of a solution, relative; from which it is refined


class Toeplitz(Dense):
    """Exact inference on a uniform axis by the Levinson-Durbin recursion, O(n²) with a small constant.

    The inverse is known from its first column (Gohberg & Semencul 1972); products with it are convolutions.
    """

    name = "toeplitz"
    needs = "it needs one evenly spaced feature, without sample_weight or alpha that differ"
    averaged_rows, sketched_rows = math.inf, 1_000

    @staticmethod
    def suits(data, spectrum):
        return is_uniform(data)

    def by_lag(self, kernel):
        """Covariance by lag and its derivatives."""
        k, dk = kernel.at_lags(self.data.X[:, 0] - self.data.X[0, 0])
        k[0] += self.data.noise(kernel.noise)[0]
        return k, dk

    def solve(self, kernel):
        """Derivatives of the covariance by lag; the inverse's first column; α, Z, R and the log-determinant of C."""
        data = self.data
        n_outputs = data.y.shape[1]
        k, dk = self.by_lag(kernel)
        column, logdet = first_column(k)
        S = solution(k, column, np.concatenate([data.y, data.H], 1))
        try:
            R = np.linalg.cholesky(np.eye(data.H.shape[1]) + data.H.T @ S[:, n_outputs:])
        except np.linalg.LinAlgError as error:
            raise NotPositiveDefiniteError from error
        Z = solve_triangular(R, S[:, n_outputs:].T, lower=True).T
        alpha = S[:, :n_outputs] - Z @ (Z.T @ data.y)
        return dk, column, alpha, Z, R, logdet + 2 * np.log(np.diag(R)).sum()

    def evidence(self, kernel):
        data, (n, n_outputs) = self.data, self.data.y.shape
        try:
            dk, column, alpha, Z, _, logdet = self.solve(kernel)
        except NotPositiveDefiniteError:
            return super().evidence(kernel)
        value = -0.5 * (np.sum(data.y * alpha) + n_outputs * (logdet + n * LOG_TWO_PI))
        root = math.sqrt(n_outputs)
        sums = 0.5 * (autocorrelation(np.concatenate([alpha, root * Z], 1)) - n_outputs * inverse_sums(column))
        by_noise = sums[0] / data.weight[0]
        sums[1:] *= 2
        return finished(data, kernel, float(value), dk @ sums, by_noise, 0.0)

    def score(self, kernel, frequencies):
        try:
            _, column, alpha, Z, _, _ = self.solve(kernel)
        except NotPositiveDefiniteError:
            return super().score(kernel, frequencies)
        data, n_outputs = self.data, self.data.y.shape[1]
        sums = np.stack([autocorrelation(alpha) / n_outputs, inverse_sums(column) - autocorrelation(Z)])
        sums[:, 1:] *= 2
        waves = np.cos(math.tau * np.outer(data.X[:, 0] - data.X[0, 0], frequencies[:, 0]))
        return sums @ waves

    def posterior(self, kernel):
        try:
            return ToeplitzPosterior(self, kernel)
        except NotPositiveDefiniteError:
            return DensePosterior(self, kernel)


class ToeplitzPosterior(Posterior):
    """Predictions from the first column of the covariance's inverse, in memory O(n)."""

    def __init__(self, solver, kernel):
        self.X, self.kernel = solver.X, kernel
        self.k = solver.by_lag(kernel)[0]
        _, self.column, _, self.Z, self.R, _ = solver.solve(kernel)
        # Hᵀ α would be a difference of large numbers
        self.coef = solve_triangular(self.R.T, self.Z.T @ solver.data.y, lower=False)
        self.alpha = solution(self.k, self.column, solver.data.y - solver.data.H @ self.coef)

    def predict(self, X, H, moment=None):
        points = torch.from_numpy(np.ascontiguousarray(X)).to(self.X.device)
        mean, spread = H @ self.coef, []
        if moment == "covariance":
            cross = self.kernel(points, self.X).cpu().numpy()
            explained = cross @ solution(self.k, self.column, cross.T)
            T = self.trend_left(H, cross)
            return mean + cross @ self.alpha, self.kernel(points, points).cpu().numpy() - explained + T.T @ T
        for rows in blocks(len(X), len(self.k), HELD):
            cross = self.kernel(points[rows], self.X).cpu().numpy()
            mean[rows] += cross @ self.alpha
            if moment == "variance":
                explained = np.einsum("ij,ji->i", cross, solution(self.k, self.column, cross.T))
                more = np.square(self.trend_left(H[rows], cross)).sum(0)
                spread.append(np.maximum(self.kernel.weights.sum() - explained + more, 0))
        return mean, np.concatenate(spread) if moment == "variance" else None

    def trend_left(self, H, cross):
        """What the trend's uncertainty adds (R&W eq. 2.42), as a root."""
        return solve_triangular(self.R, H.T, lower=True) - (cross @ self.Z).T


def first_column(k):
    """First column of the inverse of a symmetric Toeplitz matrix, and the log-determinant (Levinson-Durbin)."""
    n = len(k)
    if not (math.isfinite(k.sum()) and k[0] > 0):
        raise NotPositiveDefiniteError
    if n <= COMPILED_ROWS and (compiled := compiled_column(k)) is not None:
        return compiled
    a, error = np.zeros(n), k[0]
    a[0], logdet = 1.0, math.log(k[0])
    reversed_k = k[::-1].copy()
    for m in range(1, n):
        reflection = -(a[:m] @ reversed_k[n - 1 - m : n - 1]) / error
        a[: m + 1] += reflection * a[m::-1]
        error *= 1 - reflection * reflection
        if not error > 0:
            raise NotPositiveDefiniteError
        logdet += math.log(error)
    return a / error, logdet


def compiled_column(k):
    """As `first_column`, by SciPy's recursion; None where it does not know, as for indefinite matrices.

    It tells the last coefficient of each order, ``c = a / error``, and errors obey ``error' = (1 - a²) error``.
    """
    if levinson is None:
        return None
    unit = np.zeros(len(k))
    unit[0] = 1.0
    try:
        column, coefficients = levinson(np.concatenate([k[:0:-1], k]), unit)
    except np.linalg.LinAlgError:
        return None
    errors = [error := float(k[0])]
    for c in coefficients[2:].tolist():
        errors.append(error := error * 2 / (1 + math.sqrt(1 + 4 * (c * error) ** 2)))
    if not abs(column[0] * error - 1) < CONSISTENT:
        return None
    return column, float(np.log(errors).sum())


def autocorrelation(A):
    """``Σ_p A_p A_(p+k)`` for every lag k, summed over columns."""
    n = len(A)
    size = next_fast_len(2 * n, real=True)
    F = rfft(A.T, size)
    return irfft((F.real**2 + F.imag**2).sum(0), size)[:n]


def inverse_sums(column):
    """Sums along the diagonals of the inverse, from its first column."""
    n = len(column)
    x, p = column, np.arange(n)
    z = np.concatenate([np.zeros(1), x[:0:-1]])
    size = next_fast_len(2 * n, real=True)
    X, Z, PX, PZ = rfft(np.stack([x, z, p * x, p * z]), size)
    plain, moved = irfft(np.stack([X.conj() * X - Z.conj() * Z, PZ.conj() * Z - PX.conj() * X]), size)[:, :n]
    return ((n - p) * plain + moved) / column[0]


def inverse_times(x, B):
    """``T⁻¹ B`` by the formula of Gohberg and Semencul."""
    n = len(x)
    size = next_fast_len(2 * n, real=True)
    F = rfft(np.stack([x, np.concatenate([[0.0], x[:0:-1]])]), size)[:, None]
    inner = irfft(F.conj() * rfft(B.T, size), size)[..., :n]
    outer = F * rfft(inner, size)
    return irfft(outer[0] - outer[1], size)[:, :n].T / x[0]


def toeplitz_times(k, B):
    n = len(k)
    size = next_fast_len(2 * n, real=True)
    circulant = np.concatenate([k, np.zeros(size - 2 * n + 1), k[:0:-1]])
    return irfft(rfft(circulant).real * rfft(B.T, size), size)[:, :n].T


def solution(k, column, B):
    """``T⁻¹ B``, refined once where it needs it."""
    S = inverse_times(column, B)
    R = B - toeplitz_times(k, S)
    return S + inverse_times(column, R) if np.abs(R).max() > RESIDUAL * np.abs(B).max() else S
