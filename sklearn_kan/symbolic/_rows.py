"""A user's table as rows in a fixed order, alike ones merged, columns and target at a usual size."""

from typing import NamedTuple

import numpy as np
import sympy as sp

from ._expressions import Table, number

USUAL = 1e-3, 1e4  # median size of a column that is left as it is
LEAST_SPREAD = 1e-12  # relative to the target's size


class Rows(NamedTuple):
    """Rows with weight, merged and sorted, so that weights, repetitions and order of rows make no difference.

    Parameters
    ----------
    names : tuple of str
    X : ndarray of shape (n_samples, n_features)
    y, weight : ndarray of shape (n_samples,)
        Weights are 1 on average.
    rounding : float
        Relative rounding error of the target as it was given.
    """

    names: tuple
    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    rounding: float

    @property
    def spread(self):
        mean = np.average(self.y, weights=self.weight)
        return float(np.sqrt(np.average(np.square(self.y - mean), weights=self.weight)))

    @property
    def is_constant(self):
        return self.spread <= LEAST_SPREAD * np.abs(self.y).max()

    def symbols(self):
        """One for each column: positive where all values are, which lets roots and powers simplify."""
        return tuple(
            sp.Symbol(name, positive=True) if (x > 0).all() else sp.Symbol(name, real=True)
            for name, x in zip(self.names, self.X.T, strict=True)
        )

    def table(self):
        return Table(self.symbols(), self.X, self.y, self.weight, self.spread)


def merge(names, X, y, weight, rounding):
    """Rows of positive weight; equal ones are one row with the sum of their weights."""
    used = weight > 0
    joined, inverse = np.unique(np.column_stack([X, y])[used], axis=0, return_inverse=True)
    total = np.bincount(inverse.ravel(), weights=weight[used], minlength=len(joined))
    X, y = np.ascontiguousarray(joined[:, :-1]), joined[:, -1].copy()
    return Rows(tuple(names), X, y, total / total.mean(), rounding)


class Scaling(NamedTuple):
    """Powers of ten that columns and target are divided by."""

    columns: np.ndarray
    target: float

    def applied(self, table):
        return table._replace(X=table.X / self.columns, y=table.y / self.target, spread=table.spread / self.target)

    def undone(self, formula, symbols):
        """A formula of the scaled table as one of the table itself."""
        places = {
            symbol: symbol / sp.Integer(10) ** round(np.log10(scale))
            for symbol, scale in zip(symbols, self.columns, strict=True)
            if scale != 1
        }
        formula = formula.xreplace(places)
        return formula if self.target == 1 else number(self.target) * formula


def scaling_of(table):
    """What it takes to have all columns and the target at a usual size."""
    return Scaling(np.array([power_of_ten(x) for x in table.X.T]), power_of_ten(table.y))


def power_of_ten(values):
    size = np.median(np.abs(values[values != 0])) if values.any() else 1.0
    return 1.0 if USUAL[0] <= size <= USUAL[1] else float(10.0 ** np.round(np.log10(size)))
