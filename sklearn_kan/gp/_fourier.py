"""Many scattered points in few dimensions: equispaced Fourier features (Greengard, Rachh, Barnett 2023).

The covariance is discretised as ``k(τ) = Σ_j h^D S(h j) e^{2πi h j·τ}`` with the spectral density S, on a lattice so
fine that k has died out before it repeats. The features' Gram matrix is Toeplitz, comes from one nonuniform FFT, and
does not depend on the kernel; a sparse spectrum needs few nodes of the lattice. Cost O(n log n) once, then O(m³) for
each likelihood, m the number of nodes with power.
"""

import numpy as np
import scipy.linalg

from ._inference import CELLS, TWO_PI, Evidence, NotPositiveDefiniteError
from ._spectrum import MIN_CYCLES

PERIODS = {1: 4.0, 2: 2.5}  # period of the lattice in spans, by the number of features
LONGEST = {1: 0.5, 2: 0.25}  # length scale in spans, so that k dies out before it repeats
SHORTEST = {1: 0.005, 2: 0.09}  # so that the active nodes stay few
MOST_NODES = {1: 2**13, 2: 2**6}  # on either side of zero
MOST_ACTIVE = 2_500
NEGLIGIBLE = 1e-9  # power of a node, over the noise's
ACCURACY = 1e-9


