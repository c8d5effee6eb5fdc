"""Solving on grids: Galerkin's equations in products of the axes' functions.

The operator is a sum of Kronecker products without a common eigenbasis. In functions that are orthonormal on the grid
and vanish on its faces, the terms along single axes make a Kronecker sum, which is solved directly; variable
coefficients, mixed derivatives and nonlinear terms are left to GMRES, preconditioned by it.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres

from ._axis import axis_basis
from ._faces import given_faces, lifted, needed_faces
from ._grid_field import GridField, applied
from ._kronecker_sum import kronecker_sum_solver
from ._scattered import Solution
from ._values import linearise

MOST_STEPS = 30
MOST_ROUNDS = 6
N_DRAWS = 8
SLOW = 1e-3  # of the terms that half a wave over the grid would have, counts as a term in any case
ROUNDING = 1e-12  # of an equation's largest term
MOST_PROFILES = 12  # of the source, that frequencies are looked for in
TOLERANCE = 1e-11
EXACT = 1e-9  # residual between the points, relative to the largest term, at which no more frequencies are looked for


class Grid(NamedTuple):
    """An equation on the points of a grid."""

    residual: object
    axes: list[np.ndarray]
    parameters: dict

    @property
    def points(self):
        return np.stack(np.meshgrid(*self.axes, indexing="ij"), -1).reshape(-1, len(self.axes))

    @property
    def shape(self):
        return tuple(map(len, self.axes))

    def around(self, derivative):
        """The residual and its coefficients around derivatives, each an array of the grid's shape."""
        found = linearise(self.residual, self.points, lambda key: derivative(key).ravel(), self.parameters)
        if any(key and key[0] == "riesz" for key in found.coefficients):
            raise ValueError("u.riesz is not local, and a grid's functions end at its edges. Use fit with rows.")
        if not np.isfinite(found.residual).all():
            place = self.points[~np.isfinite(found.residual)][0]
            raise ValueError(f"The residual is not finite at {place}. Check the source and the coefficients there.")
        slopes = {key: slope.reshape(self.shape) for key, slope in found.coefficients.items()}
        return found._replace(residual=found.residual.reshape(self.shape), coefficients=slopes)


class Trial(NamedTuple):
    """A solution in the functions of some bases."""

    bases: list
    tensor: np.ndarray  # coefficients
    free: list  # what vanishes on the faces, along each axis
    n_iter: int
    left: np.ndarray  # residual on the grid
    invert: object  # the change of the tensor that answers a right side on the grid


class Ranked(NamedTuple):
    """A trial, by what it leaves between the points."""

    relative: float
    size: float
    trial: Trial


def solve_grid(residual, axes, edges, parameters, seed=0):
    """Solve on a grid with values on its faces."""
    grid = Grid(residual, axes, parameters)
    start = grid.around(lambda key: np.zeros(grid.shape))
    faces = needed_faces(given_faces(edges), start)
    profiles = [face_profiles(edges, faces, d) + profiles_of(start.residual, d) for d in range(len(axes))]
    ranked: list[Ranked] = []
    n_iter = 0
    for finer in range(MOST_ROUNDS):
        bases = [
            axis_basis(axis, np.hstack([np.zeros((len(axis), 1)), *found]), finer)
            for axis, found in zip(axes, profiles, strict=True)
        ]
        if None in bases:
            break
        tensor, free = lifted(bases, faces, edges)
        trial = newton(grid, bases, tensor, free)
        n_iter += trial.n_iter
        relative, size = check(grid, GridField(bases, trial.tensor, trial.tensor[None]))
        ranked = sorted([*ranked, Ranked(relative, size, trial)], key=lambda one: one.relative)[:2]
        if relative < EXACT or relative > 100 * ranked[0].relative:
            break
        profiles = [found + profiles_of(trial.left, d) for d, found in enumerate(profiles)]
    best = ranked[0]
    bases, tensor = best.trial.bases, best.trial.tensor
    field = GridField(bases, tensor, draws_of_error(grid, *ranked, rng=np.random.default_rng(seed)))
    values = applied([basis(basis.points) for basis in bases], tensor)
    spread = np.sqrt(np.mean([np.mean(applied([b(b.points) for b in bases], draw) ** 2) for draw in field.draws]))
    missed = np.nan_to_num(values - edges)[~np.isnan(edges)]  # edges that the functions cannot follow, or contradict
    spread = np.hypot(spread, np.sqrt(np.mean(missed**2)) if missed.size else 0.0)
    error = float(spread / max(np.sqrt(np.mean(values**2)), 1e-300))
    return Solution(field, best.relative, error, frequencies_of(bases), parameters, {}, {"equation": best.size},
                    n_iter, len(axes), np.array([[axis[0], axis[-1]] for axis in axes]))  # fmt: skip


