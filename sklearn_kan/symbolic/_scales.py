"""Which columns are looked at on a log scale."""

import numpy as np

LOG_RANGE = 9.0  # times a positive column's least value, that its largest one is at least
EVEN = 0.25  # of the largest value, that the median of a column is above which is evenly spread as it is


def wide(X, log_range=LOG_RANGE):
    """Positive columns that span a large ratio."""
    return (X.min(0) > 0) & (X.max(0) > log_range * X.min(0))


def skewed(X):
    """Wide columns that are not spread evenly, as times from zero on are."""
    return wide(X) & (np.median(X, 0) <= EVEN * X.max(0))


def scales(X):
    """Sets of columns on a log scale that are worth a look, without repetitions: skewed ones, and all wide ones."""
    found = skewed(X), wide(X)
    return found[:1] if (found[0] == found[1]).all() else found
