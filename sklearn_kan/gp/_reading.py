"""From a user's points and targets to numbers on the scale that is learned on."""

from typing import NamedTuple

import numpy as np
from sklearn.utils.validation import validate_data

from ..data._masked import unmasked
from ..data._targets import read_numbers, read_weight


class Rows(NamedTuple):
    """Rows with weight, checked.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    y : ndarray of shape (n, n_outputs)
    weight, alpha : ndarray of shape (n,)
    is_flat : bool
        Whether targets came in one dimension.
    """

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    alpha: np.ndarray
    is_flat: bool


def read_points(estimator, X, *, reset):
    """Check points; on `reset` the estimator gets ``n_features_in_`` and ``feature_names_in_``."""
    return validate_data(estimator, unmasked(X), dtype=np.float64, reset=reset)


def read(estimator, X, y, sample_weight, alpha):
    """What `fit` was given."""
    X = read_points(estimator, X, reset=True)
    y, numbers = read_numbers(y, len(X))
    weight = np.ones(len(X)) if sample_weight is None else read_weight(sample_weight, len(X))
    extra = np.asarray(alpha, dtype=np.float64)
    if (extra.ndim and extra.shape != (len(X),)) or not np.all(np.isfinite(extra)) or (extra < 0).any():
        raise ValueError(f"alpha={alpha!r} is not usable. Pass a number >= 0, or one for each of {len(X)} rows.")
    used = weight > 0
    extra = np.broadcast_to(extra, used.shape)
    return Rows(X[used], y[used], weight[used], extra[used], numbers.is_flat)


def read_grid(axes, Y, sample_weight):
    """The cells of a grid that hold a value, as points, targets and weights."""
    axes = [np.asarray(axis, dtype=np.float64).ravel() for axis in axes]
    Y, shape = np.asarray(unmasked(Y), dtype=np.float64), tuple(len(axis) for axis in axes)
    if Y.shape[: len(axes)] != shape or Y.ndim > len(axes) + 1:
        raise ValueError(f"Y has shape {Y.shape}, and the axes have lengths {shape}. Pass one value for each cell.")
    X = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
    values = Y.reshape(len(X), *Y.shape[len(axes) :])
    seen = ~np.isnan(values.reshape(len(X), -1)).any(1)
    return X[seen], values[seen], None if sample_weight is None else np.ravel(sample_weight)[seen]
