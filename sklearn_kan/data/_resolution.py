"""Which numeric columns have fine structure, and how many knots it takes: what is left of a target, at finer scales.

A target's main effects are fitted with a few knots for each column. What they leave over has no memory along a column
whose effect is coarse: its values at neighbouring places are uncorrelated (von Neumann 1941). Where they are not, more
and more knots are tried on rows held out.
"""

import numpy as np
from scipy.linalg import solveh_banded
from scipy.stats import norm

COARSE = 16  # knots of main effects
SWEEPS = 3  # of backfitting (Hastie & Tibshirani 1986)
LADDER = 32, 64, 128, 256, 512, 1024  # knots that are tried, beginning with what a network can do without
ROWS_PER_KNOT = 8
FEWEST_ROWS = 8 * 2 * LADDER[0]
MOST_ROWS = 100_000  # that are looked at
MOST_CLASSES = 10
N_FOLDS = 5
CHANCE = 1e-5  # of a column without fine structure to be looked at closely
LEAST_GAIN = 0.01  # of the squared error that the coarsest of the ladder leaves
STANDARD_ERRORS = 5.0  # that a gain is above zero by
PRIOR = 1.0  # rows of zero at each knot


def fine_places(inputs, levels, y, weight):
    """Knots of the inputs that have fine structure.

    Parameters
    ----------
    inputs : list of ndarray of shape (n_samples,)
        Numeric inputs; NaN where missing.
    levels : list of ndarray of shape (n_samples,)
        Codes of categorical inputs.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Places of classes, or numbers of a common scale.
    weight : ndarray of shape (n_samples,)

    Returns
    -------
    places : dict of int to ndarray
        Increasing knots, by the number of the input.
    """
    if len(y) < FEWEST_ROWS:
        return {}
    rows = np.random.RandomState(0).permutation(len(y))[:MOST_ROWS] if len(y) > MOST_ROWS else slice(None)
    inputs, levels = [x[rows].astype(np.float64) for x in inputs], [codes[rows] for codes in levels]
    weight = weight[rows]
    left = main_effects_removed(inputs, levels, as_targets(y[rows]), weight)
    found = {i: finest(x, left, weight) for i, x in enumerate(inputs)}
    return {i: places for i, places in found.items() if places is not None}


def as_targets(y):
    """Numbers (n, n_targets): themselves, or each of the most frequent classes against the others."""
    if y.ndim == 2:
        return y
    classes = np.argsort(-np.bincount(y), kind="stable")[:MOST_CLASSES]
    return (y[:, None] == classes) * 1.0


def main_effects_removed(inputs, levels, targets, weight):
    """What additive functions with few knots leave of targets."""
    left = targets - np.average(targets, axis=0, weights=weight)
    hats = [Hats(x, quantile_places(x, weight, COARSE)) for x in inputs] + [Steps(codes) for codes in levels]
    effects = [np.zeros_like(left) for _ in hats]
    for _ in range(SWEEPS):
        for i, smoother in enumerate(hats):
            left += effects[i]
            effects[i] = smoother.at_rows(smoother.fitted(left, weight))
            left -= effects[i]
    return left


def finest(x, left, weight):
    """Knots of an input at the resolution that held-out rows ask for; None if that is a coarse one."""
    order = distinct_rows(x, left)
    x, left, weight = x[order], left[order], weight[order]
    if len(x) < FEWEST_ROWS or np.ptp(x) == 0 or not has_memory(left * weight[:, None]):
        return None
    fold = (scrambled(x, left) >> np.uint64(32)) % np.uint64(N_FOLDS)
    reference, best, places_of_best = None, 0.0, None
    for n_knots in LADDER:
        if n_knots * ROWS_PER_KNOT > len(x):
            break
        places = quantile_places(x, weight, n_knots)
        errors = held_out_errors(Hats(x, places), left, weight, fold)
        if reference is None:
            reference = errors
            continue
        gain = reference - errors
        is_clear = gain.sum() > STANDARD_ERRORS * np.sqrt(np.square(gain).sum())
        if is_clear and gain.sum() > max(best, LEAST_GAIN * reference.sum()):
            best, places_of_best = gain.sum(), places
    return places_of_best


