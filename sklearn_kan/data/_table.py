"""Reading a user's table: which columns it has, of which kind, and whether they can be learned from."""

import datetime
from itertools import compress
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.exceptions import DuplicateError
from sklearn.utils.validation import validate_data

from .._compat import check_categorical_features
from ._masked import unmasked


class Column(NamedTuple):
    """A column of a table.

    Parameters
    ----------
    name : str or int
        Of a dataframe's column, or an array's place.
    values : ndarray of shape (n_samples,)
        float32 or float64 with NaN where missing, or, for categories, labels with None where missing.
    is_categorical : bool
    """

    name: Any
    values: np.ndarray
    is_categorical: bool = False

    def rows(self, part):
        """The same column of some rows."""
        return self._replace(values=self.values[part])


def read_table(estimator, X, *, reset, categorical=None, selected=None):
    """Check a table and take it apart.

    Parameters
    ----------
    estimator : BaseEstimator
        Gets ``n_features_in_`` and ``feature_names_in_`` if `reset`, and is checked against them otherwise.
    X : array-like or dataframe of shape (n_samples, n_features)
    reset : bool
    categorical : ndarray of shape (n_features,), bool, optional
        The categorical columns, known from an earlier fit; by default the estimator's ``categorical_features`` say.
    selected : ndarray of shape (n_features,), bool, optional
        The columns to read; the names of all are checked.

    Returns
    -------
    columns : list of Column

    Raises
    ------
    TypeError, ValueError
        Naming the column and the remedy.
    """
    if not isinstance(X, np.ndarray) and nw.dependencies.is_into_dataframe(X):
        return read_dataframe(estimator, wrap(X), X, reset, categorical, selected)
    if type(X).__name__ == "LazyFrame":
        raise TypeError("X is a LazyFrame, which has not been computed yet. Pass X.collect().")
    return read_array(estimator, unmasked(X), reset, categorical, selected)


def read_array(estimator, X, reset, categorical, selected):
    kind = np.asarray(X).dtype.kind
    if kind in "mM":
        raise TypeError(f"X has dtype datetime or timedelta. {DATE_REMEDY}")
    if categorical is None and has_no_names(estimator.categorical_features):
        categorical = False
    by_column = kind in "OUS" or categorical is None or np.any(categorical)
    dtype = None if by_column else [np.float64, np.float32]
    X = validate_data(estimator, X, reset=reset, dtype=dtype, ensure_all_finite=False)
    if categorical is None:
        categorical = check_categorical_features(X, estimator.categorical_features)
    is_categorical = np.broadcast_to(False if categorical is None else categorical, X.shape[1])
    read = range(X.shape[1]) if selected is None else np.flatnonzero(selected).tolist()
    return [
        Column(i, labels(X[:, i]) if is_categorical[i] else numbers(i, X[:, i]), bool(is_categorical[i])) for i in read
    ]


def has_no_names(categorical_features):
    """Whether `categorical_features` cannot apply to an array."""
    return categorical_features is None or (
        isinstance(categorical_features, str) and categorical_features == "from_dtype"
    )


def wrap(X):
    """A dataframe behind narwhals' interface."""
    try:
        return nw.from_native(X, eager_only=True)
    except DuplicateError as error:
        raise ValueError(f"X has repeated column names. Rename those columns. {error}") from error


def read_dataframe(estimator, frame, X, reset, categorical, selected):
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    if min(frame.shape) == 0:
        raise ValueError(f"X has shape {frame.shape}. Pass at least one row and one column.")
    if categorical is None:
        categorical = categorical_columns(frame, X, estimator.categorical_features)
    columns = []
    read = np.ones(len(categorical), dtype=bool) if selected is None else selected
    for series, flag in compress(zip(frame.iter_columns(), categorical, strict=True), read):
        check_dtype(series)
        name, values = series.name, series.to_numpy()
        if flag or values.dtype.kind not in "biuf":
            values = np.where(series.is_null().to_numpy(), None if flag else np.nan, values.astype(object))
        columns.append(Column(name, values if flag else numbers(name, values), bool(flag)))
    return columns


def categorical_columns(frame, X, categorical_features):
    if isinstance(categorical_features, str) and categorical_features == "from_dtype":
        return np.array([is_text_or_category(series) for series in frame.iter_columns()])
    mask = check_categorical_features(X, categorical_features)
    return np.zeros(frame.shape[1], dtype=bool) if mask is None else mask


def is_text_or_category(series):
    """Whether a dataframe's column holds categories, or strings and nothing else."""
    if series.dtype in (nw.Categorical, nw.Enum, nw.String):
        return True
    if series.dtype != nw.Object:
        return False
    kinds = {type(value) for value in series.to_numpy() if not is_missing(value)}
    if str in kinds and len(kinds) > 1:
        names = sorted(kind.__name__ for kind in kinds)
        raise TypeError(
            f"{describe(series.name)} of X has dtype object and mixes types {names}. "
            "Convert it to numbers, or to dtype 'category' with one type of label."
        )
    return kinds == {str}


def is_missing(value):
    is_marked = value is None or value is np.ma.masked or type(value).__name__ in ("NAType", "NaTType")
    return is_marked or value != value


DATES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)
DATE_REMEDY = "Dates are not supported: turn them into numbers first, such as days since a start, month or weekday."


def check_dtype(series):
    """Raise for a dataframe's column of dates, or of lists and the like."""
    dtype = series.dtype
    if dtype in (nw.Date, nw.Time) or isinstance(dtype, nw.Datetime | nw.Duration):
        raise TypeError(f"{describe(series.name)} of X has dtype {dtype}. {DATE_REMEDY}")
    if dtype.is_nested():
        raise TypeError(f"{describe(series.name)} of X has dtype {dtype}. Spread it over several columns.")


def numbers(name, values):
    """A numeric column as floats; booleans are 0 and 1."""
    if values.dtype.kind == "O" and any(isinstance(value, DATES) for value in values):
        raise TypeError(f"{describe(name)} of X holds dates. {DATE_REMEDY}")
    if values.dtype not in (np.float32, np.float64):
        try:
            values = values.astype(np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise type(error)(
                f"{describe(name)} of X cannot be read as numbers: {error}. Convert it, or name it in "
                "categorical_features."
            ) from error
    if np.isinf(values).any():
        raise ValueError(
            f"{describe(name)} of X contains infinity. Replace it by a finite number, or by NaN if it is missing."
        )
    return values


def labels(values):
    """A categorical column as objects, with None for every missing value."""
    return np.array([None if is_missing(value) else value for value in values.tolist()], dtype=object)


def describe(name):
    return f"Column {name!r}"
