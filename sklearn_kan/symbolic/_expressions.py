"""Formulas: sympy expressions whose floats are constants to be fitted."""

from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple
from weakref import getweakrefs

import numpy as np
import sympy as sp
from scipy.optimize import least_squares

from ._losses import SQUARES

TWO_EXPONENTIALS = sp.sinh, sp.cosh  # which data can hardly tell from one of them
BROKEN = (sp.zoo, sp.nan, sp.oo, sp.I)
LARGEST = 1e3  # of a residual in standard deviations of the target: a pole says nothing about distance
ROUGHLY, MAY_BE_EXACT = 1e-8, 1e-3  # tolerance of a fit; its error from which on all digits count
DIFFERENCE, LEAST_CHANGE = 1.5e-8, 1e-12  # of constants, relatively, for derivatives; of residuals by it
STEPS = 3  # attempts for each step
CONSTANT = 2  # complexity of a number that was fitted, where everything else counts once


class Table(NamedTuple):
    """Rows that formulas are judged by.

    Parameters
    ----------
    symbols : tuple of sympy.Symbol
        Of the columns.
    X : ndarray of shape (n_samples, n_features)
    y, weight : ndarray of shape (n_samples,)
        Weights are 1 on average.
    spread : float
        Standard deviation of the target, the unit of errors.
    loss : Squares or Deviance
    """

    symbols: tuple
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    spread: float
    loss: Any = SQUARES

    def rows(self, part):
        return self._replace(X=self.X[part], y=self.y[part], weight=self.weight[part])


class Fitted(NamedTuple):
    """A formula with its constants fitted.

    Parameters
    ----------
    formula : sympy.Expr
    error : float
        Root mean squared error in standard deviations of the target.
    deviations : ndarray of shape (n_constants,)
        Standard errors of the constants, in the order of `split_constants`.
    """

    formula: sp.Expr
    error: float
    deviations: np.ndarray


class Skeleton(NamedTuple):
    """A formula with parameters in place of its constants."""

    formula: sp.Expr
    parameters: list
    values: np.ndarray

    def filled(self, values):
        return self.formula.xreplace(dict(zip(self.parameters, map(number, values), strict=True)))


def number(value):
    """A constant with all its digits."""
    return sp.Float(float(value), 17)


def complexity(formula):
    """Nodes of the expression tree; a fitted constant counts as two, any other number as one."""
    if formula.is_number:
        return CONSTANT if formula.has(sp.Float) else 1
    if isinstance(formula, sp.Mul | sp.Add):
        numbers = [part for part in formula.args if part.is_number]
        rest = sum(complexity(part) for part in formula.args if not part.is_number)
        return 1 + rest + max(map(complexity, numbers), default=0)
    return 1 + isinstance(formula, TWO_EXPONENTIALS) + sum(map(complexity, formula.args))


def is_usable(formula):
    """Whether an expression is a finite real one."""
    return not formula.has(*BROKEN)


def split_constants(formula):
    """Replace each float by a parameter of its own."""
    parameters: list = []
    values: list = []

    def walk(node):
        if isinstance(node, sp.Float):
            parameters.append(sp.Symbol(f"_p{len(values)}", real=True))
            values.append(float(node))
            return parameters[-1]
        return node.func(*map(walk, node.args)) if node.args else node

    return Skeleton(walk(formula), parameters, np.array(values))


def largest(*values):
    return reduce(np.maximum, values)


def smallest(*values):
    return reduce(np.minimum, values)


def compiled(symbols, formula) -> Callable:
    """A function of arrays, one for each symbol, silent about overflow."""
    modules: list = ["numpy", "scipy"]
    if formula.has(sp.Max, sp.Min):  # sympy before 1.14 makes one array of numbers and arrays, which NumPy refuses
        formula = formula.replace(sp.Max, sp.Function("largest")).replace(sp.Min, sp.Function("smallest"))
        modules.append({"largest": largest, "smallest": smallest})
    function = sp.lambdify(list(symbols), formula, modules, cse=True)
    for reference in getweakrefs(function):  # sympy clears up at its end, where Python swallows signals: now instead
        reference.__callback__()

    def evaluated(*arrays):
        with np.errstate(all="ignore"):
            return function(*arrays)

    return evaluated


def evaluate(formula, symbols, X):
    """Values at rows, NaN where there are none."""
    return called(compiled(symbols, formula), (), X)


