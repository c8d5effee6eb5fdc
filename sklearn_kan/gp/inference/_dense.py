"""Exact inference for points of any kind, by Cholesky's factorisation (Rasmussen & Williams 2006, Alg. 2.1)."""

import math

import numpy as np
import torch
from scipy.linalg import block_diag

from .._blocks import in_parts
from .._spectrum import frequency_grid
from ._evidence import factorise, finished, whiten
from ._fourier import Fourier
from ._points import LOG_TWO_PI, tensors
from ._solver import Posterior, Solver

FINE, COARSE = 1e-9, 1e-6  # tolerances: along one feature frequencies have to be exact; several have many lengths
PERIODIC_FEATURES, PERIODIC_ROWS = 3, 2_000  # up to which frequencies are looked for along each of several features


class Dense(Solver):
    """Exact inference by Cholesky's factorisation, O(n³)."""

    name = "cholesky"
    leaves_out = True
    sketched_rows = 150

    def __init__(self, data, device="cpu"):
        super().__init__(data, device)
        self.X, self.y, self.H = tensors(device, data.X, data.y, data.H)
        self.tolerance = FINE if self.X.shape[1] == 1 else COARSE

    def covariance(self, kernel):
        K = kernel.lower(self.X)
        K.diagonal().add_(torch.from_numpy(self.data.noise(kernel.noise)).to(self.device))
        return K

    def on_sample(self):
        is_sketched = len(self.data.X) > self.sketched_rows and Fourier.is_there()
        return (
            Fourier(self.data, self.device)
            if is_sketched and self.X.shape[1] == 1 and Fourier.suits(self.data, "auto")
            else None
        )

    def evidence(self, kernel):
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
        n_features = self.X.shape[1]
        if n_features > 1 and (n_features > PERIODIC_FEATURES or len(self.X) > PERIODIC_ROWS):
            return super().frequencies()
        return block_diag(*(frequency_grid(column)[:, None] for column in self.data.X.T))

    def score(self, kernel, frequencies):
        L, _ = factorise(self.covariance(kernel))
        W, V, _ = whiten(L, self.y, self.H)
        power, norm = [], []
        for part in in_parts(frequencies, len(L)):
            angle = math.tau * self.X @ torch.from_numpy(part.T.copy()).to(self.device)
            E = torch.linalg.solve_triangular(L, torch.cat([angle.cos(), angle.sin()], 1), upper=False)
            explained = V.T @ E
            power.append((E.T @ W - explained.T @ (V.T @ W)).square().sum(1).reshape(2, -1).sum(0).cpu().numpy())
            squares = E.square().sum(0) - explained.square().sum(0)
            norm.append(squares.reshape(2, -1).sum(0).cpu().numpy())
        return np.concatenate(power) / self.y.shape[1], np.concatenate(norm)

    def left_out(self, kernel):
        return self.posterior(kernel).left_out()

    def posterior(self, kernel):
        return DensePosterior(self, kernel)


class DensePosterior(Posterior):
    """Predictions from a factorised covariance."""

    def __init__(self, solver, kernel):
        self.X, self.kernel = solver.X, kernel
        self.L, self.jitter = factorise(solver.covariance(kernel))
        W, V, R = whiten(self.L, solver.y, solver.H)
        self.alpha = torch.linalg.solve_triangular(self.L.T, W - V @ (V.T @ W), upper=True)
        self.V, self.R = V, R
        self.coef = solver.H.T @ self.alpha

    def predict(self, X, H, moment=None):
        X, H = tensors(self.X.device, X, H)
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
