"""Solving on scattered rows: Gauss-Newton steps, and frequencies added until nothing stands out of the misfit."""

from typing import NamedTuple

import numpy as np

from ._conditioning import FLOOR, condition, row_scale
from ._features import Field, Spectrum
from ._groups import LinearRows, linear_rows, nothing
from ._pursuit import find_peaks

RATIOS = (1.0, 0.5, 0.25, 0.125)  # length scales, of the extent, that are tried from smooth to rough
EXACT = 1e-9  # relative misfit of rows that counts as none
MOST_STEPS = 60
MOST_COLUMNS = 2500


class State(NamedTuple):
    """A solution on rows."""

    field: Field
    spectrum: Spectrum
    rows: list[LinearRows]
    noise: list[float]  # standard deviation of each group's rows
    misfit: list[np.ndarray]
    left_out: list[np.ndarray]
    relative: float  # misfit of left-out equation rows, over what they are made of
    n_iter: int


def collocate(groups, parameters, extent, middle, highest):
    """Solution on groups of rows, with the length scale that predicts left-out rows best."""
    best = None
    for ratio in RATIOS:
        state = collocate_at(groups, parameters, Spectrum(
            np.zeros((1, len(extent))), np.ones(1), ratio, extent, middle), highest)  # fmt: skip
        if best is None or state.relative < 0.5 * best.relative:
            best = state
        elif state.relative > 0.9 * best.relative:
            break
        if best.relative < EXACT:
            break
    return best


def collocate_at(groups, parameters, spectrum, highest):
    """Solution at one length scale."""
    field, error, n_iter, seeking = nothing, np.inf, 0, True
    rows = [linear_rows(group, field, parameters) for group in groups]
    spectrum = spectrum._replace(weights=np.array([initial_weight(rows, spectrum)]))
    while n_iter < MOST_STEPS:
        n_iter += 1
        waves = spectrum.waves()
        designs = [row.design(waves) for row in rows]
        posterior = condition(designs, waves.amplitudes, [0.0] * len(rows))
        relative = relative_misfit(rows, designs, waves, posterior)
        found = Field(waves, posterior.coefficients)
        field, rows, new_error = accepted(groups, parameters, field, rows, found)
        peaks = []
        if seeking and relative > EXACT * 1e-2:
            peaks = find_peaks(rows, posterior.misfit, spectrum, highest)
            grown = spectrum
            for peak in peaks:
                grown = grown.with_peak(peak.frequency, max(peak.amplitude**2, 1e-12 * spectrum.weights.max()))
            n_soft = sum(len(row.target) for row in rows if not row.hard)
            seeking = bool(peaks) and len(grown.waves().amplitudes) <= min(MOST_COLUMNS, 0.8 * n_soft)
            if seeking:
                top = grown.weights[1:].max()
                spectrum = grown._replace(weights=np.append(max(grown.weights[0], top), grown.weights[1:]))
                error = np.inf
                continue
        if new_error > 0.5 * error or is_linear_step(rows, new_error, posterior):
            break
        error = new_error
    return weighed(rows, spectrum, n_iter)


def initial_weight(rows, spectrum):
    """Variance of the smooth part: as large as the values that are given, or as the source can make it."""
    lowest = 2 * np.pi / spectrum.extent
    sizes = [np.sqrt(np.mean(row.target**2)) / max(row.smallest(lowest), 1e-300) for row in rows if len(row.target)]
    return max(sizes) ** 2 if sizes and max(sizes) > 0 else 1.0


def accepted(groups, parameters, old, rows, new):
    """The first of ever shorter steps towards a new solution that lowers the rows' errors (none, if they are linear)."""
    before = merit(rows, rows)
    share = 1.0
    while True:
        field = new if share == 1.0 else blend(old, new, share)
        moved = [linear_rows(group, field, parameters) for group in groups]
        after = merit(moved, rows)
        if after < before or share < 1e-3 or old is nothing or same_operator(rows, moved):
            return field, moved, after
        share /= 2


def blend(old, new, share):
    """A solution on the way from one to another."""
    return lambda points, key=(): (1 - share) * old(points, key) + share * new(points, key)


