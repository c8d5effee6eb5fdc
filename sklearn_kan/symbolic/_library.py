"""Functions of one variable that formulas are made of."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import sympy as sp

from ._expressions import compiled, complexity

T = sp.Symbol("_t")
HALF = sp.Rational(1, 2)
POWERS = [1, 2, 3, 4, -1, -2, -3, -4, HALF, -HALF, 3 * HALF, -3 * HALF, 5, -5, 6, -6, 12, -12]
PURE = [T**power for power in POWERS] + [
    sp.log(T), sp.exp(T), sp.exp(-T), sp.exp(1 / T), sp.exp(-1 / T), sp.exp(-(T**2)), sp.exp(-(T**2) / 2),
    sp.sin(T), sp.cos(T), sp.tan(T), 1 / sp.tan(T), 1 / sp.sin(T), 1 / sp.cos(T), sp.sin(T) ** 2, 1 / sp.sin(T) ** 2,
    sp.sin(2 * T), sp.cos(2 * T), sp.sin(T / 2), sp.cos(T / 2), 1 / sp.sin(T / 2) ** 2, sp.asin(T), sp.acos(T),
    sp.atan(T), sp.tanh(T), sp.sinh(T), sp.cosh(T), 1 / sp.cosh(T), sp.tanh(1 / T), 1 / sp.cosh(1 / T), sp.Abs(T),
    sp.sqrt(1 - T**2), 1 / sp.sqrt(1 - T**2), 1 / (1 + T), 1 / (1 + T**2), sp.sqrt(1 + T**2), 1 / (sp.exp(T) - 1),
    1 / (sp.exp(1 / T) - 1), sp.log(1 + T), sp.log(sp.Abs(sp.sin(T))), sp.log(sp.Abs(sp.cos(T))), T * sp.log(T),
    sp.sin(T**2), sp.cos(T**2), sp.sin(T) / T, T * sp.exp(T), T * sp.exp(-T), sp.exp(2 * T), sp.exp(-2 * T),
]  # fmt: skip


class Family(NamedTuple):
    """A function g of ``k t + c``.

    Parameters
    ----------
    values : callable
        Of arrays.
    symbolic : callable
        Of expressions.
    kind : {"rate", "both", "shift"}
        Which of k and c there are: the others are superfluous, as the rate of ``1 / (k t + c)`` is.
    """

    values: Callable
    symbolic: Callable
    kind: str


def bounded_exp(z):
    return np.exp(np.clip(z, -50, 50))


FAMILIES = {
    "exp": Family(bounded_exp, sp.exp, "rate"),
    "sin": Family(np.sin, sp.sin, "both"),
    "tanh": Family(np.tanh, sp.tanh, "both"),
    "sech": Family(lambda z: 1 / np.cosh(np.clip(z, -50, 50)), lambda z: 1 / sp.cosh(z), "rate"),
    "atan": Family(np.arctan, sp.atan, "both"),
    "gauss": Family(lambda z: np.exp(-z * z), lambda z: sp.exp(-(z**2)), "both"),
    "bose": Family(lambda z: 1 / np.expm1(np.clip(z, -50, 50)), lambda z: 1 / (sp.exp(z) - 1), "rate"),
    "inv": Family(lambda z: 1 / z, lambda z: 1 / z, "shift"),
    "inv2": Family(lambda z: 1 / z**2, lambda z: 1 / z**2, "shift"),
    "sqrt": Family(np.sqrt, sp.sqrt, "shift"),
    "isqrt": Family(lambda z: 1 / np.sqrt(z), lambda z: 1 / sp.sqrt(z), "shift"),
    "log": Family(np.log, sp.log, "shift"),
    "log of rest": Family(lambda z: np.log(-z), lambda z: sp.log(-z), "shift"),
    "square": Family(np.square, lambda z: z**2, "shift"),
    "abs": Family(np.abs, sp.Abs, "shift"),
    "max": Family(lambda z: np.maximum(z, 0), lambda z: sp.Max(z, 0), "shift"),
    "sin2": Family(lambda z: np.sin(z * z), lambda z: sp.sin(z**2), "rate"),
}


class Library(NamedTuple):
    """What curves are made of: functions as they stand, and families with constants inside."""

    pure: list
    values: list
    costs: list
    families: dict


@cache
def make_library(further=()):
    """The library, with further functions of one variable.

    Parameters
    ----------
    further : tuple of sympy.Expr
        Of the symbol `T`.
    """
    pure = [*PURE, *further]
    families = dict(FAMILIES)
    for expression in further:
        function = compiled([T], expression)
        families[str(expression)] = Family(
            lambda z, function=function: np.asarray(function(z), float) + 0 * z,
            lambda z, expression=expression: expression.xreplace({T: z}),
            "both",
        )
    return Library(pure, [compiled([T], e) for e in pure], [complexity(e) for e in pure], families)
