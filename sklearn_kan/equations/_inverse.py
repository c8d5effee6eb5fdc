"""Unknown coefficients of an equation, from values of its solution.

The equation's own rows define the process and say nothing of a coefficient: multiplied by a number they would say
something else. So coefficients are judged by the values alone, under the process that obeys the equation with them.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy import linalg, optimize, stats

from ._conditioning import condition, row_scale
from ._features import Field, Spectrum
from ._groups import linear_rows, nothing, same_operator
from ._pursuit import find_peaks

RATIOS = (1.0, 0.5, 0.25)
EQUATION_NOISE = 1e-6  # of equation rows, relative to their prior deviation
N_GRID = 17
N_ZOOMS = 4
LEVEL = 0.90
SIZES = np.linspace(-6, 4, 21)  # logarithms of a solution's size over that of its values
DROP = 8.0  # log densities that far below the highest are not looked at
FALL = 0.1  # of a log density, over which it is a parabola
LONGEST_STEP, SHORTEST_STEP = 0.05, 1e-5  # of an interval, within which the density is looked at around its maximum


class Setting(NamedTuple):
    """What an unknown coefficient is judged with."""

    groups: list
    spectrum: Spectrum
    known: dict
    is_linear: bool


class Learned(NamedTuple):
    """What values say of coefficients."""

    values: dict[str, float]  # of all parameters
    intervals: dict[str, tuple[float, float]]
    moved: list[tuple[dict, dict]]  # parameters a standard deviation off in each direction, and its opposite


def learn_parameters(groups, parameters, domain, highest):
    """Posterior means and intervals of unknown parameters; the others as they are.

    Parameters
    ----------
    groups : list of Group
    parameters : dict of str to float or (float, float)
    domain : Domain
    highest : ndarray of shape (D,)

    Returns
    -------
    learned : Learned
    """
    unknown = {name: tuple(map(float, value)) for name, value in parameters.items() if np.ndim(value)}
    known = {name: float(value) for name, value in parameters.items() if not np.ndim(value)}
    if not unknown:
        return Learned(known, {}, [])
    if all(group.hard for group in groups[1:]):
        name = next(iter(unknown))
        raise ValueError(
            f"parameters[{name!r}] is an interval, and there are no values to learn it from: those given are as many as"
            " the equation's conditions. Give more rows of kind 'value', or a number."
        )
    scales = [Scale.of(name, *interval) for name, interval in unknown.items()]
    middle = known | {scale.name: scale.value(0.5) for scale in scales}
    spectra = [spectrum_at(groups, middle, ratio, domain, highest) for ratio in RATIOS]
    linear = is_linear(groups, middle)
    settings = [Setting(groups, spectrum, known, linear) for spectrum in spectra]

    def density(place, used):
        chosen = {scale.name: scale.value(part) for scale, part in zip(scales, np.atleast_1d(place), strict=True)}
        return np.logaddexp.reduce([log_density(setting, chosen) for setting in used])

    starts = [np.full(len(scales), start) for start in np.linspace(0, 1, 7)[1:-1]]
    trials = [[density(start, [setting]) for start in starts] for setting in settings]
    used = [setting for setting, trial in zip(settings, trials, strict=True) if max(trial) > np.max(trials) - 4]
    if len(scales) == 1:
        places, weights = posterior_on_grid(lambda place: density(place, used))
        middle, low, high = summarised(places, weights)
        best, root = np.array([middle]), np.array([[np.sqrt(np.average((places - middle) ** 2, weights=weights))]])
        ends = [(low, high)]
    else:
        start = starts[int(np.argmax(np.max(trials, axis=0)))]
        best, root = laplace(lambda place: density(place, used), start)
        # the noise is integrated out, so that the density is Student's
        n = sum(len(group.target) for group in groups[1:] if not group.hard)
        freedom = max(n - len(scales), 1)
        root = root * np.sqrt(n / freedom)
        width = stats.t.ppf((1 + LEVEL) / 2, freedom) * np.linalg.norm(root, axis=1)
        ends = np.clip(np.stack([best - width, best + width], 1), 0, 1)

    def chosen(place):
        return known | {scale.name: scale.value(part) for scale, part in zip(scales, place, strict=True)}

    intervals = {
        scale.name: (scale.value(low), scale.value(high)) for scale, (low, high) in zip(scales, ends, strict=True)
    }
    return Learned(chosen(best), intervals, [(chosen(best + move), chosen(best - move)) for move in root.T])


class Scale(NamedTuple):
    """From [0, 1] to an interval, evenly, or evenly in logarithms where it spans a factor of ten."""

    name: str
    low: float
    high: float

    @classmethod
    def of(cls, name, low, high):
        if not (np.isfinite([low, high]).all() and low < high):
            raise ValueError(f"parameters[{name!r}]=({low}, {high}) must be a finite interval, lower end first.")
        return cls(name, low, high)

    @property
    def is_log(self):
        return self.low > 0 and self.high >= 10 * self.low

    def value(self, part):
        part = float(np.clip(part, 0, 1))
        if self.is_log:
            return float(self.low * (self.high / self.low) ** part)
        return self.low + part * (self.high - self.low)

    def place(self, values):
        """Where values are in the interval."""
        if self.is_log:
            return np.log(values / self.low) / np.log(self.high / self.low)
        return (values - self.low) / (self.high - self.low)


def is_linear(groups, parameters):
    """Whether the coefficients of all operators are the same around two different solutions."""

    def other(points, key):
        return 1 + np.cos(np.arange(len(points)) + len(key))

    pairs = [[linear_rows(group, field, parameters) for group in groups] for field in (nothing, other)]
    return same_operator(*pairs)


def spectrum_at(groups, middle, ratio, domain, highest):
    """Smooth, and with the source's frequencies."""
    spectrum = Spectrum(np.zeros((1, len(domain.extent))), np.ones(1), ratio, domain.extent, domain.middle)
    rows = [linear_rows(groups[0], nothing, middle)]
    for _ in range(3):
        waves = spectrum.waves()
        size = np.sqrt(np.mean(rows[0].target ** 2))
        if size == 0:
            break
        posterior = condition([rows[0].design(waves)], waves.amplitudes, [0.1 * size])
        peaks = find_peaks(rows, posterior.misfit, spectrum, highest)
        grown = spectrum
        for peak in peaks:
            grown = grown.with_peak(peak.frequency, 1.0)
        if not peaks or len(grown.waves().amplitudes) > 0.8 * len(rows[0].target):
            break
        spectrum = grown
    return spectrum


