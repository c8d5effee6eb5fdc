"""Targets and weights of rows: checked, and put on the scale that a loss is learned on."""

from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.utils import column_or_1d, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array

from .._compat import check_sample_weight
from ..knots import distinct_values, quantile
from ._masked import check_unmasked
from ._native import native
from ._table import is_missing

MAX_WEIGHT = 1e100  # sums of weights stay finite
MAX_TARGET = 1e307  # differences of targets, and predictions somewhat further out, stay finite
LOG_LINK = "poisson", "gamma", "tweedie"  # losses that learn the logarithm of a mean


class Classes(NamedTuple):
    """A target of classes, learned as their places in `labels`.

    Parameters
    ----------
    labels : ndarray of shape (n_classes,)
    """

    labels: np.ndarray

    @property
    def n_raw(self):
        return len(self.labels)

    def check_several(self, places, streams):
        """Raise unless rows have several classes, or if more of them will come, the target has."""
        if len(self.labels if streams else np.unique(places)) < 2:
            raise ValueError(
                f"y has only one class, {self.labels.tolist()[places[0]]!r}, among rows of positive weight. "
                "Pass rows of at least two classes; in partial_fit pass classes with all labels."
            )

    def encode(self, places):
        """What the loss is learned on, ``(n,) -> (n,)``."""
        return torch.from_numpy(places)


class Numbers(NamedTuple):
    """A target of numbers.

    Parameters
    ----------
    n_outputs : int
    is_flat : bool
        Whether users have it one-dimensional.
    scaler : TargetScaler or None
        None before its rows were seen.
    n_quantiles : int or None
        How many are learned of the one output, if several are asked for.
    """

    n_outputs: int
    is_flat: bool
    scaler: Any = None
    n_quantiles: int | None = None

    @property
    def n_raw(self):
        """How many outputs a network has."""
        return self.n_quantiles or self.n_outputs

    def encode(self, y):
        """What the loss is learned on, ``(n, n_outputs) -> (n, n_outputs)``."""
        return torch.from_numpy(self.scaler.transform(y))

    def decode(self, raw):
        """Predictions from raw outputs (n, n_raw), in float64, shaped as users have them; quantiles in order."""
        y = self.scaler.inverse_transform(raw)
        if self.n_quantiles:
            return np.sort(y, axis=1)
        return y[:, 0] if self.is_flat else y

    def in_units(self, ends):
        """Ends of intervals (n, n_outputs, 2) on the learned scale, after the link, in the units of users."""
        ends = self.scaler.center_[:, None] + self.scaler.scale_[:, None] * ends
        return ends[:, 0] if self.is_flat else ends


class TargetScaler:
    """Put a regression target on the scale that its loss is learned on, and predictions back.

    Attributes
    ----------
    center_, scale_ : ndarray of shape (n_outputs,)
    is_constant_ : bool
        Whether an output had one value only, which says nothing of its scale.
    """

    def __init__(self, loss, quantile):
        self.loss = loss
        self.quantile = quantile

    def fit(self, y, sample_weight):
        """Learn from targets (n_samples, n_outputs) and weights (n_samples,)."""
        weight = torch.from_numpy(sample_weight).double()
        columns = [distinct_values(column, weight) for column in torch.from_numpy(y).double().T]
        self.center_, self.scale_ = np.array([self.center_and_scale(*column) for column in columns]).T.copy()
        self.is_constant_ = any(len(values) == 1 for values, _ in columns)
        return self

    def center_and_scale(self, values, mass):
        """Of one output, from its distinct values and their weights."""
        share = mass / mass.sum()
        mean = (values * share).sum()
        largest = (values - mean).abs().max().clamp(min=torch.finfo(values.dtype).tiny)
        spread = largest * (((values - mean) / largest).square() * share).sum().sqrt()  # no square of a large number
        if self.loss == "squared_error":
            center = mean
        elif self.loss in LOG_LINK:
            center, spread = torch.zeros_like(mean), mean
        else:
            center = quantile(values, mass, self.quantile if self.loss == "quantile" else 0.5)
            robust = (quantile(values, mass, 0.75) - quantile(values, mass, 0.25)) / 1.349  # of a normal: its std
            spread = robust if robust > 0 else spread
        return float(center), float(spread) if spread > torch.finfo(spread.dtype).tiny else 1.0

    def transform(self, y):
        with np.errstate(over="ignore"):  # of a later chunk; its loss is not finite, and it is refused
            return (y - self.center_) / self.scale_

    def inverse_transform(self, raw):
        """Predictions from raw network outputs, in float64."""
        raw = raw.astype(np.float64)
        return self.scale_ * np.exp(raw) if self.loss in LOG_LINK else self.center_ + self.scale_ * raw


def read_y(y, n_samples, *, numeric):
    """Check a target: no missing or infinite value, as many rows as the table; float64 if it has to be `numeric`."""
    if y is None:
        raise ValueError("This estimator requires y to be passed, but the target y is None.")
    check_unmasked("y", y)
    y = native(y)
    y = check_array(y, ensure_2d=False, allow_nd=True, dtype=None, ensure_all_finite=False, ensure_min_features=0)
    if len(y) != n_samples:
        raise ValueError(f"X has {n_samples} rows and y has {len(y)}. Pass one target for each row.")
    check_complete(y)
    if numeric:
        y = as_numbers(y)
        check_complete(y)
    return y


