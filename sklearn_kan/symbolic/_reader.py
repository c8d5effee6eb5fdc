"""Networks of a state, raw or on the target's logarithm, as one function with derivatives."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ._outer import mapped
from ._surrogate import LOG_RANGE, Surrogate, fit_surrogate, split

LARGEST = 10.0  # error of a row, in standard deviations
LEAST_RATIO = 3.0  # between the target's extremes, from which its logarithm is looked at
SMOOTH = 3e-3  # error from which on no penalty is needed
PENALTY = 1e-4
NARROW_LOG_RANGE = 3.5  # of columns whose logarithm is looked at if they are not smooth enough themselves


class Reader(NamedTuple):
    """A fitted network behind the inverse of a function of the target.

    Parameters
    ----------
    surrogate : Surrogate
    outer : {"id", "log"}
    inverse : callable
    penalty : float
    log_range : float
        As of `fit_surrogate`.
    error : float
        Root mean squared error at held-out rows, in standard deviations of the original target.
    """

    surrogate: Surrogate
    outer: str
    inverse: Callable
    penalty: float
    log_range: float
    error: float

    def values(self, X):
        with np.errstate(all="ignore"):
            return self.inverse(self.surrogate.values(X))

    def gradients(self, X):
        gradients = self.surrogate.gradients(X)
        return gradients * self.values(X)[:, None] if self.outer == "log" else gradients


def fit_reader(state, judge, budget, *, seed, parent=None):
    """The best of several networks of a state.

    Parameters
    ----------
    state : State
    judge : callable
        ``(predictions, rows)``, to errors in the original target's units.
    budget : Budget
    seed : int
    parent : Reader, optional
        Of the state that this one comes from, whose settings are taken over if they apply.
    """
    n_samples, n_columns = state.X.shape
    size = {"n_units": 10, "n_knots": 8} if n_columns <= 3 else {"n_units": 8, "n_knots": 5}
    if n_samples < 40 * n_columns + 100:
        size = {"n_units": 4, "n_knots": 4}
    _, held_out = split(n_samples, seed)
    best = None
    for outer, penalty, log_range in settings(state, parent):
        is_further = penalty or log_range < LOG_RANGE
        if best is not None and is_further and (best.error < SMOOTH or outer != best.outer):
            continue
        if best is not None and not budget.spend():
            break
        target = mapped(outer, state.y)
        weight = state.weight * target.weight
        surrogate = fit_surrogate(
            state.X, target.values, weight, penalty=penalty, log_range=log_range, seed=seed, **size
        )
        error = judge(target.inverse(surrogate.values(state.X[held_out])), held_out)
        if best is None or error < best.error:
            best = Reader(surrogate, outer, target.inverse, penalty, log_range, error)
    return best


def settings(state, parent):
    """A function of the target, a penalty, and which columns are on a log scale."""
    is_wide = np.abs(state.y).max() >= LEAST_RATIO * np.abs(state.y).min()
    outers = [outer for outer in ("id", "log") if mapped(outer, state.y) is not None and (outer == "id" or is_wide)]
    if parent is not None and parent.outer in outers:
        return [(parent.outer, parent.penalty, parent.log_range)]
    kinds = [(0.0, LOG_RANGE), (0.0, NARROW_LOG_RANGE), (PENALTY, LOG_RANGE)]
    return [(outer, penalty, log_range) for penalty, log_range in kinds for outer in outers]
