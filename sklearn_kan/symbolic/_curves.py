"""Formulas of curves: ``f(t) = v(a g(k t + c) + b)`` by variable projection (Golub & Pereyra, 1973)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from ._curve_sums import Projected, Trial, pairs, polynomials
from ._expressions import complexity, number, rounded
from ._library import Family, T

N_REFINED, N_REFINED_DEEP = 8, 20  # starts of families that are refined
N_BUILT = 2  # times as many formulas are written down as are returned
WORST_START = 0.55  # error that a start may have, in standard deviations of the curve
N_STEPS, N_HALVINGS = 12, 4
MOST_TURN, MOST_TURN_DEEP = 28, 50  # of a wave over a curve, in radians


class Wrapper(NamedTuple):
    """An outer function v of a curve, for which ``forward`` is its inverse, applied to the curve."""

    forward: Callable
    backward: Callable
    symbolic: Callable
    slope: Callable


WRAPPERS = {
    "id": Wrapper(lambda f: f, lambda g: g, lambda g: g, np.ones_like),
    "inv": Wrapper(lambda f: 1 / f, lambda g: 1 / g, lambda g: 1 / g, lambda f: f**-2.0),
    "sq": Wrapper(np.square, np.sqrt, sp.sqrt, lambda f: 2 * f),
    "sqrt": Wrapper(np.sqrt, np.square, lambda g: g**2, lambda f: 0.5 * f**-0.5),
    "isq": Wrapper(lambda f: f**-2.0, lambda g: g**-0.5, lambda g: 1 / sp.sqrt(g), lambda f: 2 * f**-3.0),
    "root": Wrapper(lambda f: f**-0.5, lambda g: g**-2.0, lambda g: g**-2, lambda f: 0.5 * f**-1.5),
    "log": Wrapper(np.log, np.exp, sp.exp, lambda f: 1 / f),
}
BEHIND = dict.fromkeys(WRAPPERS, ("exp", "sin", "tanh", "log")) | {
    "log": ("exp", "sin", "tanh", "inv", "log")
}  # families
INNER_MAPS: dict = {
    "t": (lambda t: t, T),
    "1/t": (lambda t: 1 / t, 1 / T),
    "t**2": (np.square, T**2),
    "log": (np.log, sp.log(T)),
}


class CurveFit(NamedTuple):
    """A formula of a curve.

    Parameters
    ----------
    formula : sympy.Expr
        Of the symbol `T`.
    error : float
        Root mean squared error in standard deviations of the curve.
    score : float
        Logarithm of the error, and a price of complexity; lower is better.
    """

    formula: sp.Expr
    error: float
    score: float


class Start(NamedTuple):
    """The best point of a family's grid."""

    error: float
    family: Family
    cost: float
    t: np.ndarray
    target: Any
    k: float
    c: float
    symbol: Any
    around: Callable  # from the fitted function's expression to one of the curve


def fit_curve(library, t, f, *, tolerance=1e-3, top=5, price=0.03, weight=None, deep=False, rough=False):
    """Formulas of a curve, best first.

    Parameters
    ----------
    library : Library
    t, f : ndarray of shape (n_points,)
    tolerance : float
        Relative error of the curve's values.
    top : int
        How many formulas.
    price : float
        Of a unit of complexity, in units of the error's decimal logarithm.
    weight : ndarray of shape (n_points,), optional
    deep : bool, default=False
        Whether to look at functions of ``1 / t`` and the like as well.
    rough : bool, default=False
        Whether functions as they stand and polynomials are enough.

    Returns
    -------
    list of CurveFit
    """
    t, f = np.asarray(t, float), np.asarray(f, float)
    weight = np.ones(len(t)) if weight is None else weight
    plain = Projected(f, weight, 1 / spread_of(f, weight), lambda g: g)
    inner = [INNER_MAPS[key] for key in INNER_MAPS if deep or key == "t"]
    P, chosen = usable_rows(library.values, t)
    trials, starts, most_turn = [], [], MOST_TURN_DEEP if deep else MOST_TURN
    for name, wrapper in WRAPPERS.items():
        target = plain if name == "id" else project(plain, wrapper)
        if target is None:
            continue
        cost = 0 if name == "id" else 2
        trials += pure_trials(library, P, chosen, target, cost, with_plain=name in ("id", "inv"))
        if rough:
            continue
        families = library.families if name == "id" else {k: library.families[k] for k in BEHIND[name]}
        for forward, symbol in inner:
            starts += family_starts(families, target, forward(t), symbol, cost, target.symbolic, most_turn)
        if name != "log" and not deep and (t > 0).all():  # powers with a constant
            power = {"exp": library.families["exp"]}
            starts += family_starts(power, target, np.log(t), sp.log(T), cost, target.symbolic, most_turn)
    if rough:
        return ranked(trials + polynomials(plain, t, tolerance), tolerance, top, price)
    starts += prefactor_starts(library, plain, t, most_turn)
    starts.sort(key=lambda start: start.error + 0.01 * start.cost)
    trials += [refined(start) for start in starts[: N_REFINED_DEEP if deep else N_REFINED]]
    trials += polynomials(plain, t, tolerance) + pairs(library, P, chosen, plain, tolerance)
    return ranked(trials, tolerance, top, price)


