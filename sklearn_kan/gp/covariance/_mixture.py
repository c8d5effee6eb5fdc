"""The covariance that a mixture of spectral peaks implies, and its derivatives.

``k(τ) = Σ_q w_q Π_d ρ(τ_d / ℓ_qd) cos(2π μ_qd τ_d)``. By Wiener-Khinchin the power spectrum of component q is a peak of
width 1/ℓ_q around the frequency μ_q: a Gaussian one for ``ρ(a) = exp(-a²/2)`` (Wilson & Adams 2013, eq. 12), a
Student-t one for a Matérn envelope (Fang et al. 2024, arXiv:2311.04465, sec. 3). A frequency that is exactly zero is
not learned.

Parameters are NumPy arrays; ``theta`` is ``[log w (Q), log ℓ (Q·D), μ where it is not zero, log noise]``; of components
that are tied, ℓ and μ are those of their leaders. Points are float64 tensors, centred by the caller.
"""

import math

import numpy as np
import torch

from .._blocks import blocks
from ._density import density, density_gradient
from ._ties import free

SMOOTHNESS = (0.5, 1.5, 2.5)  # degrees of smoothness ν with a closed form


class SpectralMixture:
    """A spectral mixture with noise.

    Parameters
    ----------
    weights : array of shape (n_components,)
        Variances w_q.
    length_scales : array of shape (n_components, n_features)
        ℓ_qd, the lengths over which components lose their phase.
    frequencies : array of shape (n_components, n_features)
        μ_qd, in cycles per unit of the feature.
    noise : float
        Variance of the noise.
    spectrum : {"gaussian", "student_t"}
        Shape of the peaks.
    nu : {0.5, 1.5, 2.5}
        Smoothness of a Student-t mixture's Matérn envelope, in every dimension.
    ties : Ties, optional
        Which components are harmonics of another one; none by default.

    Examples
    --------
    >>> from sklearn_kan.gp import SpectralMixture
    >>> SpectralMixture([1.0, 0.5], [[10.0], [20.0]], [[0.0], [0.25]], noise=0.01)
    1 * gaussian(length_scale=10) + 0.5 * gaussian(length_scale=20) * cos(frequency=0.25) + noise(0.01)
    """

    def __init__(self, weights, length_scales, frequencies, noise=0.0, spectrum="gaussian", nu=2.5, ties=None):
        self.weights = np.asarray(weights, dtype=np.float64)
        self.length_scales = np.asarray(length_scales, dtype=np.float64)
        self.frequencies = np.asarray(frequencies, dtype=np.float64)
        self.noise = float(noise)
        self.spectrum, self.nu = spectrum, nu
        self.ties = free(len(self.weights)) if ties is None else ties

    def __setstate__(self, state):
        self.__dict__ = {"ties": free(len(state["weights"]))} | state  # of before there were ties

    def __repr__(self):
        name = "gaussian" if self.spectrum == "gaussian" else f"matern{self.nu:g}"
        terms = []
        for weight, lengths, frequency in zip(self.weights, self.length_scales, self.frequencies, strict=True):
            term = f"{weight:.3g} * {name}(length_scale={written(lengths)})"
            terms.append(term + f" * cos(frequency={written(frequency)})" * bool(frequency.any()))
        return " + ".join([*terms, f"noise({self.noise:.3g})"])

    @property
    def parts(self):
        """The mixtures that it is a product of, each with its features: itself, with all of them."""
        return [(self, slice(None))]

    @property
    def expanded(self):
        """The same covariance as a plain mixture: itself."""
        return self

    @property
    def n_features(self):
        return self.length_scales.shape[1]

    @property
    def theta(self):
        """The parameters as one vector, in the order of this module's docstring."""
        leads = self.ties.leads
        logs = np.log(np.concatenate([self.weights, self.length_scales[leads].ravel()]))
        frequencies = self.frequencies[leads]
        return np.concatenate([logs, frequencies[frequencies != 0], [np.log(self.noise)]])

    def with_theta(self, theta) -> "SpectralMixture":
        """The mixture with as many components that has these parameters."""
        (n_components, n_features), leads, place = self.length_scales.shape, self.ties.leads, self.ties.place
        weights, lengths, frequencies, noise = np.split(
            np.asarray(theta, dtype=np.float64), [n_components, n_components + len(leads) * n_features, -1]
        )
        leading = np.zeros((len(leads), n_features))
        leading[self.frequencies[leads] != 0] = frequencies
        return self.replaced(
            weights=np.exp(weights), length_scales=np.exp(lengths).reshape(len(leads), n_features)[place],
            frequencies=leading[place] * self.ties.multiple[:, None], noise=np.exp(noise[0]),
        )  # fmt: skip

    def replaced(self, **changes) -> "SpectralMixture":
        """A copy with other values."""
        names = "weights", "length_scales", "frequencies", "noise", "spectrum", "nu", "ties"
        return SpectralMixture(**{name: getattr(self, name) for name in names} | changes)

    def times(self, factor) -> "SpectralMixture":
        """The mixture with all variances times a factor."""
        return self.replaced(weights=self.weights * factor, noise=self.noise * factor)

    def select(self, components) -> "SpectralMixture":
        """The mixture of some of the components."""
        return self.replaced(
            weights=self.weights[components], length_scales=self.length_scales[components],
            frequencies=self.frequencies[components], ties=self.ties.select(components),
        )  # fmt: skip

    def with_component(self, weight, length_scales, frequencies) -> "SpectralMixture":
        """The mixture with one component more."""
        return self.with_comb([weight], length_scales, frequencies, [1])

    def with_comb(self, weights, length_scales, frequencies, multiples, known=False) -> "SpectralMixture":
        """The mixture with harmonics of some frequencies, which share their length scales; known ones stay as given."""
        n = len(multiples)
        return self.replaced(
            weights=np.append(self.weights, weights),
            length_scales=np.vstack([self.length_scales, *[length_scales] * n]),
            frequencies=np.vstack([self.frequencies, *(np.multiply(frequencies, k) for k in multiples)]),
            ties=self.ties.with_comb(multiples, known),
        )

    def __call__(self, A, B):
        """Covariance without noise between points; ``(n, D), (m, D) -> (n, m)``."""
        K = torch.zeros(len(A), len(B), dtype=torch.float64, device=A.device)
        for rows in blocks(len(A), len(B)):
            for q in range(len(self.weights)):
                K[rows] += self.envelope(q, A[rows], B)[0].mul_(self.phase(q, A[rows], B))
        return K

    def lower(self, X) -> torch.Tensor:
        """Covariance of points with themselves; entries above the diagonal may be missing (they are zero)."""
        K = torch.zeros(len(X), len(X), dtype=torch.float64, device=X.device)
        for rows in blocks(len(X), len(X)):
            K[rows, : rows.stop] = self(X[rows], X[: rows.stop])
        return K

    def gradient(self, X, G):
        """``Σ_ij G_ij ∂k(x_i, x_j)/∂θ`` for a symmetric G and all of θ but the noise; a vector on the CPU."""

        def pairs():
            for rows in blocks(len(X), len(X)):
                half = 2 * G[rows, : rows.stop]
                half[:, rows.start :].tril_()  # each pair once
                half[:, rows.start :].diagonal().mul_(0.5)
                yield X[rows], X[: rows.stop], half

        return self.summed_gradient(pairs())

    def cross_gradient(self, A, B, G):
        """``Σ_ij G_ij ∂k(a_i, b_j)/∂θ``, as `gradient`."""
        return self.summed_gradient((A[rows], B, G[rows]) for rows in blocks(len(A), len(B)))

    def summed_gradient(self, parts):
        """Gradients over blocks of (points, points, factors of each pair)."""
        sums = np.zeros((1 + 2 * self.n_features, len(self.weights)))  # by weight, by lengths, by frequencies
        for A, B, factors in parts:
            for q in range(len(self.weights)):
                E, ratio = self.envelope(q, A, B)
                E *= factors
                for d in np.flatnonzero(self.frequencies[q]):
                    others = E if self.n_features == 1 else E * self.phase(q, A, B, omit=d)
                    sums[1 + self.n_features + d, q] += slope(others, A[:, d], B[:, d], self.frequencies[q, d]).item()
                E *= self.phase(q, A, B)
                sums[0, q] += E.sum().item()
                sums[1 : 1 + self.n_features, q] += ratio(E).cpu().numpy()
        by_weight, by_length, by_frequency = np.split(sums, [1, 1 + self.n_features])
        gradient = np.concatenate([by_weight[0], by_length.T.ravel(), by_frequency.T[self.frequencies != 0]])
        return self.ties.reduced(gradient, self.frequencies)

    def envelope(self, q, A, B):
        """``w Π_d ρ``, and a function that maps a matrix M to ``Σ_ij M_ij ∂log ρ_ij/∂log ℓ_d``, of shape (D,)."""
        scale = torch.from_numpy(1 / self.length_scales[q]).to(A.device)
        U, V = A * scale, B * scale
        if self.spectrum == "gaussian":
            squares = U.square().sum(1)[:, None] + V.square().sum(1) - 2 * U @ V.T
            if self.n_features == 1:  # exact also for near points
                squares = (U - V.T).square()
            E = squares.clamp_(min=0).mul_(-0.5).exp_().mul_(self.weights[q])
            return E, lambda M: (M.sum(1) @ U.square() + M.sum(0) @ V.square()) - 2 * (U * (M @ V)).sum(0)
        U, V = math.sqrt(2 * self.nu) * U, math.sqrt(2 * self.nu) * V
        E = torch.cdist(U, V, p=1).neg_().exp_().mul_(self.weights[q])
        if self.nu > 0.5:
            for a in distances(U, V):
                E *= matern_polynomial(a, self.nu)
        return E, lambda M: torch.stack([
            torch.dot(M.flatten(), matern_ratio(a, self.nu).flatten()) for a in distances(U, V)
        ])  # fmt: skip

    def phase(self, q, A, B, omit=None):
        """``Π_d cos(2π μ_d τ_d)``, over all dimensions but one; a number where no frequency is there."""
        product: float | torch.Tensor = 1.0
        for d in np.flatnonzero(self.frequencies[q]):
            if d != omit:
                a, b = math.tau * self.frequencies[q, d] * A[:, d], math.tau * self.frequencies[q, d] * B[:, d]
                left, right = torch.stack([a.cos(), a.sin()], 1), torch.stack([b.cos(), b.sin()])
                product = product * (left @ right)
        return product

    def at_lags(self, tau):
        """``k`` at lags along one dimension and its derivatives: ``(m,) -> (m,), (n_parameters - 1, m)``."""
        a = np.abs(tau) / self.length_scales  # (Q, m)
        if self.spectrum == "gaussian":
            E, ratio = np.exp(-0.5 * a**2), a**2
        else:
            a = math.sqrt(2 * self.nu) * a
            E, ratio = np.exp(-a) * matern_polynomial(a, self.nu), matern_ratio(a, self.nu)
        E = self.weights[:, None] * E
        angle = math.tau * self.frequencies * tau
        terms = E * np.cos(angle)
        periodic = self.frequencies[:, 0] != 0
        d_frequency = -math.tau * tau * (E * np.sin(angle))[periodic]
        gradient = np.concatenate([terms, terms * ratio, d_frequency])
        return terms.sum(0), self.ties.reduced(gradient, self.frequencies)

    def density(self, frequencies) -> torch.Tensor:
        """Power spectral density at points of frequency, ``(m, D) -> (m,)``; it integrates to the sum of weights."""
        return density(self, np.asarray(frequencies, dtype=np.float64))

    def density_gradient(self, frequencies):
        """Derivatives of a Gaussian mixture's `density` by all of θ but the noise, ``(n_parameters - 1, m)``."""
        gradient = density_gradient(self, np.asarray(frequencies, dtype=np.float64))
        return self.ties.reduced(gradient, self.frequencies)


