"""Unknown coefficients of an equation on a grid, from values of its solution.

A grid's conditions determine the solution for any coefficients, so these are learned as in nonlinear regression. The
noise of the values is integrated out with the prior 1/σ: the density of the coefficients is the sum of squares to the
power of minus half the number of values.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy import linalg, optimize, stats
from sklearn.utils.validation import check_consistent_length

from ._grid import solve_grid, solved_in
from ._grid_field import Draws, GridField
from ._inverse import LEVEL, Scale, summarised
from ._reading import plain_numbers

N_STARTS = 7, 16  # for one coefficient, for several; twice as many with logarithms
N_SOLVED = 3  # of the starts for several, and as many others
N_GRID = 25
REACH = 6.0  # standard deviations around the mode that are looked at


class Measured(NamedTuple):
    """Values of the solution, and what is known of its coefficients."""

    X: np.ndarray  # (n, D)
    y: np.ndarray  # (n,)
    problem: tuple[Any, Any, Any]  # residual, axes, boundary
    known: dict
    scales: list[Scale]

    def parameters(self, place):
        """All coefficients at a place in the unit cube."""
        return self.known | {scale.name: scale.value(part) for scale, part in zip(self.scales, place, strict=True)}

    def solve(self, place):
        """The solution at a place."""
        return solve_grid(*self.problem, self.parameters(place))

    def solve_in(self, bases, place):
        """Coefficients of the solution at a place, in known functions."""
        return solved_in(bases, *self.problem, self.parameters(place))

    def gaps(self, bases, place):
        """Values less those of the solution in known functions."""
        tensor = self.solve_in(bases, place)
        return self.y - GridField(bases, tensor)(self.X)


class Mode(NamedTuple):
    """The most probable coefficients, by the solution's functions there."""

    place: np.ndarray
    field: GridField
    root: np.ndarray  # (p, p), of the covariance of places: root @ root.T
    floor: float  # squared error of the solution itself
    noise: float


def read_values(X, y, axes, unknown):
    """Measured values, or none if nothing is to be learned.

    Raises
    ------
    ValueError
        If there are values without unknown coefficients or the other way round, or they cannot be used.
    """
    if not unknown:
        if X is not None or y is not None:
            raise ValueError(
                "X and y are values that coefficients are learned from, and no entry of parameters is an interval. "
                "Give one, or use fit, whose rows of kind 'value' the solution has to follow."
            )
        return None
    if X is None or y is None:
        raise ValueError(
            f"parameters[{unknown[0]!r}] is an interval, and there are no values to learn it from. Give fit_grid points"
            " X and values y of the solution there, or give a number."
        )
    X = plain_numbers("X", X)
    y = plain_numbers("y", y, ensure_2d=False).ravel()
    check_consistent_length(X, y)
    if X.shape[1] != len(axes):
        raise ValueError(f"X has {X.shape[1]} columns, but the grid has {len(axes)} axes.")
    if len(y) <= len(unknown):
        raise ValueError(f"y has {len(y)} values for {len(unknown)} unknown parameters. Give more values than these.")
    for d, axis in enumerate(axes):
        if (X[:, d] < axis[0]).any() or (X[:, d] > axis[-1]).any():
            raise ValueError(f"X has points outside axis {d} of the grid, which goes from {axis[0]} to {axis[-1]}.")
    return X, y


def solve_with_unknowns(residual, axes, boundary, parameters, X, y):
    """The solution at the coefficients' posterior means, whose deviations include those of the coefficients."""
    unknown = {name: tuple(map(float, value)) for name, value in parameters.items() if np.ndim(value)}
    known = {name: float(value) for name, value in parameters.items() if not np.ndim(value)}
    scales = [Scale.of(name, *interval) for name, interval in unknown.items()]
    measured = Measured(X, y, (residual, axes, boundary), known, scales)
    mode = found_mode(measured, first_place(measured))
    mode = found_mode(measured, mode.place)
    mean, intervals = posterior(measured, mode)
    solution = measured.solve(mean)
    field = solution.field
    moves = tuple(Draws(field.bases, moved(measured, field.bases, mean, direction)[None]) for direction in mode.root.T)
    return solution._replace(field=field._replace(errors=field.errors + moves), intervals=intervals,
                             noise=solution.noise | {"value": mode.noise})  # fmt: skip