def ranked(trials, tolerance, top, price):
    """The best by error and complexity, without repetitions."""

    def score(error, cost):
        return float(np.log10(np.hypot(error, tolerance)) + price * cost)

    trials = sorted((t for t in trials if np.isfinite(t.error)), key=lambda t: score(t.error, t.cost))
    kept: dict = {}
    for trial in trials[: N_BUILT * top]:
        formula = trial.write()
        fit = CurveFit(formula, float(trial.error), score(trial.error, complexity(formula)))
        before = kept.setdefault(str(rounded(formula)), fit)
        if fit.score < before.score:
            kept[str(rounded(formula))] = fit
    return sorted(kept.values(), key=lambda fit: fit.score)[:top]


def spread_of(f, weight):
    return float(np.sqrt(np.average(np.square(f - np.average(f, weights=weight)), weights=weight))) + 1e-300


def project(plain, wrapper):
    """A curve behind a wrapper's inverse; None if it changes its sign and the wrapper cannot."""
    sign = 1.0 if np.median(plain.values) >= 0 else -1.0
    f = sign * plain.values
    if not (f > 1e-9 * np.abs(f).max()).all():
        return None
    values, slope = wrapper.forward(f), np.abs(wrapper.slope(f))
    middle = np.median(slope)
    weight = plain.weight / np.maximum(slope / middle, 1e-6) ** 2
    if not (np.isfinite(values).all() and np.isfinite(weight).all() and values.std() > 0):
        return None
    unit = plain.unit / middle * np.sqrt(weight.sum() / plain.weight.sum())
    return Projected(values, weight, float(unit), lambda g: int(sign) * wrapper.symbolic(g))


def lines(P, f, weight):
    """Least squares ``f = a p + b`` for each row p of P: a, b and mean squared residuals."""
    share = weight / weight.sum()
    mean, centre = P @ share, f @ share
    centred, target = P - mean[:, None], f - centre
    variance = np.square(centred) @ share
    a = (centred * target) @ share / variance
    left = np.square(target - a[:, None] * centred) @ share
    usable = np.isfinite(left) & (variance > 1e-300) & (variance > 1e-20 * mean**2)
    return a, centre - a * mean, np.where(usable, left, np.inf)


def usable_rows(values, t):
    """Functions' values that are finite and not astronomic, and their numbers."""
    stack = np.stack([np.asarray(function(t), float) + 0 * t for function in values])
    chosen = np.flatnonzero(np.isfinite(stack).all(1) & (np.abs(stack).max(1) < 1e8))
    return stack[chosen], chosen


def pure_trials(library, P, chosen, target, cost, with_plain):
    """The library's functions as they stand, scaled and shifted, or scaled only."""
    if not len(P):
        return
    a, b, left = lines(P, target.values, target.weight)
    costs = [library.costs[j] + cost for j in chosen]

    def write(j, scale, shift):  # few are written down
        def written():
            form = number(scale) * library.pure[chosen[j]]
            return target.symbolic(form if shift is None else form + number(shift))

        return written

    for j in np.argsort(left)[:12]:
        yield Trial(target.error(left[j]), costs[j] + 6, write(j, a[j], b[j]))
    if with_plain:
        share = target.weight / target.weight.sum()
        scale = (P * target.values) @ share / (np.square(P) @ share)
        left = np.square(target.values - scale[:, None] * P) @ share
        for j in np.argsort(left)[:5]:
            yield Trial(target.error(left[j]), costs[j] + 3, write(j, scale[j], None))


def family_starts(families, target, t, symbol, cost, around, most_turn):
    """The best points of families' grids."""
    if not np.isfinite(t).all() or np.ptp(t) == 0:
        return
    for name, family in families.items():
        k, c = grid(name, family, t, most_turn)
        yield from best_start(family, target, t, k, c, symbol, cost + 2 * (symbol != T), around)


