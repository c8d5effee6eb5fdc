"""Where frequencies start: periodograms of scattered points, and matching pursuit over their peaks."""

import math

import numpy as np
import scipy
from numpy.polynomial.legendre import legvander
from scipy.linalg import lstsq
from scipy.optimize import minimize_scalar
from scipy.stats import beta as beta_distribution

from ._blocks import in_parts

OVERSAMPLING = 5  # frequencies per width of a peak, 1/T
HALF_WIDTH = 2  # of a peak, in cycles over the range of the data
DRIFT_DEGREE = 3  # of the polynomial that slow changes are taken for
MIN_CYCLES = 4  # of a single wave over the range of the data; what is slower is drift
MIN_PERIODS = 3  # of a season with harmonics
FALSE_ALARM = 0.01  # chance that noise alone makes a peak so high
MAX_FREQUENCIES = 50_000
UNEVEN = 1e-6  # of a step, that points may be off an even axis


def highest_frequency(x):
    """The highest frequency that points can tell: on a lattice the Nyquist frequency, half the inverse of its step.

    Scattered points support more, about twice what as many even ones would (Eyer & Bartholdi 1999).
    """
    points = np.unique(x)
    gaps = np.diff(points)
    step = np.median(gaps)
    is_lattice = np.all(np.abs(gaps / step - np.round(gaps / step)) < 0.05)
    return 0.5 / step if is_lattice else len(points) / np.ptp(points)


def frequency_grid(x):
    """Frequencies from those of a few periods to the highest; empty where there are too few points."""
    if len(np.unique(x)) < 2 * MIN_CYCLES:
        return np.empty(0)
    span, highest = np.ptp(x), highest_frequency(x)
    n = int(min(MAX_FREQUENCIES, np.ceil(OVERSAMPLING * span * highest)))
    grid = np.arange(1, n + 1) * (highest / n)
    return grid[grid * span >= MIN_PERIODS]


def periodogram(x, y, weight, frequencies):
    """Share of the sum of squares that a sine of each frequency explains (Lomb 1976; Zechmeister & Kuerster 2009)."""
    y = y - np.average(y, weights=weight)
    total = np.sum(weight * y * y)
    if total == 0:
        return np.zeros(len(frequencies))
    w, power = weight / weight.sum(), []
    for first, second, product in wave_sums(x, w, w * y, frequencies):
        c, s = first.real, first.imag
        cc, ss, cs = 0.5 * (1 + second.real) - c * c, 0.5 * (1 - second.real) - s * s, 0.5 * second.imag - c * s
        yc, ys = product.real, product.imag
        determinant = np.maximum(cc * ss - cs * cs, 1e-9)
        power.append((ss * yc * yc + cc * ys * ys - 2 * cs * yc * ys) / determinant)
    return np.clip(np.concatenate(power) * weight.sum() / total, 0, 1)


def wave_sums(x, w, wy, frequencies):
    """Sums of waves times w, of their squares times w, and of waves times w y, for all frequencies or parts of them."""
    gaps, steps = np.diff(x), np.diff(frequencies)
    if len(steps) and all(np.ptp(d) <= UNEVEN * d.mean() and d.mean() > 0 for d in (gaps, steps)):
        yield [chirp(x, *sums) for sums in ((w, frequencies), (w, 2 * frequencies), (wy, frequencies))]
        return
    for part in in_parts(frequencies, len(x)):
        wave = np.exp(2j * np.pi * np.outer(part, x))
        yield wave @ w, np.square(wave) @ w, wave @ wy


def chirp(x, strengths, frequencies):
    """``Σ_j strengths_j e^{2πi f x_j}`` on even axes, by the chirp z-transform."""
    step, turn = (x[-1] - x[0]) / (len(x) - 1), 2j * np.pi
    finest = (frequencies[-1] - frequencies[0]) / (len(frequencies) - 1)
    czt = scipy.signal.czt  # SciPy imports the module when it is first asked for: half a second
    sums = czt(strengths, len(frequencies), np.exp(turn * finest * step), np.exp(-turn * frequencies[0] * step))
    return sums * np.exp(turn * frequencies * x[0])


