"""Checks of parameters and targets that scikit-learn's own do not make, with errors that name a remedy."""

import warnings
from numbers import Integral

import numpy as np
import torch
from sklearn.utils.validation import _check_sample_weight, check_array

from ._table import is_missing

MAX_WEIGHT = 1e100  # sums of weights stay finite


def layer_sizes(hidden_layer_sizes):
    """The sizes of hidden layers as a tuple."""
    sizes = [hidden_layer_sizes] if isinstance(hidden_layer_sizes, Integral) else hidden_layer_sizes
    if not all(isinstance(size, Integral) and not isinstance(size, bool) and int(size) >= 1 for size in sizes):
        raise ValueError(
            f"hidden_layer_sizes={hidden_layer_sizes!r} is not usable. Pass integers of at least 1, "
            "or () for an additive model."
        )
    return tuple(int(size) for size in sizes)


def refinements(refine_knots):
    """Numbers of knots to refine to as a tuple."""
    numbers = list(refine_knots)
    if not all(isinstance(n, Integral) and not isinstance(n, bool) and int(n) >= 2 for n in numbers):
        raise ValueError(f"refine_knots={refine_knots!r} is not usable. Pass integers of at least 2, such as [12, 24].")
    return tuple(int(n) for n in numbers)


def check_device(device):
    """Raise if there is no such device here."""
    try:
        torch.device("cpu" if device == "auto" else device)
    except RuntimeError as error:
        raise ValueError(f"device={device!r} is unknown. Choose 'auto', 'cpu' or 'cuda'.") from error
    if device != "auto" and not is_available(device):
        raise ValueError(f"device={device!r} is not available here. Choose 'auto' or 'cpu'.")


def is_available(device):
    """Whether a number can be put on a device and read back."""
    try:
        return torch.zeros((), device=device).item() == 0
    except (AssertionError, RuntimeError):
        return False


def resolve_device(device, fallback=False):
    """The device's name; with `fallback`, the CPU and a warning where it is not available."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if fallback and not is_available(device):
        warnings.warn(f"device={device!r} is not available here; the model was loaded on the CPU.", stacklevel=3)
        return "cpu"
    return device


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
