"""Conditions at the ends of a grid's axes, and a function that meets them."""

from typing import NamedTuple

import numpy as np

from ._grid_field import applied


class Condition(NamedTuple):
    """``Σ_k weights[k] ∂ᵏu = values`` at an end of an axis, or what both ends have in common if it is periodic."""

    axis: int
    end: int | None  # 0 for the start, -1 for the end, None for the difference of both
    weights: dict[int, float]
    values: np.ndarray  # shape of the grid without the axis; NaN where nothing is known

    def row(self, basis):
        """The condition on a basis along its axis, (r,)."""
        points, signs = (basis.points[[0, -1]], [1.0, -1.0]) if self.end is None else (basis.points[[self.end]], [1.0])
        return sum(weight * (signs @ basis(points, k)) for k, weight in self.weights.items())

    def missed(self, bases, tensor):
        """By how much a function misses the values, in its own units; none of those that are not known."""
        axis = bases[self.axis].points
        matrices = [self.row(basis)[None] if d == self.axis else basis(basis.points) for d, basis in enumerate(bases)]
        scale = max(abs(weight) / np.ptp(axis) ** k for k, weight in self.weights.items())
        gap = (applied(matrices, tensor).squeeze(self.axis) - self.values) / scale
        return gap[~np.isnan(self.values)]


def needed_conditions(conditions, linear, n_axes):
    """At most as many conditions along an axis as the equation has derivatives along it; for values on all edges.

    Along an axis of first order the condition is where things flow in: in a transport equation opposite to the
    direction of the flow, in a parabolic one at the end from which diffusion smooths.
    """
    kept = []
    second = [np.mean(c) for key, c in linear.coefficients.items() if len(key) == 2 and key[0] == key[1]]
    for d in range(n_axes):
        order, along = order_along(d, linear), [condition for condition in conditions if condition.axis == d]
        if len(along) <= order:
            kept += along
        elif order == 1:
            flow = np.mean(linear.coefficients.get((d,), np.zeros(1)))
            forward = flow >= 0 if not second else flow * np.sum(second) <= 0
            kept += [condition for condition in along if condition.end == (0 if forward else -1)]
    return kept


def checked_conditions(conditions, linear, n_axes):
    """The conditions that were given for sides.

    Raises
    ------
    ValueError
        If there are more along an axis than the equation has derivatives along it.
    """
    for d in range(n_axes):
        order, n_given = order_along(d, linear), sum(condition.axis == d for condition in conditions)
        if n_given > order:
            raise ValueError(
                f"boundary has {n_given} conditions along axis {d}, and the equation is of order {order} along it. "
                f"Give at most {order}: the end of time and the side where things flow out need none."
            )
    return conditions


def order_along(d, linear):
    """The highest derivative along an axis."""
    return max((key.count(d) for key in linear.coefficients), default=0)


def lifted(bases, conditions):
    """Coefficients of a function that meets conditions, and a basis of what adds nothing to them along each axis."""
    tensor = np.zeros([basis.transform.shape[1] for basis in bases])
    values = [basis(basis.points) for basis in bases]
    free: list[np.ndarray] = []
    for d, basis in enumerate(bases):
        along = [condition for condition in conditions if condition.axis == d]
        if not along:
            free.append(np.eye(tensor.shape[d]))
            continue
        rows = np.stack([condition.row(basis) for condition in along])
        sizes = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = rows / np.where(sizes > 0, sizes, 1.0)
        wanted = np.stack([condition.values / size for condition, size in zip(along, sizes[:, 0], strict=True)], axis=d)
        there = applied([rows if k == d else values[k] for k in range(len(bases))], tensor)
        gap = np.where(np.isnan(wanted), 0.0, wanted - there)
        gap = applied([None if k == d else values[k].T for k in range(len(bases))], gap)
        # sides that were met before stay met: where two contradict each other in a corner, the first has its way
        gap = applied([free[k] @ free[k].T if k < d else None for k in range(len(bases))], gap)
        tensor = tensor + applied([np.linalg.pinv(rows) if k == d else None for k in range(len(bases))], gap)
        free.append(null_space(rows))
    return tensor, free


def null_space(matrix):
    """Orthonormal columns that a matrix with few rows maps to zero."""
    _, s, Vt = np.linalg.svd(matrix)
    return Vt[int((s > 1e-12 * s.max(initial=1e-300)).sum()) :].T
