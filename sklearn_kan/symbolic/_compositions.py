"""Functions of a single column that sums of terms are made of: powers, compositions, and products of two of them."""

from functools import cache
from itertools import combinations
from typing import Any, NamedTuple

import sympy as sp

from ._expressions import compiled
from ._library import HALF, T

POWERS = ((1, 1), (-1, 1), (2, 1.3), (-2, 1.3), (HALF, 1.8), (3, 1.8), (-3, 1.8), (4, 2), (5, 2.2), (6, 2.4))
INNER = ((T, 0), (T**2, 0.6), (T**3, 0.9), (T + T**2, 1.2), (1 / T, 0.6), (sp.sqrt(T), 0.8))
OUTER: tuple = (
    (sp.sin, 2), (sp.cos, 2), (sp.exp, 2.2), (lambda z: sp.exp(-z), 2.2), (sp.tanh, 2.2),
    (lambda z: sp.log(1 + z), 2.3), (lambda z: sp.sqrt(1 + z), 2.3), (lambda z: 1 / (1 + z), 1.8),
)  # fmt: skip
PRODUCT = 0.5  # cost of a product, besides its factors'


class Composed(NamedTuple):
    """A function, or a product of two earlier ones, by their places."""

    formula: Any
    cost: float
    factors: tuple = ()


@cache
def compositions():
    """Functions as they stand, then products of two of them: no two that are the same, and no power twice."""
    found = {sp.Integer(1): 0.0, **{T**p: cost for p, cost in POWERS}}
    n_powers = len(found)
    found |= {sp.log(T): 2.0, 1 / sp.log(T): 2.5}
    for g, cost in OUTER:
        for inner, extra in INNER:
            found.setdefault(g(inner), cost + extra)
    plain = [Composed(formula, cost) for formula, cost in found.items()]
    products = [Composed(a.formula * b.formula, a.cost + b.cost + PRODUCT, (i, j))
                for (i, a), (j, b) in combinations(enumerate(plain), 2) if i and j >= n_powers]  # fmt: skip
    return [*plain, *products]


@cache
def plain_values():
    """Of the functions that are no products."""
    return [compiled([T], one.formula) for one in compositions() if not one.factors]