def log_density(setting, chosen):
    """Log likelihood of the values under the equation with chosen coefficients."""
    parameters = setting.known | chosen
    waves = setting.spectrum.waves()
    field: Any = nothing
    amplitudes = waves.amplitudes
    for _ in range(1 if setting.is_linear else 5):
        rows = [linear_rows(group, field, parameters) for group in setting.groups]
        scored = [k for k, row in enumerate(rows) if k and not row.hard]
        designs = [row.design(waves) for row in rows]
        fixed = [designs[k] for k in range(len(rows)) if k not in scored]
        prior = condition(
            fixed, amplitudes, [EQUATION_NOISE * row_scale(designs[0], amplitudes)] + [0.0] * (len(fixed) - 1)
        )
        design = np.vstack([designs[k].design for k in scored])
        gaps = [designs[k].target - designs[k].design @ prior.coefficients for k in scored]
        moves = prior.covariance(design, amplitudes)
        result = evidence(design @ moves, gaps)
        new = Field(waves, prior.coefficients + moves @ result.weights)
        left = linear_rows(setting.groups[0], new, parameters)
        if np.abs(left.error).max() < 1e-4 * max(np.abs(left.target).max(), left.terms):
            break
        field = new
    return result.value


class Evidence(NamedTuple):
    """The log likelihood of values, and what their rows are combined with for the mean of the coefficients."""

    value: float
    weights: np.ndarray


