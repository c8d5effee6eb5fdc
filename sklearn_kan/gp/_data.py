"""From a user's targets to distinct points on the scale that is learned on."""

import numpy as np

from ._inference import Data


def normalisation(y, weight):
    """Mean and standard deviation of each target; one for a constant target. Safe for huge and tiny numbers."""
    largest = np.abs(y).max(0)
    unit = np.where(largest > 0, largest, 1.0)
    z = y / unit
    mean = np.average(z, axis=0, weights=weight)
    std = np.sqrt(np.average(np.square(z - mean), axis=0, weights=weight))
    return rounded(mean * unit), rounded(np.where(std > 10 * np.finfo(float).eps, std, 1.0) * unit)


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
    """Whether there are as few values along each feature as a full grid of so many rows or fewer has."""
    return np.prod([float(len(np.unique(column))) for column in X.T]) <= len(X)
