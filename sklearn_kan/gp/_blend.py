"""Processes of the same targets under several links, averaged over in the targets' own units."""

from typing import NamedTuple

import numpy as np
from scipy.special import softmax
from scipy.stats import t as t_distribution

from ._link import Link
from ._process import Process

COARSENESS = 20.0  # rows up to which the likelihood is believed, as of models under one link
LEAST_SHARE = 0.25  # of either link: growth by per cents and by amounts differ most where no data are
BISECTIONS = 60


class Share(NamedTuple):
    """A process under a link, and its share of predictions."""

    share: float
    process: Process
    link: Link


def shares_of(criteria, n_rows):
    """Shares of links by their criterion, as of coarsened posteriors (Miller & Dunson 2019)."""
    shares = np.maximum(softmax(np.asarray(criteria) / (1 + n_rows / COARSENESS)), LEAST_SHARE)
    return shares / shares.sum() if len(shares) > 1 else np.ones(1)


class Blend:
    """Predictions averaged over links.

    Parameters
    ----------
    shares : list of Share
    """

    def __init__(self, shares):
        self.shares = shares

    def predict(self, X, moment=None):
        """Mean; with it standard deviation ("variance") or covariance of observations."""
        told = []
        for _, process, link in self.shares:
            mean, spread = process.predict(X, moment)
            told.append((link.mean(mean), spread if moment is None else link.spread(mean, spread, moment)))
        if len(told) == 1:
            return told[0]
        mean = sum(each.share * mean for each, (mean, _) in zip(self.shares, told, strict=True))
        if moment is None:
            return mean, None
        total = 0.0
        for each, (center, spread) in zip(self.shares, told, strict=True):
            away = center - mean
            total = total + each.share * (
                spread**2 + away**2 if moment == "variance" else spread + np.outer(away, away)
            )
        return mean, np.sqrt(total) if moment == "variance" else total

    def quantiles(self, X, probabilities):
        """Quantiles of observations, one array for each probability."""
        moments = [process.predict(X, "variance") for _, process, _ in self.shares]
        shape = -1, *[1] * (moments[0][0].ndim - 1)
        freedoms = [process.freedom(X).reshape(shape) for _, process, _ in self.shares]
        return [self.quantile(moments, freedoms, probability) for probability in probabilities]

    def quantile(self, moments, freedoms, probability):
        each = [
            s.link.quantile(*moment, probability, freedom)
            for s, moment, freedom in zip(self.shares, moments, freedoms, strict=True)
        ]
        low, high = np.min(each, axis=0), np.max(each, axis=0)
        if len(each) == 1:
            return low
        for _ in range(BISECTIONS):  # the mixture's lies between
            middle = low + (high - low) / 2
            below = 0.0
            for (share, _, link), (mean, std), freedom in zip(self.shares, moments, freedoms, strict=True):
                z = (link.learned(middle) - mean) / std
                below = below + share * t_distribution.cdf(z / np.sqrt(1 - 2 / freedom), freedom)
            low, high = np.where(below < probability, middle, low), np.where(below < probability, high, middle)
        return high

    def sample(self, X, n_samples, random_state):
        """Draws of observations."""
        if len(self.shares) == 1:
            ((_, process, link),) = self.shares
            return link.observations(process.sample(X, n_samples, random_state))
        counts = random_state.multinomial(n_samples, [share for share, _, _ in self.shares])
        draws = [
            link.observations(process.sample(X, count, random_state))
            for (_, process, link), count in zip(self.shares, counts, strict=True)
            if count
        ]
        return np.concatenate(draws, axis=-1)
