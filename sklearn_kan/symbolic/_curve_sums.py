"""Sums of functions as formulas of curves: polynomials, and pairs of the library's functions."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import sympy as sp

from ._expressions import number
from ._library import T

MAX_DEGREE = 6


class Trial(NamedTuple):
    """A fit that has not been written down: its error, about how complex it is, and how to write it down."""

    error: float
    cost: float
    write: Callable


class Projected(NamedTuple):
    """A curve behind a wrapper's inverse, with weights there, the unit of errors, and the way back of expressions."""

    values: np.ndarray
    weight: np.ndarray
    unit: float
    symbolic: Callable

    def error(self, left):
        """In standard deviations of the curve, from mean squared residuals."""
        return np.sqrt(left) * self.unit


def polynomials(plain, t, tolerance):
    """Polynomials of rising degree, until one is good."""
    root, found = np.sqrt(plain.weight), []
    middle, half = (t.max() + t.min()) / 2, np.ptp(t) / 2 + 1e-300
    for degree in range(2, MAX_DEGREE + 1):
        A = np.stack([((t - middle) / half) ** power for power in range(degree + 1)], 1)
        coef, *_ = np.linalg.lstsq(A * root[:, None], plain.values * root, rcond=None)
        left = np.average(np.square(A @ coef - plain.values), weights=plain.weight)
        in_t = np.polynomial.Polynomial(coef, [middle - half, middle + half], [-1, 1]).convert().coef

        def write(in_t=in_t):
            return sp.Add(*[number(c) * T**power for power, c in enumerate(in_t)])

        found.append(Trial(float(plain.error(left)), 6 * degree - 1, write))
        if found[-1].error < tolerance / 3:
            break
    return found


def pairs(library, P, chosen, plain, tolerance):
    """Sums of two of the library's functions and a constant, all pairs at once by their Gram matrix."""
    share = plain.weight / plain.weight.sum()
    centred = P - (P @ share)[:, None]
    size = np.sqrt(np.square(centred) @ share)
    kept = size > 1e-9 * (np.abs(P).max(1) + 1e-300)
    P, centred, chosen = P[kept], centred[kept] / size[kept][:, None], chosen[kept]
    f = (plain.values - plain.values @ share) * plain.unit
    G, b = (centred * share) @ centred.T, centred @ (share * f)
    determinant = 1 - G**2
    gain = (b[:, None] ** 2 - 2 * np.outer(b, b) * G + b[None] ** 2) / determinant
    cost = np.array([library.costs[j] for j in chosen])
    left = np.where(determinant > 1e-6, np.maximum(1 - gain, 0) + tolerance**2, np.inf)
    score = np.log10(left) / 2 + 0.03 * (cost[:, None] + cost[None])
    score[np.tril_indices(len(chosen))] = np.inf
    found, root = [], np.sqrt(plain.weight)
    for flat in np.argsort(score, axis=None)[:6]:
        i, j = np.unravel_index(flat, score.shape)
        if not np.isfinite(score[i, j]):
            continue
        A = np.stack([P[i], P[j], np.ones(P.shape[1])], 1)
        coef, *_ = np.linalg.lstsq(A * root[:, None], plain.values * root, rcond=None)
        error = plain.error(np.average(np.square(A @ coef - plain.values), weights=plain.weight))

        def write(i=i, j=j, coef=coef):
            terms = number(coef[0]) * library.pure[chosen[i]] + number(coef[1]) * library.pure[chosen[j]]
            return terms + number(coef[2])

        found.append(Trial(float(error), cost[i] + cost[j] + 9, write))
    return found
