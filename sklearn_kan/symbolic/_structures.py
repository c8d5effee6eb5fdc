"""One-layer structures in closed form: ``u(y) = sum f_i(x_i)`` by least squares, ``y = prod f_i(x_i)`` by turns.

The function u is one of `OUTER`, or the likest monotone one.
"""

from functools import partial
from itertools import product as combinations
from math import prod
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
import torch

from ..bases import BSpline
from ._curves import CurveFit, fit_curve
from ._expressions import LARGEST, number
from ._library import T
from ._monotone import fit_monotone
from ._outer import OUTER, mapped
from ._scales import scales, wide

N_POINTS, N_POINTS_FINE = 61, 241  # of a curve that is read
MANY_COMBINATIONS = 20_000
GOOD_ENOUGH = 2e-3  # error with which coarse knots will do
CONSTANT_SCORE = -9.0
KNOTS, KNOTS_OF_ONE = (8, 24), (8, 24, 72)  # of several columns, and of a single one
PRODUCTS_UNDER = "log", "logit"  # powers with a column as exponent, and Hill's curves of such
LEAST_COEF = 3  # of a column
IDLE = 0.01  # of the largest size of a curve
LEAST_CURVE = 3e-5  # size of a curve, relatively; splines of columns that do not matter are smaller
CLEARLY_BETTER = 0.5  # error of an unknown function of the target in those of known ones, from which on it is one
KINDS = "product", "exponent", "monotone"  # besides sums behind functions of the target
N_LINKS, WORST_LINK = 2, 1e-3  # formulas of it that are tried; their errors


class Splines:
    """Cubic B-splines of each column, on a log scale where `is_log`: by default of those that span a decade."""

    def __init__(self, X, n_knots, is_log=None):
        self.is_log = wide(X) if is_log is None else is_log
        z = self.scaled(X)
        self.low, high = z.min(0), z.max(0)
        self.span = np.where(high > self.low, high - self.low, 1.0)
        self.basis = BSpline(X.shape[1], n_knots=n_knots).double()
        self.values = self.at(X)

    def scaled(self, X):
        with np.errstate(all="ignore"):
            return np.where(self.is_log, np.log(np.abs(X)), X)

    def at(self, X):
        """Values of the splines, ``(n, n_columns) -> (n, n_columns, n_basis)``."""
        z = 2 * (self.scaled(X) - self.low) / self.span - 1
        with torch.no_grad():
            return self.basis(torch.from_numpy(z)).numpy()

    def points(self, n_points=None):
        """Places over each column's range, (n_points, n_columns)."""
        n_points = n_points or (N_POINTS if self.basis.n_knots <= KNOTS[-1] else N_POINTS_FINE)
        z = self.low + self.span * np.linspace(0, 1, n_points)[:, None]
        return np.where(self.is_log, np.exp(np.where(self.is_log, z, 0)), z)


class Structure(NamedTuple):
    """A fitted sum or product of functions of single columns.

    Parameters
    ----------
    error : float
        Of the original target, in its standard deviations, corrected for the number of coefficients.
    kind : {"sum", "product", "monotone"}
    outer : str
        Key of `OUTER`.
    splines : Splines
    coef : ndarray of shape (n_columns, n_basis)
    symbolic : callable
        From an expression of the sum to one of the target.
    link : Link, optional
        From sums to the target, of the kind "monotone".
    """

    error: float
    kind: str
    outer: str
    splines: Splines
    coef: np.ndarray
    symbolic: Any
    link: Any = None


def structures(X, y, weight, judge, *, outers=tuple(OUTER), n_knots=None, kinds=KINDS):
    """All one-layer structures, best first.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_columns)
    y, weight : ndarray of shape (n_samples,)
    judge : callable
        From predictions of `y` to an error in the original target's units.
    """
    found: list = []
    n_samples, n_columns = X.shape
    if LEAST_COEF * n_columns > n_samples / 2:
        return found
    for knots in n_knots or (KNOTS_OF_ONE if n_columns == 1 else KNOTS):
        n_coef = n_columns * (knots + 1) + 1
        if n_coef > n_samples / 3 and found:
            continue
        knots = max(2, min(knots, int(n_samples / 3 / n_columns) - 1))
        n_coef = n_columns * (knots + 1) + 1
        correction = 1 / max(0.2, 1 - n_coef / n_samples)
        for is_log in scales(X):
            found += layers(Splines(X, knots, is_log), y, weight, judge, correction, outers, kinds)
            if min(s.error for s in found if s.kind != "monotone") < GOOD_ENOUGH:
                return by_error(found)
    return by_error(found)


def by_error(found):
    return sorted((s for s in found if np.isfinite(s.error)), key=lambda s: s.error)


