"""The power spectrum of a spectral mixture, and its derivatives.

Component q is a product over dimensions of two halves of a peak, at μ_qd and -μ_qd.
"""

import math

import numpy as np


def density(kernel, points):
    """Sum over components at points of frequency, ``(m, D) -> (m,)``."""
    total = np.zeros(len(points))
    for weight, lengths, means in zip(kernel.weights, kernel.length_scales, kernel.frequencies, strict=True):
        product = np.full(len(points), weight)
        for d, (length, mean) in enumerate(zip(lengths, means, strict=True)):
            peaks = [peak(points[:, d] - sign * mean, length, kernel.spectrum, kernel.nu) for sign in (1, -1)]
            product *= np.mean(peaks, axis=0)
        total += product
    return total


def density_gradient(kernel, points):
    """Derivatives by weights, lengths and frequencies that are not zero, ``(n_parameters - 1, m)``; Gaussian peaks."""
    by_weight, by_length, by_frequency = [], [], []
    for q, weight in enumerate(kernel.weights):
        factors, lengths, means = [], [], []
        for d, (length, mean) in enumerate(zip(kernel.length_scales[q], kernel.frequencies[q], strict=True)):
            offsets = [points[:, d] - sign * mean for sign in (1, -1)]
            peaks = [0.5 * peak(offset, length, kernel.spectrum, kernel.nu) for offset in offsets]
            s = [math.tau * length * offset for offset in offsets]
            factors.append(peaks[0] + peaks[1])
            lengths.append(peaks[0] * (1 - s[0] ** 2) + peaks[1] * (1 - s[1] ** 2))
            means.append(math.tau * length * (peaks[0] * s[0] - peaks[1] * s[1]))
        others = [weight * np.prod(factors[:d] + factors[d + 1 :], axis=0) for d in range(len(factors))]
        by_weight.append(others[0] * factors[0])
        by_length += [other * slope for other, slope in zip(others, lengths, strict=True)]
        by_frequency += [o * slope for o, slope, mu in zip(others, means, kernel.frequencies[q], strict=True) if mu]
    return np.array([*by_weight, *by_length, *by_frequency])


def peak(offset, length, spectrum, nu):
    """Density of one envelope's spectrum: the Fourier transform of ``ρ(τ / ℓ)`` at frequencies ``offset``."""
    s = math.tau * length * offset
    if spectrum == "gaussian":
        return math.sqrt(math.tau) * length * np.exp(-0.5 * s**2)
    # Student-t with 2ν degrees of freedom in s / (2ν)^½, up to its normalisation (Rasmussen & Williams 2006, eq. 4.15)
    normalisation = math.gamma(nu + 0.5) / (math.gamma(nu) * math.sqrt(math.pi * 2 * nu))
    return math.tau * length * normalisation * (1 + s**2 / (2 * nu)) ** -(nu + 0.5)