def best_start(family, target, t, k, c, symbol, cost, around):
    _, _, left = lines(family.values(k[:, None] * t + c[:, None]), target.values, target.weight)
    best = int(np.argmin(left))
    error = target.error(left[best])
    if error < WORST_START:
        cost += 10 + 3 * (family.kind == "both")
        yield Start(error, family, cost, t, target, k[best], c[best], symbol, around)


def grid(name, family, t, most_turn):
    """Starting values of the inner constants."""
    span, low, high = np.ptp(t), t.min(), t.max()
    if family.kind == "shift":
        outside = span * np.geomspace(0.02, 20, 40)
        c = {
            "square": -np.linspace(low - span, high + span, 40),
            "abs": -np.linspace(low, high, 41)[1:-1],
            "max": -np.linspace(low, high, 41)[1:-1],
            "log of rest": -(high + outside),
        }.get(name, np.concatenate([outside - low, -(high + outside)] if name in ("inv", "inv2") else [outside - low]))
        return np.ones_like(c), c
    if family.kind == "rate":
        k = np.geomspace(0.05, 20, 25) / span
        k = np.linspace(0.3, 4, 40) / max(abs(low), abs(high)) if name == "sin2" else k
        return np.concatenate([k, -k]), np.zeros(2 * len(k))
    if name == "sin":
        k = np.linspace(0.2, most_turn, int(2.9 * most_turn)) / span
        c = np.linspace(0, np.pi, 8, endpoint=False)
        k, c = (part.ravel() for part in np.meshgrid(k, c))
        return k, c
    k, c = np.geomspace(0.3, 12, 16) / span, -np.linspace(low, high, 9)
    k, c = (part.ravel() for part in np.meshgrid(k, c))
    return k, c * k


def refined(start):
    """Inner constants by Gauss-Newton steps, halved until they help; outer ones by projection."""
    family, t, target = start.family, start.t, start.target
    root = np.sqrt(target.weight / target.weight.sum())
    free = {"both": [0, 1], "rate": [0], "shift": [1]}[family.kind]

    def at(p):
        values = family.values(p[0] * t + p[1])
        a, b, left = lines(values[None], target.values, target.weight)
        return (a[0] * values + b[0] - target.values) * root, a[0], b[0], left[0]

    p = np.array([start.k, start.c])
    residuals, a, b, left = at(p)
    for _ in range(N_STEPS):
        sizes = 1e-7 * np.maximum(np.abs(p[free]), 1e-3)
        J = np.stack([(at(p + size * np.eye(2)[i])[0] - residuals) / size for i, size in zip(free, sizes, strict=True)])
        gram = J @ J.T
        if not np.isfinite(gram).all():
            break
        step = np.linalg.lstsq(gram + 1e-14 * np.trace(gram) * np.eye(len(free)), -J @ residuals, rcond=None)[0]
        for halving in range(N_HALVINGS):
            new = p.copy()
            new[free] += step * 0.25**halving
            found = at(new)
            if found[3] < left:
                break
        else:
            break
        done = found[3] > left * (1 - 1e-4)
        p, (residuals, a, b, left) = new, found
        if done:
            break

    def write():
        inner = {
            "both": lambda: number(p[0]) * start.symbol + number(p[1]),
            "rate": lambda: number(p[0]) * start.symbol,
            "shift": lambda: start.symbol + number(p[1]),
        }[family.kind]()
        return start.around(number(a) * family.symbolic(inner) + number(b))

    return Trial(float(target.error(left)), start.cost, write)


def prefactor_starts(library, plain, t, most_turn):
    """A power of t times a function: ``t**-p (a g(k t) + b)``."""
    families = {
        "exp": library.families["exp"],
        "sin": library.families["sin"]._replace(kind="rate"),
        "cos": Family(np.cos, sp.cos, "rate"),
        "tanh": library.families["tanh"]._replace(kind="rate"),
        "bose": library.families["bose"],
    }
    for power in (1, -1, 2, -2, 3, -3) if (t > 0).all() else (1, 2):
        factor = np.maximum(np.abs(t), 1e-3 * np.abs(t).max()) ** -float(power)
        weight = plain.weight * np.square(factor)
        unit = plain.unit * np.sqrt(weight.sum() / plain.weight.sum())
        target = Projected(plain.values * t ** float(power), weight, float(unit), lambda g: g)
        for name, family in families.items():
            k = np.linspace(0.2, most_turn, int(2.9 * most_turn)) / np.ptp(t)
            k = np.concatenate([k, -k]) if name == "exp" else k
            yield from best_start(
                family, target, t, k, np.zeros_like(k), T, 3, lambda e, power=power: e * T**-power
            )  # fmt: skip
