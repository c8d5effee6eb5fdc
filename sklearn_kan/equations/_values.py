"""What a residual sees of the solution: its value at each point, and its derivatives by index.

An equation is pointwise: its residual at a point is a function of the point and of the solution's derivatives there. So
one pass of automatic differentiation through the residual gives one coefficient for each row and derivative, and these
coefficients are the linearised operator, whether the equation is linear, has variable coefficients, or is nonlinear.
"""

import inspect
from typing import Any, NamedTuple

import numpy as np
import torch

from .._compat import WithoutOwnFunctions

LARGEST = 1e100  # number in rows and residuals, whose squares are finite
MAX_ORDER = 4


class Linearised(NamedTuple):
    """A residual and the operator that it is to first order in the solution, at n points."""

    residual: np.ndarray  # (n,)
    coefficients: dict  # derivative, such as (0, 0), to its coefficient at each point, (n,)


class Pointwise(torch.Tensor):
    """A tensor that goes through functions of torch and of NumPy, and can be combined with arrays."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        kwargs = {name: plain(value) for name, value in (kwargs or {}).items()}
        with WithoutOwnFunctions():
            return wrapped(func(*map(plain, args), **kwargs))

    def __array__(self, *args, **kwargs):
        if self.requires_grad:
            raise TypeError(
                "The solution cannot be made an array, as it has to be differentiated. Use functions of torch, such as "
                "torch.where instead of np.where."
            )
        return super().__array__(*args, **kwargs)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        function: Any = TORCH_NAMES.get(ufunc.__name__) or getattr(torch, ufunc.__name__, None)
        if method != "__call__" or kwargs or function is None:
            raise TypeError(f"np.{ufunc.__name__} of the solution cannot be differentiated. Use functions of torch.")
        return wrapped(function(*(torch.as_tensor(plain(value)) for value in inputs)))


TORCH_NAMES = {"absolute": torch.abs, "power": torch.pow, "float_power": torch.pow, "fmax": torch.maximum,
               "arcsin": torch.arcsin, "degrees": torch.rad2deg, "radians": torch.deg2rad}  # fmt: skip


class Solution(Pointwise):
    """The solution's values, (n,); an index is a derivative: ``u[0]`` is ∂u/∂x₀, ``u[0, 1]`` is ∂²u/∂x₀∂x₁."""

    derivative: dict

    def __getitem__(self, index):
        key = index if isinstance(index, tuple) else (index,)
        n_axes = self.derivative["n_axes"]
        if not all(isinstance(axis, int) and 0 <= axis < n_axes for axis in key) or not 1 <= len(key) <= MAX_ORDER:
            raise IndexError(
                f"u[{index!r}] is not a derivative. Give up to {MAX_ORDER} indices of axes below {n_axes}: "
                "u[0] is the derivative along the first axis, u[0, 0] the second derivative along it."
            )
        return self.derivative["find"](tuple(sorted(key)))

    def riesz(self, order):
        """``-(-Δ)^(order/2)`` of the solution on the whole space, by its spectrum; for equations on rows."""
        if not 0 < order <= MAX_ORDER:
            raise ValueError(f"order={order} of the Riesz derivative must be above 0 and at most {MAX_ORDER}.")
        return self.derivative["find"](("riesz", float(order)))


def plain(value):
    """Without what makes it a `Pointwise`; arrays become tensors."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.array(value, dtype=np.float64))
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value))
    return value.as_subclass(torch.Tensor) if isinstance(value, Pointwise) else value


def wrapped(value):
    """As `Pointwise`, if it is a tensor."""
    if isinstance(value, list | tuple):
        return type(value)(map(wrapped, value))
    return value.as_subclass(Pointwise) if isinstance(value, torch.Tensor) else value


def kind_of(value):
    """What a residual returned, in words."""
    return "complex numbers" if isinstance(value, torch.Tensor) else f"an object of type {type(value).__name__}"


def taken(function, parameters):
    """Those of the parameters that a function of points and the solution takes by name.

    Raises
    ------
    ValueError
        If it needs others.
    """
    accepted = inspect.signature(function).parameters
    if any(one.kind is one.VAR_KEYWORD for one in accepted.values()):
        return parameters
    missing = [name for name, one in list(accepted.items())[2:] if one.default is one.empty and name not in parameters
               and one.kind is not one.VAR_POSITIONAL]  # fmt: skip
    if missing:
        raise ValueError(
            f"The residual takes {missing[0]!r}, and parameters does not have it. Give its value, "
            f"parameters={{{missing[0]!r}: 1.0}}, or the interval to look in, (low, high)."
        )
    return {name: value for name, value in parameters.items() if name in accepted}


def linearise(residual, points, field, parameters=None):
    """Evaluate a residual once, and differentiate it by the solution's derivatives.

    Parameters
    ----------
    residual : callable
        Of points, the solution, and parameters by name.
    points : ndarray of shape (n, D)
    field : callable
        Of a derivative, a tuple of axes in ascending order; gives its values at the points, (n,).
    parameters : dict of str to float, optional

    Returns
    -------
    linearised : Linearised

    Raises
    ------
    ValueError
        If the residual does not have one value for each point.
    """
    leaves: dict = {}

    def find(key):
        if key not in leaves:
            leaves[key] = torch.tensor(field(key), dtype=torch.float64, requires_grad=True)
        return leaves[key].as_subclass(Pointwise)

    u = find(()).as_subclass(Solution)
    u.derivative = {"find": find, "n_axes": points.shape[1]}
    x = torch.from_numpy(np.array(points, dtype=np.float64)).as_subclass(Pointwise)
    value = plain(residual(x, u, **taken(residual, parameters or {})))
    if not isinstance(value, torch.Tensor | int | float) or (isinstance(value, torch.Tensor) and value.is_complex()):
        raise ValueError(
            f"The residual returns {kind_of(value)}. It must return one real number for each point. A system of "
            "equations is not supported: eliminate all but one unknown function, or solve for real and imaginary part "
            "one after the other."
        )
    value = torch.as_tensor(value, dtype=torch.float64)
    if value.shape != (len(points),):
        raise ValueError(
            f"The residual of {len(points)} points has shape {tuple(value.shape)}, not ({len(points)},). Sources and "
            "coefficients must return one number for each point, such as np.sin(x[:, 0]); systems of equations are not "
            "supported."
        )
    slopes: Any = [None] * len(leaves)
    if value.requires_grad:
        slopes = torch.autograd.grad(value.sum(), list(leaves.values()), allow_unused=True)
    coefficients = {key: slope.numpy() for key, slope in zip(leaves, slopes, strict=True) if slope is not None}
    return Linearised(value.detach().numpy(), coefficients)


def checked_equation(found):
    """A linearised residual.

    Raises
    ------
    ValueError
        If the solution is not in it, or sizes are beyond double precision's squares.
    """
    if not found.coefficients:
        raise ValueError("The residual does not depend on the solution, its second argument: residual(x, u).")
    size = np.abs(found.residual).max()
    if LARGEST < size < np.inf:
        raise ValueError(f"The residual reaches {size:.3g}. Choose units with numbers below {LARGEST:g}.")
    return found
