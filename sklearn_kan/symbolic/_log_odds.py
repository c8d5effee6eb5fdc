"""Laws of classes: log-odds as formulas, judged by likelihood."""

from typing import Any

import numpy as np

from ._budget import Budget, part_of
from ._conclusion import conclude
from ._discovery import (
    MOST_COLUMNS,
    ROWS_IN_SEARCH,
    SHARE_OF_CONCLUSION,
    Law,
    covariance_of,
    plain_front,
    strongest,
    warn_of_interrupt,
)
from ._expressions import Table, error_of, number, refit
from ._growth import grow
from ._library import make_library
from ._losses import DEVIANCE
from ._nodes import Candidate, root_of
from ._progress import reporter
from ._rows import scaling_of
from ._search import Search
from ._surrogate import fit_surrogate

SHARE_OF_GROWTH, SHARE_OF_SEARCH = 0.4, 0.8  # of what may be spent; of what is left then
PENALTIES = 1e-3, 1e-2  # of networks
N_TRIED = 12  # formulas of the network's log-odds that are fitted to the classes
CLOSE = 0.03  # error of such a formula, in standard deviations of the log-odds, that is good enough
LARGEST_LOG_ODDS = 10.0


def discover_log_odds(rows, is_second, settings):
    """The law of the log-odds of a class.

    Parameters
    ----------
    rows : Rows
        Targets are 1 for rows of the class and 0 for others; `weight` is 1 on average.
    is_second : ndarray of shape (n_samples,)
        Probabilities to fit to, a little inside of 0 and 1.
    settings : Settings
    """
    table = Table(rows.symbols(), rows.X, is_second, rows.weight, 1.0, DEVIANCE)
    varying = np.ptp(table.X, axis=0) > 0
    table = table._replace(
        symbols=tuple(s for s, flag in zip(table.symbols, varying, strict=True) if flag), X=table.X[:, varying]
    )
    scaling = scaling_of(table)._replace(target=1.0)
    sampled = scaling.applied(table)
    if len(sampled.y) > ROWS_IN_SEARCH:
        sampled = sampled.rows(np.random.default_rng(settings.seed).permutation(len(sampled.y))[:ROWS_IN_SEARCH])
        sampled = sampled._replace(weight=sampled.weight / sampled.weight.mean())
    budget = Budget(part_of(settings.max_seconds, 1 - SHARE_OF_CONCLUSION), settings.max_steps)
    candidates, network = found_for(sampled, settings, budget)
    if budget.is_interrupted:
        warn_of_interrupt(stacklevel=6)
    seconds = part_of(settings.max_seconds, SHARE_OF_CONCLUSION / 2)
    best, front = conclude(candidates, table, scaling, settings.seed, seconds)
    fit = refit(best.formula, table, least_scale=0.0)
    final = fit.formula if fit.error <= best.error else best.formula
    formula, front, symbols = plain_front(final, front, table, rows)
    return Law(formula, symbols, front, best.steps, False, {}, network, 1.0, covariance_of(final, table),
               float(number(table.loss.start(table.y, table.weight))), budget.n_steps,
               budget.is_interrupted)  # fmt: skip


def found_for(table, settings, budget):
    """Candidates, and the mean loss of the best network at held-out rows: sums, and laws of a network's log-odds."""
    constant = number(table.loss.start(table.y, table.weight))
    keeper = Search(table, make_library(settings.library), budget, seed=settings.seed)
    keeper.keep(constant, error_of(constant, table), ())
    part = budget.part(SHARE_OF_GROWTH)
    grown = grow(table, part)
    budget.add(part)
    for one in grown:
        keeper.keep(one.formula, one.error, ())
    narrow = table if table.X.shape[1] <= MOST_COLUMNS else strongest(table, grown)
    network: Any = None
    for penalty in PENALTIES:
        if narrow.X.shape[1] and budget.spend():
            with budget.interruptible():
                fit = fit_surrogate(narrow.X, narrow.y, narrow.weight, n_units=4, n_knots=4, penalty=penalty,
                                    seed=settings.seed, loss=DEVIANCE)  # fmt: skip
                network = fit if network is None or fit.error < network.error else network
    if network is None:
        return keeper.candidates, np.inf
    for candidate in laws_of(network, narrow, settings, budget):
        if not budget.spend():
            break
        fit = refit(candidate.formula, table, max_steps=20)
        keeper.keep(fit.formula, fit.error, candidate.steps)
    return keeper.candidates, network.error**2 / 2


def laws_of(network, table, settings, budget):
    """Formulas of a network's log-odds, where they are read with the precision that classes give them."""
    log_odds = np.clip(network.values(table.X), -LARGEST_LOG_ODDS, LARGEST_LOG_ODDS)
    if not np.isfinite(log_odds).all() or log_odds.std() == 0:
        return []
    weight = table.weight * DEVIANCE.working(log_odds, table.y, 1.0).curvature
    weight = weight / weight.mean()
    spread = float(np.sqrt(np.average(np.square(log_odds - np.average(log_odds, weights=weight)), weights=weight)))
    smooth = Table(table.symbols, table.X, log_odds, weight, spread)
    part = budget.part(SHARE_OF_SEARCH)
    report = reporter(settings.verbose)
    search = Search(smooth, make_library(settings.library), part, seed=settings.seed, report=report)
    search.run([root_of(smooth)], good_enough=CLOSE)
    if report is not None:
        report.close()
    budget.add(part)
    ordered = sorted(search.candidates, key=lambda c: c.bic)
    simple = [Candidate(c.formula, c.error, c.bic, c.steps) for c in ordered]
    return simple[:N_TRIED]
