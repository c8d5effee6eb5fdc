"""Constants as rationals, multiples of pi and roots, where data cannot tell the difference."""

import numpy as np
import sympy as sp

from ._expressions import information, is_usable, number, refit, split_constants

ROUNDS = 12
N_DEVIATIONS = 3.0
LARGEST_CHANGE = 0.2  # of a constant, relatively
LEAST_TOLERANCE = 1e-7
MOST_LOSS = 12.0  # of all snaps together, in half chi-squared
MOST_BY_CHANCE = 0.3  # nice numbers that are expected that close to any constant


def nice_numbers():
    """Positive numbers that laws have, with how complicated they are."""
    units = [
        (sp.Integer(1), 0.0), (sp.pi, 1.0), (1 / sp.pi, 1.0), (sp.sqrt(2), 2.0), (1 / sp.sqrt(2 * sp.pi), 3.0),
        (1 / sp.pi**2, 3.0), (sp.pi**2, 3.0), (1 / sp.pi**3, 3.5), (sp.E, 3.0),
    ]  # fmt: skip
    found: dict = {}
    for denominator in (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 32):
        for numerator in range(1, 61):
            ratio = sp.Rational(numerator, denominator)
            if ratio.q > 1 and ratio.p > 12:
                continue
            for unit, extra in units:
                cost = (1.0 if unit == 1 else 2.0) + float(ratio.p) / 10 + float(ratio.q) / 4 + extra
                found[ratio * unit] = min(cost, found.get(ratio * unit, np.inf))
    return list(found), np.array([float(e) for e in found]), np.array(list(found.values()))


NICE, VALUES, COSTS = nice_numbers()


def snapped(formula, table, least_scale=1e-3):
    """Replace constants by nice numbers, the clearest first, as long as the criterion falls.

    Returns
    -------
    Fitted
    """
    fit, n_samples = refit(formula, table, least_scale=least_scale), len(table.y)
    refused: set = set()
    start = fit.error
    for _ in range(ROUNDS):
        skeleton = split_constants(fit.formula)
        choice = clearest(skeleton.values, fit.deviations, refused)
        if choice is None:
            break
        place, nice, key = choice
        filled = {p: number(v) for p, v in zip(skeleton.parameters, skeleton.values, strict=True)}
        simpler = skeleton.formula.subs(filled | {skeleton.parameters[place]: nice})
        if is_usable(simpler):
            new = refit(simpler, table, least_scale=least_scale)
            is_better = information(new.error, n_samples, new.formula) <= information(
                fit.error, n_samples, fit.formula
            ) + 1e-9  # fmt: skip
            if is_better and new.error < max(start * (1 + MOST_LOSS / n_samples), 1e-8):
                fit = new
                continue
        refused.add(key)
    return fit


def clearest(values, deviations, refused):
    """The constant that is a nice number with the least doubt: its place, the number, and a key."""
    best = None
    for i, (value, deviation) in enumerate(zip(values, deviations, strict=True)):
        tolerance = max(LEAST_TOLERANCE * abs(value), N_DEVIATIONS * deviation if np.isfinite(deviation) else 0.0)
        if abs(value) > N_DEVIATIONS * deviation:
            tolerance = min(tolerance, LARGEST_CHANGE * abs(value))
        near = np.flatnonzero(np.abs(VALUES - abs(value)) < tolerance)
        options: list = [(float(COSTS[j]), int(j)) for j in near[np.argsort(COSTS[near], kind="stable")[:2]]]
        if abs(value) < max(1e-9, 2 * deviation if np.isfinite(deviation) else 0.0):
            options.append((0.0, None))
        for cost, j in options:
            if j is not None and by_chance(abs(value), tolerance, cost) > MOST_BY_CHANCE:
                continue
            key = (i, j, len(values))
            # a complicated number within a wide tolerance is chance
            doubt = cost + 2 * np.log10(max(tolerance / (abs(value) + 1e-12), 1e-12))
            if key not in refused and (best is None or doubt < best[0]):
                nice = sp.Integer(0) if j is None else NICE[j] if value > 0 else -NICE[j]
                best = doubt, i, nice, key
    return None if best is None else best[1:]


def by_chance(value, tolerance, cost):
    """How many numbers that are no more complicated are expected this close to an arbitrary constant."""
    n_around = np.sum((cost >= COSTS) & (np.abs(np.log(VALUES / value)) < np.log(3)))
    return n_around * tolerance / (value * np.log(3))
