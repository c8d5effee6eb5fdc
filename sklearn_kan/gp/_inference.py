"""Marginal likelihood and posterior of a Gaussian process, by Cholesky's factorisation.

Everywhere ``K`` is the kernel's matrix plus noise, ``H`` (n, r) the trend's columns times their prior standard
deviation, and the covariance of the targets ``C = K + H Hᵀ``: the trend is integrated out (Rasmussen & Williams 2006,
sec. 2.7). Several targets share the covariance.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.linalg import block_diag

from ._spectrum import frequency_grid

FIRST_JITTER = 1e-12  # of the mean variance; grows tenfold until the matrix is positive definite
LAST_JITTER = 1.0
CELLS = 2**21  # of waves held at once
MOST_PERIODIC, PERIODIC_ROWS = 3, 2_000  # of several features, up to which frequencies are looked for along each
TWO_PI = 2 * math.pi
LOG_TWO_PI = math.log(TWO_PI)


class Data(NamedTuple):
    """Distinct points with what was observed there.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        Sorted and centred.
    y : ndarray of shape (n, n_outputs)
        Means of the observations at each point.
    weight : ndarray of shape (n,)
        Total weight of each point.
    extra : ndarray of shape (n,)
        Known variance on top of the noise.
    spread : ndarray of shape (n,)
        Weighted squared deviations from the means, over all outputs.
    H : ndarray of shape (n, n_terms)
        The trend's columns times their prior standard deviation.
    """

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    extra: np.ndarray
    spread: np.ndarray
    H: np.ndarray

    def noise(self, noise):
        """Variance of each point's mean."""
        return (noise + self.extra) / self.weight

    def replicates(self, noise):
        """What observations of the same point add to the log-likelihood, and the derivative by the noise.

        A weighted row counts as that many rows: ``Σ_i w_i log N(y_i | f_i, σ²)``.
        """
        variance, n_outputs = noise + self.extra, self.y.shape[1]
        terms = n_outputs * ((self.weight - 1) * (LOG_TWO_PI + np.log(variance)) + np.log(self.weight))
        slopes = n_outputs * (self.weight - 1) / variance - self.spread / variance**2
        return -0.5 * float(np.sum(terms + self.spread / variance)), -0.5 * float(np.sum(slopes))


class Evidence(NamedTuple):
    """Log marginal likelihood, its gradient by the kernel's theta, and the jitter that it took."""

    value: float
    gradient: np.ndarray
    jitter: float


class NotPositiveDefiniteError(ArithmeticError):
    """No jitter made the covariance positive definite."""

    def __init__(self):
        super().__init__("No jitter makes the covariance positive definite. Scale extreme features or targets.")


def factorise(K):
    """Lower Cholesky factor of a matrix given by its lower triangle, and the jitter that was added."""
    mean = K.diagonal().mean().item()
    L, info = torch.linalg.cholesky_ex(K)
    jitter = 0.0
    while info.item() or not math.isfinite(L.diagonal().sum().item()):
        jitter = jitter * 10 or FIRST_JITTER
        if not (math.isfinite(mean) and jitter <= LAST_JITTER):
            raise NotPositiveDefiniteError
        shifted = K.clone()
        shifted.diagonal().add_(jitter * mean)
        L, info = torch.linalg.cholesky_ex(shifted)
    return L, jitter * mean


