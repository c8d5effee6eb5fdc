"""Calendar time: months of equal length, in which dates on the same day of each month are evenly spaced.

In days they are not, and a season of exactly twelve months is a wave with jitter. Monthly, quarterly and yearly dates
are the most common series.
"""

import numpy as np

DAYS = 365.2425 / 12  # of a month, on average
FEWEST = 3  # dates that tell a calendar
TOLERANCE = 1e-6  # days
DIGITS = 9  # of a month, milliseconds, to which dates are rounded


def to_calendar(days, offset):
    """Days since 1970-01-01 in calendar time, of dates that are late in their months by an offset."""
    return np.round(months_of(days - offset), DIGITS) * DAYS


def from_calendar(x, offset):
    """The inverse: days since 1970-01-01."""
    return days_of(np.round(x / DAYS, DIGITS)) + offset


def offset_in_month(days):
    """Days since the first of the month at midnight, by which all dates are late; None if they differ.

    It is -1 for the last days of months. None too for dates that are even in days, or too few.

    Parameters
    ----------
    days : ndarray of shape (n,)
        Since 1970-01-01.
    """
    places = np.unique(days)
    if len(places) < FEWEST or np.ptp(np.diff(places)) < TOLERANCE:
        return None
    for offset in (0.0, -1.0):  # ends of months are a day before the first of the next one
        _, since = parts_of(places - offset)
        if np.ptp(since) < TOLERANCE:
            return float(since.min() + offset)
    return None


def months_of(days):
    """Months since January 1970, linear within each month."""
    month, since = parts_of(days)
    return month + since / lengths(month)


def days_of(months):
    """Days since 1970-01-01: the inverse."""
    month = np.floor(months).astype(np.int64)
    return starts(month) + (months - month) * lengths(month)


def parts_of(days):
    """The number of each date's month, and days since its first."""
    month = np.floor(days).astype(np.int64).astype("M8[D]").astype("M8[M]").astype(np.int64)
    return month, days - starts(month)


def starts(month):
    """First days of months, since 1970-01-01."""
    return month.astype("M8[M]").astype("M8[D]").astype(np.int64)


def lengths(month):
    return starts(month + 1) - starts(month)
