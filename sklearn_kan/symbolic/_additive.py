"""Sums of products of functions of single columns, behind a link, with all constants fitted together."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from ._expressions import number
from ._losses import Working
from ._shapes import LARGEST_EXPONENT, SHAPES, bounded, slopes

N_ATTEMPTS, LEAST_GAIN = 5, 1e-4  # of a step; of a step's share of the loss, from which on another one is worth it
FIRST_DAMPING = 1e-3


class Factor(NamedTuple):
    """A function of a column."""

    place: int
    shape: str
    inner: tuple = ()

    def values(self, X):
        return SHAPES[self.shape].values(X[:, self.place], *self.inner)

    def symbolic(self, symbols):
        return SHAPES[self.shape].symbolic(symbols[self.place], *self.inner)


class Link(NamedTuple):
    """From a sum to what is predicted."""

    values: Callable
    slope: Callable
    symbolic: Callable


LINKS = {
    "id": Link(lambda f: f, np.ones_like, lambda f: f),
    "exp": Link(lambda f: np.exp(bounded(f)), lambda f: np.exp(bounded(f)), sp.exp),
}


class Problem(NamedTuple):
    """Rows, what errors are, and the link."""

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    spread: float
    loss: Any
    link: Link

    def error(self, f):
        """Root of the mean loss of sums at rows."""
        with np.errstate(all="ignore"):
            misses = self.loss.residuals(self.link.values(f), self.y, self.spread)
            found = np.sqrt(np.average(np.square(misses), weights=self.weight))
        return float(found) if np.isfinite(found) else np.inf

    def working(self, f):
        """Derivatives of the mean loss by sums."""
        slope = self.link.slope(f)
        gradient, curvature = self.loss.working(self.link.values(f), self.y, self.spread)
        return Working(gradient * slope, curvature * np.square(slope) + 1e-12 / self.spread**2)


class Sum(NamedTuple):
    """A fitted sum.

    Parameters
    ----------
    terms : tuple of tuple of Factor
    coef : ndarray of shape (n_terms + 1,)
        The constant first.
    error : float
    """

    terms: tuple
    coef: np.ndarray
    error: float

    def values(self, X):
        return self.coef[0] + sum(c * values_of(term, X) for c, term in zip(self.coef[1:], self.terms, strict=True))

    def formula(self, link, symbols):
        terms = [number(c) * sp.Mul(*[factor.symbolic(symbols) for factor in term])
                 for c, term in zip(self.coef[1:], self.terms, strict=True)]  # fmt: skip
        return link.symbolic(sp.Add(number(self.coef[0]), *terms))


def values_of(term, X):
    return np.prod([factor.values(X) for factor in term], axis=0)


def tangent(found, X):
    """Derivatives by coefficients and by inner constants, ``(n, n_constants)``."""
    columns = [np.ones(len(X)), *(values_of(term, X) for term in found.terms)]
    for c, term in zip(found.coef[1:], found.terms, strict=True):
        parts = [factor.values(X) for factor in term]
        for i, factor in enumerate(term):
            others = c * np.prod(np.delete(parts, i, 0), axis=0)
            columns += [others * row for row in slopes(factor.shape, X[:, factor.place], factor.inner)]
    return np.stack(columns, 1)


def moved(found, step):
    """A sum with its constants moved, in the order of `tangent`."""
    n_coef, start = len(found.coef), len(found.coef)
    terms = []
    for term in found.terms:
        factors = []
        for factor in term:
            shift = step[start : start + len(factor.inner)]
            factors.append(factor._replace(inner=tuple(float(a + b) for a, b in zip(factor.inner, shift, strict=True))))
            start += len(factor.inner)
        terms.append(tuple(factors))
    return found._replace(terms=tuple(terms), coef=found.coef + step[:n_coef])


def settled(found, problem, n_steps):
    """The sum after Levenberg and Marquardt's steps on all of its constants."""
    X, share = problem.X, problem.weight / problem.weight.sum()
    damping = FIRST_DAMPING
    f = found.values(X)
    found = found._replace(error=problem.error(f))
    for _ in range(n_steps):
        gradient, curvature = problem.working(f)
        J = tangent(found, X)
        matrix, slope = (J * (share * curvature)[:, None]).T @ J, J.T @ (share * gradient)
        diagonal = np.diag(matrix) + 1e-12 * np.trace(matrix) / len(matrix) + 1e-300
        if not np.isfinite(matrix).all():
            break
        for _ in range(N_ATTEMPTS):
            scale = np.sqrt(diagonal)
            scaled = matrix / np.outer(scale, scale) + damping * np.eye(len(matrix))
            trial = moved(found, -np.linalg.solve(scaled, slope / scale) / scale)
            with np.errstate(all="ignore"):
                f_trial = trial.values(X)
                error = problem.error(f_trial)
            if error < found.error and np.isfinite(f_trial).all():
                break
            damping *= 8
        else:
            break
        gain = 1 - (error / found.error) ** 2
        found, f, damping = trial._replace(error=error), f_trial, damping / 8
        if gain < LEAST_GAIN:
            break
    return found


def is_bounded(found):
    """Whether exponents of all factors are such that computers can hold them."""
    return np.isfinite(found.coef).all() and np.abs(found.coef).max() < np.exp(LARGEST_EXPONENT)
