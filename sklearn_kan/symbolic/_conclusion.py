"""From candidates to a law: constants snapped, the front of error and size, and what can be said for the best one."""

import time
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from ._expressions import complexity, error_of, evaluate, information, refit, split_constants
from ._nodes import EXACT, exactness
from ._pruning import pruned, variants, with_straight_levels
from ._snapping import snapped
from ._surrogate import split
from ._white import is_white

N_SNAPPED = 4
MOST_SNAPPED = 15  # constants: with more of them none has a meaning of its own
N_FRONT = 12
N_READ = 40  # candidates that are looked at for the front
ROWS_FOR_EACH_CONSTANT = 5  # below, a formula reproduces any rows
OUTER_SHARE = 0.3  # of the rows, those farthest out
SIMPLIFIED_UP_TO = 45  # complexity
MOST_CONSTANTS = 3  # of a formula that sympy simplifies in no time
HARDLY_WORSE = 10.0  # by the criterion: simpler formulas that held-out rows prefer
POOR = 0.3  # error from which on a formula is no law, whose form would be worth sympy's time
DIGITS, ROUNDING = 5, 1e-9  # of a constant that is meant to be a short decimal; how near it is, relatively
WIDER = 0.25  # of a column's range, on both sides


class Entry(NamedTuple):
    """A formula of the front.

    Parameters
    ----------
    formula : sympy.Expr
    complexity : int
    error : float
        On all rows, in standard deviations of the target.
    held_out : float
        On rows held out, with constants fitted to the others.
    bic : float
    steps : tuple
    """

    formula: Any
    complexity: int
    error: float
    held_out: float
    bic: float
    steps: tuple


def conclude(candidates, table, scaling, seed, max_seconds=None):
    """The front of formulas in the original units, the best by information first.

    Parameters
    ----------
    candidates : list of Candidate
        Of the scaled table.
    table : Table
        All rows, in the original units.
    scaling : Scaling
    seed : int
        Of the rows held out.
    max_seconds : float, optional
        After which further formulas are taken as they are.
    """
    end = np.inf if max_seconds is None else time.thread_time() + max_seconds

    def is_late():
        return time.thread_time() > end

    ordered = sorted(candidates, key=lambda c: c.bic)
    entries: list = []
    for number, candidate in enumerate(dict.fromkeys([*ordered[:N_SNAPPED], *pareto(ordered)])):
        if number and is_late():
            formula = scaling.undone(candidate.formula, table.symbols)
            entries.append(entry(formula, error_of(formula, table), table, candidate.steps, seed, learns=False))
            continue
        formula = with_straight_levels(scaling.undone(candidate.formula, table.symbols), table)
        is_clear = len(formula.atoms(sp.Float)) <= min(MOST_SNAPPED, len(table.y) / ROWS_FOR_EACH_CONSTANT)
        if number < N_SNAPPED and not is_late() and is_clear:
            if candidate.error > EXACT:
                shorter = pruned(formula, table, 0.0, is_late).formula
            else:
                shorter = without_nothings(formula, table)
            fit = snapped(shorter, table, 0.0, is_late)
        else:
            fit = refit(formula, table, least_scale=0.0, is_late=is_late)
        entries.append(entry(fit.formula, fit.error, table, candidate.steps, seed))
        if fit.error < EXACT and number < N_SNAPPED:
            break
    best = min(entries, key=lambda e: e.bic)
    plainer = [e for e in entries if e.complexity < best.complexity and e.held_out <= best.held_out
               and e.bic < best.bic + HARDLY_WORSE]  # fmt: skip
    best = min(plainer, key=lambda e: e.bic, default=best)
    simple = best.formula if is_late() else simplified(best.formula, table)
    straight = with_straight_levels(simple, table)
    simple = simple if straight == simple else snapped(straight, table, 0.0, is_late).formula
    if best.error < EXACT:
        simple = with_short_decimals(simple, table)
    if simple is not best.formula:
        entries[entries.index(best)] = best = entry(simple, error_of(simple, table), table, best.steps, seed)
    kept: list = []
    for e in sorted(entries, key=lambda e: (e.complexity, e.held_out)):
        if e is best or not kept or e.held_out < min(k.held_out for k in kept):
            kept.append(e)
    kept = [e for e in kept if e is best or e.complexity < best.complexity
            or (e.complexity > best.complexity and e.held_out < best.held_out)]  # fmt: skip
    return best, kept[-N_FRONT:]


def pareto(ordered):
    """Candidates with less error than all smaller ones."""
    kept: list = []
    for candidate in sorted(ordered[:N_READ], key=lambda c: (complexity(c.formula), c.error)):
        if not kept or candidate.error < 0.9 * kept[-1].error:
            kept.append(candidate)
    return kept[:N_FRONT]


def entry(formula, error, table, steps, seed, learns=True):
    """A formula's entry; without time to learn its constants from the other rows, they are taken as they are."""
    train, held_out = split(len(table.y), seed)
    learned = refit(formula, table.rows(train), least_scale=0.0).formula if learns and len(train) > 1 else formula
    return Entry(formula, complexity(formula), error, error_of(learned, table.rows(held_out)),
                 information(error, table, formula), steps)  # fmt: skip