def false_alarm(power, n_points, n_frequencies):
    """Chance that the highest of so many independent ordinates of white noise exceeds a power."""
    single = beta_distribution.sf(power, 1, max(1, (n_points - 3) / 2))
    return -np.expm1(n_frequencies * np.log1p(-min(single, 1 - 1e-16)))


def pursue(data, max_peaks):
    """Matching pursuit along the only feature: the sines that stand out of white noise, the strongest first.

    Each round takes the highest peak of the residual's periodogram if its false-alarm level allows, refines it, and
    refits all amplitudes and a smooth polynomial by least squares.

    Returns
    -------
    frequencies, powers : ndarray of shape (n_peaks,)
        Powers are half squared amplitudes, mean over the outputs.
    """
    x, root = data.X[:, 0], np.sqrt(data.weight)[:, None]
    if np.ptp(x) == 0:
        return np.empty(0), np.empty(0)
    drift = legvander((x - x.min()) / (np.ptp(x) / 2) - 1, DRIFT_DEGREE)
    grid = frequency_grid(x)
    grid = grid[grid * np.ptp(x) >= MIN_CYCLES]
    found: list[float] = []
    while True:
        waves = [f(2 * np.pi * mu * x) for mu in found for f in (np.cos, np.sin)]
        design = np.column_stack([drift, *waves])
        coef = lstsq(root * design, root * data.y)[0]
        residual = data.y - design @ coef
        n_free = len(x) - design.shape[1]
        if len(found) == max_peaks or n_free < 5 or not len(grid):
            break

        def power_at(frequencies, residual=residual):
            return np.mean([periodogram(x, r, data.weight, frequencies) for r in residual.T], axis=0)

        power = power_at(grid)
        for mu in found:
            power[np.abs(grid - mu) * np.ptp(x) < HALF_WIDTH] = 0
        best = power.argmax()
        if false_alarm(power[best], n_free, len(grid) / OVERSAMPLING) > FALSE_ALARM:
            break
        step = grid[-1] - grid[-2] if len(grid) > 1 else grid[-1] / 2
        refined = minimize_scalar(
            lambda mu, power_at=power_at: -power_at(np.array([mu]))[0],
            bounds=(grid[best] - step, grid[best] + step), method="bounded", options={"xatol": 1e-4 / np.ptp(x)},
        )  # fmt: skip
        found.append(float(refined.x))
    amplitudes = coef[drift.shape[1] :].reshape(len(found), 2, data.y.shape[1])
    return np.array(found), 0.5 * np.square(amplitudes).sum(1).mean(1)


def peaks_of_score(power, norm, frequencies, span, n_most):
    """The highest peaks of a likelihood's slope by power, those that stand out of what the model already explains.

    Under the model ``power / norm`` is exponential, which gives the false-alarm level; the square of
    ``power^½ / norm`` is the squared amplitude that explains the peak.

    Returns
    -------
    list of (frequency of shape (n_features,), weight)
    """
    # where rounding has left no norm, nothing is known
    statistic = np.divide(np.maximum(power, 0), norm, out=np.zeros(len(power)), where=norm > 0)
    statistic[(frequencies * span < MIN_CYCLES).all(1)] = 0
    n_independent = len(frequencies) / OVERSAMPLING
    peaks: list[tuple[np.ndarray, float]] = []
    while len(peaks) < n_most and statistic.max() > math.log(max(1.0, n_independent) / FALSE_ALARM):
        best = statistic.argmax()
        peaks.append((frequencies[best], 2 * power[best] / norm[best] ** 2))
        statistic[(np.abs(frequencies - frequencies[best]) * span < HALF_WIDTH).all(1)] = 0
    return peaks
