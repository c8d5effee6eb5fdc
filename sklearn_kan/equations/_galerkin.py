"""Galerkin's equations on a grid, in products of the axes' functions, by Newton steps.

The operator is a sum of Kronecker products without a common eigenbasis. In functions that add nothing to the grid's
conditions, the terms along single axes make a Kronecker sum, which is solved directly; variable coefficients, mixed
derivatives and nonlinear terms are left to GMRES, preconditioned by it.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres

from ._grid_field import applied
from ._kronecker_sum import kronecker_sum_solver
from ._values import linearise

MOST_STEPS = 30
TOLERANCE = 1e-11


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
    invert: object  # the change that answers a right side on the grid, in the free functions


def newton(grid, bases, conditions, tensor, free):
    """Newton steps from a function that meets the conditions."""
    step, error = 0, float(np.inf)
    matrices: dict = {}

    def table(order):
        if order not in matrices:
            matrices[order] = [basis(basis.points, order) for basis in bases]
        return matrices[order]

    def derivative(values, key):
        return applied([table(key.count(d))[d] for d in range(len(bases))], values)

    first = None
    tests = [
        test_functions(basis, null, excess(conditions, d))
        for d, (basis, null) in enumerate(zip(bases, free, strict=True))
    ]
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
        return solved(coefficients, derivative, tests, free, solver, applied(tests, values), 0.01)

    return Trial(bases, tensor, free, step, found.residual, invert)


def excess(conditions, d):
    """Derivatives that test functions have along an axis: one for a wave, whose start has two conditions."""
    ends = [condition.end for condition in conditions if condition.axis == d]
    return abs(ends.count(0) - ends.count(-1)) // 2


def test_functions(basis, free, order):
    """What residuals on the points of an axis are multiplied by, (n_free, n).

    Integrals, not sums over the points, of the free functions or of their derivatives: then an operator that is
    symmetric or dissipative stays so, and what is left of the residual is not amplified. They are combined such that
    the undifferentiated solution has the identity as its matrix.
    """
    values = basis(basis.points)
    tested = free if order == 0 else np.linalg.qr(values.T @ basis(basis.points, order) @ free)[0]
    tested = tested.T @ basis.products()
    return np.linalg.solve(tested @ free, tested @ values.T)


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
