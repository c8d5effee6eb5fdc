"""Evidence of a kernel, and the factorisations that it is computed by."""

import math
from typing import NamedTuple

import numpy as np
import torch

FIRST_JITTER = 1e-12  # of the mean variance; grows tenfold until the matrix is positive definite
LAST_JITTER = 1.0


class Evidence(NamedTuple):
    """Log marginal likelihood, its gradient by the kernel's theta, and the jitter that it took."""

    value: float
    gradient: np.ndarray
    jitter: float


class NotPositiveDefiniteError(np.linalg.LinAlgError):
    """No jitter made the covariance positive definite."""

    def __init__(self):
        super().__init__(
            "No jitter makes the covariance positive definite. Scale extreme features, targets or weights."
        )


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
