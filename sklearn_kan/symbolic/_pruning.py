"""Terms that a formula does without, and curves that might as well be straight."""

import numpy as np
import sympy as sp

from ._expressions import complexity, evaluate, information, is_usable, refit

MOST_VARIANTS = 8
ROUNDING = 1e-9
ROUNDS = 3


def pruned(formula, table, least_scale=1e-3, is_late=lambda: False):
    """Leave out terms of sums, or make curves straight, one after the other, as long as the criterion falls.

    Noise is read off curves as small additional terms, and as curves where lines would do. A search does not take
    either back by itself.

    Returns
    -------
    Fitted
    """
    fit = refit(formula, table, least_scale=least_scale)
    for _ in range(ROUNDS):
        if is_late():
            break
        best = information(fit.error, table, fit.formula)
        found = None
        for variant in [*variants(fit.formula)[:MOST_VARIANTS], *straightened(fit.formula, table)[:MOST_VARIANTS]]:
            if is_late():
                break
            new = refit(variant, table, max_steps=15, least_scale=least_scale)
            score = information(new.error, table, new.formula)
            if score < best:
                best, found = score, new
        if found is None:
            break
        fit = found
    return fit


def variants(formula):
    """The formula without one term of one of its sums, the smallest results first."""
    found: dict = {}
    for total in formula.atoms(sp.Add):
        for term in total.args:
            variant = formula.xreplace({total: total - term})
            if is_usable(variant) and variant != 0:
                found[variant] = complexity(variant)
    return sorted(found, key=found.__getitem__)


def straightened(formula, table):
    """The formula with a straight line in place of one of its functions of a single column, the smallest first."""
    columns = dict(zip(table.symbols, table.X.T, strict=True))
    found: dict = {}
    for part in set(sp.preorder_traversal(formula)):
        if len(part.free_symbols) != 1 or part.is_symbol:
            continue
        (symbol,) = part.free_symbols
        if part.is_polynomial(symbol) and sp.degree(part, symbol) < 2:
            continue
        x, values = columns[symbol], np.real(evaluate(part, table.symbols, table.X))
        if not np.isfinite(values).all():
            continue
        slope, level = np.polyfit(x, values, 1)
        variant = formula.xreplace({part: sp.Float(level) + sp.Float(slope) * symbol})
        if is_usable(variant) and complexity(variant) < complexity(formula):
            found[variant] = complexity(variant)
    return sorted(found, key=found.__getitem__)


def with_straight_levels(formula, table):
    """The same values with a weighted sum in place of whatever depends on levels alone, which are 0 or 1.

    That of one level is one; so is that of levels of one category, of which a row has one.
    """
    columns = {s: x for s, x in zip(table.symbols, table.X.T, strict=True) if len(np.unique(x)) == 2}

    def straight(part):
        symbols = sorted(part.free_symbols, key=str)
        if not symbols or part.is_symbol:
            return part
        if not part.free_symbols <= columns.keys():
            return part.func(*map(straight, part.args))
        if part.is_polynomial(*symbols) and sp.Poly(part, *symbols).total_degree() < 2:
            return part
        design = np.stack([np.ones(len(table.X)), *(columns[s] for s in symbols)], 1)
        values = np.real(evaluate(part, table.symbols, table.X))
        if not np.isfinite(values).all():
            return part
        level, *weights = np.linalg.lstsq(design, values, rcond=None)[0]
        if np.abs(design @ [level, *weights] - values).max() > ROUNDING * np.abs(values).max():
            return part
        return sp.Float(level) + sum(sp.Float(w) * s for w, s in zip(weights, symbols, strict=True))

    return straight(formula)
