"""Solving on scattered rows: Gauss-Newton steps, and frequencies added until nothing stands out of the misfit."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ._conditioning import FLOOR, condition, row_scale
from ._evidence import EXACT, learned_noise, relative_misfit, terms_of, weighed
from ._features import Field, Spectrum
from ._groups import linear_rows, nothing, same_operator
from ._pursuit import find_peaks, is_apart

RATIOS = (1.0, 0.5, 0.25, 0.125, 0.0625)  # length scales, of the extent, that are tried from smooth to rough
MOST_STEPS = 50
MOST_ROUNDS = 4
MOST_COLUMNS = 2500


def collocate(groups, checks, parameters, extent, middle, highest):
    """Solution on groups of rows, with the length scale that predicts left-out rows and points between rows best.

    Parameters
    ----------
    groups : list of Group
    checks : list of Group
        Equations at points between those of the groups, which nothing is learned from.
    parameters : dict of str to float
        Of residuals.
    extent, middle, highest : ndarray of shape (D,)
        Of the domain, its middle, and the highest frequency that rows can tell apart, in radians per unit.
    """
    best: Any = None
    for ratio in RATIOS:
        start = Spectrum(np.zeros((1, len(extent))), np.ones(1), ratio, extent, middle)
        n_soft = sum(len(group.target) for group in groups if not group.hard)
        if best is not None and len(start.waves().amplitudes) > min(MOST_COLUMNS, 3 * n_soft):
            break
        state = collocate_at(groups, checks, parameters, start, highest)
        is_better = best is None or is_finer(state, best)
        if best is not None and not is_better and len(extent) > 1:
            break  # columns multiply from step to step
        best = state if is_better else best
        if best.relative < EXACT:
            break
    return best


def is_finer(state, best):
    """Whether rows are met much better: all of them, or the equation where values have noise that nothing can meet."""
    return state.relative < 0.5 * best.relative or (
        state.residual < 0.5 * best.residual and state.relative < 1.1 * best.relative
    )


def collocate_at(groups, checks, parameters, spectrum, highest):
    """Solution at one length scale: frequencies of the linearised rows, then Gauss-Newton steps, until both rest."""
    rows = [linear_rows(group, nothing, parameters) for group in groups]
    spectrum = spectrum._replace(weights=np.array([initial_weight(rows, spectrum)]))
    field = first_guess(rows, spectrum.waves())
    rows = [linear_rows(group, field, parameters) for group in groups]
    n_iter = 0
    for _ in range(MOST_ROUNDS):
        spectrum, n_peaks = pursue(rows, spectrum, highest)
        if n_iter and not n_peaks:
            break
        field, rows, n_steps = newton(groups, parameters, field, rows, spectrum.waves())
        n_iter += n_steps
        if n_steps == 1:  # a linear equation
            break
    state = weighed(rows, spectrum, n_iter)
    return checked(state, groups, checks, parameters)


def pursue(rows, spectrum, highest):
    """The spectrum with the peaks that linear rows ask for, and how many these are.

    The rows' noise falls from round to round: with less noise than misfit a few waves would imitate with huge
    coefficients what needs frequencies of its own. Close to known peaks none are added before the noise has fallen.
    """
    noise = [0.1 * root_mean_square(row.target) for row in rows]
    share = 0.8 if len(spectrum.extent) == 1 else 16.0  # along one axis rows outnumber what they determine
    room = min(MOST_COLUMNS, share * sum(len(row.target) for row in rows if not row.hard))
    n_start, is_low = len(spectrum.centres), False
    while True:
        waves = spectrum.waves()
        designs = [row.design(waves) for row in rows]
        posterior = condition(designs, waves.amplitudes, noise)
        if is_low and relative_misfit(rows, Field(waves, posterior.coefficients), posterior.left_out) < 0.01 * EXACT:
            break
        peaks = find_peaks(rows, posterior.misfit, spectrum, highest)
        grown = with_new_peaks(spectrum, peaks, 0.7 if is_low else 1.6)
        if len(grown.centres) > len(spectrum.centres) and len(grown.waves().amplitudes) <= room:
            spectrum = grown
            continue
        if is_low:
            break
        floors = [FLOOR * row_scale(design, waves.amplitudes) for design in designs]
        lower = [0.1 * sigma for sigma in learned_noise(posterior, rows)]
        is_low = all(
            new <= floor or new > 0.05 * old or row.hard
            for new, old, floor, row in zip(lower, noise, floors, rows, strict=True)
        )
        noise = [min(pair) for pair in zip(lower, noise, strict=True)]
    return spectrum, len(spectrum.centres) - n_start


def newton(groups, parameters, field, rows, waves):
    """Gauss-Newton steps on given waves, until they no longer lower the rows' errors."""
    n_steps, n_idle = 0, 0
    while n_steps < MOST_STEPS and n_idle < 3:
        n_steps += 1
        posterior = condition([row.design(waves) for row in rows], waves.amplitudes, [0.0] * len(rows))
        step = accepted(groups, parameters, field, rows, Field(waves, posterior.coefficients))
        field, rows = step.field, step.rows
        if is_linear_step(rows, posterior):
            break
        n_idle = n_idle + 1 if step.ratio > 0.9 else 0
    return field, rows, n_steps


