"""Terms that a formula does without."""

import sympy as sp

from ._expressions import complexity, information, is_usable, refit

MOST_VARIANTS = 8
ROUNDS = 3


def pruned(formula, table, least_scale=1e-3, is_late=lambda: False):
    """Leave out terms of sums, one after the other, as long as the criterion falls.

    Noise is read off curves as small additional terms, which a search does not take back by itself.

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
        for variant in list(variants(fit.formula))[:MOST_VARIANTS]:
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
