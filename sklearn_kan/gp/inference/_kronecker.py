"""Full grids: the covariance is a Kronecker product over the axes, and costs what its axes cost (Saatçi 2011, ch. 5).

The kernel is a product of one mixture per axis, ``k(τ) = Π_d Σ_q w_dq ρ(τ_d / ℓ_dq) cos(2π μ_dq τ_d)``.
"""

import math
from abc import abstractmethod
from functools import reduce
from typing import NamedTuple

import numpy as np
import torch

from ._dense import Dense
from ._evidence import NotPositiveDefiniteError, finished
from ._points import LOG_TWO_PI, Data, is_uniform, tensors
from ._solver import Posterior, Solver
from ._toeplitz import Toeplitz

N_LINES = 4  # of a grid along each axis, that its factor is first learned from


def along(matrix, tensor, axis):
    """Multiply a tensor's axis by a matrix."""
    return torch.movedim(torch.tensordot(matrix, tensor, dims=([1], [axis])), 0, axis)


def outer(vectors):
    return reduce(lambda a, b: a[..., None] * b, vectors)


class Solved(NamedTuple):
    """A grid's covariance ``C = K + H Hᵀ`` solved; ``C⁻¹ = K⁻¹ - Z Zᵀ``, ``det C = det K det R²``.

    Bases of eigenvectors and eigenvalues of the axes; in that basis ``α = C⁻¹ y`` and Z; R; ``Hᵀ α``; ``yᵀ α``; ``log
    det C``, its derivatives by each eigenvalue, and by the noise.
    """

    vectors: list
    values: list
    alpha: torch.Tensor
    Z: torch.Tensor
    R: torch.Tensor
    coef: torch.Tensor
    squares: torch.Tensor
    logdet: torch.Tensor
    by_value: torch.Tensor
    by_noise: torch.Tensor


def without_trend(y, H, Ky, KH):
    """``α = C⁻¹ y``, Z and R from ``K⁻¹ y`` and ``K⁻¹ H``."""
    R = torch.linalg.cholesky(torch.eye(H.shape[1], dtype=H.dtype, device=H.device) + H.T @ KH)
    Z = torch.linalg.solve_triangular(R, KH.T, upper=False).T
    return Ky - Z @ (Z.T @ y), Z, R


class Grid(Solver):
    """What full grids and those with missing cells share."""

    has_factors = True

    def __init__(self, data, device="cpu"):
        super().__init__(data, device)
        self.axes = [torch.from_numpy(axis[:, None]).to(device) for axis in self.axes_of(data)]
        self.shape = [len(axis) for axis in self.axes]

    @staticmethod
    @abstractmethod
    def is_grid(axes, X):
        """Whether points are the cells of a grid."""

    @classmethod
    def axes_of(cls, data):
        """Coordinates along each axis of a grid of two or more dimensions with even noise, or None."""
        axes = [np.unique(column) for column in data.X.T]
        if len(axes) < 2 or min(map(len, axes)) < 2 or np.ptp(data.weight) or np.ptp(data.extra):
            return None
        return axes if cls.is_grid(axes, data.X) else None

    @classmethod
    def suits(cls, data, spectrum):
        return cls.axes_of(data) is not None

    @abstractmethod
    def lines(self, d):
        """Some of the grid's lines along an axis, as columns."""

    @abstractmethod
    def solve(self, kernel):
        """What likelihood and predictions are made of: a `Solved`."""

    def along_axes(self):
        """For each axis, a solver for some of the grid's lines in its direction."""
        for d, axis in enumerate(self.axes):
            points, ones = axis.cpu().numpy(), np.ones(len(axis))
            lines = self.lines(d)
            H = np.full((len(axis), 1), max(np.std(lines), np.finfo(float).tiny))
            data = Data(points, lines, ones, 0 * ones, 0 * ones, H)
            yield (Toeplitz if is_uniform(data) else Dense)(data, self.device)

    def decompose(self, kernel):
        """Eigenvalues and eigenvectors along each axis."""
        K = [factor(axis, axis) for factor, axis in zip(kernel.factors, self.axes, strict=True)]
        if not all(bool(matrix.isfinite().all()) for matrix in K):
            raise NotPositiveDefiniteError
        pairs = [torch.linalg.eigh(matrix) for matrix in K]
        return [pair[0].clamp(min=0) for pair in pairs], [pair[1] for pair in pairs]

    def evidence(self, kernel):
        vectors, values, alpha, Z, _, _, squares, logdet, by_value, by_noise = self.solve(kernel)
        n, n_outputs = self.data.y.shape
        value = -0.5 * (squares + n_outputs * (logdet + n * LOG_TWO_PI)).item()
        parts = torch.cat([alpha, n_outputs**0.5 * Z], 1).reshape(*self.shape, -1)
        gradient = []
        for d, (factor, axis, U) in enumerate(zip(kernel.factors, self.axes, vectors, strict=True)):
            rest = [e for e in range(parts.ndim) if e != d]
            others = outer([torch.ones_like(v) if e == d else v for e, v in enumerate(values)])
            trace = (others * by_value.reshape(self.shape)).sum(rest[:-1])
            inner = torch.tensordot(parts, others[..., None] * parts, dims=(rest, rest)) - n_outputs * trace.diag()
            gradient.append(factor.gradient(axis, 0.5 * U @ inner @ U.T))
        slope = 0.5 * (parts.square().sum() - n_outputs * by_noise).item() / self.data.weight[0]
        return finished(self.data, kernel, value, np.concatenate(gradient), slope, 0.0)


