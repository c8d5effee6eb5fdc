"""Targets and weights of rows: checked, and put on the scale that a loss is learned on."""

import numpy as np
import torch
from sklearn.utils.validation import _check_sample_weight, check_array

from ..knots import distinct_values
from ._encoding import quantile
from ._table import is_missing


class TargetScaler:
    """Put a regression target on the scale that its loss is learned on, and predictions back.

    Attributes
    ----------
    center_, scale_ : ndarray of shape (n_outputs,)
    """

    def __init__(self, loss, quantile):
        self.loss = loss
        self.quantile = quantile

    def fit(self, y, sample_weight):
        """Learn from targets (n_samples, n_outputs) and weights (n_samples,)."""
        weight = torch.from_numpy(sample_weight).double()
        columns = [distinct_values(column, weight) for column in torch.from_numpy(y).double().T]
        self.center_, self.scale_ = np.array([self.center_and_scale(*column) for column in columns]).T.copy()
        return self

    def center_and_scale(self, values, mass):
        """Of one output, from its distinct values and their weights."""
        share = mass / mass.sum()
        mean = (values * share).sum()
        largest = (values - mean).abs().max().clamp(min=torch.finfo(values.dtype).tiny)
        spread = largest * (((values - mean) / largest).square() * share).sum().sqrt()  # no square of a large number
        if self.loss == "squared_error":
            center = mean
        elif self.loss == "poisson":
            center, spread = torch.zeros_like(mean), mean
        else:
            center = quantile(values, mass, self.quantile if self.loss == "quantile" else 0.5)
            robust = (quantile(values, mass, 0.75) - quantile(values, mass, 0.25)) / 1.349  # of a normal: its std
            spread = robust if robust > 0 else spread
        return float(center), float(spread) if spread > torch.finfo(spread.dtype).tiny else 1.0

    def transform(self, y):
        return (y - self.center_) / self.scale_

    def inverse_transform(self, raw):
        """Predictions from raw network outputs, in float64."""
        raw = raw.astype(np.float64)
        return self.scale_ * np.exp(raw) if self.loss == "poisson" else self.center_ + self.scale_ * raw


MAX_WEIGHT = 1e100  # sums of weights stay finite


def read_y(y, n_samples, *, numeric):
    """Check a target: no missing or infinite value, as many rows as the table; float64 if it has to be `numeric`."""
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None.")
    y = check_array(y, ensure_2d=False, allow_nd=True, dtype=None, ensure_all_finite=False, ensure_min_features=0)
    if len(y) != n_samples:
        raise ValueError(f"X has {n_samples} rows and y has {len(y)}. Pass one target for each row.")
    check_complete(y)
    if numeric:
        y = as_numbers(y)
        check_complete(y)
    return y


def check_complete(y):
    """Raise if a target has missing or infinite values."""
    if y.dtype.kind in "biuUS":
        return
    n_missing = np.sum(~np.isfinite(y)) if y.dtype.kind == "f" else sum(map(is_missing, y.ravel().tolist()))
    if n_missing:
        raise ValueError(f"Input y contains NaN or infinity in {n_missing} places. Drop those rows before fitting.")


def as_numbers(y):
    """A target as float64."""
    try:
        if y.dtype.kind in "USmM":
            raise ValueError(f"its dtype is {y.dtype}")
        return y.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise type(error)(f"y cannot be read as numbers: {error}. Convert it, or use KANClassifier.") from error


def read_weight(sample_weight, n_samples):
    """Check row weights; returns float64 of shape (n_samples,)."""
    weight = _check_sample_weight(sample_weight, np.empty((n_samples, 1)), dtype=np.float64)
    if (weight < 0).any():
        raise ValueError(f"sample_weight has negative values (minimum {weight.min():g}). Make them zero or positive.")
    if weight.max() > MAX_WEIGHT:
        raise ValueError(f"sample_weight has values above {MAX_WEIGHT:g} (maximum {weight.max():g}). Scale them down.")
    return weight
