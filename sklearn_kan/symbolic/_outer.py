"""Functions of the target under which a law may be simple: 1 / y, y**2, log y and so on."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import sympy as sp
from scipy.special import expit, logit

LARGEST_WEIGHT = 30.0  # in medians
LARGEST_EXPONENT = 20.0


class Outer(NamedTuple):
    """A function u of the target."""

    forward: Callable
    inverse: Callable
    symbolic: Callable  # the inverse, of expressions
    slope: Callable
    needs_sign: bool = True  # defined for positive values, and through -y for negative ones


class Mapped(NamedTuple):
    """A target behind a function u, ``u(s y)`` with s its sign.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
    weight : ndarray of shape (n_samples,)
        Of squared errors of `values`, so that they count as errors of the target.
    inverse, symbolic : callable
        Back to the target, of values and of expressions.
    """

    values: np.ndarray
    weight: np.ndarray
    inverse: Callable
    symbolic: Callable


OUTER = {
    "id": Outer(lambda y: y, lambda g: g, lambda g: g, np.ones_like, needs_sign=False),
    "inv": Outer(lambda y: 1 / y, lambda g: 1 / g, lambda g: 1 / g, lambda y: y**-2),
    "sq": Outer(np.square, np.sqrt, sp.sqrt, lambda y: 2 * y),
    "isq": Outer(lambda y: y**-2, lambda g: 1 / np.sqrt(g), lambda g: 1 / sp.sqrt(g), lambda y: 2 * y**-3),
    "log": Outer(np.log, np.exp, sp.exp, lambda y: 1 / y),
    "sqrt": Outer(np.sqrt, np.square, lambda g: g**2, lambda y: 0.5 / np.sqrt(y)),
    "sin": Outer(np.sin, np.arcsin, sp.asin, np.cos, needs_sign=False),
    "cos": Outer(np.cos, np.arccos, sp.acos, lambda y: -np.sin(y), needs_sign=False),
    "exp": Outer(np.exp, np.log, sp.log, np.exp, needs_sign=False),
    "logit": Outer(logit, expit, lambda g: 1 / (1 + sp.exp(-g)), lambda y: 1 / (y * (1 - y)), needs_sign=False),
}


def applies(name, y):
    """Whether a function has an inverse on the range of a target."""
    if OUTER[name].needs_sign:
        return bool((y > 0).all() or (y < 0).all())
    if name == "sin":
        return bool(np.abs(y).max() <= np.pi / 2 + 1e-4)
    if name == "cos":
        return bool(y.min() >= 0 and y.max() <= np.pi)
    if name == "logit":
        return bool(y.min() > 0 and y.max() < 1)
    return name != "exp" or bool(np.abs(y).max() <= LARGEST_EXPONENT)


def mapped(name, y):
    """A target behind a function, or None where it does not apply."""
    if not applies(name, y):
        return None
    outer, sign = OUTER[name], -1.0 if OUTER[name].needs_sign and y[0] < 0 else 1.0
    with np.errstate(all="ignore"):
        values, slope = outer.forward(sign * y), np.abs(outer.slope(sign * y))
    if not (np.isfinite(values).all() and np.isfinite(slope).all()):
        return None
    return Mapped(
        values,
        as_weight(1 / np.maximum(slope, 1e-6 * np.median(slope) + 1e-300)),
        lambda g: sign * outer.inverse(g),
        lambda g: int(sign) * outer.symbolic(g),
    )


def as_weight(scale):
    """Weights of squared errors that are multiplied by `scale`, none of them above thirty times the median."""
    weight = np.square(scale / (np.median(scale) + 1e-300))
    return np.minimum(weight, LARGEST_WEIGHT)
