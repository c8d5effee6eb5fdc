"""What functions along an axis are combined of: peaks of a spectrum with smooth amplitudes.

The longer a Gaussian peak's length scale, the closer is what it interpolates to a polynomial times its wave (Driscoll &
Fornberg 2002), which needs far fewer digits. So polynomials come first, and peaks of short length scales where these
do not suffice.
"""

from math import comb
from typing import NamedTuple

import numpy as np
from numpy.polynomial import chebyshev

from ._features import Spectrum, Waves


class Modulated(NamedTuple):
    """Chebyshev polynomials times 1, and times the cosine and sine of each frequency."""

    centres: np.ndarray  # (Q, 1), radians per unit, the first zero
    degree: int
    extent: np.ndarray  # (1,)
    middle: np.ndarray  # (1,)

    @property
    def reach(self):
        """How far from a frequency a polynomial's own oscillations go."""
        return self.degree / self.extent

    @property
    def n_columns(self):
        return (self.degree + 1) * (2 * len(self.centres) - 1)

    def with_peak(self, centre):
        return self._replace(centres=np.vstack([self.centres, centre]))

    def columns(self, points, order=0):
        """Derivatives of all functions, (m, n_columns)."""
        polynomials = [self._polynomials(points, j) for j in range(order + 1)]
        blocks = [polynomials[order]]
        for (frequency,) in self.centres[1:]:
            angle = frequency * (points - self.middle)
            for shift in (0.0, -np.pi / 2):
                blocks.append(sum(
                    comb(order, j) * polynomials[j]
                    * (frequency ** (order - j) * np.cos(angle + shift + (order - j) * np.pi / 2))[:, None]
                    for j in range(order + 1)
                ))  # fmt: skip
        return np.hstack(blocks)

    def _polynomials(self, points, order):
        half = self.extent[0] / 2
        coefficients = np.eye(self.degree + 1)
        if order:
            coefficients = chebyshev.chebder(coefficients, order, axis=0) / half**order
        return chebyshev.chebvander((points - self.middle) / half, max(len(coefficients) - 1, 0)) @ coefficients


class Peaked(NamedTuple):
    """Waves around each frequency, as large as a peak's amplitude there."""

    spectrum: Spectrum
    waves: Waves

    @classmethod
    def of(cls, spectrum):
        return cls(spectrum, spectrum.waves())

    @property
    def centres(self):
        return self.spectrum.centres

    @property
    def extent(self):
        return self.spectrum.extent

    @property
    def middle(self):
        return self.spectrum.middle

    @property
    def reach(self):
        return self.spectrum.reach

    @property
    def n_columns(self):
        return len(self.waves.amplitudes)

    def with_peak(self, centre):
        return Peaked.of(self.spectrum.with_peak(centre, 1.0))

    def columns(self, points, order=0):
        """Derivatives of all functions, (m, n_columns)."""
        (columns,) = self.waves(points[:, None], [(0,) * order])
        return columns * self.waves.amplitudes


def families(points):
    """From smooth to rough, those that the points of an axis can tell apart."""
    extent, middle, zero = np.array([np.ptp(points)]), np.array([(points[0] + points[-1]) / 2]), np.zeros((1, 1))
    # least squares by polynomials on even points are stable up to degrees of about the root of their number
    stable = max(2 * np.sqrt(len(points)), 6)
    smooth = [Modulated(zero, degree, extent, middle) for degree in (10, 14, 20, 28, 40) if degree <= stable]
    rough = [Peaked.of(Spectrum(zero, np.ones(1), ratio, extent, middle)) for ratio in (0.25, 0.125, 0.0625)]
    return (smooth or [Modulated(zero, int(stable), extent, middle)]) + rough
