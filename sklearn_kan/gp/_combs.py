"""Seasons of any shape: combs of harmonics, each of which may be too weak to be found alone.

A spike once a year, or a weekend, has its power at all multiples of one frequency. Under a model the ratio of a line's
score is exponential, so that the sum over K harmonics has a Gamma distribution, whose tail says how unlikely the most
unlikely comb is.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import erfc, gammaincc, gammaln, xlogy

from ._spectrum import MIN_PERIODS

MOST_HARMONICS = 6
FINENESS = 4  # fundamentals for each width of the highest harmonic's peak, 1/T
FALSE_ALARM = 0.01
NUMBER, GROWTH = 0.32, 1.45  # independent combs: NUMBER * steps**GROWTH, by simulation of white noise
WHOLE = 2.0  # the same for each season of whole steps
TINY = 1e-300


class Comb(NamedTuple):
    """A fundamental frequency, the weights of its harmonics, the chance that noise makes a comb so unlikely, and
    whether the season lasts a whole number of steps, which is then taken for exact.
    """

    frequency: float
    weights: np.ndarray
    alarm: float
    is_whole: bool

    @property
    def multiples(self):
        return np.arange(1, len(self.weights) + 1)


class Lines(NamedTuple):
    """Evenly spaced frequencies, and how much each one is wanted, as an exponential variable where it is not."""

    frequencies: np.ndarray
    surprise: np.ndarray

    def chances(self, fundamentals):
        """Minus the log chance of combs of two and more harmonics, and the places of their lines; (n, harmonics)."""
        first, step = self.frequencies[0], self.frequencies[1] - self.frequencies[0]
        harmonics = np.arange(1, MOST_HARMONICS + 1)
        places = np.rint((np.outer(fundamentals, harmonics) - first) / step).astype(int)
        is_there = (places >= 0) & (places < len(self.surprise))
        sums = np.cumsum(np.where(is_there, self.surprise[places.clip(0, len(self.surprise) - 1)], 0), axis=1)
        return np.where(is_there, -log_tail(harmonics, sums), -np.inf)[:, 1:], places


def likeliest_comb(power, norm, frequencies, span, highest):
    """The comb that is the least likely by chance.

    Seasons of points on a lattice often last a whole number of steps. There are few of these, as long as the data tell
    one from the next, so that they are looked for apart, and half of the false alarms are theirs.

    Parameters
    ----------
    power, norm : ndarray of shape (n,)
        Of a likelihood's slope by power, at evenly spaced frequencies.
    frequencies : ndarray of shape (n,)
    span : float
        Of the points, in the inverse unit of the frequencies.
    highest : float
        Frequency of which points on a lattice see no sine.

    Returns
    -------
    Comb or None
        None where there is no room for two harmonics.
    """
    if len(frequencies) < 3:
        return None
    ratio = np.divide(np.maximum(power, 0), norm, out=np.zeros(len(power)), where=norm > 0)
    lines = Lines(frequencies, as_exponential(ratio, frequencies > highest - 0.25 / span))
    steps = 2 * span * highest
    slowest, fastest = max(frequencies[0], MIN_PERIODS / span), frequencies[-1] / 2
    fine = np.arange(slowest, fastest + 1e-9 * fastest, 1 / (FINENESS * MOST_HARMONICS * span))
    longest = min(2 * highest / slowest, np.sqrt(MOST_HARMONICS * steps))
    whole = 2 * highest / np.arange(4, np.floor(longest) + 1)
    best = None
    for fundamentals, number, is_whole in ((whole, WHOLE * len(whole), True), (fine, NUMBER * steps**GROWTH, False)):
        if not len(fundamentals):
            continue
        chances, places = lines.chances(fundamentals)
        row, column = np.unravel_index(np.argmax(chances), chances.shape)
        alarm = 2 * number * np.exp(-max(chances[row, column], 0.0))
        if best is None or alarm < best.alarm:
            at = places[row, : column + 2]
            with np.errstate(over="ignore"):
                weights = 2 * ratio[at] / np.maximum(norm[at], np.finfo(float).tiny)
            best = Comb(float(fundamentals[row]), weights, float(alarm), is_whole)
    return best


def as_exponential(ratio, is_real):
    """Ratios of lines as exponential variables; where a wave has no sine, they are χ² with one degree of freedom."""
    chance = np.maximum(erfc(np.sqrt(np.maximum(ratio, 0) / 2)), TINY)
    return np.where(is_real, -np.log(chance), ratio)


def log_tail(shape, x):
    """Log of the upper tail of a Gamma variable, with its first term where it underflows."""
    tail = gammaincc(shape, x)
    asymptotic = xlogy(shape - 1, np.maximum(x, 1)) - x - gammaln(shape)
    return np.where(tail > TINY, np.log(np.maximum(tail, TINY)), asymptotic)
