"""Targets above zero: a Gaussian process of their logarithms, told in the targets' own units.

The mean of an exponential grows without bound with the uncertainty of what it is taken of. Medians do not, so that
these are what is told, with half the width of the central 68 % as a standard deviation.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.stats import t as t_distribution

LARGEST_LOG = 345.0  # whose exponential has a square that is a float
FEWEST_ROWS, MOST_ROWS = 20, 5_000  # between which the data choose
LEAST_RATIO = 1.5  # of the largest to the smallest target, below which a logarithm changes little


class Link(NamedTuple):
    """What is learned is ``log(y + offset)`` under "log", and y itself under "identity".

    Parameters
    ----------
    name : {"identity", "log"}
    offset : ndarray of shape (n_outputs,) or (1,)
        Half the smallest target above zero where there are zeros, as in counts; else zero.
    """

    name: str = "identity"
    offset: np.ndarray = np.zeros(1)

    @property
    def is_log(self):
        return self.name == "log"

    def learned(self, y):
        if not self.is_log:
            return y
        return np.log(np.maximum(y + (self.offset if y.ndim == 2 else self.offset[0]), np.finfo(float).tiny))

    def log_slope(self, rows):
        """Log density of targets less that of what is learned of them."""
        return -float(rows.weight @ np.log(rows.y + self.offset).sum(1)) if self.is_log else 0.0

    def mean(self, mean):
        """What is expected of targets: their mean, or their median."""
        return np.maximum(exponential(mean) - self.of(mean), 0) if self.is_log else mean

    def std(self, mean, std):
        """How far targets lie from it."""
        if not self.is_log:
            return std
        return np.minimum(exponential(mean) * np.sinh(np.minimum(std, LARGEST_LOG)), np.exp(LARGEST_LOG))

    def spread(self, mean, spread, moment):
        """Standard deviation or covariance."""
        return self.covariance(mean, spread) if moment == "covariance" else self.std(mean, spread)

    def covariance(self, mean, cov):
        """Covariance of targets, ``(n, n)`` or ``(n, n, n_outputs)``: correlations are those of what was learned."""
        if not self.is_log:
            return cov
        std = np.sqrt(np.maximum(np.diagonal(cov).T, np.finfo(float).tiny))
        factor = self.std(mean, std) / std
        return cov * factor[:, None] * factor

    def observations(self, values):
        """Targets, from draws of what was learned, ``(n, n_samples)`` or ``(n, n_outputs, n_samples)``."""
        if not self.is_log:
            return values
        offset = self.offset[0] if values.ndim == 2 else self.offset[:, None]
        return np.maximum(exponential(values) - offset, 0)

    def quantile(self, mean, std, probability, freedom=math.inf):
        """Quantiles of targets, under a Student-t distribution of what was learned, by default a normal one."""
        q = mean + std * t_distribution.ppf(probability, freedom) * np.sqrt(1 - 2 / freedom)
        return np.maximum(exponential(q) - self.of(mean), 0) if self.is_log else q

    def of(self, values):
        """The offset, in the shape of some values."""
        return self.offset[0] if values.ndim == 1 else self.offset


def exponential(values):
    return np.exp(np.minimum(values, LARGEST_LOG))


def links_for(name, rows, normalize_y):
    """Links that the data may choose from: the one that a user asks for, or under "auto" both where they suit.

    Raises
    ------
    ValueError
        If the data do not suit the link.
    """
    if name == "log":
        return [log_link(rows)]
    (n, n_outputs), is_known = rows.y.shape, rows.alpha.any() or not normalize_y
    may_choose = name == "auto" and rows.X.shape[1] == n_outputs == 1 and not is_known and FEWEST_ROWS <= n <= MOST_ROWS
    if not may_choose or not rows.y.min() > 0 or rows.y.max() / LEAST_RATIO < rows.y.min():
        return [Link()]
    return [Link(), log_link(rows)]


def log_link(rows):
    y = rows.y
    if (y < 0).any():
        raise ValueError(
            f"link='log' needs y >= 0, and y has {np.sum(y < 0)} values below zero. Choose link='identity', or add a "
            "constant to y."
        )
    if not (y > 0).any(axis=0).all():
        raise ValueError("link='log' needs values above zero, and y has none. Choose link='identity'.")
    if rows.alpha.any():
        raise ValueError(
            "link='log' learns logarithms, and alpha is in units of y squared. Pass link='identity', or alpha=0."
        )
    smallest = np.min(np.where(y > 0, y, np.inf), axis=0)
    return Link("log", np.where((y == 0).any(axis=0), smallest / 2, 0.0))
