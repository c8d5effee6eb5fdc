"""Seasons whose periods a user knows, as frequencies along the only feature."""

import datetime
from numbers import Real

import numpy as np

CYCLES = 200  # that an offset of the calendar is averaged over
FIRST_YEAR = 1850
DAY = datetime.timedelta(days=1)


def known_frequencies(periods, rows):
    """Frequencies in cycles per unit of the feature, without repetition, for ``Settings.known``.

    Parameters
    ----------
    periods : list, number, text or None
        Numbers in units of the feature (days for dates); for dates also durations, and pandas' offsets.
    rows : Rows

    Raises
    ------
    ValueError
        If there are several features, or a period that the rows do not span or resolve.
    """
    if periods is None:
        return ()
    given = list(periods) if isinstance(periods, list | tuple | np.ndarray) else [periods]
    if not given:
        return ()
    if rows.X.shape[1] != 1:
        raise ValueError(
            f"periods={periods!r} needs a single feature, the time, and X has {rows.X.shape[1]}. Pass X[[time]], or "
            "periods=None."
        )
    points = np.unique(rows.X[:, 0])
    step = np.median(np.diff(points)) if len(points) > 1 else 0.0
    span = np.ptp(points) + step
    numbers = [in_units(period, rows.axes[0].kind) for period in given]
    for period, number in zip(given, numbers, strict=True):
        if not number < (1 + 1e-6) * span:
            raise ValueError(
                f"periods has {period!r}, of {number:.4g} {units(rows)}, and X spans {span:.4g}. Pass at least one "
                "cycle, or leave that period out."
            )
        if number < 2 * (1 - 1e-6) * step:
            raise ValueError(
                f"periods has {period!r}, of {number:.4g} {units(rows)}, and steps of X are {step:.4g}. A period lasts "
                "two steps or more."
            )
    return tuple(dict.fromkeys(1 / number for number in numbers))


def units(rows):
    return "days" if rows.axes[0].kind != "number" else "units of X"


def in_units(period, kind):
    """A period as a number; days for dates and durations."""
    number: float | None = None
    if isinstance(period, Real) and not isinstance(period, bool | np.bool_ | np.timedelta64):
        number = float(period)
    elif kind != "number":
        number = days(period)
    if number is None or not (np.isfinite(number) and number > 0):
        remedy = "a number > 0, a duration such as '7D', or an offset such as pandas.DateOffset(years=1)"
        remedy = remedy if kind != "number" else "numbers > 0, in units of X"
        raise ValueError(f"periods has {period!r}, which is not usable. Pass {remedy}.")
    return number


def days(period):
    """Days that a duration or an offset of the calendar takes, on average; None for anything else."""
    if isinstance(period, np.timedelta64):
        period = period.astype("timedelta64[us]").item()
    if isinstance(period, datetime.timedelta):
        return period / DAY
    try:
        from pandas.tseries.frequencies import to_offset
    except ImportError:
        return None
    try:
        offset = to_offset(period)
    except (ValueError, TypeError):
        return None
    first = last = datetime.datetime(FIRST_YEAR, 1, 1) + offset
    for _ in range(CYCLES):
        last = last + offset
    return (last - first) / DAY / CYCLES
