"""Functions of one column that grown formulas are made of, each with its inner constants free."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import sympy as sp

from ._expressions import number

FEW_VALUES = 12  # of a column, which are places of bends themselves
PLACES = (0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95)  # quantiles at which functions bend first
RATES = 3.0, 10.0  # of functions that bend, in inverse ranges
TURNS, PHASES = (0.5, 1.0, 2.0), (0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)  # of waves over a range
LEAST_RATIO = 2.0  # of a positive column's ends, for functions that are straight over less
LARGEST_EXPONENT = 30.0
SLOPE_STEP = 1e-6


class Shape(NamedTuple):
    """A function of a column and of inner constants.

    Parameters
    ----------
    values : callable
        ``(x, *inner)``.
    symbolic : callable
        The same of expressions.
    starts : callable
        From a column to inner constants to begin with, none where the function does not apply.
    n_inner : int
    """

    values: Callable
    symbolic: Callable
    starts: Callable
    n_inner: int = 0


def always(x):
    return [()]


def if_positive(x):
    return [()] if x.min() > 0 and x.max() > LEAST_RATIO * x.min() else []


def if_not_negative(x):
    return [()] if x.min() >= 0 and x.max() > LEAST_RATIO * x.min() else []


def bends(x):
    """Places at which a function of a column may bend."""
    values = np.unique(x)
    inner = values[1:-1] if len(values) <= FEW_VALUES else np.unique(np.quantile(x, PLACES))
    return [(float(c),) for c in inner if x.min() < c < x.max()]


def rates(x):
    k = np.array(RATES[:1]) / np.ptp(x)
    return [(float(sign * rate),) for rate in k for sign in (1, -1) if rate * np.abs(x).max() < LARGEST_EXPONENT]


def places_and_rates(x):
    return [(c, float(rate / np.ptp(x))) for (c,) in bends(x)[::2] for rate in RATES] if is_fine(x) else []


def waves(x):
    if not is_fine(x):
        return []
    rate = 2 * np.pi / np.ptp(x)
    return [(float(turns * rate), float(phase - turns * rate * x.min())) for turns in TURNS for phase in PHASES]


def is_fine(x):
    return len(np.unique(x[:200])) > FEW_VALUES // 2


def bounded(z):
    return np.clip(z, -LARGEST_EXPONENT, LARGEST_EXPONENT)


SHAPES = {
    "line": Shape(lambda x: x, lambda x: x, always),
    "square": Shape(np.square, lambda x: x**2, always),
    "log": Shape(np.log, sp.log, if_positive),
    "root": Shape(np.sqrt, sp.sqrt, if_not_negative),
    "inverse": Shape(lambda x: 1 / x, lambda x: 1 / x, if_positive),
    "rise": Shape(lambda x, c: np.maximum(x - c, 0), lambda x, c: sp.Max(x - number(c), 0), bends, 1),
    "fall": Shape(lambda x, c: np.maximum(c - x, 0), lambda x, c: sp.Max(number(c) - x, 0), bends, 1),
    "growth": Shape(lambda x, k: np.exp(bounded(k * x)), lambda x, k: sp.exp(number(k) * x), rates, 1),
    "step": Shape(
        lambda x, c, k: np.tanh(bounded(k * (x - c))), lambda x, c, k: sp.tanh(number(k) * (x - number(c))),
        places_and_rates, 2,
    ),
    "bump": Shape(
        lambda x, c, k: np.exp(-np.square(np.clip(k * (x - c), -5, 5))),
        lambda x, c, k: sp.exp(-((number(k) * (x - number(c))) ** 2)), places_and_rates, 2,
    ),
    "wave": Shape(
        lambda x, k, c: np.sin(k * x + c), lambda x, k, c: sp.sin(number(k) * x + number(c)), waves, 2
    ),
}  # fmt: skip
PLAIN = "line", "log", "inverse", "rise", "fall"  # what terms are multiplied by
TWO_VALUES = ("line",)  # all that there is of a column with two values


def shapes_of(x):
    """Names of functions that a column may have, with inner constants to begin with."""
    values = np.unique(x)
    names = TWO_VALUES if len(values) <= 2 else tuple(SHAPES)
    return [(name, inner) for name in names for inner in SHAPES[name].starts(x)]


def slopes(name, x, inner):
    """Derivatives by the inner constants, a row for each."""
    rows = []
    for place, value in enumerate(inner):
        step = SLOPE_STEP * max(abs(value), 1e-3)
        ends = [SHAPES[name].values(x, *inner[:place], value + sign * step, *inner[place + 1 :]) for sign in (1, -1)]
        rows.append((ends[0] - ends[1]) / (2 * step))
    return rows