def first_guess(rows, waves):
    """The smoothest function with the values and derivatives that are given: Newton's start."""
    given = [row for row in rows[1:] if len(row.target)]
    if not given:
        return nothing
    designs = [row.design(waves)._replace(hard=False) for row in given]
    noise = [0.01 * root_mean_square(row.target) for row in given]
    return Field(waves, condition(designs, waves.amplitudes, noise).coefficients)


def with_new_peaks(spectrum, peaks, share):
    """The spectrum with those peaks that are not within a share of reach of its own."""
    for peak in peaks:
        if all(is_apart(peak.frequency, centre, spectrum, share) for centre in spectrum.centres):
            spectrum = spectrum.with_peak(peak.frequency, max(peak.amplitude**2, 1e-12 * spectrum.weights.max()))
    return spectrum


def root_mean_square(values):
    return float(np.sqrt(np.mean(values**2))) if len(values) else 0.0


def initial_weight(rows, spectrum):
    """Variance of the smooth part: as large as the values that are given, or as the source can make it."""
    lowest = 2 * np.pi / spectrum.extent
    sizes = [np.sqrt(np.mean(row.target**2)) / max(row.smallest(lowest), 1e-300) for row in rows if len(row.target)]
    return max(sizes) ** 2 if sizes and max(sizes) > 0 else 1.0


class Step(NamedTuple):
    """Where a step has led to, and the squared errors there over those before."""

    field: Callable
    rows: list
    ratio: float


def accepted(groups, parameters, old, rows, new):
    """The first of ever shorter steps towards a new solution that lowers the rows' errors; whole ones if linear."""
    before = merit(rows, rows)
    share = 1.0
    while True:
        field = new if share == 1.0 else blend(old, new, share)
        moved = [linear_rows(group, field, parameters) for group in groups]
        after = merit(moved, rows)
        if after < (1 - 1e-3 * share) * before or share < 1e-3 or same_operator(rows, moved):
            return Step(field, moved, after / max(before, 1e-300))
        share /= 2


class Blend(NamedTuple):
    """A weighted sum of solutions."""

    fields: list
    shares: list

    def __call__(self, points, key=()):
        return sum(share * field(points, key) for share, field in zip(self.shares, self.fields, strict=True))


def blend(old, new, share):
    """A solution on the way from one to another; those of the same waves are added up."""
    parts = [(1 - share, old)] if not isinstance(old, Blend) else [
        ((1 - share) * part, field) for part, field in zip(old.shares, old.fields, strict=True)
    ]  # fmt: skip
    shares, fields = [share], [new]
    for part, field in parts:
        if isinstance(field, Field) and field.waves is new.waves:
            fields[0] = fields[0]._replace(coefficients=fields[0].coefficients + part / share * field.coefficients)
        else:
            shares.append(part)
            fields.append(field)
    return Blend(fields, shares)


def merit(rows, scaled):
    """Mean squared errors of soft rows, each group over the squared size of what its operator is balanced by."""
    total = 0.0
    for row, reference in zip(rows, scaled, strict=True):
        if not row.hard:
            scale = root_mean_square(reference.target) or 1.0
            total += root_mean_square(row.error / scale) ** 2
    return total


def is_linear_step(rows, posterior):
    """Whether the errors are what the linear step left: another step from here would change nothing."""
    return all(
        np.abs(row.error - gap).max(initial=0) <= 1e-9 * max(np.abs(row.target).max(initial=0), 1e-300)
        for row, gap in zip(rows, posterior.misfit, strict=True)
    )


def checked(state, groups, checks, parameters):
    """The state, its noise at least what the equation leaves between the rows."""
    noise, relative, residual = list(state.noise), state.relative, state.residual
    for check in checks:
        row = linear_rows(check, state.field, parameters)
        size = root_mean_square(row.error)
        residual = max(residual, size / terms_of(row, state.field))
        relative = max(relative, residual)
        index = [group.name for group in groups].index(check.name)
        noise[index] = max(noise[index], size)
    if noise == state.noise:
        return state
    waves = state.field.waves
    posterior = condition([row.design(waves) for row in state.rows], waves.amplitudes, noise, with_factor=True)
    return state._replace(
        field=state.field._replace(factor=posterior.factor), noise=noise, relative=relative, residual=residual
    )
