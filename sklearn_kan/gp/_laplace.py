"""What the data leave open of a kernel's parameters: Laplace's approximation (Kass & Raftery 1995, sec. 4.1).

Around its maximum the posterior is taken for normal, with the Hessian of the objective as precision. Coordinates are
the optimiser's: a unit is a factor e of weights, length scales and noise, and one cycle over the span of frequencies.
"""

from typing import NamedTuple

import numpy as np

from ._inference import LOG_TWO_PI

STEP = 1e-4  # of finite differences
EDGE = 1e-6  # from a bound, within which a parameter is taken to lie on it, and stays there
WIDEST = 1.0  # standard deviation of what the data say nothing of


class Laplace(NamedTuple):
    """A normal distribution of the parameters that are not on a bound.

    Parameters
    ----------
    log_evidence : float
        Log of the integral of likelihood times prior, whose flat parts have density one.
    mode : ndarray of shape (n_parameters,)
    free : ndarray of shape (n_parameters,)
        Which are not on a bound.
    precision, directions : ndarray of shape (n_free,) and (n_free, n_free)
        Eigenvalues of the Hessian, and its eigenvectors.
    """

    log_evidence: float
    mode: np.ndarray
    free: np.ndarray
    precision: np.ndarray
    directions: np.ndarray

    def kernels(self, objective, n_pairs, power):
        """Draws under the likelihood to a power, in pairs around the mode; the same ones in each call."""
        std = 1 / np.sqrt(at_least(power * self.precision))
        root = self.directions * std @ self.directions.T  # whatever the order and signs of eigenvectors
        normal = np.random.default_rng(0).normal(size=(n_pairs, len(root))) @ root
        z = np.tile(self.mode, (2 * n_pairs, 1))
        z[:, self.free] += np.concatenate([normal, -normal])
        return [objective.kernel_at(row) for row in np.clip(z, *objective.limits)]


def at_least(precision):
    return np.maximum(precision, WIDEST**-2)


def hessian(objective, z, coordinates):
    """Second derivatives of an objective by some coordinates, from its gradient by central differences."""
    rows = [objective(z + step)[1] - objective(z - step)[1] for step in STEP * np.eye(len(z))[coordinates]]
    H = np.array(rows).reshape(-1, len(z))[:, coordinates] / (2 * STEP)
    return 0.5 * (H + H.T)


def laplace(objective):
    """Of a kernel that is at the maximum of its objective."""
    z, (lowest, highest) = objective.start, objective.limits
    free = (z > lowest + EDGE) & (z < highest - EDGE)
    precision, directions = np.linalg.eigh(hessian(objective, z, free))
    log_volume = 0.5 * np.sum(LOG_TWO_PI - np.log(at_least(precision)))
    return Laplace(log_volume - objective(z)[0], z, free, precision, directions)