def layers(splines, y, weight, judge, correction, outers, kinds):
    """Structures on given splines."""
    found: list = []
    for outer in outers:
        target = mapped(outer, y)
        if target is not None:
            coef, sums = fit_sum(splines, target.values, weight * target.weight)
            error = correction * judge(target.inverse(sums))
            found.append(Structure(error, "sum", outer, splines, coef, target.symbolic))
    if splines.values.shape[1] == 1:
        return found
    if "product" in kinds:
        for seed in (0, 1):
            coef, products = fit_product(splines, y, weight, seed)
            error = correction * judge(products)
            found.append(Structure(error, "product", "id", splines, coef, lambda e: e))
            if error < 0.05:
                break
    if "exponent" in kinds:
        for outer in PRODUCTS_UNDER:
            target = mapped(outer, y)
            if target is not None:
                coef, products = fit_product(splines, target.values, weight * target.weight, 0)
                error = correction * judge(target.inverse(products))
                found.append(Structure(error, "product", outer, splines, coef, target.symbolic))
    if "monotone" in kinds:
        found += monotone_sums(splines, y, weight, judge, correction, min(s.error for s in found))
    return found


def monotone_sums(splines, y, weight, judge, correction, least):
    """A sum behind a monotone function, if it is clearly better than others."""
    fit = fit_monotone(splines, Splines(y[:, None], splines.basis.n_knots), y, weight)
    if fit is None:
        return []
    error = correction * judge(fit.link(fit.sums))
    if not error < CLEARLY_BETTER * least:
        return []
    return [Structure(error, "monotone", "id", splines, fit.coef, lambda e: e, fit.link)]


def fit_sum(splines, g, weight):
    """Coefficients of ``g = sum_i f_i(x_i)`` and the sums."""
    n_samples, n_columns, n_basis = splines.values.shape
    A = splines.values.reshape(n_samples, -1)
    root = np.sqrt(weight / weight.mean())
    B = A * root[:, None]
    H = B.T @ B
    H[np.diag_indices_from(H)] += 1e-9 * n_samples
    coef = np.linalg.solve(H, B.T @ (g * root))
    return coef.reshape(n_columns, n_basis), A @ coef


def fit_product(splines, y, weight, seed, n_iter=25):
    """Coefficients of ``y = prod_i f_i(x_i)`` by alternating least squares, and the products."""
    _, n_columns, n_basis = splines.values.shape
    coef = np.ones((n_columns, n_basis))
    if seed:
        coef += 0.5 * np.random.default_rng(seed).standard_normal(coef.shape)
    factors = np.einsum("ndk,dk->nd", splines.values, coef)
    before = np.inf
    for _ in range(n_iter):
        for i in range(n_columns):
            B = splines.values[:, i] * np.prod(np.delete(factors, i, 1), 1)[:, None]
            H = (B * weight[:, None]).T @ B
            H[np.diag_indices_from(H)] += 1e-10 * np.trace(H) / n_basis + 1e-300
            coef[i] = np.linalg.solve(H, B.T @ (weight * y))
            factors[:, i] = splines.values[:, i] @ coef[i]
            if i < n_columns - 1:
                size = np.sqrt(np.mean(np.square(factors[:, i]))) + 1e-300
                coef[i] /= size
                factors[:, i] /= size
        left = np.sqrt(np.mean(np.square(np.prod(factors, 1) - y))) / (y.std() + 1e-300)
        if not np.isfinite(left) or abs(before - left) < 1e-3 * left or left < 1e-7:
            break
        before = left
    return coef, np.prod(factors, 1)


def idle_columns(structure):
    """Places of columns that hardly matter, where others do."""
    points = structure.splines.points()
    curves = np.einsum("mdk,dk->md", structure.splines.at(points), structure.coef)
    sizes = curves.std(0)
    if structure.kind == "product":
        sizes = sizes / (np.abs(curves).mean(0) + 1e-300)
    return np.flatnonzero(sizes < IDLE * sizes.max()).tolist()