class Dense:
    """Exact inference by Cholesky's factorisation, O(n³)."""

    method = "cholesky"
    tolerance = 1e-9  # of the optimiser, relative
    shortest, longest = 0.0, 1e3  # length scale in spans

    def __init__(self, data, device="cpu"):
        self.data, self.device = data, device
        self.X, self.y, self.H = (
            torch.from_numpy(np.ascontiguousarray(a)).to(device) for a in (data.X, data.y, data.H)
        )

    def covariance(self, kernel):
        K = kernel.lower(self.X)
        K.diagonal().add_(torch.from_numpy(self.data.noise(kernel.noise)).to(self.device))
        return K

    def evidence(self, kernel):
        """The log marginal likelihood and its gradient."""
        L, jitter = factorise(self.covariance(kernel))
        n, n_outputs = self.y.shape
        W, V, R = whiten(L, self.y, self.H)
        residual = W - V @ (V.T @ W)
        alpha, Z = torch.linalg.solve_triangular(L.T, torch.cat([residual, V], 1), upper=True).split(
            [n_outputs, V.shape[1]], 1
        )
        logdet = 2 * (L.diagonal().log().sum() + R.diagonal().log().sum()).item()
        value = -0.5 * ((W * residual).sum().item() + n_outputs * (logdet + n * LOG_TWO_PI))
        G = torch.cholesky_inverse(L).mul_(-0.5 * n_outputs)  # ½ (α αᵀ - C⁻¹), by all outputs
        G.addmm_(alpha, alpha.T, alpha=0.5).addmm_(Z, Z.T, alpha=0.5 * n_outputs)
        by_noise = (G.diagonal().cpu().numpy() / self.data.weight).sum()
        return finished(self.data, kernel, value, kernel.gradient(self.X, G), by_noise, jitter)

    def frequencies(self):
        """Points of frequency where `score` may be asked for, ``(m, n_features)``."""
        n_features = self.X.shape[1]
        if n_features > 1 and (n_features > MOST_PERIODIC or len(self.X) > PERIODIC_ROWS):
            return np.empty((0, n_features))
        return block_diag(*(frequency_grid(column)[:, None] for column in self.data.X.T))

    def score(self, kernel, frequencies):
        """How far the data want more power at points of frequency, an array (m, n_features).

        For a wave e: ``|eᴴ C⁻¹ y|²`` and ``eᴴ C⁻¹ e``. Under the kernel their ratio is exponential with mean one, and
        half their difference is the slope of the likelihood by the weight of a component at that frequency.
        """
        L, _ = factorise(self.covariance(kernel))
        W, V, _ = whiten(L, self.y, self.H)
        power, norm = [], []
        for part in np.array_split(frequencies, len(frequencies) * len(L) // CELLS + 1):
            angle = TWO_PI * self.X @ torch.from_numpy(part.T.copy()).to(self.device)
            E = torch.linalg.solve_triangular(L, torch.cat([angle.cos(), angle.sin()], 1), upper=False)
            explained = V.T @ E
            power.append((E.T @ W - explained.T @ (V.T @ W)).square().sum(1).reshape(2, -1).sum(0).cpu().numpy())
            squares = E.square().sum(0) - explained.square().sum(0)
            norm.append(squares.reshape(2, -1).sum(0).cpu().numpy())
        return np.concatenate(power) / self.y.shape[1], np.concatenate(norm)

    def posterior(self, kernel):
        return DensePosterior(self, kernel)


def whiten(L, y, H):
    """``L⁻¹ y``; V such that ``C⁻¹ = L⁻ᵀ (I - V Vᵀ) L⁻¹``; R such that ``det C = det K det R²``."""
    W, A = torch.linalg.solve_triangular(L, torch.cat([y, H], 1), upper=False).split([y.shape[1], H.shape[1]], 1)
    R = torch.linalg.cholesky(torch.eye(H.shape[1], dtype=A.dtype, device=A.device) + A.T @ A)
    V = torch.linalg.solve_triangular(R, A.T, upper=False).T
    return W, V, R


def finished(data, kernel, value, gradient, by_noise, jitter):
    """Add the parts that all solvers share: replicates, and the derivative by log noise."""
    more, slope = data.replicates(kernel.noise)
    return Evidence(value + more, np.append(gradient, kernel.noise * (by_noise + slope)), jitter)


class DensePosterior:
    """Predictions from a factorised covariance."""

    def __init__(self, solver, kernel):
        self.X, self.kernel = solver.X, kernel
        self.L, self.jitter = factorise(solver.covariance(kernel))
        W, V, R = whiten(self.L, solver.y, solver.H)
        self.alpha = torch.linalg.solve_triangular(self.L.T, W - V @ (V.T @ W), upper=True)
        self.V, self.R = V, R
        self.coef = solver.H.T @ self.alpha

    def predict(self, X, H, moment=None):
        """Mean (m, n_outputs), and the latent variance (m,) or covariance (m, m) of one output if asked for."""
        X, H = (torch.from_numpy(np.ascontiguousarray(a)).to(self.X.device) for a in (X, H))
        cross = self.kernel(X, self.X)
        mean = (cross @ self.alpha + H @ self.coef).cpu().numpy()
        if moment is None:
            return mean, None
        A = torch.linalg.solve_triangular(self.L, cross.T, upper=False)
        # R&W eq. 2.42: what the trend's uncertainty adds
        T = torch.linalg.solve_triangular(self.R, H.T, upper=False) - self.V.T @ A
        if moment == "variance":
            prior = self.kernel.weights.sum()
            return mean, (prior - A.square().sum(0) + T.square().sum(0)).clamp_(min=0).cpu().numpy()
        return mean, (self.kernel(X, X) - A.T @ A + T.T @ T).cpu().numpy()

    def left_out(self):
        """Log density of each observation given all others (R&W eq. 5.10-12), summed over outputs; an array (n,)."""
        Z = torch.linalg.solve_triangular(self.L.T, self.V, upper=True)
        precision = (torch.cholesky_inverse(self.L).diagonal() - Z.square().sum(1))[:, None]
        precision.clamp_(min=np.finfo(float).tiny)  # a difference, which rounding may take to zero or below
        return (-0.5 * (self.alpha.square() / precision - precision.log() + LOG_TWO_PI)).sum(1).cpu().numpy()
