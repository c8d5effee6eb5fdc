"""What reductions of a state may ask of the search that they belong to."""

import time
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from ._budget import Budget
from ._expressions import Table, complexity, error_of, evaluate
from ._outer import mapped
from ._proposals import unfolded
from ._states import tidied

SECONDS_OF_SUBPROBLEM, WORST_SLOPE = 1.5, 0.05


class Slope(NamedTuple):
    """What a term of one column is multiplied by: a formula of the other columns."""

    formula: Any
    inner: Any
    symbols: tuple

    def __call__(self, X):
        return evaluate(self.inner, self.symbols, X)


class Context(NamedTuple):
    """What reductions of a state may use of the search."""

    search: Any
    node: Any

    @property
    def library(self):
        return self.search.library

    @property
    def tolerance(self):
        return max(3 * self.node.error, 1e-3)

    def coefficients_of(self, place, outer, t, f):
        """Slopes of ``u(y)`` in f at rows, by least squares along the network's unfolded column; with their rows."""
        state = self.node.state
        rows = state.X[self.search.generator.permutation(len(state.y))[:250]]
        M = unfolded(self.node.reader, rows, place, t)
        target = mapped(outer, M.ravel())
        if target is None:
            return None
        M, centred = target.values.reshape(M.shape), f - f.mean()
        slopes = (M - M.mean(1, keepdims=True)) @ centred / (centred @ centred)
        return (np.delete(rows, place, 1), slopes) if np.isfinite(slopes).all() and slopes.std() > 0 else None

    def subproblem(self, X, slopes, columns, tolerance=None, is_simple_first=False):
        """Formulas of slopes that depend on the other columns."""
        symbols = tuple(sp.Symbol(f"_q{j}", positive=True if (X[:, j] > 0).all() else None, real=True)
                        for j in range(X.shape[1]))  # fmt: skip
        table = Table(symbols, X, slopes, np.ones(len(X)), float(slopes.std()))
        outer, tolerance = self.search.budget, tolerance or max(5e-3, 3 * self.node.error)
        budget = Budget(
            None if outer.end is None else min(SECONDS_OF_SUBPROBLEM, (outer.end - time.thread_time()) / 2), 40
        )
        search = type(self.search)(table, self.library, budget, seed=self.search.seed, n_beam=4, fits_networks=False)
        search.best_network = max(1e-3, tolerance / 3)
        search.run(max_states=2, good_enough=tolerance)
        outer.add(budget)
        placed = dict(zip(symbols, columns, strict=True))
        found = simple_ones(search.candidates)
        for candidate in sorted(found, key=lambda c: complexity(c.formula)) if is_simple_first else found:
            if candidate.error > max(WORST_SLOPE, 2 * tolerance):
                continue
            nice = tidied(candidate.formula)
            keeps = error_of(nice, table) < 1.2 * candidate.error + 0.2 * tolerance
            formula = nice if keeps else candidate.formula
            yield Slope(formula.xreplace(placed), formula, symbols)


def simple_ones(candidates, n_most=2):
    """The best by information, and simpler ones with up to four times its error."""
    if not candidates:
        return []
    best = min(candidates, key=lambda c: c.bic)
    kept = [best]
    for candidate in sorted(candidates, key=lambda c: complexity(c.formula)):
        if candidate.error < 4 * max(best.error, 2e-3) and all(candidate.formula != k.formula for k in kept):
            kept.append(candidate)
    return kept[:n_most]
