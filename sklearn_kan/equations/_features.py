"""A spectral mixture as sines and cosines: the Gaussian process that is solved with.

By Wiener-Khinchin the covariance ``Σ_q w_q Π_d ρ(τ_d / ℓ_d) cos(μ_q · τ)`` has a spectrum of peaks around the
frequencies μ_q. On a lattice of frequencies, ``2π j_d / T_d``, it is the covariance of finitely many waves with
independent coefficients, whose variances are the spectrum's values; it repeats itself after the period T, which is
longer than the domain. Operators act on waves as factors, at any order and without loss, and linear algebra on the
waves themselves (instead of their covariance) keeps twice as many digits.
"""

from itertools import product
from typing import NamedTuple

import numpy as np

from ..gp.covariance._density import peak

REACH = {
    1: 11.0,
    2: 8.0,
    3: 6.0,
}  # half a peak's width in units of 1 / ℓ: beyond are 1e-13, 1e-7, 1e-4 of its amplitude


class Spectrum(NamedTuple):
    """Gaussian peaks of the solution's spectrum, in radians per unit."""

    centres: np.ndarray  # (Q, D)
    weights: np.ndarray  # (Q,), variances
    ratio: float  # length scale, of the extent
    extent: np.ndarray  # (D,)
    middle: np.ndarray  # (D,)

    @property
    def lengths(self):
        return self.ratio * self.extent

    @property
    def spacing(self):
        """Distance between frequencies: a period of the extent and twelve length scales, halved by symmetry."""
        return 2 * np.pi / (self.extent + 6 * self.lengths)

    @property
    def reach(self):
        """Half the width of a peak, (D,)."""
        return REACH.get(len(self.extent), 5.0) / self.lengths

    def with_peak(self, centre, weight):
        """One peak more."""
        return self._replace(centres=np.vstack([self.centres, centre]), weights=np.append(self.weights, weight))

    def shares(self, frequencies):
        """Spectral mass of each peak at lattice points, (Q, p)."""
        cell = np.prod(self.spacing) / (2 * np.pi) ** len(self.extent)
        heights = []
        for centre, weight in zip(self.centres, self.weights, strict=True):
            sides = [
                np.prod([peak((frequencies[:, d] - sign * centre[d]) / (2 * np.pi), self.lengths[d], "gaussian", None)
                         for d in range(len(self.extent))], axis=0) for sign in (1, -1)
            ]  # fmt: skip
            heights.append(weight * cell * (sides[0] + sides[1]) / 2)
        return np.array(heights)

    def waves(self):
        """All waves within reach of a peak."""
        lattice = np.unique(np.vstack([self._around(centre) for centre in self.centres]), axis=0)
        frequencies = lattice * self.spacing
        shares = self.shares(frequencies)
        # waves stand for both sides of the lattice; a constant is its own other side
        mass = shares.sum(0) * np.where(lattice.any(1), 2.0, 1.0)
        return Waves(frequencies, np.sqrt(mass), self.middle)

    def _around(self, centre):
        """Lattice points in a peak's ellipse, one of each pair ±j."""
        nearest = np.round(centre / self.spacing)
        radius = self.reach / self.spacing
        offsets = np.array(list(product(*(np.arange(-int(r), int(r) + 1) for r in radius))))
        offsets = offsets[((offsets / radius) ** 2).sum(1) <= 1]
        lattice = offsets + nearest
        leading = lattice[np.arange(len(lattice)), (lattice != 0).argmax(1)]
        return np.where(leading[:, None] < 0, -lattice, lattice)


class Waves(NamedTuple):
    """Cosines of all frequencies, then sines of those that are not zero, with standard deviations of coefficients."""

    frequencies: np.ndarray  # (p, D)
    deviations: np.ndarray  # (p,)
    middle: np.ndarray  # (D,)

    @property
    def moving(self):
        return self.frequencies.any(1)

    @property
    def amplitudes(self):
        """Standard deviations of all columns' coefficients."""
        return np.concatenate([self.deviations, self.deviations[self.moving]])

    def __call__(self, points, keys):
        """Columns at points for each derivative of `keys`: a list of (n, columns)."""
        angle = (points - self.middle) @ self.frequencies.T
        waves = np.cos(angle), np.sin(angle)
        return [self._derivative(waves, key) for key in keys]

    def _derivative(self, waves, key):
        """∂ cos = cos(· + π/2) ω, ∂ sin = sin(· + π/2) ω, once for each axis of the key."""
        cosine, sine = waves
        if key and key[0] == "riesz":
            turned, factor = waves, -(np.linalg.norm(self.frequencies, axis=1) ** key[1])
        else:
            turned = [(cosine, sine), (-sine, cosine), (-cosine, -sine), (sine, -cosine)][len(key) % 4]
            factor = np.prod([self.frequencies[:, axis] for axis in key], axis=0) if key else np.ones(1)
        return np.concatenate([turned[0] * factor, (turned[1] * factor)[:, self.moving]], axis=1)


class Field(NamedTuple):
    """A sum of waves, and how uncertain its coefficients are."""

    waves: Waves
    coefficients: np.ndarray  # (columns,)
    factor: np.ndarray | None = None  # (columns, r): the coefficients' covariance is its outer product

    def __call__(self, points, key=()):
        """Values of a derivative at points, (n,)."""
        (columns,) = self.waves(points, [key])
        return columns @ self.coefficients

    def deviation(self, points, key=()):
        """Standard deviation of a derivative at points, (n,)."""
        (columns,) = self.waves(points, [key])
        return np.linalg.norm(columns @ self.factor, axis=1)
