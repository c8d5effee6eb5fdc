"""Features by rank, where skewed columns and outliers lie as evenly as others."""

import numpy as np

FEWEST_VALUES = 5  # of a feature that has ranks; one of fewer stays as it is


class Ranks:
    """The share of training rows below each value of a feature, linear in between.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    weight : ndarray of shape (n,)
        Rows that each one counts as.

    Shape
    -----
    ``(n, n_features) -> (n, n_features)``, within [0, 1] for features of many values, however far out points are.
    """

    def __init__(self, X, weight):
        self.known = [middles(column, weight) for column in X.T]

    def __call__(self, X):
        columns = zip(X.T, self.known, strict=True)
        return np.column_stack([
            column if len(values) < FEWEST_VALUES else np.interp(column, values, shares)
            for column, (values, shares) in columns
        ])  # fmt: skip


def middles(column, weight):
    """Distinct values, and for each the share of rows below it and of half of those at it."""
    values, place = np.unique(column, return_inverse=True)
    count = np.bincount(place, weight)
    return values, (np.cumsum(count) - count / 2) / count.sum()