def first_place(measured):
    """The best of places all over the unit cube; of many those that seem best in the functions of the middle."""
    n = len(measured.scales)
    places = starts(measured.scales)
    if n > 1:
        bases = measured.solve(np.full(n, 0.5)).field.bases
        rank = np.argsort([np.sum(measured.gaps(bases, place) ** 2) for place in places])
        places = np.vstack([places[rank[:N_SOLVED]], places[:N_SOLVED]])  # those functions may not suit all places
    fields = [measured.solve(place).field for place in places]
    return places[int(np.argmin([np.sum((measured.y - field(measured.X)) ** 2) for field in fields]))]


def starts(scales):
    """Places: even in the coefficients, and in the logarithms of those that are learned as such."""
    n = len(scales)
    even = np.linspace(0, 1, N_STARTS[0] + 2)[1:-1, None] if n == 1 else stats.qmc.Halton(n, seed=0).random(N_STARTS[1])
    if not any(scale.is_log for scale in scales):
        return even
    linear = np.stack([scale.place(scale.low + part * (scale.high - scale.low))
                       for scale, part in zip(scales, even.T, strict=True)], 1)  # fmt: skip
    return np.vstack([even, linear])


def found_mode(measured, place):
    """The least squares near a place."""
    solution = measured.solve(place)
    bases = solution.field.bases
    size = np.sqrt(np.mean(measured.y**2)) or 1.0

    def gaps(place):
        return measured.gaps(bases, np.clip(place, 0, 1)) / size

    fit: Any = optimize.least_squares(gaps, np.clip(place, 1e-3, 1 - 1e-3), bounds=(0, 1), diff_step=1e-4, max_nfev=30)
    n, p = len(measured.y), len(place)
    floor = (solution.relative_error * np.sqrt(np.mean(solution.field(measured.X) ** 2))) ** 2
    noise = np.sqrt(np.sum((fit.fun * size) ** 2) / (n - p) + floor)
    # a coefficient that the values say nothing of may be anywhere in its interval
    precision = fit.jac.T @ fit.jac * (size / max(noise, 1e-300)) ** 2 + np.eye(p)
    root = linalg.solve_triangular(linalg.cholesky(precision), np.eye(p))
    return Mode(fit.x, solution.field, root, floor, float(noise))


def posterior(measured, mode):
    """Place of the mean, and the middle intervals of all unknown coefficients."""
    deviations = np.linalg.norm(mode.root, axis=1)
    n, scales = len(measured.y), measured.scales
    if len(scales) == 1:
        low, high = np.clip(mode.place[0] + REACH * deviations[0] * np.array([-1, 1]), 0, 1)
        places = np.linspace(low, high, N_GRID)
        squares = [np.sum(measured.gaps(mode.field.bases, place) ** 2) + n * mode.floor for place in places[:, None]]
        logs = -0.5 * n * np.log(squares)
        ends = np.array([summarised(places, np.exp(logs - logs.max()))])
    else:
        width = stats.t.ppf((1 + LEVEL) / 2, n - len(scales)) * deviations
        ends = np.clip(np.stack([mode.place, mode.place - width, mode.place + width], 1), 0, 1)
    intervals = {
        scale.name: (scale.value(low), scale.value(high)) for scale, (_, low, high) in zip(scales, ends, strict=True)
    }
    return ends[:, 0], intervals


def moved(measured, bases, place, direction):
    """What a standard deviation of the coefficients makes of the solution."""
    ends = [np.clip(place + sign * direction, 0, 1) for sign in (1, -1)]
    high, low = (measured.solve_in(bases, end) for end in ends)
    return (high - low) / 2
