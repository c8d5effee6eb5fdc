"""Targets above zero: a Gaussian process of their logarithms, told in the targets' own units."""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

LARGEST_LOG = 700.0  # whose exponential is a float


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
        return np.log(y + self.offset) if self.is_log else y

    def mean(self, mean, std):
        """Mean of targets, from moments of observations of what was learned."""
        return np.exp(np.minimum(mean + 0.5 * std**2, LARGEST_LOG)) - self.of(mean) if self.is_log else mean

    def std(self, mean, std):
        """Standard deviation of targets."""
        if not self.is_log:
            return std
        with np.errstate(over="ignore"):
            return np.exp(np.minimum(mean + 0.5 * std**2, LARGEST_LOG)) * np.sqrt(np.expm1(np.minimum(std**2, 700.0)))

    def covariance(self, mean, cov):
        """Covariance of targets, ``(n, n)`` or ``(n, n, n_outputs)``."""
        if not self.is_log:
            return cov
        center = np.exp(np.minimum(mean + 0.5 * np.diagonal(cov).T, LARGEST_LOG))
        with np.errstate(over="ignore"):
            return center[:, None] * center * np.expm1(np.minimum(cov, LARGEST_LOG))

    def observations(self, values):
        """Targets, from draws of what was learned, ``(n, n_samples)`` or ``(n, n_outputs, n_samples)``."""
        if not self.is_log:
            return values
        offset = self.offset[0] if values.ndim == 2 else self.offset[:, None]
        return np.maximum(np.exp(np.minimum(values, LARGEST_LOG)) - offset, 0)

    def quantile(self, mean, std, probability):
        """Quantiles of targets, under a normal distribution of what was learned."""
        q = mean + std * norm.ppf(probability)
        return np.maximum(np.exp(np.minimum(q, LARGEST_LOG)) - self.of(mean), 0) if self.is_log else q

    def of(self, values):
        """The offset, in the shape of some values."""
        return self.offset[0] if values.ndim == 1 else self.offset


def link_of(name, y):
    """The link that a user asks for, and targets ``(n, n_outputs)`` as they are learned."""
    if name == "identity":
        return Link()
    if (y < 0).any():
        raise ValueError(
            f"link='log' needs y >= 0, and y has {np.sum(y < 0)} values below zero. Choose link='identity', or add a "
            "constant to y."
        )
    if not (y > 0).any(axis=0).all():
        raise ValueError("link='log' needs values above zero, and y has none. Choose link='identity'.")
    smallest = np.min(np.where(y > 0, y, np.inf), axis=0)
    return Link("log", np.where((y == 0).any(axis=0), smallest / 2, 0.0))
