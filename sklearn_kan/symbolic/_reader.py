"""Networks of a state, raw or on the target's logarithm, as one function with derivatives."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ._outer import mapped
from ._scales import wide
from ._surrogate import Surrogate, fit_surrogate, split

LARGEST = 10.0  # error of a row, in standard deviations
LEAST_RATIO = 3.0  # between the target's extremes, from which its logarithm is looked at
SMOOTH = 3e-3  # error from which on no penalty is needed
PENALTY = 1e-4
NARROW_LOG_RANGE = 3.5  # of columns whose logarithm is looked at if they are not smooth enough themselves


class Setting(NamedTuple):
    """How a network is fitted: the function of the target, the penalty, the columns' scales, the size, the start."""

    outer: str
    penalty: float = 0.0
    log_range: float | None = None  # skewed columns only
    is_small: bool = False
    start: int = 0


class Reader(NamedTuple):
    """A fitted network behind the inverse of a function of the target.

    Parameters
    ----------
    surrogate : Surrogate
    setting : Setting
    inverse : callable
    error : float
        Root mean squared error at held-out rows, in standard deviations of the original target.
    """

    surrogate: Surrogate
    setting: Setting
    inverse: Callable
    error: float

    def values(self, X):
        with np.errstate(all="ignore"):
            return self.inverse(self.surrogate.values(X))

    def gradients(self, X):
        gradients = self.surrogate.gradients(X)
        return gradients * self.values(X)[:, None] if self.setting.outer == "log" else gradients


def fit_reader(state, judge, budget, *, seed, parent=None, is_small=False):
    """The best of several networks of a state; if `is_small` of two small ones.

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
    _, held_out = split(len(state.y), seed)
    best: Any = None
    for setting in first_settings(state, parent):
        best = better(best, setting._replace(is_small=is_small), state, judge, budget, seed, held_out)
    if best is not None and best.error > SMOOTH and not is_small:
        for setting in further_settings(best, parent):
            best = better(best, setting, state, judge, budget, seed, held_out)
    return best


def better(best, setting, state, judge, budget, seed, held_out):
    """A network with a setting, or the one before if that is better or nothing is left to spend."""
    if best is not None and not budget.spend():
        return best
    target = mapped(setting.outer, state.y)
    is_log = None if setting.log_range is None else wide(state.X, setting.log_range)
    surrogate = fit_surrogate(
        state.X, target.values, state.weight * target.weight, penalty=setting.penalty, is_log=is_log,
        seed=seed, start=setting.start, is_over=lambda: budget.is_late, **size_of(state, setting.is_small),
    )  # fmt: skip
    error = judge(target.inverse(surrogate.values(state.X[held_out])), held_out)
    return Reader(surrogate, setting, target.inverse, error) if best is None or error < best.error else best


def size_of(state, is_small):
    n_samples, n_columns = state.X.shape
    if is_small or n_samples < 40 * n_columns + 100:
        return {"n_units": 4, "n_knots": 4}
    return {"n_units": 10, "n_knots": 8} if n_columns <= 3 else {"n_units": 8, "n_knots": 5}


def first_settings(state, parent):
    """The target as it is and its logarithm; only the parent's function of it, if it applies."""
    is_wide = np.abs(state.y).max() >= LEAST_RATIO * np.abs(state.y).min()
    outers = [outer for outer in ("id", "log") if mapped(outer, state.y) is not None and (outer == "id" or is_wide)]
    if parent is not None and parent.setting.outer in outers:
        return [parent.setting]
    return [Setting(outer) for outer in outers]


def further_settings(best, parent):
    """What helps with skewed columns or noise: logarithms, small networks from two starts, a penalty."""
    setting = best.setting
    if parent is not None:
        return [setting._replace(is_small=True, start=1)]
    narrow = setting._replace(log_range=NARROW_LOG_RANGE)
    small = narrow._replace(is_small=True)
    return [narrow, small, small._replace(start=1), setting._replace(penalty=PENALTY)]
