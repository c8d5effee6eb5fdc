"""A whole fit: searches side by side, then the conclusion."""

import warnings
from typing import Any, NamedTuple

import numpy as np
import sympy as sp
from joblib import Parallel, delayed, effective_n_jobs

from ._budget import Budget, part_of
from ._conclusion import Entry, checked, conclude
from ._expressions import called, compiled, error_of, evaluate, number, refit, split_constants
from ._growth import grow
from ._library import make_library
from ._losses import SQUARES
from ._nodes import EXACT, Candidate, root_of
from ._progress import reporter
from ._rows import scaling_of
from ._search import Search
from ._units import read_units, without_dimensions

SHARE_OF_CONCLUSION = 0.1  # of the time, after which formulas are taken as they are
SHARE_OF_GROWTH = 0.22  # of what may be spent on candidates
MOST_COLUMNS = 12  # that networks see
ROWS_IN_SEARCH = 2_000  # constants are fitted to all rows in the end


class Settings(NamedTuple):
    """How a law is searched for."""

    max_seconds: float | None
    max_steps: int | None
    library: tuple
    units: dict | None
    n_jobs: int | None
    verbose: int
    seed: int


class Law(NamedTuple):
    """What a fit has found.

    Parameters
    ----------
    formula : sympy.Expr
        In plain symbols with the columns' names.
    symbols : tuple of sympy.Symbol
    front : list of Entry
    steps : tuple
        Pairs of a text and the held-out error after it.
    is_exact : bool
    findings : dict
    surrogate_error : float
        Of the best network, at held-out rows.
    noise : float
        Standard deviation of the residuals.
    covariance : ndarray of shape (n_constants, n_constants)
        Of the constants.
    mean : float
        Of the target: what is predicted where the formula has no value.
    n_steps : int
    is_interrupted : bool
        Whether Ctrl-C ended the search.
    """

    formula: Any
    symbols: tuple
    front: list
    steps: tuple
    is_exact: bool
    findings: dict
    surrogate_error: float
    noise: float
    covariance: np.ndarray
    mean: float
    n_steps: int
    is_interrupted: bool = False


def discover(rows, settings):
    """The law of rows."""
    mean = float(np.average(rows.y, weights=rows.weight))
    varying = np.ptp(rows.X, axis=0) > 0
    if rows.is_constant or not varying.any():
        return constant_law(rows, mean)
    table = rows.table()
    table = table._replace(
        symbols=tuple(s for s, flag in zip(table.symbols, varying, strict=True) if flag), X=table.X[:, varying]
    )
    scaling = scaling_of(table)
    order = np.random.default_rng(settings.seed).permutation(len(table.y))  # rows are sorted, and the first ones alike
    sampled = scaling.applied(table).rows(order[:ROWS_IN_SEARCH])
    sampled = sampled._replace(weight=sampled.weight / sampled.weight.mean())
    units = None if settings.units is None else read_units(settings.units, rows.names, rows.symbols())
    n_searches = effective_n_jobs(settings.n_jobs)
    results = Parallel(n_jobs=n_searches)(
        delayed(searched)(sampled, settings, units, settings.seed + number_) for number_ in range(n_searches)
    )
    candidates = [candidate for found, _, _ in results for candidate in found]
    network = min(error for _, error, _ in results)
    n_steps = sum(budget.n_steps for _, _, budget in results)
    was_cut_short = all(budget.is_over for _, _, budget in results)
    is_interrupted = any(budget.is_interrupted for _, _, budget in results)
    seconds = part_of(settings.max_seconds, SHARE_OF_CONCLUSION / 2)
    best, front = conclude(candidates, table, scaling, settings.seed, seconds)
    check = checked(best, table, rows.rounding, settings.seed, was_cut_short)
    if is_interrupted:
        warn_of_interrupt(stacklevel=5)
    elif best.held_out > max(1.5 * network, 1e-6) and np.isfinite(network):
        warnings.warn(
            f"The formula's held-out error is {best.held_out:.2g} standard deviations of y, and the network's "
            f"{network:.2g}: there is more to find. Raise max_seconds or max_steps, or add functions to library.",
            UserWarning,
            stacklevel=4,
        )
    final = best.formula
    if best.error >= EXACT:
        fit = refit(final, table, least_scale=0.0)
        final = fit.formula if fit.error <= best.error else final
    formula, front, symbols = plain_front(final, front, table, rows)
    return Law(formula, symbols, front, best.steps, check.is_exact, check.findings, float(network),
               noise_of(final, table), covariance_of(final, table), mean, n_steps, is_interrupted)  # fmt: skip


def warn_of_interrupt(stacklevel):
    warnings.warn("The search was interrupted; the best formula so far is kept.", UserWarning, stacklevel=stacklevel)


