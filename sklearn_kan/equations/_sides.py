"""What users hand over as the boundary of a grid: values on all edges, or conditions on sides."""

import inspect
from collections.abc import Mapping

import numpy as np

from ..data._masked import check_unmasked
from ._conditions import Condition
from ._groups import Group, nothing
from ._reading import value
from ._values import linearise

ENDS = {0: "start", -1: "end"}


def read_boundary(boundary, axes, linear, parameters):
    """Conditions of a boundary, and whether each has to be met.

    Parameters
    ----------
    boundary : mapping, callable or array-like
    axes : list of ndarray
    linear : Linearised
        The equation, whose order says how many derivatives are periodic.
    parameters : dict of str to float
        Of operators.

    Returns
    -------
    conditions : list of Condition
    """
    if not isinstance(boundary, Mapping):
        return conditions_of_edges(read_edges(boundary, axes))
    conditions = []
    for key, condition in boundary.items():
        axis, ends = read_side(key, len(axes))
        if isinstance(condition, str):
            conditions += periodic(condition, key, axis, axes, linear)
            continue
        for one in condition if isinstance(condition, list) else [condition]:
            conditions += [read_condition(one, axis, end, axes, parameters) for end in ends]
    return conditions


def rows_of_axis(residual, axis, boundary, values=None):
    """The equation, conditions at the ends that hold exactly, and measured values: groups of rows."""
    groups = [Group("equation", residual, axis[:, None], np.zeros(len(axis)), hard=False)]
    groups += rows_of_ends(boundary, axis)
    return groups if values is None else [*groups, Group("measured", value, values[0], values[1], hard=False)]


def rows_of_ends(boundary, axis):
    """Conditions at the ends of one axis."""
    if not isinstance(boundary, Mapping):
        edges = read_edges(boundary, [axis])
        given = ~np.isnan(edges)
        return [Group("value", value, axis[given, None], edges[given], hard=True)] if given.any() else []
    groups = []
    for key, condition in boundary.items():
        for end in read_side(key, 1)[1]:
            point = axis[[end], None]
            for one in condition if isinstance(condition, list) else [condition]:
                if n_arguments(one) == 2:
                    groups.append(Group(getattr(one, "__name__", "operator"), one, point, np.zeros(1), hard=True))
                else:
                    groups.append(Group("value", value, point, read_values(one, point, (), key).ravel(), hard=True))
    return groups


def is_periodic(boundary):
    """Whether a boundary says that an axis is a circle."""
    return isinstance(boundary, Mapping) and any(isinstance(one, str) for one in boundary.values())


def read_side(key, n_axes):
    """The axis of a side, and its ends."""
    axis, ends = (key, (0, -1)) if not isinstance(key, tuple) else (key[0], key[1:])
    is_axis = isinstance(axis, int | np.integer) and 0 <= axis < n_axes
    if not is_axis or not ends or any(end not in ENDS for end in ends):
        raise ValueError(
            f"boundary has the side {key!r}, and there are {n_axes} axes. A side is (axis, 0) for the start of an axis "
            "and (axis, -1) for its end; a number alone is both ends of that axis."
        )
    return int(axis), ends


def periodic(condition, key, axis, axes, linear):
    """All derivatives below the equation's order are the same at both ends."""
    if condition != "periodic" or isinstance(key, tuple):
        raise ValueError(
            f"boundary[{key!r}]={condition!r} is not a condition. Use {{{axis}: 'periodic'}}, a number, an array, a "
            "function of points, or a function of points and the solution that is to be zero."
        )
    order = max((derivative.count(axis) for derivative in linear.coefficients), default=0)
    values = np.zeros([len(points) for d, points in enumerate(axes) if d != axis])
    return [Condition(axis, None, {k: 1.0}, values) for k in range(order)]


def read_condition(condition, axis, end, axes, parameters):
    """One condition at an end of an axis."""
    side = [points[[end]] if d == axis else points for d, points in enumerate(axes)]
    points = np.stack(np.meshgrid(*side, indexing="ij"), -1).reshape(-1, len(axes))
    shape = tuple(len(one) for d, one in enumerate(axes) if d != axis)
    if n_arguments(condition) == 2:
        weights, values = read_operator(condition, axis, end, points, parameters)
    else:
        weights, values = {0: 1.0}, read_values(condition, points, shape, (axis, end))
    return Condition(axis, end, weights, values.reshape(shape))


