"""What comes after a series: the next points of an even axis, or of a calendar."""

import warnings
from typing import NamedTuple

import numpy as np

from ..data._dates import in_days
from ..data._table import Column
from ._months import from_calendar

MICROSECONDS = 86_400_000_000  # of a day
FEWEST_DATES = 3  # that tell a calendar
UNEVEN = 1e-4  # of a step, that points may be off their lattice


class Points(NamedTuple):
    """Points in time.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        As users know them: numbers, dates (UTC) or durations.
    X : ndarray of shape (n, 1)
        As a process knows them.
    """

    labels: np.ndarray
    X: np.ndarray


def labels_of(axis, x):
    """Numbers of a process along an axis, as users know them."""
    if axis.kind == "number":
        return x
    days = x + axis.first
    if axis.month_offset is not None:
        days = from_calendar(days, axis.month_offset)
    microseconds = np.round(days * MICROSECONDS).astype("m8[us]")
    return microseconds if axis.kind == "duration" else np.datetime64(0, "us") + microseconds


def points_after(axis, x, horizon):
    """The next points of a series.

    Parameters
    ----------
    axis : Axis
    x : ndarray of shape (n,)
        Points of the training data, as a process knows them.
    horizon : int

    Raises
    ------
    ValueError
        If the series is not regular.
    """
    x = np.unique(x)
    gaps = np.diff(x)
    if axis.kind == "date" and (labels := calendar_after(labels_of(axis, x), horizon)) is not None:
        return Points(labels, axis.numbers(Column("", in_days(labels), "date"))[:, None])
    if len(gaps):
        step = np.median(gaps)
        if np.abs(gaps / step - np.round(gaps / step)).max() < UNEVEN:
            step = (x[-1] - x[0]) / np.round((x[-1] - x[0]) / step)
            new = x[-1] + step * np.arange(1, horizon + 1)
            return Points(labels_of(axis, new), new[:, None])
    raise ValueError(
        "forecast(horizon) needs a regular series, of even steps or of a calendar's, and that of fit is not one. Pass "
        "the points to predict(X, return_std=True)."
    )


def calendar_after(dates, horizon):
    """The next dates of a regular calendar, such as the first days of months; None if there is none."""
    import pandas

    if len(dates) < FEWEST_DATES:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it will return an offset one day, which date_range takes too
        frequency = pandas.infer_freq(pandas.DatetimeIndex(dates))
    if frequency is None:
        return None
    return pandas.date_range(dates[-1], periods=horizon + 1, freq=frequency)[1:].to_numpy()
