"""Constants as rationals, multiples of pi and roots, where data cannot tell the difference."""

from functools import cache
from math import gcd
from typing import NamedTuple

import numpy as np
import sympy as sp

from ._expressions import information, is_usable, number, refit, split_constants

ROUNDS = 12
N_DEVIATIONS = 3.0
LARGEST_CHANGE = 0.2  # of a constant, relatively
LEAST_TOLERANCE = 1e-7
MOST_LOSS = 12.0  # of all snaps together, in half chi-squared
LEAST_LEAD = 0.5  # in cost, of a nice number over the next one that is near enough
MOST_BY_CHANCE = 0.3  # nice numbers that are expected that close to any constant


class Nice(NamedTuple):
    """Positive numbers that laws have.

    Parameters
    ----------
    parts : list of (sympy.Rational, sympy.Expr)
        The number as a ratio times a unit.
    values, logs, costs : ndarray of shape (n_numbers,)
        Costs say how complicated numbers are.
    """

    parts: list
    values: np.ndarray
    logs: np.ndarray
    costs: np.ndarray


@cache
def nice_numbers():
    """Fractions, and multiples of pi and roots."""
    units = [
        (sp.Integer(1), 1.0), (sp.pi, 3.0), (1 / sp.pi, 3.0), (sp.sqrt(2), 4.0), (1 / sp.sqrt(2 * sp.pi), 5.0),
        (1 / sp.pi**2, 5.0), (sp.pi**2, 5.0), (1 / sp.pi**3, 5.5), (sp.E, 5.0),
    ]  # fmt: skip
    found: dict = {}
    for unit, extra in units:
        size = float(unit)
        for denominator in (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 32):
            for numerator in range(1, 61):
                if gcd(numerator, denominator) == 1 and (denominator == 1 or numerator <= 12):
                    cost = extra + numerator / 10 + denominator / 4
                    found[numerator, denominator, unit] = (numerator / denominator * size, cost)
    values, costs = np.array(list(found.values())).T
    parts = [(sp.Rational(p, q), unit) for p, q, unit in found]
    return Nice(parts, values, np.log(values), costs)


def snapped(formula, table, least_scale=1e-3, is_late=lambda: False):
    """Replace constants by nice numbers, the clearest first, as long as the criterion falls.

    Returns
    -------
    Fitted
    """
    fit, n_samples = refit(formula, table, least_scale=least_scale, is_late=is_late), len(table.y)
    refused: set = set()
    start = fit.error
    for _ in range(ROUNDS):
        if is_late():
            break
        skeleton = split_constants(fit.formula)
        choice = clearest(skeleton.values, fit.deviations, refused)
        if choice is None:
            break
        place, nice, key = choice
        filled = {p: number(v) for p, v in zip(skeleton.parameters, skeleton.values, strict=True)}
        simpler = skeleton.formula.subs(filled | {skeleton.parameters[place]: nice})
        if is_usable(simpler):
            new = refit(simpler, table, least_scale=least_scale, is_late=is_late)
            is_better = information(new.error, table, new.formula) <= information(
                fit.error, table, fit.formula
            ) + 1e-9  # fmt: skip
            if is_better and new.error < max(start * (1 + MOST_LOSS / n_samples), 1e-8):
                fit = new
                continue
        refused.add(key)
    return fit


def clearest(values, deviations, refused):
    """The constant that is a nice number with the least doubt: its place, the number, and a key."""
    best, numbers = None, nice_numbers()
    for i, (value, deviation) in enumerate(zip(values, deviations, strict=True)):
        tolerance = max(LEAST_TOLERANCE * abs(value), N_DEVIATIONS * deviation if np.isfinite(deviation) else 0.0)
        if abs(value) > N_DEVIATIONS * deviation:
            tolerance = min(tolerance, LARGEST_CHANGE * abs(value))
        near = np.flatnonzero(np.abs(numbers.values - abs(value)) < tolerance)
        cheapest = near[np.argsort(numbers.costs[near], kind="stable")[:2]]
        if len(cheapest) == 2 and np.diff(numbers.costs[cheapest])[0] < LEAST_LEAD:
            cheapest = cheapest[:0]  # data cannot tell which of them it is
        options: list = [(float(numbers.costs[j]), int(j)) for j in cheapest]
        if abs(value) < max(1e-9, 2 * deviation if np.isfinite(deviation) else 0.0):
            options.append((0.0, None))
        for cost, j in options:
            if j is not None and by_chance(abs(value), tolerance, cost) > MOST_BY_CHANCE:
                continue
            key = (i, j, len(values))
            # a complicated number within a wide tolerance is chance
            doubt = cost + 2 * np.log10(max(tolerance / (abs(value) + 1e-12), 1e-12))
            if key not in refused and (best is None or doubt < best[0]):
                nice = sp.Integer(0) if j is None else int(np.sign(value)) * sp.Mul(*numbers.parts[j])
                best = doubt, i, nice, key
    return None if best is None else best[1:]


def by_chance(value, tolerance, cost):
    """How many numbers that are no more complicated are expected this close to an arbitrary constant."""
    numbers = nice_numbers()
    n_around = np.sum((numbers.costs <= cost) & (np.abs(numbers.logs - np.log(value)) < np.log(3)))
    return n_around * tolerance / (value * np.log(3))
