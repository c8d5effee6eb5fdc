"""Distinct points with what was observed there, which every way of inference starts from."""

import math
from typing import NamedTuple

import numpy as np
import torch

LOG_TWO_PI = math.log(math.tau)
UNEVEN = 1e-6  # of a step, that points may be off a uniform axis


class Data(NamedTuple):
    """Distinct points with what was observed there.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        Sorted and centred.
    y : ndarray of shape (n, n_outputs)
        Means of the observations at each point.
    weight : ndarray of shape (n,)
        Total weight of each point.
    extra : ndarray of shape (n,)
        Known variance on top of the noise.
    spread : ndarray of shape (n,)
        Weighted squared deviations from the means, over all outputs.
    H : ndarray of shape (n, n_terms)
        The trend's columns times their prior standard deviation.
    """

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    extra: np.ndarray
    spread: np.ndarray
    H: np.ndarray

    def rows(self, index):
        """The data of some points."""
        return Data(*(field[index] for field in self))

    def noise(self, noise):
        """Variance of each point's mean."""
        return (noise + self.extra) / self.weight

    def replicates(self, noise):
        """What observations of the same point add to the log-likelihood, and the derivative by the noise.

        A weighted row counts as that many rows: ``Σ_i w_i log N(y_i | f_i, σ²)``.
        """
        variance, n_outputs = noise + self.extra, self.y.shape[1]
        terms = n_outputs * ((self.weight - 1) * (LOG_TWO_PI + np.log(variance)) + np.log(self.weight))
        slopes = (n_outputs * (self.weight - 1) - self.spread / variance) / variance  # whose square may be no float
        return -0.5 * float(np.sum(terms + self.spread / variance)), -0.5 * float(np.sum(slopes))


def together(X, y, weight, alpha):
    """All points as they are."""
    return Data(X, y, weight, alpha, np.zeros(len(X)), np.empty((len(X), 0)))


def merged(X, y, weight, alpha):
    """Distinct points in order, without a trend."""
    points, index = np.unique(np.column_stack([X, alpha]), axis=0, return_inverse=True)
    index = index.ravel()
    count = np.bincount(index, weight)
    mean = np.column_stack([np.bincount(index, weight * column) for column in y.T]) / count[:, None]
    spread = np.bincount(index, weight * np.square(y - mean[index]).sum(1))
    empty = np.empty((len(points), 0))
    return Data(points[:, :-1], rounded(mean), count, points[:, -1], rounded(spread), empty)


def rounded(x):
    """Numbers to 40 bits, so that it makes no difference in which order they were summed, or as which multiples."""
    mantissa, exponent = np.frexp(x)
    return np.ldexp(np.round(mantissa * 2.0**40) / 2.0**40, exponent)


def may_be_grid(X):
    """Whether there are as few values along each feature as a grid has of which at least half was observed."""
    return np.prod([float(len(np.unique(column))) for column in X.T]) <= 2 * len(X)


def is_uniform(data):
    """Whether points lie evenly on one axis, all with the same noise."""
    if data.X.shape[1] != 1 or len(data.X) < 3:
        return False
    gaps = np.diff(data.X[:, 0])
    return np.ptp(gaps) <= UNEVEN * gaps.mean() and np.ptp(data.weight) == 0 and np.ptp(data.extra) == 0


def tensors(device, *arrays):
    """Arrays as tensors on a device."""
    return (torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in arrays)
