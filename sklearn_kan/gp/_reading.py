"""From a user's targets to numbers on the scale that is learned on."""

import numpy as np
from sklearn.utils.validation import column_or_1d

from ..data._targets import read_weight, read_y
from .inference._points import rounded


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