def read_values(condition, points, shape, key):
    """Values on a side, from a function of points, an array of the side's shape, or a number."""
    given = np.asarray(condition(points) if callable(condition) else condition, dtype=np.float64)
    if given.size == 1:
        given = np.full(len(points), given.item())
    if given.shape not in {shape, (len(points),)} or not np.isfinite(given).all():
        raise ValueError(
            f"boundary[{key!r}] gives values of shape {given.shape} for {len(points)} points. Give a finite number for "
            f"each: shape {shape}, a function of points, or one number."
        )
    return given


def read_operator(operator, axis, end, points, parameters):
    """Weights of a linear operator across a side, and what it is to be there."""
    found = linearise(operator, points, lambda key: nothing(points, key), parameters)
    other = linearise(operator, points, lambda key: np.cos(np.arange(len(points)) + len(key)), parameters)
    weights = {}
    where = f"The condition at the {ENDS[end]} of axis {axis}"
    for key, slope in found.coefficients.items():
        size = np.abs(slope).max()
        if np.ptp(slope) > 1e-9 * size or not np.allclose(slope, other.coefficients.get(key, np.inf)):
            raise ValueError(f"{where} has coefficients that vary along it. Use fit, with that function as their kind.")
        if size and set(key) - {axis}:
            raise ValueError(
                f"{where} has the derivative {key}, which is not across that side. Use derivatives along axis {axis}, "
                "or fit, with that function as the kind of its rows."
            )
        if size:
            weights[len(key)] = float(slope.mean())
    if not weights or not np.isfinite(found.residual).all():
        raise ValueError(f"{where} is not a finite function of the solution. It is zero where the condition is met.")
    return weights, -found.residual


def n_arguments(condition):
    """Positional arguments of a function, at most two: points, and the solution; 0 of what is none."""
    if not callable(condition):
        return 0
    try:
        arguments = inspect.signature(condition).parameters.values()
    except ValueError:
        return 1  # functions of NumPy
    positional = [one for one in arguments if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    return min(sum(one.default is one.empty for one in positional), 2)


def conditions_of_edges(edges):
    """Faces with a value at every inner point, as conditions.

    Raises
    ------
    ValueError
        If a face has values at some of its points only.
    """
    conditions = []
    for d in range(edges.ndim):
        inner = tuple(slice(None) if k == d else slice(1, -1) for k in range(edges.ndim))
        for end in (0, -1):
            missing = np.isnan(np.take(edges[inner], end, axis=d))
            if not missing.any():
                conditions.append(Condition(d, end, {0: 1.0}, np.take(edges, end, axis=d)))
            elif not missing.all():
                raise ValueError(
                    f"boundary is NaN at some points of the face at the {ENDS[end]} of axis {d}, but not at all. Give "
                    "all its values or none, or use fit with rows of kind 'value'."
                )
    return conditions


def read_edges(boundary, axes):
    """Values on a grid's edges, and NaN where there is no condition; shape of the grid.

    Raises
    ------
    ValueError
        If the values have another shape than the grid, or the callable does not give one for each point.
    """
    shape = tuple(map(len, axes))
    edges = np.zeros(shape, dtype=bool)
    for d in range(len(axes)):
        for end in (0, -1):
            edges[(slice(None),) * d + (end,)] = True
    values = np.full(shape, np.nan)
    if callable(boundary):
        if n_arguments(boundary) == 2:
            raise ValueError(
                "boundary takes the solution as its second argument. Such conditions are given by side, such as "
                "boundary={0: lambda x, u: u[0]} for a slope of zero at both ends of the first axis."
            )
        points = np.stack(np.meshgrid(*axes, indexing="ij"), -1)[edges]
        given = np.asarray(boundary(points), dtype=np.float64)
        if given.size == 1:
            given = np.full(len(points), given.item())
        if given.shape != (len(points),):
            raise ValueError(f"boundary returned shape {given.shape} for {len(points)} points; one number for each.")
        values[edges] = given
        return values
    if isinstance(boundary, str):
        raise ValueError(f"boundary={boundary!r} is not a condition. Conditions by side are {{0: 'periodic'}}.")
    check_unmasked("boundary", boundary)
    given = np.asarray(boundary, dtype=np.float64)
    if given.ndim == 0:
        given = np.full(shape, float(given))
    if given.shape == (2,) and len(shape) == 1:
        values[[0, -1]] = given
        return values
    if given.shape != shape:
        raise ValueError(
            f"boundary has shape {given.shape}, and the grid {shape}. Give values on the grid (only its edges are "
            "read; NaN where there is no condition), or a function of points of shape (n, D)."
        )
    values[edges] = given[edges]
    return values
