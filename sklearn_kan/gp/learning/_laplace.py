"""What the data leave open of a kernel's parameters: Laplace's approximation (Kass & Raftery 1995, sec. 4.1).

Around its maximum the posterior is taken for normal, with the Hessian of the objective as precision. Coordinates are
the optimiser's: a unit is a factor e of weights, length scales and noise, and one cycle over the span of frequencies.
"""

from typing import NamedTuple

import numpy as np

STEP = 1e-4  # of finite differences
EDGE = 1e-6  # from a bound, within which a parameter is taken to lie on it, and stays there
WIDEST = 1.0  # standard deviation of what the data say nothing of


class Laplace(NamedTuple):
    """A normal distribution of the parameters that are not on a bound.

    Parameters
    ----------
    mode : ndarray of shape (n_parameters,)
    free : ndarray of shape (n_parameters,)
        Which are not on a bound.
    root : ndarray of shape (n_free, n_free)
        Symmetric root of the covariance.
    """

    mode: np.ndarray
    free: np.ndarray
    root: np.ndarray

    def kernels(self, objective, n_pairs):
        """Draws, in pairs around the mode; the same ones in each call."""
        normal = np.random.default_rng(0).normal(size=(n_pairs, len(self.root))) @ self.root
        z = np.tile(self.mode, (2 * n_pairs, 1))
        z[:, self.free] += np.concatenate([normal, -normal])
        return [objective.kernel_at(row) for row in np.clip(z, *objective.limits)]


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
    std = 1 / np.sqrt(np.maximum(precision, WIDEST**-2))
    return Laplace(z, free, directions * std @ directions.T)  # whatever the order and signs of eigenvectors