def read(structure, columns, library, *, tolerance, top=5, n_best=8, deep=False, rough=False, budget=None):
    """Expressions of the target, from formulas of the curves of a structure.

    Parameters
    ----------
    structure : Structure
    columns : list of sympy.Expr
    library : Library
    tolerance : float
        Relative error of the target.
    top : int
        Formulas of each curve that take part.
    n_best : int
        Combinations of them.
    deep, rough : bool
        As of `fit_curve`.
    budget : Budget, optional
        Nothing is read once it is used up.
    """
    if structure.kind == "monotone":
        settings: dict = {"top": top, "n_best": max(1, n_best // 2), "deep": deep, "rough": rough, "budget": budget}
        return [form for plain in linked(structure, library, tolerance)
                for form in read(plain, columns, library, tolerance=tolerance, **settings)]  # fmt: skip
    points = structure.splines.points()
    curves = np.einsum("mdk,dk->md", structure.splines.at(points), structure.coef)
    is_exponential = structure.kind == "sum" and structure.outer == "log"
    is_product = structure.kind == "product" or is_exponential
    total = np.sqrt(np.sum(np.var(curves, 0))) + 1e-300
    options = []
    for t, f in zip(points.T, curves.T, strict=True):
        if budget is not None and budget.is_over:
            return []
        if is_exponential:
            f = np.exp(np.clip(f - f.mean(), -60, 60))
        size = np.abs(f).mean() if is_product else total
        relative = f.std() / (size + 1e-300)
        if relative < max(0.3 * tolerance, LEAST_CURVE):
            options.append([CurveFit(number(f.mean()), 0.0, CONSTANT_SCORE)])
        else:
            tolerated = min(0.3, max(1e-5, 0.5 * tolerance / relative))
            options.append(fit_curve(library, t, f, tolerance=tolerated, top=top, deep=deep, rough=rough))
    if not all(options):
        return []
    chosen = best_combinations(options, n_best)
    if not is_product:
        return [structure.symbolic(sp.Add(*placed(fits, columns))) for fits in chosen]
    if is_exponential:
        level = np.exp(np.clip(curves.mean(0).sum(), -60, 60))
        return [structure.symbolic(sp.log(as_product(placed(fits, columns), level))) for fits in chosen]
    return [structure.symbolic(as_product(placed(fits, columns), 1.0)) for fits in chosen]


def linked(structure, library, tolerance):
    """A structure behind a monotone function as sums behind the formulas of that function, or as products."""
    sums, values = structure.link.some()
    fits = []
    for sign in (1, -1):  # shifts inside functions leave the sign as it is
        curves = fit_curve(library, sign * sums, values, tolerance=max(tolerance, 1e-4), top=N_LINKS)
        fits += [(fit, sign) for fit in curves if fit.error < max(10 * tolerance, WORST_LINK)]
    for fit, sign in sorted(fits, key=lambda pair: pair[0].score)[:N_LINKS]:
        scale, rate, level = exponential(fit.formula)
        outer, rate, form = ("log", rate, scale * sp.exp(T) + level) if rate else ("id", 1.0, fit.formula)
        coef = sign * rate * structure.coef
        yield structure._replace(kind="sum", outer=outer, coef=coef, symbolic=partial(put_into, form))


def put_into(form, expression):
    return form.xreplace({T: expression})


def exponential(formula):
    """The numbers of ``scale * exp(rate * t) + level``; no rate if a formula is another one."""
    level, rest = formula.as_coeff_Add()
    scale, rest = rest.as_coeff_Mul()
    if isinstance(rest, sp.exp):
        rate, inner = rest.args[0].as_coeff_Mul()
        if inner == T:
            return scale, float(rate), level
    return 1, 0.0, 0


def placed(fits, columns):
    return [fit.formula.xreplace({T: column}) for fit, column in zip(fits, columns, strict=True)]


def best_combinations(options, n_best):
    """One formula for each curve, the best sums of scores first."""
    if prod(len(fits) for fits in options) > MANY_COMBINATIONS:
        return [tuple(fits[0] for fits in options)]
    return sorted(combinations(*options), key=lambda fits: sum(fit.score for fit in fits))[:n_best]


def as_product(parts, level):
    """A product with one constant in front in place of one for each factor."""
    scale, factors = level, []
    for part in parts:
        own, rest = split_scale(part)
        scale *= own
        factors.append(rest)
    usable = np.isfinite(scale) and 0 < abs(scale) < LARGEST**10
    return number(scale if usable else 1.0) * sp.Mul(*factors)


def split_scale(formula):
    """Pull a scale out, ``a g + b -> (a, g + b / a)``, from factors, powers and sums."""
    leading, rest = formula.as_coeff_Mul()
    scale = float(leading)
    if isinstance(rest, sp.Pow) and isinstance(rest.base, sp.Add) and rest.exp.is_Rational:
        own, base = split_scale(rest.base)
        return scale * abs(own) ** float(rest.exp), (base if own > 0 else -base) ** rest.exp
    if isinstance(rest, sp.Mul):
        factors = []
        for factor in rest.args:
            own, factor = split_scale(factor) if isinstance(factor, sp.Add | sp.Pow) else (1.0, factor)
            scale *= own
            factors.append(factor)
        return scale, sp.Mul(*factors)
    if isinstance(rest, sp.Add):
        sizes = [float(term.as_coeff_Mul()[0]) for term in rest.args if not term.is_number]
        largest = max(sizes, key=abs, default=0.0)
        if largest:
            return scale * largest, sp.Add(*[divided(term, largest) for term in rest.args])
    return scale, rest


def divided(term, divisor):
    leading, rest = term.as_coeff_Mul()
    ratio = float(leading) / divisor
    return rest if abs(ratio - 1) < 1e-12 else number(ratio) * rest
