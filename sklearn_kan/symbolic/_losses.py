"""What errors of a formula are: squares in units of the target's spread, or deviances of classes."""

from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, xlogy

LEAST_ERROR = 1e-9  # below which formulas are equally good
LEAST_CURVATURE = 1e-3  # of a deviance, in units of its largest


class Working(NamedTuple):
    """Derivatives of the mean loss at rows by a formula's values, without weights."""

    gradient: np.ndarray
    curvature: np.ndarray


class Squares:
    """Squared errors in standard deviations of the target."""

    has_links = True  # whether sums may be behind an exponential
    price = 0.7  # of a unit of complexity, in units of log(n): a fitted constant and its operation cost about two

    def residuals(self, found, y, spread):
        return (found - y) / spread

    def working(self, found, y, spread):
        return Working((found - y) / spread**2, np.full(len(y), spread**-2))

    def criterion(self, error, n_samples):
        """Twice a negative log-likelihood, noise fitted."""
        return n_samples * np.log(error**2 + LEAST_ERROR**2)

    def dispersion(self, residuals, n_constants):
        """The variance of residuals that constants were fitted to."""
        return float(residuals @ residuals) / max(1, len(residuals) - n_constants)

    def start(self, y, weight):
        """The best constant."""
        return float(np.average(y, weights=weight))


class Deviance:
    """Of log-odds, for a target of probabilities between 0 and 1: twice Kullback and Leibler's divergence."""

    has_links = False
    price = 0.35  # classes have no law that is exact: about one logarithm of n for a constant, as Schwarz has it

    def residuals(self, found, y, spread):
        """Signed roots, which makes a likelihood a problem of least squares."""
        found = np.clip(found, -500.0, 500.0)
        entropy = xlogy(y, y) + xlogy(1 - y, 1 - y)
        with np.errstate(invalid="ignore"):  # a formula without a value has no deviance, either
            divergence = np.logaddexp(0, found) - y * found + entropy
        return np.sign(expit(found) - y) * np.sqrt(2 * np.maximum(divergence, 0.0))

    def working(self, found, y, spread):
        p = expit(found)
        return Working(p - y, np.maximum(p * (1 - p), LEAST_CURVATURE / 4))

    def criterion(self, error, n_samples):
        return n_samples * error**2

    def dispersion(self, residuals, n_constants):
        return 1.0

    def start(self, y, weight):
        share = float(np.average(y, weights=weight))
        return float(np.log(share / (1 - share)))


SQUARES: Any = Squares()
DEVIANCE: Any = Deviance()
