"""Dates and durations of any dtype as float64 days: one unit for numpy, pandas, polars, Arrow and Python objects."""

import datetime

import narwhals.stable.v2 as nw
import numpy as np

DATES = (datetime.date, np.datetime64)  # a datetime.datetime, such as pandas.Timestamp, is a date too
DURATIONS = (datetime.timedelta, np.timedelta64)
FINEST = "us"  # of dates among objects: years 1 to 9999 fit in
FINER = ("ps", "fs", "as")  # units that numpy does not turn into days
NO_DATE = np.datetime64("NaT")


def in_days(values):
    """Days since 1970-01-01, in UTC, or days of durations; NaN where missing.

    Parameters
    ----------
    values : ndarray
        Of dtype datetime64 or timedelta64 in any unit, or of objects. Dates without a time zone are taken as UTC.

    Returns
    -------
    days : ndarray of the same shape, float64
        Equal for equal times, whatever the unit.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan.data._dates import in_days
    >>> in_days(np.array(["1970-01-02T12", "NaT"], dtype="M8[ns]"))
    array([1.5, nan])
    """
    if values.dtype.kind == "O":
        items = [plain(value) for value in values.ravel().tolist()]
        nothing = np.timedelta64("NaT") if any(isinstance(item, np.timedelta64) for item in items) else NO_DATE
        values = np.array([nothing if item is None else item for item in items]).reshape(values.shape)
    code = values.dtype.kind
    if np.datetime_data(values.dtype)[0] in FINER:
        values = values.astype(f"{code}8[{FINEST}]")
    whole = values.astype(f"{code}8[D]")
    if code == "m":  # casts of durations round towards zero
        whole = np.where(whole > values, whole - np.timedelta64(1, "D"), whole)
    rest = (values - whole) / np.timedelta64(1, "D")
    return np.where(np.isnat(values), np.nan, whole.astype(np.int64) + rest)


def plain(value):
    """A date or duration among objects as numpy's, in UTC; None for anything else, such as a missing one."""
    if not isinstance(value, DATES + DURATIONS) or value != value:
        return None
    if isinstance(value, DURATIONS):
        return np.timedelta64(value).astype(f"m8[{FINEST}]")
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64(value).astype(f"M8[{FINEST}]")


def to_dates(days):
    """Days since 1970-01-01 as numpy's dates, to the second."""
    return np.datetime64(0, "s") + (days * 86_400).astype("m8[s]")


def without_zone(series):
    """A dataframe's column of dates in UTC, without a time zone; other columns as they are."""
    if isinstance(series.dtype, nw.Datetime) and series.dtype.time_zone is not None:
        return series.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return series
