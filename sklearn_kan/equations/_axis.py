"""Functions along one axis of a grid: waves of the frequencies that data show there, made orthonormal on the grid."""

from typing import NamedTuple

import numpy as np
from scipy import linalg

from ._features import Spectrum, Waves
from ._pursuit import AT_ONCE, FALSE_ALARM, is_apart, lattice

RATIOS = (1.0, 0.5, 0.25, 0.125, 0.0625)
RESOLVED = 1e-11  # relative misfit at which no more frequencies are looked for
RANK = 1e-12  # singular values below, relative to the largest, are left out


class AxisBasis(NamedTuple):
    """Orthonormal functions on the points of an axis."""

    points: np.ndarray  # (n,)
    waves: Waves
    transform: np.ndarray  # (columns, r): functions as combinations of waves
    spectrum: Spectrum

    def __call__(self, points, order=0):
        """Values or derivatives of all functions, (m, r)."""
        (columns,) = self.waves(np.reshape(points, (-1, 1)), [(0,) * order])
        return columns @ self.transform


def axis_basis(points, spectrum):
    """Functions that a spectrum's waves span on points, up to rounding."""
    waves = spectrum.waves()
    (columns,) = waves(points[:, None], [()])
    _, s, Vt = linalg.svd(columns * waves.amplitudes, full_matrices=False)
    kept = s > RANK * s[0]
    transform = waves.amplitudes[:, None] * Vt[kept].T / s[kept]
    return AxisBasis(points, waves, transform, spectrum)


def axis_spectrum(points, data, weights=None):
    """The spectrum whose waves hold the columns of data, (n, m), each of which counts by its size."""
    extent = np.array([np.ptp(points)])
    middle = np.array([(points[0] + points[-1]) / 2])
    highest = np.pi * (len(points) - 1) / extent
    best, least = None, np.inf
    for ratio in RATIOS:
        spectrum = Spectrum(np.zeros((1, 1)), np.ones(1), ratio, extent, middle)
        if best is not None and len(spectrum.waves().amplitudes) > len(points):
            break
        spectrum, misfit = pursued(points, data, spectrum, highest)
        if misfit < 0.5 * least:
            best, least = spectrum, misfit
        if least < RESOLVED:
            break
    return best


def pursued(points, data, spectrum, highest):
    """The spectrum with the peaks that data ask for, and the relative misfit of left-out rows."""
    size = np.linalg.norm(data) or 1.0
    noise, misfit = 0.1, np.inf
    candidates = lattice(spectrum, highest)
    table = np.exp(1j * (points - spectrum.middle)[:, None] * candidates[:, 0])
    while True:
        rest, misfit = remainder(points, data / size, spectrum, noise)
        if misfit < RESOLVED:
            break
        share = 1.6 if noise > 1e-12 else 0.7
        scores = (np.abs(rest.T @ table) ** 2).sum(0) / max((rest**2).sum(), 1e-300)
        grown = spectrum
        threshold = np.log(len(candidates) / FALSE_ALARM)
        for k in np.argsort(scores)[::-1][: 20 * AT_ONCE]:
            if scores[k] < max(threshold, 0.1 * scores.max()) or len(grown.centres) == len(spectrum.centres) + AT_ONCE:
                break
            if all(is_apart(candidates[k], centre, spectrum, share) for centre in grown.centres):
                grown = grown.with_peak(candidates[k], 1.0)
        if len(grown.centres) > len(spectrum.centres) and len(grown.waves().amplitudes) <= 0.9 * len(points):
            spectrum = grown
        elif noise > 1e-12:
            noise *= 0.03
        else:
            break
    return spectrum, misfit


def remainder(points, data, spectrum, noise):
    """What waves leave of data, and the root mean square of left-out rows over that of all."""
    waves = spectrum.waves()
    (columns,) = waves(points[:, None], [()])
    A = columns * waves.amplitudes
    U, s, _ = linalg.svd(A / (np.linalg.norm(A) / np.sqrt(len(A))), full_matrices=False)
    kept = s**2 / (s**2 + max(noise, 1e-13) ** 2 * len(points))
    rest = data - U @ (kept[:, None] * (U.T @ data))
    leverage = (U**2) @ kept
    left_out = rest / np.maximum(1 - leverage, 1e-3)[:, None]
    return rest, float(np.linalg.norm(left_out) / max(np.linalg.norm(data), 1e-300))