def distances(U, V):
    """Between all points, along one feature after the other."""
    return ((u[:, None] - v).abs_() for u, v in zip(U.T, V.T, strict=True))


def matern_polynomial(a, nu):
    """``ρ(a) e^a`` with ``a = (2ν)^½ |τ| / ℓ`` (Rasmussen & Williams 2006, eq. 4.16)."""
    return {0.5: lambda: 1.0, 1.5: lambda: 1 + a, 2.5: lambda: 1 + a + a * a / 3}[nu]()


def matern_ratio(a, nu):
    """``∂log ρ/∂log ℓ``."""
    if nu == 0.5:
        return a
    return a * a / (1 + a) if nu == 1.5 else a * a * (1 + a) / (3 + 3 * a + a * a)


def slope(M, a, b, frequency):
    """``Σ_ij M_ij ∂cos(2π μ (a_i - b_j))/∂μ`` without a matrix of sines."""
    cos_a, sin_a, cos_b, sin_b = (f(math.tau * frequency * x) for x in (a, b) for f in (torch.cos, torch.sin))
    sums = M @ torch.stack([cos_b, sin_b, b * cos_b, b * sin_b], 1)
    total = a * sin_a @ sums[:, 0] - a * cos_a @ sums[:, 1] - sin_a @ sums[:, 2] + cos_a @ sums[:, 3]
    return -math.tau * total


def written(values):
    """A number, or a list of numbers, with three digits."""
    texts = [f"{value:.3g}" for value in values]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