def called(function, constants, X):
    """Values of a compiled function of constants and columns at rows, NaN where there are none."""
    try:
        values = function(*constants, *X.T)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError, NameError):
        return np.full(len(X), np.nan)
    values = np.asarray(values)
    if np.iscomplexobj(values) or values.dtype == object:
        return np.full(len(X), np.nan)
    return values.astype(float) + np.zeros(len(X))


class LateError(Exception):
    """Time is over."""


def refit(formula, table, max_steps=40, least_scale=1e-3, is_late=lambda: False):
    """Fit a formula's constants together, by Levenberg-Marquardt in float64.

    Steps are scaled by the constants' size, at least by `least_scale`. Once it `is_late`, the best constants so far
    are taken.
    """
    if not is_usable(formula):
        return Fitted(formula, LARGEST, np.zeros(0))
    skeleton = split_constants(formula)
    start, inputs = skeleton.values, list(table.X.T)
    function = compiled([*skeleton.parameters, *table.symbols], skeleton.formula)
    root = np.sqrt(table.weight)

    best: list = [np.inf, start]

    def residuals(values):
        if is_late() and np.isfinite(best[0]):
            raise LateError
        found = misses_of(values)
        if (error := rms(found)) < best[0]:
            best[:] = error, values.copy()
        return found

    def misses_of(values):
        try:
            found = function(*values, *inputs)
            if np.iscomplexobj(found):
                return np.full(len(table.y), LARGEST)
            misses = table.loss.residuals(found, table.y, table.spread) * root
            return np.clip(np.nan_to_num(misses, nan=LARGEST), -LARGEST, LARGEST)
        except (TypeError, ValueError, ZeroDivisionError, OverflowError):
            return np.full(len(table.y), LARGEST)

    if len(start) == 0 or len(start) > len(table.y):
        return Fitted(formula, rms(misses_of(start)), np.full(len(start), np.inf))
    sizes = np.where(start == 0, max(least_scale, 1e-3), np.maximum(np.abs(start), least_scale))

    def derivatives(values):
        base, columns = residuals(values), []
        for unit, size in zip(np.eye(len(values)), np.maximum(np.abs(values), sizes), strict=True):
            for step in (DIFFERENCE * size, DIFFERENCE * max(size, 1.0)):
                change = residuals(values + step * unit) - base
                if np.abs(change).max() > LEAST_CHANGE:  # else it may be nothing but rounding
                    break
            columns.append(change / step)
        return np.stack(columns, 1)

    def solved(values, tolerance):
        return least_squares(
            residuals, values, derivatives, method="lm", x_scale=sizes, max_nfev=STEPS * max_steps,
            xtol=tolerance, ftol=tolerance, gtol=1e-15,
        )  # fmt: skip

    try:
        solution = solved(start, ROUGHLY)
        if rms(solution.fun) < MAY_BE_EXACT:
            solution = solved(solution.x, 1e-15)
        values, found = solution.x, solution.fun
        noise = table.loss.dispersion(found, len(start))
        variance = np.diag(np.linalg.pinv(solution.jac.T @ solution.jac)) * noise
        deviations = np.sqrt(np.where(np.isfinite(variance), np.maximum(variance, 0), np.inf))
    except (ValueError, np.linalg.LinAlgError):
        values, found, deviations = start, misses_of(start), np.full(len(start), np.inf)
    except LateError:
        values, deviations = best[1], np.full(len(start), np.inf)
        found = misses_of(values)
    if not np.isfinite(values).all():
        values, found = start, misses_of(start)
    return Fitted(skeleton.filled(values), rms(found), deviations)


def rms(residuals):
    return float(np.sqrt(np.mean(np.square(residuals))))


def error_of(formula, table):
    """Root mean squared error in standard deviations of the target."""
    difference = table.loss.residuals(evaluate(formula, table.symbols, table.X), table.y, table.spread)
    difference = np.clip(np.nan_to_num(difference, nan=LARGEST), -LARGEST, LARGEST)
    return float(np.sqrt(np.average(np.square(difference), weights=table.weight)))


def information(error, table, formula):
    """Schwarz's criterion with the size of the expression in place of the number of constants; lower is better."""
    n_samples = len(table.y)
    return table.loss.criterion(error, n_samples) + table.loss.price * np.log(n_samples) * complexity(formula)


def rounded(formula, digits=3):
    """The same with constants of so many digits: alike formulas are equal then, and short to read."""
    return formula.xreplace({a: sp.Float(f"{float(a):.{digits}g}", digits) for a in formula.atoms(sp.Float)})