def read_classes(y, n_samples, known=None, given=None):
    """Check a target of classes.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
    n_samples : int
    known : Classes, optional
        Of the fit that this one continues.
    given : array-like, optional
        All classes, where `y` may lack some.

    Returns
    -------
    places : ndarray of shape (n_samples,)
        Of the labels among the classes.
    classes : Classes
    """
    y = column_or_1d(read_y(y, n_samples, numeric=False), warn=True)
    check_classification_targets(y)
    labels = known_labels(y, known, None if given is None else np.unique(given))
    strangers = sorted(set(y.tolist()) - set(labels.tolist()))
    if strangers:
        raise ValueError(
            f"y has labels {strangers[:5]} that are not among the classes {labels.tolist()}. In partial_fit pass "
            "classes with all labels in the first call; with warm_start=True pass the labels of the first fit."
        )
    return np.searchsorted(labels, y), Classes(labels)


def known_labels(y, known, given):
    """The classes of a target, as those of an earlier fit, the user, or the target itself say."""
    if known is None:
        return sorted_labels(y) if given is None else given
    if given is not None and not np.array_equal(given, known.labels):
        raise ValueError(
            f"classes={given.tolist()} differs from the first call's {known.labels.tolist()}. "
            "Leave classes out after the first call."
        )
    return known.labels


def sorted_labels(y):
    """The distinct labels of a target, in order."""
    try:
        return np.unique(y)
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in y})
        raise TypeError(f"y mixes labels of types {kinds}. Convert them to one type, e.g. str.") from error


def read_numbers(y, n_samples, known=None):
    """Check a target of numbers.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
    n_samples : int
    known : Numbers, optional
        Of the fit that this one continues.

    Returns
    -------
    y : ndarray of shape (n_samples, n_outputs), float64
    numbers : Numbers
        `known`, or one without a scaler.
    """
    y = read_y(y, n_samples, numeric=True)
    if y.ndim > 2 or y.shape[-1] == 0:
        raise ValueError(f"y has shape {y.shape}. Pass (n_samples,) or (n_samples, n_outputs).")
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    is_flat, y = y.ndim == 1, y.reshape(n_samples, -1).astype(np.float64)
    largest = np.abs(y).max()
    if largest > MAX_TARGET:
        raise ValueError(
            f"y has values up to {largest:g}, above {MAX_TARGET:g}, whose range is no float64. Scale y down."
        )
    if known is None:
        return y, Numbers(y.shape[1], is_flat)
    if (is_flat, y.shape[1]) != (known.is_flat, known.n_outputs):
        raise ValueError(
            f"y has {y.shape[1]} outputs, and the first fit had {known.n_outputs}. "
            "Pass targets of the same shape, or set warm_start=False."
        )
    return y, known


def weigh_classes(class_weight, labels, places, weight):
    """Weights of rows times those of their classes, which are given as scikit-learn's `class_weight`."""
    present = np.unique(places[weight > 0])
    of_class = np.zeros(len(labels))
    with np.errstate(over="ignore"):
        of_class[present] = compute_class_weight(
            class_weight, classes=labels[present], y=labels[places[weight > 0]], sample_weight=weight[weight > 0]
        )
    if not (np.isfinite(of_class).all() and of_class.min() >= 0 and of_class.any()):
        raise ValueError(
            f"class_weight={class_weight!r} is not usable. Pass finite weights of at least 0, some of them positive."
        )
    with np.errstate(over="ignore"):
        product = weight * of_class[places]
    if product.max() > MAX_WEIGHT:
        raise ValueError(
            f"class_weight={class_weight!r} gives rows weights above {MAX_WEIGHT:g} (maximum {product.max():g}). Scale "
            "it down."
        )
    return product


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


def read_groups(groups, n_samples):
    """Check labels of rows' groups; returns their numbers, in the order in which they come."""
    labels = column_or_1d(native(groups), warn=True).tolist()
    if len(labels) != n_samples:
        raise ValueError(f"X has {n_samples} rows and groups has {len(labels)}. Pass one label for each row.")
    if any(map(is_missing, labels)):
        raise ValueError("groups has missing labels. Give each row without a group a label of its own.")
    number = {label: place for place, label in enumerate(dict.fromkeys(labels))}
    return np.array([number[label] for label in labels])


def read_weight(sample_weight, n_samples):
    """Check row weights; returns float64 of shape (n_samples,)."""
    check_unmasked("sample_weight", sample_weight)
    weight = check_sample_weight(native(sample_weight), np.empty((n_samples, 1)), dtype=np.float64)
    if (weight < 0).any():
        raise ValueError(f"sample_weight has negative values (minimum {weight.min():g}). Make them zero or positive.")
    if weight.max() > MAX_WEIGHT:
        raise ValueError(f"sample_weight has values above {MAX_WEIGHT:g} (maximum {weight.max():g}). Scale them down.")
    return np.require(weight, requirements="W")  # torch cannot hold what may not be written
