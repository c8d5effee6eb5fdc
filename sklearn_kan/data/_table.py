"""Reading a user's table: which columns it has, of which kind, and whether they can be learned from."""

import datetime
from itertools import compress
from typing import Any, NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.exceptions import DuplicateError
from sklearn.utils.validation import validate_data

from .._compat import check_categorical_features
from ._dates import DATES, DURATIONS, in_days, without_zone
from ._masked import unmasked
from ._native import native


class Column(NamedTuple):
    """A column of a table.

    Parameters
    ----------
    name : str or int
        Of a dataframe's column, or an array's place.
    values : ndarray of shape (n_samples,)
        float32 or float64 with NaN where missing, in days for dates and durations; labels with None for categories.
    kind : {"number", "category", "date", "duration"}
    declared : ndarray of labels, optional
        The levels that a dtype declares, whether they occur or not.
    """

    name: Any
    values: np.ndarray
    kind: str = "number"
    declared: np.ndarray | None = None

    @property
    def is_categorical(self):
        return self.kind == "category"

    @property
    def described(self):
        return describe(self.name)

    def rows(self, part):
        """The same column of some rows."""
        return self._replace(values=self.values[part])


def read_table(estimator, X, *, reset, kinds=None, selected=None):
    """Check a table and take it apart.

    Parameters
    ----------
    estimator : BaseEstimator
        Gets ``n_features_in_`` and ``feature_names_in_`` if `reset`, and is checked against them otherwise.
    X : array-like or dataframe of shape (n_samples, n_features)
    reset : bool
    kinds : list of str, optional
        Of the columns, known from an earlier fit; by default the estimator's ``categorical_features`` and dtypes say.

    Returns
    -------
    columns : list of Column

    Raises
    ------
    TypeError, ValueError
        Naming the column and the remedy.
    """
    X = native(X)
    if not isinstance(X, np.ndarray) and nw.dependencies.is_into_dataframe(X):
        return read_dataframe(estimator, wrap(X), X, reset, kinds, selected)
    return read_array(estimator, unmasked(X), reset, kinds, selected)


def read_array(estimator, X, reset, kinds, selected):
    may_be_categorical = "category" in kinds if kinds else not has_no_names(estimator.categorical_features)
    is_numeric = np.asarray(X).dtype.kind not in "OUSmM"
    dtype = [np.float64, np.float32] if is_numeric and not may_be_categorical else None
    X = validate_data(estimator, X, reset=reset, dtype=dtype, ensure_all_finite=False)
    if kinds is None:
        mask = check_categorical_features(X, estimator.categorical_features) if may_be_categorical else None
        kinds = ["category" if flag else None for flag in np.broadcast_to(False if mask is None else mask, X.shape[1])]
    remedy = remedy_for(estimator, reset)
    read = range(X.shape[1]) if selected is None else np.flatnonzero(selected).tolist()
    return [read_values(i, X[:, i], kinds[i], remedy=remedy) for i in read]


def remedy_for(estimator, reset):
    """What to do about a column that is no numbers."""
    has_categories = reset and "categorical_features" in estimator.get_params(deep=False)
    return "Convert it, or name it in categorical_features." if has_categories else "Convert it to numbers."


def read_values(name, values, kind=None, declared=None, *, remedy):
    """A column of a kind, by default numbers, dates or durations as its values say."""
    if kind == "category":
        return Column(name, labels(in_days(values) if values.dtype.kind in "mM" else values), kind, declared)
    found, has_values = kind_of(name, values)
    if kind is not None and found != kind and has_values:
        raise TypeError(f"{describe(name)} of X holds {found}s, and the first fit had {kind}s. Convert it.")
    kind = kind or found
    return Column(name, numbers(name, values, remedy) if kind == "number" else in_days(values), kind)


def kind_of(name, values):
    """Whether values are numbers, dates or durations; and whether there is any."""
    if values.dtype.kind != "O":
        return {"M": "date", "m": "duration"}.get(values.dtype.kind, "number"), True
    present = [value for value in values.tolist() if not is_missing(value)]
    kinds = {kind_of_value(value) for value in present}
    if len(kinds) > 1:
        raise TypeError(
            f"{describe(name)} of X mixes {' and '.join(f'{kind}s' for kind in sorted(kinds))}. Convert it."
        )
    return (kinds.pop() if kinds else "number"), bool(present)


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


def read_dataframe(estimator, frame, X, reset, kinds, selected):
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    if min(frame.shape) == 0:
        raise ValueError(f"X has shape {frame.shape}. Pass at least one row and one column.")
    if kinds is None:
        categorical = categorical_columns(frame, X, estimator.categorical_features)
        kinds = ["category" if flag else None for flag in categorical]
    read = np.ones(len(kinds), dtype=bool) if selected is None else selected
    remedy = remedy_for(estimator, reset)
    return [read_series(*one, remedy) for one in compress(zip(frame.iter_columns(), kinds, strict=True), read)]


