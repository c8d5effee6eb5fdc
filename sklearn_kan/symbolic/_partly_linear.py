"""Laws ``u(y) = c g(x) + h(z)`` of at most one simple term g and any function h of one combination z of the columns.

Neighbours in z have nearly the same h. By how much a row differs from the line between its two neighbours is a
matter of g alone, so that c comes from a regression without h (Yatchew, 1997): no network, and no knots.
"""

from itertools import permutations
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from ._dictionary import make_terms, product_of
from ._expressions import evaluate, number, rounded
from ._outer import mapped
from ._states import divided, named, subtracted, tidied
from ._supports import TERM_PRICE

N_ROWS, MOST_TERMS = 400, 400
OUTERS = ("id", "log", "inv", "sq", "sqrt", "isq")
FLOOR = 1e-5  # relative error below which laws are equally good
LEAST_LENGTH = 1e-4  # of a term's differences, in units of its spread
LARGEST_ERROR = 0.03
NEAR = 3.0  # errors of the best law that another one may have
SMALLER = 0.2  # than what the combination leaves without a term


class PartlyLinear(NamedTuple):
    """A law.

    Parameters
    ----------
    error : float
        Relative to the target's spread.
    outer : str
    coef : float
    term, index : sympy.Expr
    """

    error: float
    outer: str
    coef: float
    term: Any
    index: Any


class Target(NamedTuple):
    """The target behind a function, and the weight of its errors."""

    outer: str
    values: np.ndarray
    weight: np.ndarray


def indices(X, columns):
    """Values, up to a function of one variable, and expressions of combinations; each column alone is one."""
    yield from zip(X.T, columns, strict=True)
    for i, j in permutations(range(X.shape[1]), 2):
        a, b, s, t = X[:, i], X[:, j], columns[i], columns[j]
        if i < j:
            yield a + b, s + t
            yield a - b, s - t
            yield a * b, s * t
            yield a / b, s / t
            yield a**2 + b**2, s**2 + t**2
            yield a**2 - b**2, s**2 - t**2
        yield a**2 * b, s**2 * t
        yield a**2 / b, s**2 / t
        if (a > 0).all():
            yield b * np.log(a), s**t
            yield b * np.log1p(a), (1 + s) ** t
            yield np.log(a) / b, s ** (1 / t)


def bends(values, order, z):
    """How far values at rows are from the lines between neighbours in z, of the size of values that are noise."""
    z, values = z[order], values[..., order]
    gap = z[2:] - z[:-2]
    share = np.where(gap > 0, (z[2:] - z[1:-1]) / np.where(gap > 0, gap, 1.0), 0.5)
    left = values[..., 1:-1] - share * values[..., :-2] - (1 - share) * values[..., 2:]
    return left / np.sqrt(1 + share**2 + (1 - share) ** 2)


def targets(y, weight):
    """The target as it is, and behind functions; the logarithm of its amount if it changes its sign."""
    for outer in OUTERS:
        target = mapped(outer, y)
        if target is not None:
            yield Target(outer, target.values, weight * target.weight)
        elif outer == "log" and y.all():
            yield Target(outer, np.log(np.abs(y)), weight * np.square(y) / np.median(np.square(y)))


def partly_linear(X, y, weight, columns, *, n_best=2, is_over=lambda: False):
    """Laws that leave little, the best first.

    Parameters
    ----------
    X, y, weight
        Rows of a state.
    columns : list of sympy.Expr
    n_best : int
    is_over : callable
        Whether to take what has been found.

    Returns
    -------
    list of PartlyLinear
    """
    part = slice(0, N_ROWS)
    X, y, weight = X[part], y[part], weight[part]
    terms = make_terms(X)
    cheap = np.argsort(terms.costs, kind="stable")[1 : MOST_TERMS + 1]  # the first is constant
    values, costs = terms.values[cheap], TERM_PRICE * terms.costs[cheap]
    spreads = values.var(1)
    found: list = []
    with np.errstate(all="ignore"):
        sought = list(targets(y, weight))
        for z, index in indices(X, columns):
            if is_over():
                break
            if not np.isfinite(z).all() or np.ptp(z) == 0:
                continue
            order = np.argsort(z, kind="stable")
            own = bends(values, order, z)
            for outer, goal, w in sought:
                w = w[order]
                root = np.sqrt(np.minimum(np.minimum(w[:-2], w[2:]), w[1:-1]))
                spread = np.sqrt(np.average(np.square(goal - np.average(goal, weights=w)), weights=w))
                A, b = own * root, bends(goal, order, z) * root
                lengths, size = np.einsum("ij,ij->i", A, A), root @ root
                usable = lengths > LEAST_LENGTH**2 * size * spreads
                coefs = np.where(usable, A @ b / np.where(usable, lengths, 1.0), 0.0)
                left = np.maximum(b @ b - coefs**2 * lengths, 0) / (size * spread**2)
                alone = b @ b / (size * spread**2)
                if outer == "id" and alone < LARGEST_ERROR**2:
                    law = PartlyLinear(float(np.sqrt(alone)), outer, 0.0, sp.Integer(0), index)
                    found.append((np.log(alone + FLOOR**2) + TERM_PRICE * sp.count_ops(index), law))
                score = np.log(left + FLOOR**2) + costs
                best = int(score.argmin())
                if left[best] < min(LARGEST_ERROR**2, SMALLER**2 * alone):
                    term = product_of(terms, cheap[best], columns)
                    law = PartlyLinear(float(np.sqrt(left[best])), outer, float(coefs[best]), term, index)
                    found.append((score[best] + TERM_PRICE * sp.count_ops(index), law))
    laws = [law for _, law in sorted(found, key=lambda pair: pair[0])[:n_best]]
    return [law for law in laws if law.error < NEAR * max(laws[0].error, FLOOR)]


def reductions(state, is_over):
    """Pairs of an error and a state of one column that laws leave."""
    placeholders = [sp.Symbol(f"_x{j}", positive=True if (x > 0).all() else None, real=True)
                    for j, x in enumerate(state.X.T)]  # fmt: skip
    own = dict(zip(placeholders, state.columns, strict=True))
    for law in partly_linear(state.X, state.y, state.weight, placeholders, is_over=is_over):
        term = tidied(number(law.coef)) * law.term if law.coef else law.term
        z, values = (evaluate(expression, placeholders, state.X) for expression in (law.index, term))
        index, term = law.index.xreplace(own), term.xreplace(own)
        taken_off = f"{rounded(term)} taken off {named(law.outer)}, the rest" if law.coef else "the columns"
        step = f"{taken_off} only through {index}"
        if law.outer == "log":
            factor = np.exp(np.clip(values, -60, 60))
            left = divided(state, [index], z[:, None], factor, tidied(sp.exp(term)), step)
        else:
            left = subtracted(state, [index], z[:, None], law.outer, values, term, step)
        if left.is_usable():
            yield max(law.error, FLOOR), left
