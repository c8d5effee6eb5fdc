"""What a user passes as numbers: points, targets, weights and known variances of the rows that count."""

import math
import warnings
from typing import NamedTuple

import numpy as np

from ..data._masked import unmasked
from ..data._table import read_table
from ..data._targets import read_numbers, read_weight
from ._months import offset_in_month, to_calendar

LEAST_WEIGHT = 1e-100  # a row with less says no more
MICROSECONDS = 86_400_000_000  # of a day


class Axis(NamedTuple):
    """How the values of a feature are numbers; those of dates and durations are days.

    Parameters
    ----------
    kind : {"number", "date", "duration"}
    first : float, default=0.0
        Day since 1970 from which dates are counted, which leaves more digits for what differs.
    step : float, default=1.0
        Microseconds to which dates and durations are rounded, which makes even steps even again: 1 for the years from
        1881 to 2059, as float64 can tell from days since 1970.
    month_offset : float or None, default=None
        Of dates on the same day of each month, days after its first: they are counted in months of equal length.
    """

    kind: str
    first: float = 0.0
    step: float = 1.0
    month_offset: float | None = None

    @property
    def frequency_unit(self):
        return "per unit" if self.kind == "number" else "per day"

    def numbers(self, column):
        """A column's values, float64."""
        if self.kind == "number":
            return column.values.astype(np.float64)
        if self.month_offset is not None:
            return to_calendar(column.values, self.month_offset) - self.first
        steps_a_day = MICROSECONDS / self.step
        return (np.round(column.values * steps_a_day) - self.first * steps_a_day) / steps_a_day


class Rows(NamedTuple):
    """Rows with weight, checked.

    Parameters
    ----------
    axes : list of Axis
        Of each feature.
    X : ndarray of shape (n, n_features)
    y : ndarray of shape (n, n_outputs)
    weight, alpha : ndarray of shape (n,)
    is_flat : bool
        Whether targets came in one dimension.
    """

    axes: list
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    alpha: np.ndarray
    is_flat: bool


def read(reader, X, y, sample_weight, alpha):
    """What `fit` was given; an estimator `reader` gets ``n_features_in_`` and ``feature_names_in_``."""
    reader.categorical_features = None
    columns = complete(read_table(reader, X, reset=True))
    axes = [axis_of(column) for column in columns]
    X = points(columns, axes)
    y, numbers = read_numbers(y, len(X))
    weight = np.ones(len(X)) if sample_weight is None else read_weight(sample_weight, len(X))
    extra = np.asarray(unmasked(alpha), dtype=np.float64)
    if (extra.ndim and extra.shape != (len(X),)) or not np.all(np.isfinite(extra)) or (extra < 0).any():
        raise ValueError(f"alpha={alpha!r} is not usable. Pass a number >= 0, or one for each of {len(X)} rows.")
    used = weight > 0
    weight = np.where(used, np.maximum(weight, LEAST_WEIGHT), 0.0)
    if round(weight.sum(), 6) <= 1 < used.sum():
        warnings.warn(
            f"sample_weight sums to {weight.sum():.1g}, and a row of weight w counts as w rows: {used.sum()} rows say "
            "no more than one. Pass weights with a mean of 1 unless you mean that.",
            UserWarning,
            stacklevel=4,
        )
    extra = np.broadcast_to(extra, used.shape)
    return Rows(axes, X[used], y[used], weight[used], extra[used], numbers.is_flat)


def read_points(estimator, X, axes):
    """Points to predict for, whose columns are like those of `fit`."""
    return points(complete(read_table(estimator, X, reset=False, kinds=[axis.kind for axis in axes])), axes)


def complete(columns):
    """Columns, of which none may have missing values."""
    for column in columns:
        n_missing = int(np.isnan(column.values).sum())
        if n_missing:
            raise ValueError(
                f"{column.described} of X has {n_missing} missing values (NaN, NaT, None or masked). Drop those rows, "
                "or impute them."
            )
    return columns


def axis_of(column):
    """How a column is read, from its values in `fit`."""
    if column.kind == "number":
        return Axis("number")
    offset = offset_in_month(column.values) if column.kind == "date" else None
    if offset is not None:
        return Axis("date", float(to_calendar(column.values.min(), offset)), month_offset=offset)
    first = float(np.floor(column.values.min())) if column.kind == "date" else 0.0
    resolution = MICROSECONDS * 2 * np.spacing(np.abs(column.values).max())
    return Axis(column.kind, first, 10.0 ** max(0, math.ceil(math.log10(resolution))))


def points(columns, axes):
    """Columns as points, ``(n, n_features)``."""
    return np.column_stack([axis.numbers(column) for axis, column in zip(axes, columns, strict=True)])


def read_grid(axes, Y, sample_weight):
    """The cells of a grid that hold a value, as points, targets and weights."""
    axes = [np.asarray(unmasked(axis)).ravel() for axis in axes]
    Y, shape = np.asarray(unmasked(Y), dtype=np.float64), tuple(len(axis) for axis in axes)
    if Y.shape[: len(axes)] != shape or Y.ndim > len(axes) + 1:
        raise ValueError(f"Y has shape {Y.shape}, and the axes have lengths {shape}. Pass one value for each cell.")
    places = np.indices(shape).reshape(len(axes), -1)
    if any(axis.dtype.kind in "OmM" for axis in axes):
        axes = [np.fromiter(axis, dtype=object) for axis in axes]  # dates stay dates beside numbers
    X = np.column_stack([axis[place] for axis, place in zip(axes, places, strict=True)])
    values = Y.reshape(len(X), *Y.shape[len(axes) :])
    seen = ~np.isnan(values.reshape(len(X), -1)).any(1)
    return X[seen], values[seen], None if sample_weight is None else np.ravel(sample_weight)[seen]