def read_series(series, kind, remedy):
    """A column of a dataframe."""
    check_dtype(series)
    values = without_zone(series).to_numpy()
    is_category = kind == "category"
    if values.dtype.kind not in "mM" and (is_category or values.dtype.kind not in "biuf"):
        values = np.where(series.is_null().to_numpy(), None if is_category else np.nan, values.astype(object))
    declared = declared_levels(series) if is_category else None
    return read_values(series.name, values, kind, declared, remedy=remedy)


def read_columns(X, names, kinds):
    """Columns of a table, by their names, or by their places in an array, and of kinds that are known.

    Raises
    ------
    ValueError
        If there is no such column.
    TypeError, ValueError
        If a column cannot be read as what it is.
    """
    X, remedy = native(X), "Convert it to what it was in fit."
    has_names = not isinstance(X, np.ndarray) and nw.dependencies.is_into_dataframe(X)
    table: Any = wrap(X) if has_names else np.asarray(unmasked(X))
    known = table.columns if has_names else range(table.shape[1] if table.ndim == 2 else 0)
    missing = [name for name in names if name not in known]
    if missing:
        raise ValueError(f"X has no columns {missing}. Pass a table with the columns of the fit.")
    if has_names:
        return [read_series(table[name], kind, remedy) for name, kind in zip(names, kinds, strict=True)]
    return [read_values(i, table[:, i], kind, remedy=remedy) for i, kind in zip(names, kinds, strict=True)]


def declared_levels(series):
    """The levels that a dtype declares; None for one that does not."""
    is_declared = series.dtype == nw.Enum or (series.dtype == nw.Categorical and not series.implementation.is_polars())
    return labels(series.cat.get_categories().to_numpy().astype(object)) if is_declared else None


def categorical_columns(frame, X, categorical_features):
    if isinstance(categorical_features, str) and categorical_features == "from_dtype":
        return np.array([is_text_or_category(series) for series in frame.iter_columns()])
    mask = check_categorical_features(X, categorical_features)
    return np.zeros(frame.shape[1], dtype=bool) if mask is None else mask


def holds_numbers(X):
    """Whether a table has numbers alone, by its dtypes: of dates only one who knows their unit can make numbers."""
    if isinstance(X, np.ndarray) or not nw.dependencies.is_into_dataframe(X):
        return np.asarray(X).dtype.kind not in "OmM"
    return all(series.dtype.is_numeric() or series.dtype == nw.Boolean for series in wrap(X).iter_columns())


def has_dates(X):
    """Whether a table has dates or durations, by its dtypes."""
    if isinstance(X, np.ndarray) or not nw.dependencies.is_into_dataframe(X):
        return np.asarray(X).dtype.kind in "mM"
    return any(series.dtype.is_temporal() for series in wrap(X).iter_columns())


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


TIME_REMEDY = "Times of day are not supported: turn them into numbers first, such as hours."


def kind_of_value(value):
    return "date" if isinstance(value, DATES) else "duration" if isinstance(value, DURATIONS) else "number"


def check_dtype(series):
    """Raise for a dataframe's column of times of day, or of lists and the like."""
    if series.dtype == nw.Time:
        raise TypeError(f"{describe(series.name)} of X has dtype {series.dtype}. {TIME_REMEDY}")
    if series.dtype.is_nested():
        raise TypeError(f"{describe(series.name)} of X has dtype {series.dtype}. Spread it over several columns.")


def numbers(name, values, remedy):
    """A numeric column as floats; booleans are 0 and 1."""
    if values.dtype.kind == "O" and any(isinstance(value, datetime.time) for value in values):
        raise TypeError(f"{describe(name)} of X holds times. {TIME_REMEDY}")
    if values.dtype not in (np.float32, np.float64):
        try:
            values = values.astype(np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise type(error)(
                f"{describe(name)} of X cannot be read as numbers: {error}. {as_dates(values) or remedy}"
            ) from error
    if np.isinf(values).any():
        raise ValueError(
            f"{describe(name)} of X contains infinity. Replace it by a finite number, or by NaN if it is missing."
        )
    return values


def as_dates(values):
    """What to do about periods, and dates that are text; None for anything else."""
    first = next((value for value in values.tolist() if not is_missing(value)), None)
    if type(first).__name__ == "Period":
        return "Pass the dates of its periods: column.dt.to_timestamp()."
    if isinstance(first, str):
        try:
            np.datetime64(first)
        except ValueError:
            return None
        return "Pass its texts as dates: pandas.to_datetime(column)."
    return None


def labels(values):
    """A categorical column as objects, with None for every missing value."""
    return np.array([None if is_missing(value) else value for value in values.tolist()], dtype=object)


def describe(name):
    return f"Column {name!r}"
