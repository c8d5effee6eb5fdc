"""Mixtures to start from: smooth ones, shorter ones, and those with the combs of known seasons."""

import math

import numpy as np

from .._spectrum import highest_frequency
from ..covariance._mixture import SpectralMixture

SMOOTH_LENGTH = 0.3  # of the start, and the prior's median, in spans
SHORTER = 0.3, 0.1  # starts of several features, over the usual one
KNOWN_HARMONICS = 10  # of a known season, at the most
DISTINCT = 1e-6  # frequencies, relative
SEASON_SHARE = 0.3  # of the variance, that a known season starts with


def smooth_start(scales, settings):
    """Components at frequency zero: a slow and a fast one for a single feature, one with a length for each of more."""
    n_features = len(scales.span)
    shares = [0.3, 0.05] if n_features == 1 else [SMOOTH_LENGTH * math.sqrt(n_features)]
    variance = scales.variance or 1.0
    weights = np.full(len(shares), variance / len(shares))
    lengths = np.outer(shares, scales.span)
    return SpectralMixture(weights, lengths, np.zeros_like(lengths), 0.1 * variance, settings.spectrum, settings.nu)


def shorter(kernel):
    """The same with shorter length scales, twice."""
    return [kernel.replaced(length_scales=share * kernel.length_scales) for share in SHORTER]


def moved(kernel, random_state):
    """A mixture with weights, length scales and noise drawn around those of another."""
    theta = kernel.theta
    n_logs = len(theta) - 1 - np.count_nonzero(kernel.frequencies[kernel.ties.leads])
    step = random_state.normal(size=len(theta))
    step[n_logs:-1] = 0
    return kernel.with_theta(theta + step)


def with_known(kernel, frequencies, x, scales):
    """The mixture with a comb for each known season, without lines that another one has already."""
    for frequency in frequencies:
        most = int(highest_frequency(x) / frequency * (1 + 1e-6))
        multiples = np.arange(1, max(1, min(KNOWN_HARMONICS, most)) + 1)
        taken = np.abs(kernel.frequencies[:, 0] - frequency * multiples[:, None]) < DISTINCT * frequency
        multiples = multiples[~taken.any(1)]
        if len(multiples):
            weights = SEASON_SHARE * scales.variance / np.square(multiples)
            kernel = kernel.with_comb(weights / len(frequencies), scales.span, frequency, multiples, known=True)
    return kernel