def evidence(K, gaps):
    """Likelihood of values, averaged over the solution's size and over each group's noise, even in logarithms."""
    y = np.concatenate(gaps)
    size = np.sqrt(np.mean(y**2)) + 1e-300
    owner = np.repeat(np.arange(len(gaps)), [len(gap) for gap in gaps])
    noises = [np.linspace(-12, 1, 40)] if len(gaps) == 1 else [np.linspace(-9, 1, 6)] * len(gaps)
    best, total, weights = -np.inf, [], np.zeros(len(y))
    for levels in np.stack(np.meshgrid(*noises[1:], [0.0], indexing="ij"), -1).reshape(-1, len(gaps)):
        # noises relative to the first group's, so that one decomposition serves all sizes of both
        relative = np.exp(np.concatenate([[0.0], levels[:-1]]))[owner]
        values, Q = linalg.eigh(K / relative[:, None] / relative)
        z = Q.T @ (y / size / relative)
        prior, noise = np.exp(2 * SIZES)[:, None, None], np.exp(2 * noises[0])[:, None]
        variance = prior * np.maximum(values, 0) + noise  # (sizes, noises, n)
        logs = -0.5 * (z**2 / variance + np.log(variance)).sum(-1) - np.log(relative).sum()
        total.append(np.logaddexp.reduce(logs, axis=None))
        if logs.max() > best:
            best = logs.max()
            i, j = np.unravel_index(logs.argmax(), logs.shape)
            weights = prior[i, 0] * size * (Q @ (z / variance[i, j])) / relative
    return Evidence(float(np.logaddexp.reduce(total)) - len(y) * float(np.log(size)), weights)


def posterior_on_grid(density):
    """Places and weights of a density on [0, 1], on a grid that zooms in on it."""
    low, high = 0.0, 1.0
    for _ in range(N_ZOOMS):
        places = np.linspace(low, high, N_GRID)
        logs = np.array([density(place) for place in places])
        near = np.flatnonzero(logs > logs.max() - DROP)
        if len(near) >= N_GRID // 2:
            break
        low, high = places[max(near[0] - 1, 0)], places[min(near[-1] + 1, N_GRID - 1)]
    return places, np.exp(logs - logs.max())


def summarised(places, weights):
    """Mean and the middle interval of a density given on a grid, linear in between."""
    fine = np.linspace(places[0], places[-1], 4001)
    density = np.exp(np.interp(fine, places, np.log(weights + 1e-300)))
    total = np.cumsum(density) / density.sum()
    low, high = np.interp([(1 - LEVEL) / 2, (1 + LEVEL) / 2], total, fine)
    return float((fine * density).sum() / density.sum()), float(low), float(high)


def step_along(density, best, axis):
    """A step over which the density falls so little that its logarithm is a parabola, and enough to be seen."""
    step, top = LONGEST_STEP, density(best)
    while step > SHORTEST_STEP:
        ends = [density(np.clip(best + move * axis, 0, 1)) for move in (2 * step, -2 * step)]
        fall = top - sum(ends) / 2
        if fall < 2 * FALL:
            break
        step *= np.clip(np.sqrt(FALL / fall), 0.1, 0.5)
    return step


def laplace(density, start):
    """Maximum, and a root of the covariance by the curvature there, for several parameters."""
    found = optimize.minimize(lambda place: -density(place) if ((place >= 0) & (place <= 1)).all() else 1e10, start,
                              method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-2, "maxfev": 200})  # fmt: skip
    best, n = found.x, len(found.x)
    steps = np.diag([step_along(density, best, axis) for axis in np.eye(n)])
    hessian = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            corners = [(a, b) for a in (1, -1) for b in (1, -1)]
            values = [-density(np.clip(best + a * steps[i] + b * steps[j], 0, 1)) for a, b in corners]
            bend = sum(a * b * value for (a, b), value in zip(corners, values, strict=True))
            hessian[i, j] = hessian[j, i] = bend / (4 * steps[i, i] * steps[j, j])
    curvatures, directions = np.linalg.eigh(hessian)
    return best, directions / np.sqrt(np.maximum(curvatures, 1.0))
