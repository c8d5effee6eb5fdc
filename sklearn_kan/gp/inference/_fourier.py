"""Many scattered points in few dimensions: equispaced Fourier features (Greengard, Rachh, Barnett 2023).

The covariance is discretised as ``k(τ) = Σ_j h^D S(h j) e^{2πi h j·τ}`` with the spectral density S, on a lattice so
fine that k has died out before it repeats. The features' Gram matrix is Toeplitz, comes from one nonuniform FFT, and
does not depend on the kernel; a sparse spectrum needs few nodes of the lattice. Cost O(n log n) once, then O(m³) for
each likelihood, m the number of nodes with power.
"""

import math
from importlib.util import find_spec

import numpy as np
import scipy.linalg
from scipy.linalg import block_diag

from .._blocks import in_parts
from .._spectrum import MIN_PERIODS, highest_frequency
from ._evidence import Evidence, NotPositiveDefiniteError
from ._solver import Posterior, Solver

PERIODS = {1: 4.0, 2: 2.5}  # period of the lattice in spans, by the number of features
LONGEST = {1: 0.5, 2: 0.25}  # length scale in spans, so that k dies out before it repeats
SHORTEST = {1: 0.005, 2: 0.05}
MOST_NODES = {1: 2**13, 2: 2**6}  # on either side of zero
MOST_ACTIVE = {1: 2_500, 2: 1_200}  # features of nodes that count
NEGLIGIBLE = 1e-9  # power of a node, over the noise's
ACCURACY = 1e-9
MANY_ROWS = 200_000  # from which the kernel is learned from a sample
SAMPLE_ROWS = 100_000


