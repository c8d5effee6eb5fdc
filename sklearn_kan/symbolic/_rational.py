"""Quotients of polynomials, ``u(y) = P(x) / Q(x)``, by linear least squares: ``P - u(y) Q`` vanishes at all rows.

Coefficients are a null vector of the monomials of P and of those of Q times u(y). The lowest degrees that have one give
the law whatever the ranges are: terms that are much alike do no harm, since all of them are there at once. It takes
rows without noise.
"""

from fractions import Fraction
from itertools import combinations_with_replacement, product
from math import comb

import numpy as np
import sympy as sp
from numpy.polynomial.legendre import legvander

from ._expressions import number
from ._outer import mapped

OUTERS = ("id", "inv", "sq", "isq", "log", "exp", "cos")  # degrees of P are no less than of Q
OUTERS_OF_BENT, MOST_OF_BENT = ("id", "sq", "cos"), 150
BENDS = (np.cos, sp.cos), (np.sin, sp.sin), (np.sqrt, sp.sqrt), (np.log, sp.log)
N_ROWS, ROWS_FOR_EACH = 500, 1.5  # rows that are looked at; of each coefficient
MOST_COEFFICIENTS, LARGEST_DEGREE = 300, 6
MOST_COLUMNS = 8
NOTHING = 1e-12  # singular value, relative to the largest, of monomials that vanish
CLEAR = 1e-5  # share of a null vector's singular value in the next one
LEAST_COEFFICIENT = 1e-7  # of a null vector, relative to the largest
MOST_TERMS = 14
LARGEST_DENOMINATOR, ROUNDING = 64, 1e-8


def bent_forms(X, y, columns, is_over):
    """What `rational_forms` finds with a function of one column in that column's place."""
    for place, (bend, symbolic) in product(range(X.shape[1]), BENDS):
        with np.errstate(all="ignore"):
            values = bend(X[:, place])
        if is_over():
            return
        if np.isfinite(values).all() and np.ptp(values) > 0:
            bent, expressions = X.copy(), list(columns)
            bent[:, place], expressions[place] = values, symbolic(columns[place])
            yield from rational_forms(bent, y, expressions, OUTERS_OF_BENT, MOST_OF_BENT)


def rational_forms(X, y, columns, outers=OUTERS, most=MOST_COEFFICIENTS):
    """Expressions of the target that hold at the first rows, for each function of it at most one.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_columns)
    y : ndarray of shape (n_samples,)
    columns : list of sympy.Expr
    outers : sequence of str
        Functions of the target.
    most : int
        Coefficients at most.
    """
    n_columns, n_rows = X.shape[1], min(len(y), int(N_ROWS * most / MOST_COEFFICIENTS))
    if not 2 <= n_columns <= MOST_COLUMNS:
        return
    X, y = X[:n_rows], y[:n_rows]
    degrees = degrees_of(n_columns, min(most, n_rows / ROWS_FOR_EACH))
    if not degrees:
        return
    low, high = X.min(0), X.max(0)
    z = 2 * (X - low) / np.where(high > low, high - low, 1.0) - 1
    exponents = monomials(X, max(max(pair) for pair in degrees))
    smooth, plain = products(legvander(z, LARGEST_DEGREE), exponents), powers(X / np.abs(X).max(0), exponents)
    for outer in outers:
        target = mapped(outer, y)
        if target is None or (outer == "cos" and y.max() < np.pi / 2):
            continue
        u = target.values / (np.abs(target.values).max() + 1e-300)
        pair = lowest(smooth, exponents, u, degrees)
        form = None if pair is None else written(plain, exponents, u, pair, X, target.values, columns)
        if form is not None:
            yield target.symbolic(form)


