"""What users hand over: rows of several kinds, grids with boundary values, residuals, parameters."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree
from sklearn.utils.validation import check_array

from ..data._masked import check_unmasked
from ..data._table import has_dates
from ._groups import Group, nothing
from ._values import LARGEST, checked_equation, linearise


class Domain(NamedTuple):
    """Where the equation holds."""

    extent: np.ndarray  # (D,)
    middle: np.ndarray  # (D,)

    @classmethod
    def of(cls, points):
        low, high = points.min(0), points.max(0)
        if (high <= low).any():
            axis = int((high <= low).argmax())
            raise ValueError(f"All points have the same coordinate along axis {axis}. Leave that axis out.")
        return cls(high - low, (high + low) / 2)


def value(x, u):
    """The operator of rows of kind "value"."""
    return u


def plain_numbers(name, values, ensure_2d=True):
    """An array of finite numbers, float64.

    Raises
    ------
    ValueError
        If there are others, such as dates, or some are masked.
    """
    check_unmasked(name, values)
    if has_dates(values):
        raise ValueError(f"{name} has dates. Pass numbers in a unit of your choice, as the equation has one.")
    numbers = check_array(values, dtype=np.float64, ensure_2d=ensure_2d, input_name=name)
    if np.abs(numbers).max() > LARGEST:
        raise ValueError(f"{name} reaches {np.abs(numbers).max():.3g}. Choose units with numbers below {LARGEST:g}.")
    return numbers


def read_rows(residual, X, y, kind):
    """Rows by operator: the equation first.

    Raises
    ------
    ValueError
        If there are no equation rows, or `kind` is not one for each row.
    """
    X = plain_numbers("X", X)
    y = np.zeros(len(X)) if y is None else plain_numbers("y", y, ensure_2d=False)
    if y.shape != (len(X),):
        raise ValueError(f"y has shape {y.shape}, not ({len(X)},): one number for each row of X.")
    kinds = [kind] * len(X) if isinstance(kind, str) or callable(kind) or kind is None else list(kind)
    if len(kinds) != len(X):
        raise ValueError(f"kind has {len(kinds)} entries for {len(X)} rows. Give one for each row, or one for all.")
    for entry in kinds:
        if not (callable(entry) or entry in ("equation", "value")):
            raise ValueError(
                f"kind={entry!r} is unknown. Use 'equation', 'value', or a function of x and u, such as "
                "lambda x, u: u[0] for a derivative."
            )
    if "equation" not in kinds:
        raise ValueError("No row has kind 'equation'. Give the points where the equation is to hold.")
    operators = {"equation": residual, "value": value}
    groups = []
    for entry in dict.fromkeys(["equation", *kinds]):
        chosen = np.array([other is entry or (isinstance(entry, str) and other == entry) for other in kinds])
        name = entry if isinstance(entry, str) else getattr(entry, "__name__", "operator")
        groups.append(Group(name, operators.get(entry, entry) if isinstance(entry, str) else entry, X[chosen],
                            y[chosen], hard=False))  # fmt: skip
    return groups


def with_hard_conditions(groups, order):
    """Groups with few rows as hard ones: no more conditions than the equation has orders say nothing of noise."""
    return [groups[0], *(group._replace(hard=len(group.target) <= order) for group in groups[1:])]


def order_of(group, parameters):
    """The highest derivative in a residual."""
    point = group.points[:1]
    slopes = checked_equation(linearise(group.residual, point, lambda key: nothing(point, key), parameters))
    return max((2 if key and key[0] == "riesz" else len(key) for key in slopes.coefficients), default=0)


def between(group, parameters):
    """The same equation between its points: halfway to each point's nearest neighbour; none if it has a target."""
    if group.target.any() or len(group.points) < 3:
        return []
    points = group.points
    if points.shape[1] == 1:
        inner = np.unique(points[:, 0])
        middle = ((inner[1:] + inner[:-1]) / 2)[:, None]
    else:
        neighbour = cKDTree(points).query(points, k=2)[1][:, 1]
        middle = np.unique((points + points[neighbour]) / 2, axis=0)
    check = group._replace(points=middle, target=np.zeros(len(middle)))
    try:
        value = linearise(group.residual, middle, lambda key: nothing(middle, key), parameters)
    except (ValueError, RuntimeError, IndexError, TypeError):
        return []  # sources that are only known at the rows
    return [check] if np.isfinite(value.residual).all() else []


def highest_frequency(points, domain):
    """Nyquist's frequency, radians per unit and axis: by the distinct coordinates, at most by the points' density."""
    n_points, n_axes = points.shape
    if n_axes == 1:
        distinct = len(np.unique(points))
        return np.pi * (distinct - 1) / domain.extent
    return np.pi * n_points ** (1 / n_axes) / domain.extent


def read_parameters(parameters):
    """Parameters, known ones as numbers and unknown ones as intervals.

    Raises
    ------
    ValueError
        If one is neither.
    """
    for name, value in (parameters or {}).items():
        numbers = np.asarray(value)
        if numbers.dtype.kind not in "iuf" or numbers.shape not in {(), (2,)}:
            raise ValueError(f"parameters[{name!r}]={value!r} must be a number, or an interval (low, high).")
    return parameters or {}


def read_axes(axes):
    """Coordinates of a grid, each ascending.

    Raises
    ------
    ValueError
        If an axis is not a vector, or not ascending.
    """
    if any(np.ndim(axis) != 1 for axis in axes):
        raise ValueError(
            "axes must have a vector of coordinates for each axis: (x,) for one axis, (x, y) for two, and no meshgrid."
        )
    axes = [plain_numbers(f"axes[{d}]", axis, ensure_2d=False) for d, axis in enumerate(axes)]
    for d, axis in enumerate(axes):
        if len(axis) < 4 or (np.diff(axis) <= 0).any():
            raise ValueError(f"axes[{d}] must have at least 4 coordinates in ascending order.")
    return axes