class Fourier(Solver):
    """Inference in the weight space of Fourier features."""

    name = "fourier"
    needs = "it needs one or two features, a Gaussian spectrum, and no alpha"
    is_gaussian = believes_sample = True

    def __init__(self, data, device="cpu"):
        try:
            import finufft
        except ImportError as error:
            raise ImportError(
                f"solver='fourier', which {len(data.X)} rows need, uses finufft. Install sklearn-kan[gp-scale], or "
                "pass fewer rows."
            ) from error
        super().__init__(data, device)
        n_features = data.X.shape[1]
        self.shortest, self.longest = SHORTEST[n_features], LONGEST[n_features]
        self.span = np.ptp(data.X, axis=0)
        self.span[self.span == 0] = 1.0
        self.step = 1 / (PERIODS[n_features] * self.span)
        self.n_nodes = MOST_NODES[n_features]
        transform = finufft.nufft1d1 if n_features == 1 else finufft.nufft2d1
        points = [np.ascontiguousarray(column) for column in (math.tau * self.step * data.X).T]
        weighted = data.weight[:, None]
        strengths = [data.weight, *(data.weight * column for column in (*data.y.T, *data.H.T))]
        sums = real_transforms(transform, points, strengths, (4 * self.n_nodes + 1,) * n_features)
        self.gram = sums[0]  # Σ_i weight_i e^{-2πi h j·x_i} for nodes j from -2n to 2n
        inner = (slice(self.n_nodes, 3 * self.n_nodes + 1),) * n_features
        self.projected = np.stack([values[inner].ravel() for values in sums[1:]], 1)
        self.total = data.weight.sum()
        self.yy = np.sum(weighted * np.square(data.y)) + data.spread.sum()
        self.HH, self.Hy = data.H.T @ (weighted * data.H), data.H.T @ (weighted * data.y)
        axis = np.arange(-self.n_nodes, self.n_nodes + 1)
        nodes = np.stack(np.meshgrid(*(axis,) * n_features, indexing="ij"), -1).reshape(-1, n_features)
        self.zero = len(nodes) // 2  # the other half are their negatives
        self.nodes, self.projected = nodes[self.zero :], self.projected[self.zero :]

    @staticmethod
    def is_there():
        """Whether finufft is installed."""
        return find_spec("finufft") is not None

    @staticmethod
    def suits(data, spectrum):
        n, n_features = data.X.shape
        return n_features <= 2 and spectrum != "student_t" and not data.extra.any() and n > 1

    def on_sample(self):
        if len(self.data.X) <= MANY_ROWS:
            return None
        rows = np.unique(np.random.default_rng(0).integers(len(self.data.X), size=SAMPLE_ROWS))
        return Fourier(self.data.rows(rows), self.device)

    def sines(self, n_most):
        """None: there are too many rows for matching pursuit."""
        return []

    def solve(self, kernel):
        """Nodes and powers of active features, their prior scales D, ``B = I + D Φᵀ Φ D / σ²`` factorised, ``D Φᵀ y``,
        and ``B⁻¹ D Φᵀ y``.

        Features are ``2^½ cos`` of nodes on one side of zero, zero included, then their sines, then the trend.
        """
        n_outputs, n_terms, noise = self.data.y.shape[1], self.data.H.shape[1], kernel.noise
        power = kernel.density(self.nodes * self.step) * np.prod(self.step)
        if not np.isfinite(power).all():
            raise NotPositiveDefiniteError
        active = np.flatnonzero(power * self.total > NEGLIGIBLE * noise)
        most = MOST_ACTIVE[self.data.X.shape[1]] // 2
        if len(active) > most:  # the process without its highest frequencies
            active = np.sort(np.argpartition(power, -most)[-most:])
        nodes, power, projected = self.nodes[active], power[active], self.projected[active]
        near, far = self.lags(nodes, nodes), self.lags(nodes, -nodes)
        cross, sines = near.imag - far.imag, np.sqrt(2) * np.concatenate([projected.real, -projected.imag])
        FH = sines[:, n_outputs:]
        gram = np.block([[near.real + far.real, cross], [cross.T, near.real - far.real]])
        gram = np.block([[gram, FH], [FH.T, self.HH]])
        scale = np.sqrt(np.where(nodes.any(1), power, power / 2))  # zero has one feature for two
        root = np.concatenate([scale, scale, np.ones(n_terms)])
        b = root[:, None] * np.concatenate([sines[:, :n_outputs], self.Hy])
        B = np.eye(len(root)) + root[:, None] * gram * root / noise
        try:
            L = scipy.linalg.cholesky(B, lower=True)
        except scipy.linalg.LinAlgError as error:
            raise NotPositiveDefiniteError from error
        return nodes, power, root, L, b, scipy.linalg.cho_solve((L, True), b)

    def lags(self, left, right):
        """The Gram matrix between waves at nodes."""
        index = left[:, None] - right + 2 * self.n_nodes
        return self.gram[tuple(np.moveaxis(index, -1, 0))]

    def evidence(self, kernel):
        """From each node's score; a weighted row counts as that many."""
        noise, n_outputs = kernel.noise, self.data.y.shape[1]
        nodes, power, root, L, b, solved = self.solve(kernel)
        spared = 1 - np.square(scipy.linalg.solve_triangular(L, np.eye(len(root)), lower=True)).sum(0)
        explained = np.sum(b * solved) / noise**2
        rest, squares = self.yy / noise - explained, np.sum(solved**2) / noise**2
        logdet = self.total * np.log(math.tau * noise) + 2 * np.log(np.diag(L)).sum()
        scores = 0.5 * (np.square(solved).sum(1) / noise**2 - n_outputs * spared)[: 2 * len(nodes)]
        score = scores.reshape(2, -1).sum(0) / power
        slopes = kernel.density_gradient(nodes * self.step) * np.prod(self.step)
        by_log_noise = 0.5 * (rest - squares - n_outputs * (self.total - spared.sum()))
        return Evidence(-0.5 * (rest + n_outputs * logdet), np.append(slopes @ score, by_log_noise), 0.0)

    def frequencies(self):
        """Nodes along single features."""
        n_features = len(self.span)
        first = int(np.ceil(MIN_PERIODS * PERIODS[n_features]))
        nodes = np.arange(first, self.n_nodes + 1)[:, None] * self.step
        if n_features > 1:
            return block_diag(*(along[:, None] for along in nodes.T))
        is_told = len(self.data.X) > 2 * self.n_nodes or not len(nodes)
        return nodes if is_told else nodes[nodes[:, 0] <= highest_frequency(self.data.X[:, 0])]

    def score(self, kernel, frequencies):
        """At the nodes nearest to points of frequency."""
        noise, n_outputs = kernel.noise, self.data.y.shape[1]
        nodes, _, root, L, _, solved = self.solve(kernel)
        power, norm = [], []
        for part in in_parts(frequencies, len(root)):
            index = np.rint(part / self.step).astype(int)
            places = (
                np.ravel_multi_index((index + self.n_nodes).T, (2 * self.n_nodes + 1,) * index.shape[1]) - self.zero
            )
            near, far = self.lags(index, nodes), self.lags(index, -nodes)
            waves = np.concatenate([near + far, -1j * (near - far)], 1) / np.sqrt(2)
            A = np.concatenate([waves, self.projected[places, n_outputs:]], 1) * root
            wave = self.projected[places, :n_outputs] / noise - A @ solved / noise**2
            power.append(np.mean(np.abs(wave) ** 2, axis=1))
            parts = np.concatenate([A.real, A.imag])
            inside = np.square(scipy.linalg.solve_triangular(L, parts.T, lower=True)).sum(0).reshape(2, -1).sum(0)
            norm.append(self.total / noise - inside / noise**2)
        return np.concatenate(power), np.concatenate(norm)

    def posterior(self, kernel):
        return FourierPosterior(self, kernel)


def real_transforms(transform, points, strengths, shape):
    """Nonuniform Fourier sums of real strengths, two at once as the parts of complex ones."""
    padded = [*strengths, np.zeros(0)] if len(strengths) % 2 else strengths
    packed = np.zeros((len(padded) // 2, len(points[0])), dtype=np.complex128)
    for row, real, imag in zip(packed, padded[::2], padded[1::2], strict=True):
        row.real = real
        if len(imag):
            row.imag = imag
    sums = transform(*points, packed, shape, eps=ACCURACY, isign=-1)
    mirrored = np.flip(sums, axis=tuple(range(1, sums.ndim))).conj()
    parts = [part for f, g in zip(sums, mirrored, strict=True) for part in ((f + g) / 2, (f - g) / 2j)]
    return parts[: len(strengths)]


class FourierPosterior(Posterior):
    """Predictions from the weights of Fourier features."""

    def __init__(self, solver, kernel):
        nodes, _, root, self.L, _, solved = solver.solve(kernel)
        self.frequencies, self.scale = math.tau * solver.step * nodes, np.sqrt(2) * root[: len(nodes)]
        self.coef = solved / kernel.noise

    def predict(self, X, H, moment=None):
        angle = X @ self.frequencies.T
        features = np.concatenate([self.scale * np.cos(angle), self.scale * np.sin(angle), H], 1)
        mean = features @ self.coef
        if moment is None:
            return mean, None
        A = scipy.linalg.solve_triangular(self.L, features.T, lower=True)
        if moment == "variance":
            return mean, np.sum(A**2, axis=0)
        return mean, A.T @ A