def merit(rows, scale_rows):
    """Mean squared errors of all rows, each group over the squared size of its operator."""
    total = 0.0
    for row, scaled in zip(rows, scale_rows, strict=True):
        scale = max(np.sqrt(np.mean(scaled.target**2)), 1e-300) if len(row.target) else 1.0
        total += float(np.mean((row.error / scale) ** 2)) if len(row.error) else 0.0
    return total


def same_operator(rows, moved):
    """Whether the coefficients are the same around two solutions: the equation is linear."""
    return all(
        one.coefficients.keys() == two.coefficients.keys()
        and all(np.allclose(one.coefficients[k], two.coefficients[k], rtol=1e-12, atol=0) for k in one.coefficients)
        for one, two in zip(rows, moved, strict=True)
    )


def is_linear_step(rows, error, posterior):
    """Whether the errors are what the linear step left: another step from here would change nothing."""
    return all(
        np.abs(row.error - gap).max(initial=0) <= 1e-9 * max(np.abs(row.target).max(initial=0), 1e-300)
        for row, gap in zip(rows, posterior.misfit, strict=True)
    )


def relative_misfit(rows, designs, waves, posterior):
    """Root mean square of left-out soft rows over the size of the terms that they balance; the worst group."""
    worst = 0.0
    for row, design, left in zip(rows, designs, posterior.left_out, strict=True):
        if not row.hard and len(left):
            terms = np.abs(row.target).max()
            for key, columns in zip(row.coefficients, waves(row.points, list(row.coefficients)), strict=True):
                terms = max(terms, np.abs(row.coefficients[key] * (columns @ posterior.coefficients)).max())
            worst = max(worst, float(np.sqrt(np.mean(left**2)) / max(terms, 1e-300)))
    return worst


def weighed(rows, spectrum, n_iter):
    """The solution of linear rows with the noise and the peaks' weights that make the rows most likely.

    Fixed points of MacKay (1992): a variance is its sum of squares over the numbers that the data determine.
    """
    noise = [0.0] * len(rows)
    waves = spectrum.waves()
    designs = [row.design(waves) for row in rows]
    posterior = condition(designs, waves.amplitudes, noise)
    relative = relative_misfit(rows, designs, waves, posterior)
    for _ in range(30 if relative > EXACT else 0):
        noise = learned_noise(posterior, rows)
        spectrum, change = reweighed(spectrum, waves, posterior)
        waves = spectrum.waves()
        designs = [row.design(waves) for row in rows]
        posterior = condition(designs, waves.amplitudes, noise)
        if change < 0.02:
            break
    noise = learned_noise(posterior, rows)
    relative = relative_misfit(rows, designs, waves, posterior)
    final = condition(designs, waves.amplitudes, noise) if relative <= EXACT else posterior
    field = Field(waves, posterior.coefficients, final.factor)
    return State(field, spectrum, rows, noise, posterior.misfit, posterior.left_out, relative, n_iter)


def learned_noise(posterior, rows):
    """Standard deviation of each soft group's rows."""
    return [
        0.0 if row.hard or not len(gap) else float(np.sqrt((gap**2).sum() / freedom))
        for row, gap, freedom in zip(rows, posterior.misfit, posterior.freedom, strict=True)
    ]


def reweighed(spectrum, waves, posterior):
    """Peaks with the variances that their coefficients show, and the largest relative change."""
    amplitudes = np.maximum(waves.amplitudes, 1e-300)
    squares = (posterior.coefficients / amplitudes) ** 2
    determined = np.clip(1 - ((posterior.factor / amplitudes[:, None]) ** 2).sum(1), 0, 1)
    shares = spectrum.shares(waves.frequencies)
    shares = np.hstack([shares, shares[:, waves.moving]])
    shares = shares / np.maximum(shares.sum(0), 1e-300)
    factors = (shares @ squares + 1e-12) / (shares @ determined + 1e-12)
    factors = np.clip(factors, 0.01, 100)
    return spectrum._replace(weights=spectrum.weights * factors), float(np.abs(np.log(factors)).max())
