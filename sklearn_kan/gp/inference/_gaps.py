"""Grids with missing cells: conjugate gradients on the Kronecker structure (Saatçi 2011, ch. 5; Wilson et al. 2014).

With P picking the observed cells, ``C = P K Pᵀ + σ²`` is applied by the axes' eigenvectors, and preconditioned by
``P (K + σ²)⁻¹ Pᵀ``: the fewer cells are missing, the fewer steps. Solutions are exact; the log-determinant takes the
largest eigenvalues of K, scaled by the share of observed cells (Wilson, Gilboa, Nehorai, Cunningham 2014, eq. 8).
"""

import math
import warnings

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning

from ._kronecker import N_LINES, Grid, Solved, along, outer, row_products, without_trend
from ._points import tensors
from ._solver import Posterior

CELLS_PER_POINT = 2.0  # at the most: half of the cells were observed
RESIDUAL = 1e-10  # of conjugate gradients, over that at the start
MOST_STEPS = 500
HELD = 2**22  # numbers of right-hand sides that are held at once


class Gaps(Grid):
    """Inference on a grid with missing cells."""

    name = "gaps"
    needs = "it needs at least half of a grid over two or more features, without sample_weight or alpha that differ"

    def __init__(self, data, device="cpu"):
        super().__init__(data, device)
        axes = [axis[:, 0].cpu().numpy() for axis in self.axes]
        places = [np.searchsorted(axis, column) for axis, column in zip(axes, data.X.T, strict=True)]
        self.observed = torch.from_numpy(np.ravel_multi_index(places, self.shape)).to(device)
        self.y, self.H = tensors(device, data.y, data.H)

    @staticmethod
    def is_grid(axes, X):
        """Whether points are at least half of the cells."""
        return math.prod(map(len, axes)) <= CELLS_PER_POINT * len(X)

    def lines(self, d):
        """The lines along an axis with the fewest gaps, which are filled by interpolation."""
        full = np.full((math.prod(self.shape), self.y.shape[1]), np.nan)
        full[self.observed.cpu()] = self.data.y
        lines = np.moveaxis(full.reshape(*self.shape, -1), d, 0).reshape(self.shape[d], -1)
        best = lines[:, np.argsort(np.isnan(lines).sum(0), kind="stable")[:N_LINES]].copy()
        points = self.axes[d][:, 0].cpu().numpy()
        for line in best.T:
            gap = np.isnan(line)
            line[gap] = np.interp(points[gap], points[~gap], line[~gap])
        return best

    def spread(self, V):
        """Values at observed cells, zero elsewhere."""
        full = torch.zeros(math.prod(self.shape), V.shape[1], dtype=V.dtype, device=V.device)
        full[self.observed] = V
        return full

    def rotated(self, V, vectors):
        """Values at observed cells in the basis of eigenvectors."""
        tensor = self.spread(V).reshape(*self.shape, -1)
        for d, U in enumerate(vectors):
            tensor = along(U.T, tensor, d)
        return tensor.reshape(math.prod(self.shape), V.shape[1])

    def filtered(self, V, vectors, factors):
        """``P U diag(factors) Uᵀ Pᵀ V``."""
        tensor = (factors[:, None] * self.rotated(V, vectors)).reshape(*self.shape, -1)
        for d, U in enumerate(vectors):
            tensor = along(U, tensor, d)
        return tensor.reshape(math.prod(self.shape), V.shape[1])[self.observed]

    def inverse_times(self, B, vectors, eigenvalues, noise):
        """``(P K Pᵀ + σ²)⁻¹ B`` by conjugate gradients, all columns at once."""
        inverse = 1 / (eigenvalues + noise)
        X, R = torch.zeros_like(B), B.clone()
        Z = self.filtered(R, vectors, inverse)
        D, rz, least = Z, (R * Z).sum(0), RESIDUAL * B.norm(dim=0)
        for _ in range(MOST_STEPS):
            A = self.filtered(D, vectors, eigenvalues) + noise * D
            step = rz / (D * A).sum(0).clamp(min=torch.finfo(B.dtype).tiny)
            X, R = X + step * D, R - step * A
            if bool((R.norm(dim=0) <= least).all()):
                return X
            Z = self.filtered(R, vectors, inverse)
            last, rz = rz, (R * Z).sum(0)
            D = Z + rz / last.clamp(min=torch.finfo(B.dtype).tiny) * D
        warnings.warn(
            f"Conjugate gradients did not converge in {MOST_STEPS} steps; predictions may be inaccurate. "
            "Fit fewer cells with solver='cholesky'.", ConvergenceWarning, stacklevel=2,
        )  # fmt: skip
        return X

    def solve(self, kernel):
        values, vectors = self.decompose(kernel)
        eigenvalues, noise = outer(values).flatten(), self.data.noise(kernel.noise)[0]
        n, n_outputs = self.y.shape
        columns = self.inverse_times(torch.cat([self.y, self.H], 1), vectors, eigenvalues, noise)
        alpha, Z, R = without_trend(self.y, self.H, *columns.split([n_outputs, self.H.shape[1]], 1))
        share = n / len(eigenvalues)
        largest = eigenvalues.topk(n).indices
        by_value = torch.zeros_like(eigenvalues)
        by_value[largest] = share / (share * eigenvalues[largest] + noise)
        logdet = (share * eigenvalues[largest] + noise).log().sum() + 2 * R.diagonal().log().sum()
        return Solved(
            vectors, values, self.rotated(alpha, vectors), self.rotated(Z, vectors), R, self.H.T @ alpha,
            (self.y * alpha).sum(), logdet, by_value, by_value.sum() / share,
        )  # fmt: skip

    def posterior(self, kernel):
        return GapsPosterior(self, kernel)


class GapsPosterior(Posterior):
    """Predictions from a grid with missing cells; the variance of each takes a solution of its own."""

    def __init__(self, solver, kernel):
        self.solver, self.kernel = solver, kernel
        solved = solver.solve(kernel)
        self.vectors, self.R, self.coef = solved.vectors, solved.R, solved.coef
        self.eigenvalues, self.noise = outer(solved.values).flatten(), solver.data.noise(kernel.noise)[0]
        self.alpha, self.Z = solved.alpha, solved.Z

    def predict(self, X, H, moment=None):
        X, H = tensors(self.R.device, X, H)
        step = max(1, HELD // len(self.alpha)) if moment != "covariance" else len(X)
        parts = [self.part(X[i : i + step], H[i : i + step], moment) for i in range(0, len(X), step)]
        mean = torch.cat([mean for mean, _ in parts]).cpu().numpy()
        return mean, None if moment is None else torch.cat([spread for _, spread in parts]).cpu().numpy()

    def part(self, X, H, moment):
        solver = self.solver
        pairs = zip(self.kernel.factors, solver.axes, strict=True)
        cross = [factor(X[:, [d]], axis) for d, (factor, axis) in enumerate(pairs)]
        full = row_products(cross)  # (m, cells)
        basis = row_products([k @ U for k, U in zip(cross, self.vectors, strict=True)])
        mean = basis @ self.alpha + H @ self.coef
        if moment is None:
            return mean, None
        k = full[:, solver.observed].T
        solved = solver.inverse_times(k, self.vectors, self.eigenvalues, self.noise)
        T = torch.linalg.solve_triangular(self.R, H.T, upper=False) - (basis @ self.Z).T
        if moment == "variance":
            return mean, (self.kernel.weights.sum() - (k * solved).sum(0) + T.square().sum(0)).clamp_(min=0)
        return mean, self.kernel(X, X) - k.T @ solved + T.T @ T
