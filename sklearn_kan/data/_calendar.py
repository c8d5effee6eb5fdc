"""Cyclic parts of dates: season, weekday and time of day, where a column's range shows them."""

import numpy as np

from ._table import Column

PERIODS = {"year": 365.2425, "week": 7.0, "day": 1.0}  # in days
LEAST_PERIODS = 1.9  # two years of daily dates are a day short of twice 365.2425 days
ONE_PHASE = 0.999  # length of the mean phase vector from which all dates are at one phase


def cycles_of(days):
    """Which cycles dates go through at least twice and not always at the same phase, as names."""
    days = days[~np.isnan(days)]
    span = np.ptp(days) if len(days) else 0.0
    return tuple(name for name, period in PERIODS.items() if span >= LEAST_PERIODS * period and varies(days, name))


def varies(days, name):
    """Whether dates differ in the phase of a cycle."""
    if name == "week":
        return len(np.unique(weekday(days))) > 1
    return abs(np.exp(1j * angle(days, name)).mean()) < ONE_PHASE


def weekday(days):
    """0 for Monday to 6 for Sunday; NaN stays."""
    return np.mod(np.floor(days) + 3, 7)  # 1970-01-01 was a Thursday


def angle(days, name):
    return 2 * np.pi * np.mod(days / PERIODS[name], 1)


def parts_of(column, cycles):
    """The columns that stand for one of dates: elapsed time, then sine and cosine, or the weekday as categories."""
    parts = [column._replace(kind="number")]
    for name in cycles:
        if name == "week":
            labels = np.array([None if np.isnan(day) else day for day in weekday(column.values)], dtype=object)
            parts.append(Column(column.name, labels, "category", np.arange(7.0).astype(object)))
        else:
            turn = angle(column.values, name)
            parts += [Column(column.name, np.sin(turn)), Column(column.name, np.cos(turn))]
    return parts