def frequencies_of(bases):
    """Peaks along each axis as points, zero along the others; the first is zero."""
    rows = [np.zeros(len(bases))]
    for d, basis in enumerate(bases):
        for centre in basis.family.centres[1:, 0]:
            rows.append(np.where(np.arange(len(bases)) == d, centre / (2 * np.pi), 0.0))
    return np.array(rows)


def face_profiles(edges, faces, d):
    """What the faces that run along an axis show of it; each of size one."""
    profiles = []
    for k, ends in enumerate(faces):
        for end in ends if k != d else []:
            face = np.take(edges, end, axis=k)
            profiles += profiles_of(np.nan_to_num(face), d - (k < d))
    return profiles


def profiles_of(values, d):
    """The main singular vectors along an axis, as large as they count: a list of one matrix, (n, m), or none."""
    matrix = np.moveaxis(values, d, 0).reshape(values.shape[d], -1)
    size = np.linalg.norm(matrix)
    if size == 0:
        return []
    squares, vectors = np.linalg.eigh(matrix @ matrix.T / size**2)
    kept = np.argsort(squares)[::-1][:MOST_PROFILES]
    return [vectors[:, kept] * np.sqrt(np.maximum(squares[kept], 0))]


def newton(grid, bases, tensor, free):
    """Newton steps from a function with the right values on the faces."""
    step, error = 0, float(np.inf)
    matrices: dict = {}

    def table(order):
        if order not in matrices:
            matrices[order] = [basis(basis.points, order) for basis in bases]
        return matrices[order]

    def derivative(values, key):
        return applied([table(key.count(d))[d] for d in range(len(bases))], values)

    first = None
    tests = [base.T for base in (basis_values @ null for basis_values, null in zip(table(0), free, strict=True))]
    found = grid.around(lambda key: derivative(tensor, key))
    while True:
        step += 1
        solver = kronecker_sum(found.coefficients, table, tests, free)
        target = -applied(tests, found.residual)
        change = solved(found.coefficients, derivative, tests, free, solver, target)
        share = 1.0
        size = np.linalg.norm(target)
        while True:
            moved = tensor + share * applied(free, change)
            new = grid.around(lambda key, moved=moved: derivative(moved, key))
            left = float(np.linalg.norm(applied(tests, new.residual)))
            if left < size or share < 1e-3:
                break
            share /= 2
        if not np.isfinite(left) or (left >= size and step > 1):
            break
        tensor, found = moved, new
        first = first or size
        if left < 1e-13 * first or step == MOST_STEPS or (left > 0.3 * error and left < 1e-6 * first):
            break
        error = left
    coefficients = found.coefficients

    def invert(values):
        return applied(free, solved(coefficients, derivative, tests, free, solver, applied(tests, values), 0.01))

    return Trial(bases, tensor, free, step, found.residual, invert)


def kronecker_sum(coefficients, table, tests, free):
    """Solves with the terms along single axes and their mean coefficients; undifferentiated ones go to the first."""
    sums = [np.zeros((len(test), len(test))) for test in tests]
    for key, slope in coefficients.items():
        axes = set(key)
        if len(axes) <= 1:
            d = axes.pop() if axes else 0
            sums[d] += slope.mean() * (tests[d] @ table(len(key))[d] @ free[d])
    return kronecker_sum_solver(sums)


def solved(coefficients, derivative, tests, free, solver, target, tolerance=TOLERANCE):
    """Solution of Galerkin's equations."""
    shape = target.shape

    def operate(flat):
        values = applied(free, flat.reshape(shape))
        total = sum(slope * derivative(values, key) for key, slope in coefficients.items())
        return applied(tests, total).ravel()

    start = solver(target).ravel()
    gap = target.ravel() - operate(start)
    if np.linalg.norm(gap) < tolerance * np.linalg.norm(target):
        return start.reshape(shape)
    n = target.size
    result, _ = gmres(
        LinearOperator((n, n), matvec=operate), target.ravel(), x0=start, rtol=tolerance, restart=60, maxiter=3,
        M=LinearOperator((n, n), matvec=lambda flat: solver(flat.reshape(shape)).ravel()),
    )  # fmt: skip
    return result.reshape(shape) if np.isfinite(result).all() else start.reshape(shape)


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


def draws_of_error(grid, best, other=None, *, rng):
    """What noise as large as the residual between the points does to the solution, and how far two trials are apart.

    The mean of the draws' squares is the sum of both.
    """
    noise = best.size * rng.normal(size=(N_DRAWS, *grid.shape))
    draws = [best.trial.invert(one) for one in noise]
    if other is None:
        return np.array(draws)
    values = applied([basis(basis.points) for basis in other.trial.bases], other.trial.tensor)
    gap = applied([basis(basis.points).T for basis in best.trial.bases], values) - best.trial.tensor
    gap *= min(1.0, 3 * best.relative / max(other.relative, 1e-300))  # most of the gap is the other's error
    n = N_DRAWS + 1
    return np.array([*(np.sqrt(n / N_DRAWS) * np.array(draws)), np.sqrt(n) * gap])