class Fourier:
    """Inference in the weight space of Fourier features."""

    method = "fourier"
    tolerance = 1e-7  # of the optimiser, relative

    def __init__(self, data, device="cpu"):
        try:
            import finufft
        except ImportError as error:
            raise ImportError(
                f"solver='fourier', which {len(data.X)} rows need, uses finufft. Install sklearn-kan[gp-scale], or "
                "pass fewer rows."
            ) from error
        self.data = data
        n_features = data.X.shape[1]
        self.shortest, self.longest = SHORTEST[n_features], LONGEST[n_features]
        self.span = np.ptp(data.X, axis=0)
        self.span[self.span == 0] = 1.0
        self.step = 1 / (PERIODS[n_features] * self.span)
        self.n_nodes = MOST_NODES[n_features]
        transform = finufft.nufft1d1 if n_features == 1 else finufft.nufft2d1
        points = [np.ascontiguousarray(column) for column in (TWO_PI * self.step * data.X).T]

        def sums(strength, n):
            """``Σ_i strength_i e^{-2πi h j·x_i}`` for nodes j from -n to n."""
            strength = np.ascontiguousarray(strength.T, dtype=np.complex128)
            return transform(*points, strength, (2 * n + 1,) * n_features, eps=ACCURACY, isign=-1)

        weighted = data.weight[:, None]
        self.gram = sums(data.weight[:, None], 2 * self.n_nodes)[0]
        self.projected = sums(weighted * np.concatenate([data.y, data.H], 1), self.n_nodes)
        self.total = data.weight.sum()
        self.yy = np.sum(weighted * np.square(data.y)) + data.spread.sum()
        self.HH, self.Hy = data.H.T @ (weighted * data.H), data.H.T @ (weighted * data.y)
        axis = np.arange(-self.n_nodes, self.n_nodes + 1)
        self.nodes = np.stack(np.meshgrid(*(axis,) * n_features, indexing="ij"), -1).reshape(-1, n_features)
        self.projected = self.projected.reshape(len(self.projected), -1).T

    def solve(self, kernel):
        """Active nodes, their powers, ``B = I + D Φᴴ Φ D / σ²`` factorised, and ``B⁻¹ D Φᴴ y``."""
        n_outputs, n_terms = self.data.y.shape[1], self.data.H.shape[1]
        noise = kernel.noise
        power = kernel.density(self.nodes * self.step) * np.prod(self.step)
        if not np.isfinite(power).all():
            raise NotPositiveDefiniteError
        active = np.flatnonzero(power * self.total > NEGLIGIBLE * noise)
        if len(active) > MOST_ACTIVE:
            raise NotPositiveDefiniteError
        root = np.concatenate([np.sqrt(power[active]), np.ones(n_terms)])
        FH = self.projected[active, n_outputs:]
        gram = np.block([[self.lags(self.nodes[active], self.nodes[active]), FH], [FH.conj().T, self.HH]])
        b = root[:, None] * np.concatenate([self.projected[active, :n_outputs], self.Hy])
        B = np.eye(len(root)) + root[:, None] * gram * root / noise
        try:
            L = scipy.linalg.cholesky(B, lower=True)
        except scipy.linalg.LinAlgError as error:
            raise NotPositiveDefiniteError from error
        return active, power[active], root, L, b, scipy.linalg.cho_solve((L, True), b)

    def lags(self, left, right):
        """The Gram matrix between nodes."""
        index = left[:, None] - right + 2 * self.n_nodes
        return self.gram[tuple(np.moveaxis(index, -1, 0))]

    def evidence(self, kernel):
        """The log marginal likelihood and its gradient, from each node's score; a weighted row counts as that many."""
        noise, n_outputs = kernel.noise, self.data.y.shape[1]
        active, power, root, L, b, solved = self.solve(kernel)
        inverse = scipy.linalg.cho_solve((L, True), np.eye(len(root)))
        spared = 1 - np.diag(inverse).real
        explained = np.sum((b.conj() * solved).real) / noise**2
        rest, squares = self.yy / noise - explained, np.sum(np.abs(solved) ** 2) / noise**2
        logdet = self.total * np.log(TWO_PI * noise) + 2 * np.log(np.diag(L).real).sum()
        m = len(active)
        score = 0.5 * ((np.abs(solved[:m]) ** 2).sum(1) / noise**2 - n_outputs * spared[:m]) / power
        slopes = kernel.density_gradient(self.nodes[active] * self.step) * np.prod(self.step)
        by_log_noise = 0.5 * (rest - squares - n_outputs * (self.total - spared.sum()))
        return Evidence(-0.5 * (rest + n_outputs * logdet), np.append(slopes @ score, by_log_noise), 0.0)

    def frequencies(self):
        """Points of frequency where `score` can be asked for: nodes along the only feature."""
        if len(self.span) > 1:
            return np.empty((0, len(self.span)))
        first = int(np.ceil(MIN_CYCLES * PERIODS[1]))
        return np.arange(first, self.n_nodes + 1)[:, None] * self.step

    def score(self, kernel, frequencies):
        """As `Dense.score`, at the nodes nearest to points of frequency."""
        noise, n_outputs = kernel.noise, self.data.y.shape[1]
        active, _, root, L, _, solved = self.solve(kernel)
        power, norm = [], []
        for part in np.array_split(frequencies, len(frequencies) * len(root) // CELLS + 1):
            index = np.rint(part / self.step).astype(int)
            places = np.ravel_multi_index((index + self.n_nodes).T, (2 * self.n_nodes + 1,) * index.shape[1])
            A = np.concatenate([self.lags(index, self.nodes[active]), self.projected[places, n_outputs:]], 1) * root
            wave = self.projected[places, :n_outputs] / noise - A @ solved / noise**2
            power.append(np.mean(np.abs(wave) ** 2, axis=1))
            inside = np.abs(scipy.linalg.solve_triangular(L, A.conj().T, lower=True)) ** 2
            norm.append(self.total / noise - inside.sum(0) / noise**2)
        return np.concatenate(power), np.concatenate(norm)

    def posterior(self, kernel):
        return FourierPosterior(self, kernel)


class FourierPosterior:
    """Predictions from the weights of Fourier features."""

    jitter = 0.0

    def __init__(self, solver, kernel):
        active, _, self.root, self.L, _, solved = solver.solve(kernel)
        self.frequencies = solver.nodes[active] * solver.step
        self.coef = solved / kernel.noise

    def predict(self, X, H, moment=None):
        """Mean (m, n_outputs), and the latent variance (m,) or covariance (m, m) of one output if asked for."""
        features = np.concatenate([np.exp(2j * np.pi * X @ self.frequencies.T), H], 1) * self.root
        mean = (features @ self.coef).real
        if moment is None:
            return mean, None
        A = scipy.linalg.solve_triangular(self.L, features.conj().T, lower=True)
        if moment == "variance":
            return mean, np.sum(np.abs(A) ** 2, axis=0)
        return mean, (A.conj().T @ A).real