def simplified(formula, table):
    """A shorter form with the same values, if sympy finds one."""
    if formula.is_number:
        return formula
    before, best, n_constants = error_of(formula, table), formula, len(formula.atoms(sp.Float))
    limit = max(before * (1 + 1e-6), EXACT / 10)
    changes = [with_amounts(1), with_amounts(-1), with_largest(0), with_largest(1)]
    if complexity(formula) <= SIMPLIFIED_UP_TO and n_constants <= MOST_CONSTANTS:
        changes += [sp.powsimp, sp.expand, sp.factor_terms, sp.together, *([quick_simplify] if before < POOR else [])]
    if not n_constants:
        changes.append(lambda form: sp.factor(form, deep=True))
    for change in changes:
        try:
            form = change(best)
        except (TypeError, ValueError, NotImplementedError, RecursionError, ZeroDivisionError, AttributeError):
            continue
        if length(form) < length(best) and error_of(form, table) <= limit:
            best = form
    return best


def length(formula):
    """Complexity, and as much again for amounts and maxima, which are none where signs never change."""
    return complexity(formula) + len(formula.atoms(sp.Abs, sp.Max))


def without_nothings(formula, table):
    """A formula that is exact without those terms that are nothing but rounding."""
    for variant in variants(formula):
        if error_of(variant, table) < EXACT / 10:
            return without_nothings(variant, table)
    return formula


def with_short_decimals(formula, table):
    """A formula that is exact with constants of a few digits in place of those that are as good as equal to them."""
    short = {c: sp.Float(f"{float(c):.{DIGITS}g}", 15) for c in formula.atoms(sp.Float)}
    short = {c: near for c, near in short.items() if abs(float(c) - float(near)) < ROUNDING * abs(float(c))}
    form = formula.xreplace(short)
    return form if short and error_of(form, table) < EXACT / 10 else formula


def with_largest(place):
    """A change of each ``Max(0, z)`` to one of the two."""
    return lambda formula: formula.xreplace({m: m.args[place] for m in formula.atoms(sp.Max)})


def with_amounts(sign):
    """A change of each amount to what it is the amount of, or its negative: the same if the sign never changes."""
    return lambda formula: formula.xreplace({a: sign * a.args[0] for a in formula.atoms(sp.Abs)})


def quick_simplify(formula):
    if formula.has(sp.Float) and formula.has(sp.Pow) and any(p.exp.has(sp.Float) for p in formula.atoms(sp.Pow)):
        return formula  # inexact exponents take forever
    if formula.is_polynomial():
        return formula  # expanding and factoring have done what can be done
    return sp.simplify(formula, ratio=1.0)


class Check(NamedTuple):
    """What was checked of a formula, and what came out."""

    is_exact: bool
    findings: dict


def checked(best, table, rounding, seed, was_cut_short):
    """Whether a formula is the law itself, as far as rows can tell.

    Exact means: the error is at the level of rounding, with many more rows than constants; it stays there on the rows
    farthest out when constants are fitted to the inner ones; and nothing is found in the residuals. With noise no
    formula is called exact: a term smaller than the noise would be missed.
    """
    n_constants = len(split_constants(best.formula).values)
    limit = max(exactness(n_constants), 4 * rounding * float(np.abs(table.y).max()) / table.spread)
    enough = len(table.y) >= ROWS_FOR_EACH_CONSTANT * (n_constants + best.complexity)
    outside = error_outside(best.formula, table)
    white = best.error < 1e-12 or (None if was_cut_short else is_white(best.formula, table, seed))
    wide = widened(table, seed)
    share = float(np.isfinite(evaluate(best.formula, table.symbols, wide)).mean())
    findings = {
        "error": best.error, "limit for exactness": limit, "error on outer rows": outside,
        "residuals are white": white, "rows suffice for the constants": bool(enough),
        "share of a wider range with values": share,
    }  # fmt: skip
    # rounding errors need not be white themselves, but then they are far below the limit
    is_exact = best.error < limit and outside < 100 * limit and enough and share > 0.5
    is_exact = is_exact and (white is not False or best.error < 0.1 * limit)
    return Check(bool(is_exact), findings)


def error_outside(formula, table):
    """Error on the rows farthest from the middle of the columns, with constants fitted to the others."""
    ranks = np.argsort(np.argsort(table.X, axis=0, kind="stable"), axis=0) / max(1, len(table.y) - 1)
    distance = np.abs(ranks - 0.5).max(1)
    order = np.argsort(distance, kind="stable")
    n_inner = int((1 - OUTER_SHARE) * len(order))
    if n_inner < 3 or n_inner == len(order):
        return np.inf
    inner = refit(formula, table.rows(order[:n_inner]), least_scale=0.0)
    return error_of(inner.formula, table.rows(order[n_inner:]))


def widened(table, seed, n_samples=1000):
    """Rows of wider ranges of the columns; those that are positive stay so."""
    low, high = table.X.min(0), table.X.max(0)
    margin = WIDER * (high - low)
    below = np.where(low >= 0, np.maximum(low - margin, low / 2), low - margin)
    return np.random.default_rng(seed).uniform(below, high + margin, (n_samples, len(low)))