def distinct_rows(x, left):
    """Places of rows in the order of the input, those with a missing value left out; equal rows once."""
    present = np.flatnonzero(~np.isnan(x))
    order = present[np.lexsort((scrambled(x[present], left[present]), x[present]))]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (np.diff(x[order]) > 0) | (np.diff(left[order], axis=0) != 0).any(1)
    return order[is_new]


def scrambled(x, left):
    """Numbers that look random, the same for equal rows wherever they stand."""
    mixed = (x + 0.0).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for target in left.T:
        mixed = (mixed ^ (mixed >> np.uint64(29)) ^ (target + 0.0).view(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
    return mixed ^ (mixed >> np.uint64(31))


def has_memory(left):
    """Whether neighbours are correlated: products of neighbours, by their own squares."""
    products = (left[1:] * left[:-1]).sum(1)
    return products.sum() > norm.isf(CHANCE) * np.sqrt(np.square(products).sum())


def quantile_places(x, weight, n_knots):
    """At most `n_knots` of the values of an input, between which there is equal weight; heavy values are among them."""
    present = ~np.isnan(x)
    values, index = np.unique(x[present], return_inverse=True)
    if len(values) <= n_knots:
        return values
    mass = np.bincount(index, weight[present])
    mass = np.minimum(mass, mass.sum() / n_knots)
    cdf = mass.cumsum() - mass / 2
    chosen = np.searchsorted(cdf, np.linspace(cdf[0], cdf[-1], n_knots))
    return values[np.unique(chosen)]


class Hats:
    """Piecewise linear functions of an input, constant outside of their knots.

    Parameters
    ----------
    x : ndarray of shape (n_samples,)
        Where it is missing, functions are zero.
    places : ndarray of shape (n_knots,)
    """

    def __init__(self, x, places):
        code = np.interp(x, places, np.arange(len(places))) if len(places) else np.full(len(x), np.nan)
        self.present = ~np.isnan(code)
        code = np.where(self.present, code, 0.0)
        self.below = np.minimum(code.astype(np.int64), max(len(places) - 2, 0))
        self.share, self.n_knots = code - self.below, len(places)

    def fitted(self, y, weight):
        """Values at the knots, (n_knots, n_targets), by penalised least squares."""
        if not self.n_knots:
            return np.zeros((0, y.shape[1]))
        weight, n, at, share = weight * self.present, self.n_knots, self.below, self.share
        beyond = np.minimum(at + 1, n - 1)
        band = np.zeros((2, n))
        band[1] = np.bincount(at, weight * (1 - share) ** 2, n) + np.bincount(beyond, weight * share**2, n) + PRIOR
        band[0, 1:] = np.bincount(at, weight * share * (1 - share), n)[: n - 1]
        right = [
            np.bincount(at, weight * (1 - share) * target, n) + np.bincount(beyond, weight * share * target, n)
            for target in y.T
        ]
        return solveh_banded(band[-min(2, n) :], np.stack(right, axis=1), check_finite=False)

    def at_rows(self, values):
        """Functions with such values at their knots, (n_samples, n_targets)."""
        if not self.n_knots:
            return np.zeros((len(self.below), values.shape[1]))
        beyond = values[np.minimum(self.below + 1, self.n_knots - 1)]
        mixed = values[self.below] + self.share[:, None] * (beyond - values[self.below])
        return mixed * self.present[:, None]


class Steps:
    """Functions of a categorical input, given as codes."""

    def __init__(self, codes):
        self.codes = codes.astype(np.int64)

    def fitted(self, y, weight):
        """Values of the codes, shrunken means."""
        sums = [np.bincount(self.codes, weight * target) for target in y.T]
        return np.stack(sums, axis=1) / (np.bincount(self.codes, weight) + PRIOR)[:, None]

    def at_rows(self, values):
        """Values of rows, (n_samples, n_targets)."""
        return values[self.codes]


def held_out_errors(hats, y, weight, fold):
    """Weighted squared errors of rows that were held out, (n_samples,)."""
    errors = np.empty(len(y))
    for number in range(N_FOLDS):
        is_out = fold == number
        predicted = hats.at_rows(hats.fitted(y, weight * ~is_out))[is_out]
        errors[is_out] = weight[is_out] * np.square(y[is_out] - predicted).sum(1)
    return errors