def degrees_of(n_columns, most):
    """Pairs of degrees of P and Q with so many coefficients at most, fewer coefficients first; Q's is no higher."""

    def size(pair):
        return comb(n_columns + pair[0], pair[0]) + comb(n_columns + pair[1], pair[1])

    pairs = [(p, q) for p in range(1, LARGEST_DEGREE + 1) for q in range(p + 1)]
    return sorted([pair for pair in pairs if size(pair) <= most], key=size)


def monomials(X, degree):
    """Exponents of all monomials up to a degree, ``(n_monomials, n_columns)``; those that other ones equal are not.

    Powers of a column with k values, such as a small integer, are sums of those below k.
    """
    n_columns = X.shape[1]
    found = [np.bincount(np.array(places, int), minlength=n_columns) for total in range(degree + 1)
             for places in combinations_with_replacement(range(n_columns), total)]  # fmt: skip
    n_values = np.array([len(np.unique(x)) for x in X.T])
    return np.stack([exponents for exponents in found if (exponents < n_values).all()])


def products(values, exponents):
    """Products of functions of columns: ``(n, n_columns, n_functions)`` to ``(n, n_monomials)``."""
    whole = np.ones((len(values), len(exponents)))
    for place in range(values.shape[1]):
        whole *= values[:, place, exponents[:, place]]
    return whole


def powers(X, exponents):
    return products(X[:, :, None] ** np.arange(exponents.max() + 1), exponents)


def design(values, exponents, u, pair):
    """The monomials of P, and those of Q times the target."""
    total = exponents.sum(1)
    return np.hstack([values[:, total <= pair[0]], -u[:, None] * values[:, total <= pair[1]]])


def lowest(values, exponents, u, degrees):
    """The degrees with fewest coefficients for which something vanishes; None if nothing does."""

    def vanishes(pair):
        singular = np.linalg.svd(design(values, exponents, u, pair), compute_uv=False)
        return singular[-1] < NOTHING * singular[0]

    largest = [pair for pair in degrees if not any(other != pair and other[0] >= pair[0] and other[1] >= pair[1]
                                                  for other in degrees)]  # fmt: skip
    if not any(vanishes(pair) for pair in largest):
        return None
    return next((pair for pair in degrees if vanishes(pair)), None)


def written(values, exponents, u, pair, X, target, columns):
    """The quotient as an expression; None if it is not clear, or too long to be a law."""
    A = design(values, exponents, u, pair)
    length = np.linalg.norm(A, axis=0)
    _, singular, vectors = np.linalg.svd(A / length)
    if len(singular) > 1 and singular[-1] > CLEAR * singular[-2]:
        return None
    vector = vectors[-1] / length
    kept = np.abs(vector) > LEAST_COEFFICIENT * np.abs(vector).max()
    if kept.sum() > MOST_TERMS:
        return None
    _, _, vectors = np.linalg.svd(A[:, kept] / length[kept])  # the others are nothing, and the rest is clearer so
    coef = np.zeros(len(vector))
    coef[kept] = vectors[-1] / length[kept]
    n_above = int((exponents.sum(1) <= pair[0]).sum())
    scale, unit = np.abs(X).max(0), np.abs(target).max()
    above, below = [
        {place: c / np.prod(scale ** exponents[place]) for place, c in enumerate(part) if c}
        for part in (coef[:n_above] * unit, coef[n_above:])
    ]
    if not above or not below:
        return None
    leading = max(below.values(), key=abs)

    def polynomial(part):
        terms = [coefficient(c / leading)
                 * sp.Mul(*[column ** int(p) for column, p in zip(columns, exponents[place], strict=True)])
                 for place, c in part.items()]  # fmt: skip
        return sp.Add(*terms)

    return polynomial(above) / polynomial(below)


def coefficient(value):
    """A simple fraction if it is one up to rounding."""
    near = Fraction(value).limit_denominator(LARGEST_DENOMINATOR)
    is_near = near and abs(float(near) - value) < ROUNDING * abs(value)
    return sp.Rational(near.numerator, near.denominator) if is_near else number(value)
