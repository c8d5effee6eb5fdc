"""Inference on a uniform axis, where the covariance depends on the lag alone: O(n²) with a small constant."""

import math

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.linalg import solve_triangular

from ._dense import Dense
from ._evidence import NotPositiveDefiniteError, finished
from ._points import LOG_TWO_PI

UNEVEN = 1e-6  # of a step, that points may be off a uniform axis


def is_uniform(data):
    """Whether points lie evenly on one axis, all with the same noise."""
    if data.X.shape[1] != 1 or len(data.X) < 3:
        return False
    gaps = np.diff(data.X[:, 0])
    return np.ptp(gaps) <= UNEVEN * gaps.mean() and np.ptp(data.weight) == 0 and np.ptp(data.extra) == 0


class Toeplitz(Dense):
    """Exact inference on a uniform axis by the Levinson-Durbin recursion, O(n²) with a small constant.

    The inverse is known from its first column (Gohberg & Semencul 1972); products with it are convolutions.
    """

    name = "toeplitz"
    needs = "it needs one evenly spaced feature, without sample_weight or alpha that differ"
    averaged_rows = math.inf

    @staticmethod
    def suits(data, spectrum):
        return is_uniform(data)

    def solve(self, kernel):
        """Covariance by lag and its derivatives; first column of the inverse; α, Z and the log-determinant of C."""
        data = self.data
        n_outputs = data.y.shape[1]
        k, dk = kernel.at_lags(data.X[:, 0] - data.X[0, 0])
        k[0] += data.noise(kernel.noise)[0]
        column, logdet = first_column(k)
        B = np.concatenate([data.y, data.H], 1)
        S = inverse_times(column, B)
        S += inverse_times(column, B - toeplitz_times(k, S))  # one step of refinement
        R = np.linalg.cholesky(np.eye(data.H.shape[1]) + data.H.T @ S[:, n_outputs:])
        Z = solve_triangular(R, S[:, n_outputs:].T, lower=True).T
        alpha = S[:, :n_outputs] - Z @ (Z.T @ data.y)
        return dk, column, alpha, Z, logdet + 2 * np.log(np.diag(R)).sum()

    def evidence(self, kernel):
        data, (n, n_outputs) = self.data, self.data.y.shape
        try:
            dk, column, alpha, Z, logdet = self.solve(kernel)
        except NotPositiveDefiniteError:
            return super().evidence(kernel)
        value = -0.5 * (np.sum(data.y * alpha) + n_outputs * (logdet + n * LOG_TWO_PI))
        sums = 0.5 * (correlation(alpha, alpha) + n_outputs * (correlation(Z, Z) - inverse_sums(column)))
        by_noise = sums[0] / data.weight[0]
        sums[1:] *= 2
        return finished(data, kernel, float(value), dk @ sums, by_noise, 0.0)

    def score(self, kernel, frequencies):
        try:
            _, column, alpha, Z, _ = self.solve(kernel)
        except NotPositiveDefiniteError:
            return super().score(kernel, frequencies)
        data, n_outputs = self.data, self.data.y.shape[1]
        sums = np.stack([correlation(alpha, alpha) / n_outputs, inverse_sums(column) - correlation(Z, Z)])
        sums[:, 1:] *= 2
        waves = np.cos(math.tau * np.outer(data.X[:, 0] - data.X[0, 0], frequencies[:, 0]))
        return sums @ waves


def first_column(k):
    """First column of the inverse of a symmetric Toeplitz matrix, and the log-determinant (Levinson-Durbin)."""
    n = len(k)
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


def correlation(A, B):
    """``Σ_p A_p B_(p+k)`` for every lag k, summed over columns."""
    n = len(A)
    size = next_fast_len(2 * n, real=True)
    return irfft((rfft(A, size, axis=0).conj() * rfft(B, size, axis=0)).sum(1), size)[:n]


def inverse_sums(column):
    """Sums along the diagonals of the inverse, from its first column."""
    n = len(column)
    x, p, k = column[:, None], np.arange(n)[:, None], np.arange(n)
    z = np.concatenate([np.zeros((1, 1)), x[:0:-1]])
    plain = correlation(x, x) - correlation(z, z)
    return ((n - k) * plain - correlation(p * x, x) + correlation(p * z, z)) / column[0]


def convolve(f, B, transpose=False):
    """A lower triangular Toeplitz matrix with first column f, or its transpose, times B."""
    n = len(f)
    size = next_fast_len(2 * n, real=True)
    F = rfft(f, size)[:, None]
    return irfft((F.conj() if transpose else F) * rfft(B, size, axis=0), size, axis=0)[:n]


def inverse_times(x, B):
    """``T⁻¹ B`` by the formula of Gohberg and Semencul."""
    z = np.concatenate([[0.0], x[:0:-1]])
    return (convolve(x, convolve(x, B, True)) - convolve(z, convolve(z, B, True))) / x[0]


def toeplitz_times(k, B):
    upper = np.concatenate([[0.0], k[1:]])
    return convolve(k, B) + convolve(upper, B, True)