def plain_front(formula, front, table, rows):
    """A formula, the front and all columns in symbols without assumptions, as users write them."""
    plain = {s: sp.Symbol(s.name) for s in table.symbols}
    front = [entry._replace(formula=entry.formula.xreplace(plain)) for entry in front]
    return formula.xreplace(plain), front, tuple(sp.Symbol(name) for name in rows.names)


def constant_law(rows, mean):
    formula, error = number(mean), 0.0 if rows.is_constant else 1.0
    front = [Entry(formula, 2, error, error, 0.0, ())]
    findings = {"error": error, "limit for exactness": 0.0}
    return Law(formula, tuple(sp.Symbol(name) for name in rows.names), front, (), False, findings, np.inf,
               rows.spread, np.full((1, 1), rows.spread**2 / len(rows.y)), mean, 0)  # fmt: skip


def searched(table, settings, units, seed):
    """One search: candidates, the best network's error, and the budget as it was left."""
    budget = Budget(part_of(settings.max_seconds, 1 - SHARE_OF_CONCLUSION), settings.max_steps)
    library = make_library(settings.library)
    report = reporter(settings.verbose) if seed == settings.seed else None  # of one search, if there are several
    is_wide = table.X.shape[1] > MOST_COLUMNS
    found, narrow = [], table
    if is_wide:
        part = budget.part(SHARE_OF_GROWTH)
        found = grow(table, part)
        budget.add(part)
        narrow = strongest(table, found)
    part = budget.part(1.0 if is_wide else 1 - SHARE_OF_GROWTH)
    search = Search(narrow, library, part, units=units, seed=seed, report=report)
    constant = number(table.loss.start(table.y, table.weight))
    search.keep(constant, error_of(constant, table), ())
    start = [root_of(narrow)]
    if units is not None and not is_wide:
        reduced = without_dimensions(start[0], units)
        start += [] if reduced is None else [reduced]
    search.run(start)
    if not is_wide and not search.found_all and search.is_near:  # a sum that grows would not come as near
        budget.add(part)
        search.budget = part = budget.part(1 - SHARE_OF_GROWTH)
        search.go_on()
    budget.add(part)
    if not is_wide and not search.found_all:
        found = grow(table, budget)
    for one in found:
        search.keep(one.formula, one.error, (("a constant", 1.0), ("grown term by term", one.error)))
    if report is not None:
        report.close()
    return shortened(search.candidates), search.best_network, budget


def strongest(table, found):
    """A table of those columns that came first into a formula that was grown."""
    places = list(found[-1].columns if found else range(table.X.shape[1]))[:MOST_COLUMNS]
    return table._replace(symbols=tuple(table.symbols[i] for i in places), X=np.ascontiguousarray(table.X[:, places]))


def shortened(candidates, n_most=60):
    """Those that may be on the front."""
    ordered = sorted(candidates, key=lambda c: c.bic)
    return [Candidate(c.formula, c.error, c.bic, c.steps) for c in ordered[:n_most]]


def noise_of(formula, table):
    """Standard deviation of the residuals, corrected for the number of constants."""
    n_samples = len(table.y)
    free = max(1, n_samples - len(split_constants(formula).values))
    return float(error_of(formula, table) * table.spread * np.sqrt(n_samples / free))


def covariance_of(formula, table):
    """Of the constants, by the Jacobian at their values."""
    J = jacobian(formula, table.symbols, table.X) * np.sqrt(table.weight)[:, None]
    if not J.shape[1] or not np.isfinite(J).all():
        return np.zeros((J.shape[1], J.shape[1]))
    found = evaluate(formula, table.symbols, table.X)
    curvature = table.loss.working(found, table.y, table.spread).curvature * table.spread**2
    J *= np.sqrt(curvature)[:, None]
    variance = noise_of(formula, table) ** 2 if table.loss is SQUARES else 1.0
    scale = np.linalg.norm(J, axis=0) + 1e-300
    inverse = np.linalg.pinv((J / scale).T @ (J / scale))
    with np.errstate(all="ignore"):  # constants without an effect, of any size
        covariance = inverse / np.outer(scale, scale) * variance
    return np.where(np.isfinite(covariance), covariance, 0.0)


def jacobian(formula, symbols, X):
    """Derivatives by the constants at rows, ``(n_samples, n_constants)``, by central differences."""
    skeleton = split_constants(formula)
    function = compiled([*skeleton.parameters, *symbols], skeleton.formula)
    columns = []
    for place, value in enumerate(skeleton.values):
        step = 1e-6 * max(abs(value), 1e-12)
        ends = []
        for sign in (1, -1):
            moved = skeleton.values.copy()
            moved[place] += sign * step
            ends.append(called(function, moved, X))
        columns.append((ends[0] - ends[1]) / (2 * step))
    return np.stack(columns, 1) if columns else np.zeros((len(X), 0))