class Kronecker(Grid):
    """Exact inference on a full grid."""

    name = "kronecker"
    needs = "it needs a full grid over two or more features, without sample_weight or alpha that differ"

    def __init__(self, data, device="cpu"):
        super().__init__(data, device)
        self.B = torch.from_numpy(np.concatenate([data.y, data.H], 1)).to(device).reshape(*self.shape, -1)

    @staticmethod
    def is_grid(axes, X):
        """Whether points, which are in order, are all cells."""
        is_full = math.prod(map(len, axes)) == len(X)
        return is_full and np.array_equal(np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(X.shape), X)

    def lines(self, d):
        lines = torch.movedim(self.B[..., : self.data.y.shape[1]], d, 0).reshape(self.shape[d], -1).cpu().numpy()
        return lines[:, np.linspace(0, lines.shape[1] - 1, min(N_LINES, lines.shape[1])).astype(int)]

    def solve(self, kernel):
        values, vectors = self.decompose(kernel)
        spectrum = (outer(values) + self.data.noise(kernel.noise)[0]).flatten()
        rotated = self.B
        for d, U in enumerate(vectors):
            rotated = along(U.T, rotated, d)
        n_outputs = self.data.y.shape[1]
        y, H = rotated.reshape(len(spectrum), -1).split([n_outputs, self.data.H.shape[1]], 1)
        alpha, Z, R = without_trend(y, H, y / spectrum[:, None], H / spectrum[:, None])
        logdet = spectrum.log().sum() + 2 * R.diagonal().log().sum()
        by_value = 1 / spectrum
        return Solved(vectors, values, alpha, Z, R, H.T @ alpha, (y * alpha).sum(), logdet, by_value, by_value.sum())

    def posterior(self, kernel):
        return GridPosterior(self, kernel)


class GridPosterior(Posterior):
    """Predictions from a decomposed grid."""

    def __init__(self, solver, kernel):
        self.kernel, self.axes = kernel, solver.axes
        solved = solver.solve(kernel)
        self.vectors, self.R, self.coef = solved.vectors, solved.R, solved.coef
        spectrum = outer(solved.values).flatten() + solver.data.noise(kernel.noise)[0]
        self.alpha, self.KH, self.spectrum = (
            tensor.reshape(*solver.shape, -1) for tensor in (solved.alpha, solved.Z @ solved.R.T, spectrum[:, None])
        )

    def predict(self, X, H, moment=None):
        X, H = tensors(self.R.device, X, H)
        parts = zip(self.kernel.factors, self.axes, self.vectors, strict=True)
        cross = [factor(X[:, [d]], axis) @ U for d, (factor, axis, U) in enumerate(parts)]
        mean = (contract(cross, self.alpha) + H @ self.coef).cpu().numpy()
        if moment is None:
            return mean, None
        T = torch.linalg.solve_triangular(self.R, (H - contract(cross, self.KH)).T, upper=False)
        if moment == "variance":
            explained = contract([k.square() for k in cross], 1 / self.spectrum)[:, 0]
            return mean, (self.kernel.weights.sum() - explained + T.square().sum(0)).clamp_(min=0).cpu().numpy()
        A = row_products(cross)
        return mean, (self.kernel(X, X) - (A / self.spectrum.flatten()) @ A.T + T.T @ T).cpu().numpy()


def row_products(matrices):
    """The Kronecker product of each row; ``(m, n_d) each -> (m, n_1 ⋯ n_D)``."""
    return reduce(lambda a, b: (a[..., None] * b[:, None]).flatten(1), matrices)


def contract(cross, tensor):
    """``Σ_ij… k1(x, i) k2(x, j) … tensor_ij…c``; ``(m, n_d) each, (n_1, …, n_D, c) -> (m, c)``."""
    first, *others = cross
    result = torch.tensordot(first, tensor, dims=([1], [0]))
    for k in others:
        result = torch.einsum("mi,mi...->m...", k, result)
    return result
