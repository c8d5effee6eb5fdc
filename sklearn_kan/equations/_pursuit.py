"""Frequencies that explain what a solution leaves over (matching pursuit through the operator).

A wave ``exp(i ω·x)`` is seen in all rows through their operators: a source shows it times the symbol, a boundary value
as it is, and an equation without a source only lets those pass whose symbol vanishes. So the rows' misfit is matched
with each candidate's rows, with weights that count both in units of the solution.
"""

from typing import NamedTuple

import numpy as np

FALSE_ALARM = 1e-3  # probability that white noise has a peak
AT_ONCE = 3
BLOCK = 4_000_000  # entries of a matrix of waves


class Peak(NamedTuple):
    """A frequency, and the size of its wave in the solution."""

    frequency: np.ndarray  # (D,)
    amplitude: float


def find_peaks(rows, misfits, spectrum, highest):
    """Frequencies that stand out of the misfit, the strongest first.

    Parameters
    ----------
    rows : list of LinearRows
    misfits : list of ndarray
    spectrum : Spectrum
        Sets how far peaks are apart.
    highest : ndarray of shape (D,)
        Radians per unit.

    Returns
    -------
    peaks : list of Peak
        None where the misfit is like white noise.
    """
    soft = [(row, misfit) for row, misfit in zip(rows, misfits, strict=True) if not row.hard and len(misfit)]
    candidates = lattice(spectrum, highest)
    scores, amplitudes = match(soft, candidates, spectrum)
    threshold = np.log(len(candidates) / FALSE_ALARM)
    peaks: list[Peak] = []
    for k in np.argsort(scores)[::-1]:
        if scores[k] < max(threshold, 0.1 * scores.max()) or len(peaks) == AT_ONCE:
            break
        if all(is_apart(candidates[k], peak.frequency, spectrum) for peak in peaks):
            peaks.append(Peak(candidates[k], float(amplitudes[k])))
    return peaks


def is_apart(one, other, spectrum, share=1.0):
    """Whether two frequencies are not in (a share of) each other's reach, whatever their signs."""
    return all((((one - sign * other) / spectrum.reach) ** 2).sum() > share**2 for sign in (1, -1))


def lattice(spectrum, highest):
    """Candidates: half-space of a lattice as fine as the extent can tell apart."""
    steps = np.pi / spectrum.extent
    axes = [np.arange(-int(top / step), int(top / step) + 1) for top, step in zip(highest, steps, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
    leading = points[np.arange(len(points)), (points != 0).argmax(1)]
    return points[leading > 0] * steps


def match(soft, candidates, spectrum):
    """Share of each candidate in the misfit, in units of the noise (exponential under white noise), and its size."""
    sizes = [np.sqrt(np.mean(misfit**2)) for _, misfit in soft]
    lowest = np.pi / spectrum.extent
    scores, amplitudes = np.zeros(len(candidates)), np.zeros(len(candidates))
    n_rows = sum(len(misfit) for _, misfit in soft)
    width = max(1, BLOCK // max(n_rows, 1))
    for start in range(0, len(candidates), width):
        part = candidates[start : start + width]
        symbols = [row.symbol(part) for row, _ in soft]
        gains = [np.sqrt(np.mean(np.abs(symbol) ** 2, axis=0)) + 1e-100 for symbol in symbols]
        # the misfits of all groups as sizes in the solution, for each candidate
        implied = [size / gain for size, gain in zip(sizes, gains, strict=True)]
        product, norm = np.zeros(len(part), dtype=complex), np.zeros(len(part))
        for k, (row, misfit) in enumerate(soft):
            others = [implied[j] for j in range(len(soft)) if j != k]
            resolved = np.maximum(gains[k], row.smallest(lowest))
            level = np.maximum(sizes[k], np.min(others, axis=0) * resolved) if others else sizes[k]
            level = np.maximum(level, 1e-100)
            seen = symbols[k] * np.exp(1j * (row.points - spectrum.middle) @ part.T)
            product += (seen.conj() * misfit[:, None]).sum(0) / level**2
            norm += (np.abs(seen) ** 2).sum(0) / level**2
        scores[start : start + width] = np.abs(product) ** 2 / np.maximum(norm, 1e-300)
        amplitudes[start : start + width] = 2 * np.abs(product) / np.maximum(norm, 1e-300)
    return scores, amplitudes
