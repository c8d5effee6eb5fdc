"""Solving on grids, from smooth functions along the axes to rough ones, with those that the residual asks for."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy import linalg

from ._axis import axis_basis, same_functions
from ._conditions import checked_conditions, lifted, needed_conditions
from ._galerkin import Grid, Trial, newton
from ._grid_field import Draws, GridField, applied
from ._scattered import Solution
from ._sides import read_boundary
from ._values import checked_equation

MOST_ROUNDS = 6
N_DRAWS = 8
LITTLE = 0.01  # of a solution; a part that the equation leaves open is shown by noise alone
SAFETY = 2.0  # times what the best trial leaves over
SLOW = 1e-3  # of the terms that half a wave over the grid would have, counts as a term in any case
ROUNDING = 1e-12  # of an equation's largest term
MOST_PROFILES = 12  # of the source, that frequencies are looked for in
EXACT = 1e-9  # residual between the points, relative to the largest term, at which no more frequencies are looked for


class Ranked(NamedTuple):
    """A trial, by what it leaves between the points."""

    relative: float
    size: float
    trial: Trial


def solve_grid(residual, axes, boundary, parameters, seed=0):
    """Solve on a grid with conditions at the ends of its axes."""
    grid = Grid(residual, axes, parameters)
    start = checked_equation(grid.around(lambda key: np.zeros(grid.shape)))
    given, conditions = conditions_of(boundary, grid, start)
    profiles = [side_profiles(conditions, d) + profiles_of(start.residual, d) for d in range(len(axes))]
    ranked: list[Ranked] = []
    n_iter = 0
    bases: list = []
    for finer in range(MOST_ROUNDS):
        before = bases
        bases = [
            axis_basis(axis, np.hstack([np.zeros((len(axis), 1)), *found]), finer)
            for axis, found in zip(axes, profiles, strict=True)
        ]
        if None in bases:
            break
        if all(map(same_functions, before, bases)) and before:
            continue
        trial = newton(grid, bases, conditions, *lifted(bases, conditions))
        n_iter += trial.n_iter
        relative, size = check(grid, GridField(bases, trial.tensor))
        ranked = sorted([*ranked, Ranked(relative, size, trial)], key=lambda one: one.relative)
        if relative < EXACT or relative > 100 * ranked[0].relative:
            break
        profiles = [found + profiles_of(trial.left, d) for d, found in enumerate(profiles)]
    best = ranked[0]
    bases, tensor = best.trial.bases, best.trial.tensor
    values = applied([basis(basis.points) for basis in bases], tensor)
    size = max(np.sqrt(np.mean(values**2)), 1e-300)
    error = draws_of_error(grid, size, best, ranked[1:], np.random.default_rng(seed))
    field = GridField(bases, tensor, (error,))
    # values that the functions cannot follow, or that contradict the equation or each other
    missed = np.concatenate([np.zeros(1), *(condition.missed(bases, tensor) for condition in given)])
    spread = np.hypot(error.size(), np.sqrt(np.mean(missed**2)))
    relative = float(spread / size)
    return Solution(field, best.relative, relative, frequencies_of(bases), parameters, {}, {"equation": best.size},
                    n_iter, len(axes), np.array([[axis[0], axis[-1]] for axis in axes]))  # fmt: skip


def conditions_of(boundary, grid, start):
    """Conditions that were given, and those that the equation needs."""
    given = read_boundary(boundary, grid.axes, start, grid.parameters)
    choose = checked_conditions if isinstance(boundary, Mapping) else needed_conditions
    return given, choose(given, start, len(grid.axes))


def solved_in(bases, residual, axes, boundary, parameters):
    """Coefficients of a solution in known functions."""
    grid = Grid(residual, axes, parameters)
    _, conditions = conditions_of(boundary, grid, grid.around(lambda key: np.zeros(grid.shape)))
    return newton(grid, bases, conditions, *lifted(bases, conditions)).tensor


def frequencies_of(bases):
    """Peaks along each axis as points, zero along the others; the first is zero."""
    rows = [np.zeros(len(bases))]
    for d, basis in enumerate(bases):
        for centre in basis.family.centres[1:, 0]:
            rows.append(np.where(np.arange(len(bases)) == d, centre / (2 * np.pi), 0.0))
    return np.array(rows)


def side_profiles(conditions, d):
    """What the values on sides that run along an axis show of it; each of size one."""
    profiles = []
    for condition in conditions:
        if condition.axis != d:
            profiles += profiles_of(np.nan_to_num(condition.values), d - (condition.axis < d))
    return profiles


def profiles_of(values, d):
    """The main singular vectors along an axis, as large as they count: a list of one matrix, (n, m), or none."""
    matrix = np.moveaxis(values, d, 0).reshape(values.shape[d], -1)
    size = np.linalg.norm(matrix)
    if size == 0:
        return []
    # not by eigenvectors of the products: they would add noise of 1e-8, which hides what the axis needs
    vectors, sizes, _ = linalg.svd(matrix / size, full_matrices=False)
    return [(vectors * sizes)[:, :MOST_PROFILES]]


def check(grid, field):
    """Residual between the points: relative to the largest term, and its root mean square."""
    axes = [(axis[1:] + axis[:-1]) / 2 for axis in grid.axes]
    middle = grid._replace(axes=axes)
    cache: dict = {}

    def derivative(key):
        if key not in cache:
            matrices = [
                basis(axis, key.count(d)) for d, (basis, axis) in enumerate(zip(field.bases, axes, strict=True))
            ]
            cache[key] = applied(matrices, field.coefficients)
        return cache[key]

    try:
        found = middle.around(derivative)
    except (ValueError, RuntimeError, IndexError, TypeError):  # sources that are only known on the grid
        middle = grid
        cache.clear()
        axes[:] = grid.axes
        found = middle.around(derivative)
    size = float(np.sqrt(np.mean(found.residual**2)))
    slow = np.pi / np.array([np.ptp(axis) for axis in grid.axes])
    largest = np.abs(derivative(())).max()
    terms = 1e-300
    for key, slope in found.coefficients.items():
        # of a nearly constant solution terms are rounding errors
        terms = max(
            terms, np.abs(slope * derivative(key)).max(), SLOW * largest * np.abs(slope).max() * slow[[*key]].prod()
        )
    return size / terms, max(size, ROUNDING * terms)


def draws_of_error(grid, size, best, others, rng):
    """What the residual may do to a solution of a size.

    At worst what noise of twice its size does. Where even that is little, the equation that is left over is solved in
    the functions of other trials, as those of the trial itself do not see it: the response is about as large as the
    error. Random signs of its coefficients make draws of it.
    """
    noise = SAFETY * best.size * rng.normal(size=(N_DRAWS, *grid.shape))
    worst = drawn(best.trial, [best.trial.invert(one) for one in noise])
    if worst.size() > LITTLE * size or not others:
        return worst
    responses = [other.trial.invert(best.trial.left) for other in others]
    found = [
        drawn(other.trial, SAFETY * response * rng.choice([-1, 1], size=(N_DRAWS, *response.shape)))
        for other, response in zip(others, responses, strict=True)
    ]
    return max(found, key=Draws.size)


def drawn(trial, changes):
    """Changes in the free functions of a trial, as draws."""
    return Draws(trial.bases, np.array([applied(trial.free, change) for change in changes]))
