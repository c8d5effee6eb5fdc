"""From a user's targets to distinct points on the scale that is learned on."""

import numpy as np
from sklearn.utils.validation import column_or_1d

from ..data._targets import read_weight, read_y
from ._inference import Data


def read(X, y, sample_weight, alpha):
    """Rows with weight, checked; targets in two dimensions, and whether they came in one."""
    y = read_y(y, len(X), numeric=True)
    if y.ndim > 2 or y.shape[-1] == 0:
        raise ValueError(f"y has shape {y.shape}. Pass (n_samples,) or (n_samples, n_outputs).")
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    weight = np.ones(len(X)) if sample_weight is None else read_weight(sample_weight, len(X))
    extra = np.asarray(alpha, dtype=np.float64)
    if (extra.ndim and extra.shape != (len(X),)) or not np.all(np.isfinite(extra)) or (extra < 0).any():
        raise ValueError(f"alpha={alpha!r} is not usable. Pass a number >= 0, or one for each of {len(X)} rows.")
    used = weight > 0
    return X[used], y.reshape(len(X), -1)[used], weight[used], np.broadcast_to(extra, used.shape)[used], y.ndim == 1


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
    """Whether there are as few values along each feature as a grid has of which at least half was observed."""
    return np.prod([float(len(np.unique(column))) for column in X.T]) <= 2 * len(X)
