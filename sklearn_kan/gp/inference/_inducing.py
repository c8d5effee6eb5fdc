"""Many rows in many features: a lower bound of the likelihood from inducing points (Titsias 2009).

The covariance is replaced by its projection ``Q = K_xz K_zz⁻¹ K_zx`` on the values at m inducing points, and the bound
is ``log N(y | 0, Q + H Hᵀ + Λ) - ½ tr(Λ⁻¹ (K - Q))``: cost O(n m²), memory O(n). Points are rows of the training set,
each where the variance that the others leave is largest (Burt, Rasmussen, van der Wilk 2020, sec. 4).
"""

import numpy as np
import torch

from .._blocks import HELD, blocks
from ._dense import Dense
from ._evidence import factorise, finished
from ._points import LOG_TWO_PI, tensors
from ._solver import Posterior, Solver

FEWEST_POINTS, MOST_POINTS = 128, 1_000
WORK = 2e10  # n m² at the most
CANDIDATES = 5_000  # rows that points are chosen from
SAMPLE_ROWS = 1_000  # that the kernel is first learned from
NEGLIGIBLE = 1e-9  # share of the variance; where no row has more left, there are points enough


class Inducing(Solver):
    """Inference by the collapsed bound of Titsias (2009)."""

    name = "inducing"
    tolerance = 1e-5
    leaves_out = True

    def __init__(self, data, device="cpu"):
        super().__init__(data, device)
        self.X, self.y, self.H = tensors(device, data.X, data.y, data.H)
        self.Z, self.adapted_to = self.X[:0], None
        self.believes_sample = self.X.shape[1] > 1  # there are several kernels then, and to refit each takes minutes

    def on_sample(self):
        rows = np.unique(np.linspace(0, len(self.data.X) - 1, SAMPLE_ROWS).astype(int))
        return Dense(self.data.rows(rows), self.device)

    def left_out(self, kernel):
        return self.on_sample().left_out(kernel)  # of a sample of the rows

    def adapt(self, kernel):
        """Choose inducing points for a kernel: pivots of an incomplete Cholesky factorisation."""
        if kernel is self.adapted_to:
            return self
        rows = np.unique(np.linspace(0, len(self.X) - 1, CANDIDATES).astype(int))
        X = self.X[torch.from_numpy(rows).to(self.device)]
        most = int(np.clip(np.sqrt(WORK / len(self.X)), FEWEST_POINTS, min(MOST_POINTS, len(X))))
        left = torch.full((len(X),), kernel.weights.sum(), dtype=torch.float64, device=self.device)
        least = NEGLIGIBLE * kernel.weights.sum()
        L = torch.empty(most, len(X), dtype=torch.float64, device=self.device)
        chosen: list[int] = []
        while len(chosen) < most and (best := int(left.argmax())) >= 0 and left[best] > least:
            k = len(chosen)
            L[k] = (kernel(X, X[[best]])[:, 0] - L[:k, best] @ L[:k]) / left[best].sqrt()
            left = (left - L[k].square()).clamp_(min=0)
            chosen.append(best)
        self.Z, self.adapted_to = X[chosen], kernel
        return self

    def features(self, kernel, rows, Lz):
        """``F = [L_z⁻¹ K_zx; Hᵀ]`` for some rows, so that ``Q + H Hᵀ = Fᵀ F``."""
        return torch.cat([torch.linalg.solve_triangular(Lz, kernel(self.Z, self.X[rows]), upper=False), self.H[rows].T])

    def solve(self, kernel):
        """Noise Λ; L_z; the Cholesky factor of ``B = I + F Λ⁻¹ Fᵀ``; ``β = B⁻¹ F Λ⁻¹ y``; B; jitter."""
        if not len(self.Z):
            self.adapt(kernel)
        noise = torch.from_numpy(self.data.noise(kernel.noise)).to(self.device)
        Lz, jitter = factorise(kernel(self.Z, self.Z))
        size = len(self.Z) + self.H.shape[1]
        B = torch.eye(size, dtype=torch.float64, device=self.device)
        b = torch.zeros(size, self.y.shape[1], dtype=torch.float64, device=self.device)
        for rows in blocks(len(self.X), size, HELD):
            F = self.features(kernel, rows, Lz)
            A = F / noise[rows]
            B.addmm_(A, F.T)
            b.addmm_(A, self.y[rows])
        L, more = factorise(B)
        return noise, Lz, L, torch.cholesky_solve(b, L), B, b, max(jitter, more)

    def evidence(self, kernel):
        noise, Lz, L, beta, B, b, jitter = self.solve(kernel)
        (n, n_outputs), m = self.y.shape, len(self.Z)
        prior = kernel.weights.sum()
        eye = torch.eye(len(B), dtype=B.dtype, device=B.device)
        logdet = noise.log().sum() + 2 * L.diagonal().log().sum()
        squares = (self.y.square() / noise[:, None]).sum() - (b * beta).sum()
        missing = prior * (1 / noise).sum() - (B - eye)[:m, :m].trace()
        value = -0.5 * (squares + n_outputs * (logdet + n * LOG_TWO_PI + missing)).item()

        # With C = Fᵀ F + Λ and α = C⁻¹ y = Λ⁻¹ (y - Fᵀ β), by K_xz: α (K_zz⁻¹ K_zx α)ᵀ + Λ⁻¹ [K_xz H] S,
        # by K_zz: less half of P (the former) with P = K_zz⁻¹ K_zx, and K_zz⁻¹ K_zx α = L_z⁻ᵀ β.
        inverse = torch.cholesky_inverse(L)
        back = torch.linalg.solve_triangular(Lz.T, eye[:m, :m], upper=True)  # L_z⁻ᵀ
        out = torch.block_diag(back, eye[m:, m:])
        S = out @ (eye - inverse) @ out.T
        projected = back @ beta[:m]
        gradient, by_noise = np.zeros(len(kernel.theta) - 1), 0.0
        weight = torch.from_numpy(self.data.weight).to(self.device)
        for rows in blocks(n, len(B), HELD):
            E = torch.cat([kernel(self.X[rows], self.Z), self.H[rows]], 1)
            W, precision = E @ S, 1 / noise[rows]
            alpha = precision[:, None] * (self.y[rows] - E @ (out @ beta))
            G = alpha @ projected.T + n_outputs * precision[:, None] * W[:, :m]
            gradient += kernel.cross_gradient(self.X[rows], self.Z, G)
            left = prior + self.H[rows].square().sum(1) - (E * W).sum(1)
            slopes = alpha.square().sum(1) + n_outputs * (left * precision - 1) * precision
            by_noise += 0.5 * (slopes / weight[rows]).sum().item()
        inner = n_outputs * (B - 2 * eye + inverse)[:m, :m]
        G = -0.5 * (projected @ projected.T + back @ inner @ back.T)
        gradient += kernel.gradient(self.Z, G)
        gradient[: len(kernel.weights)] -= 0.5 * n_outputs * (1 / noise).sum().item() * kernel.weights
        return finished(self.data, kernel, value, gradient, by_noise, jitter)

    def posterior(self, kernel):
        return InducingPosterior(self.adapt(kernel), kernel)


class InducingPosterior(Posterior):
    """Predictions from the values at inducing points."""

    def __init__(self, solver, kernel):
        _, self.Lz, self.L, self.beta, _, _, self.jitter = solver.solve(kernel)
        self.Z, self.kernel = solver.Z, kernel

    def predict(self, X, H, moment=None):
        X, H = tensors(self.Z.device, X, H)
        A = torch.linalg.solve_triangular(self.Lz, self.kernel(self.Z, X), upper=False)
        F = torch.cat([A, H.T])
        mean = (F.T @ self.beta).cpu().numpy()
        if moment is None:
            return mean, None
        T = torch.linalg.solve_triangular(self.L, F, upper=False)
        if moment == "variance":
            variance = self.kernel.weights.sum() - A.square().sum(0) + T.square().sum(0)
            return mean, variance.clamp_(min=0).cpu().numpy()
        return mean, (self.kernel(X, X) - A.T @ A + T.T @ T).cpu().numpy()
