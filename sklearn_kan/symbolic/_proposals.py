"""Simplifications that values and derivatives of a fitted network suggest, each with how well it holds."""

from itertools import combinations, permutations
from typing import Any, NamedTuple

import numpy as np
from sympy import Rational

from ._invariance import invariances
from ._levels import levels
from ._outer import mapped
from ._states import Affine, Drop, Group, Power, Scaled, Separate, Shift, Together

HALF, THIRD = Rational(1, 2), Rational(1, 3)
POWERS = [1, -1, 2, -2, 3, -3, HALF, -HALF, 4, -4, 3 * HALF, -3 * HALF, 5, -5]
SCALED_POWERS = [*POWERS[:8], 4, -4]
RATIOS = [*map(Rational, (1, -1, 2, -2)), HALF, -HALF, Rational(3), Rational(-3), THIRD, -THIRD]
SEPARABLE_UNDER = ("id", "sq", "inv", "log", "isq", "sin")
N_POINTS = 21  # of a column, at which rows are unfolded
N_ROWS = 80
MOST_SCALED = 8  # columns of which pairs are looked at, those with the largest effects
SCALED_REST = 0.1  # of what is left of an elasticity without the power
EXPENSIVE = {Separate: 0.3, Affine: 0.7}  # added to the rank of what takes long
LEVEL_COST = -0.05  # two columns less one, whatever the others do
TINY, IDLE = 0.01, 0.05  # of the largest effect of a column; of one that is left out if the error does not rise


class Proposal(NamedTuple):
    """A reduction of a state.

    Parameters
    ----------
    rank : float
        Lower ones are tried first.
    residual : float
        By how much values and derivatives miss the property that the reduction rests on, relatively.
    reduction : object
        With a method ``apply``.
    """

    rank: float
    residual: float
    reduction: Any


def proposals(state, network, error, spread, generator, units):
    """Reductions of a state, the likeliest first.

    Parameters
    ----------
    state : State
    network : Reader
        The state's fitted network.
    error : float
        Of the network, at held-out rows.
    spread : float
        Standard deviation of the original target.
    generator : numpy.random.Generator
    units : Units or None
        Which columns may be added.
    """
    rows = generator.permutation(len(state.y))[:300]
    X = state.X[rows]
    F, G = network.values(X), network.gradients(X)
    size = np.array([median(G[:, i]) * state.X[:, i].std() for i in range(X.shape[1])])
    tolerance = max(0.02, min(0.25, 6 * error))
    found: list = []
    is_tiny = (size < IDLE * size.max()) & (2 * size < error * spread)
    if is_tiny.any() and not is_tiny.all():
        found.append((0.0, -1.0, Drop(tuple(np.flatnonzero(is_tiny).tolist()))))
    found += powers(X, F, G)
    if X.shape[1] >= 2:
        found += groups(state, X, G, size < TINY * size.max(), max(0.02, min(0.2, 6 * error)), units)
        if units is None:
            found += [
                (residual, LEVEL_COST, level) for residual, level in levels(X, G, size < TINY * size.max(), mismatch)
            ]
            found += [(residual, 0.02, one) for residual, one in invariances(X, G, size < TINY * size.max())]
        found += scalings(state, X, F, G, size < TINY * size.max())
        if units is None:
            found += shifts(X, G, size < TINY * size.max())
        found += separations(state, network, X[:N_ROWS])
    ranked = sorted(
        (Proposal(r / tolerance + 4 * cost + EXPENSIVE.get(type(p), 0.0), r, p)
         for r, cost, p in found if r < 2.5 * tolerance),
        key=lambda proposal: proposal.rank,
    )  # fmt: skip
    together = compatible([p for p in ranked if p.residual < 0.6 * tolerance])
    dropped = tuple(p.reduction for p in ranked if isinstance(p.reduction, Drop))
    kept = [part for part in together if not any(set(part.places) & set(drop.places) for drop in dropped)]
    together = (*dropped, *kept)
    return [Proposal(-1.0, 0.0, Together(together)), *ranked] if len(together) > 1 else ranked


def median(values):
    return float(np.median(np.abs(values)))


def mismatch(a, b):
    """How far functions are from being equal, at rows, the last axis: 0 if they are, 1 at most."""
    size = np.median(np.abs(a), -1) + np.median(np.abs(b), -1)
    return np.median(np.abs(a - b), -1) / (size + 1e-300)


def powers(X, F, G):
    """Constant elasticities: ``x dy/dx = p y``."""
    for i, x in enumerate(X.T):
        for power in POWERS:
            if power == int(power) or (x > 0).all():
                yield mismatch(x * G[:, i], float(power) * F), 0.08 * (abs(power) not in (1, 2)), Power(i, power)


def scalings(state, X, F, G, is_tiny):
    """Products that hold after division by a power: ``x_i dy/dx_i - p y`` is proportional to ``x_j dy/dx_j``."""
    E = X * G
    effects = np.where(is_tiny, 0.0, np.median(np.abs(E), 0))
    chosen = [int(i) for i in np.argsort(-effects, kind="stable")[:MOST_SCALED] if effects[i] > 0]
    for i, j in permutations(chosen, 2):
        is_positive = (state.X[:, [i, j]] > 0).all()
        tried = SCALED_POWERS if is_positive else [power for power in SCALED_POWERS if power == int(power)]
        rest = E[:, i] - np.array([float(p) for p in tried])[:, None] * F
        ratios = RATIOS[:6] if is_positive else RATIOS[:2]
        slopes = (rest @ E[:, j]) / (np.square(rest).sum(1) + 1e-300)
        nearest = np.abs(slopes[:, None] - np.array([float(q) for q in ratios])).argmin(1)
        fits = mismatch(E[:, j], np.array([float(ratios[q]) for q in nearest])[:, None] * rest)
        # a power alone leaves nothing
        sizes = np.median(np.abs(rest), 1) / (median(E[:, i]) + median(F) + 1e-300)
        for power, q, fit, size in zip(tried, nearest, fits, sizes, strict=True):
            if size > SCALED_REST:
                yield float(fit), 0.15 + 0.01 * (abs(power) != 1), Scaled(i, j, power, ratios[q])


def shifts(X, G, is_tiny):
    """Pairs of columns that move the target along with them: their derivatives add up to one."""
    for i, j in combinations(np.flatnonzero(~is_tiny).tolist(), 2):
        together = G[:, i] + G[:, j]
        yield mismatch(together, np.ones(len(G))), 0.02, Shift(i, j)


def groups(state, X, G, is_tiny, tolerance, units):
    """Columns whose derivatives are proportional: ``x_i G_i : x_j G_j`` for products, ``G_i : G_j`` for sums."""
    found: dict = {}
    with np.errstate(all="ignore"):
        kinds = {"product": X * G, "sum": G, "squares": G / X}
    for kind, E in kinds.items():
        if not np.isfinite(E).all():
            continue
        for i in np.flatnonzero(~is_tiny):
            members = []
            for j in np.flatnonzero(~is_tiny):
                if i == j or (kind != "product" and units is not None and not units.can_be_added(state.columns, i, j)):
                    continue
                is_positive = (state.X[:, [i, j]] > 0).all()
                ratios = RATIOS if kind == "product" and is_positive else RATIOS[:2]
                fits = mismatch(E[:, j], np.array([float(q) for q in ratios])[:, None] * E[:, i])
                best = int(np.argmin(fits))
                if fits[best] < tolerance:
                    members.append((float(fits[best]), int(j), ratios[best]))
            if members:
                members.sort()
                keep(found, kind, int(i), members)
                keep(found, kind, int(i), members[:1])
    for (kind, members), residual in found.items():
        yield residual, 0.02 * (kind == "squares") - 0.04 * (len(members) - 2), Group(kind, members)


def keep(found, kind, i, members):
    """Add a group once, whichever of its columns it was found from."""
    whole = sorted([(i, Rational(1)), *((j, q) for _, j, q in members)])
    scaled = tuple((j, q / whole[0][1]) for j, q in whole)
    residual = max(r for r, _, _ in members)
    found[kind, scaled] = min(residual, found.get((kind, scaled), np.inf))


def separations(state, network, rows):
    """Columns that stand apart from the others: rows unfold to a matrix that is parallel, or of rank one."""
    for i in range(rows.shape[1]):
        low, high = np.quantile(state.X[:, i], [0.01, 0.99])
        grid = np.linspace(low, high, N_POINTS)
        if np.ptp(grid) == 0:
            continue
        M = unfolded(network, rows, i, grid)
        for outer in SEPARABLE_UNDER:
            if mapped(outer, state.y) is None:
                continue
            target = mapped(outer, M.ravel())
            if target is None:
                continue
            g = target.values.reshape(M.shape)
            centred = g - g.mean(1, keepdims=True)
            total = np.sqrt(np.mean(np.square(centred))) + 1e-300
            common = centred.mean(0)
            parallel = np.sqrt(np.mean(np.square(centred - common))) / total
            cost = 0.01 if outer == "id" else 0.03
            if outer == "log":
                yield parallel, cost, Separate(i, outer, True, grid, np.exp(np.clip(common, -60, 60)))
                continue
            yield parallel, cost, Separate(i, outer, False, grid, common)
            left, direction = rank_one(centred)
            if parallel > 2 * left:
                yield left, 0.04 if outer == "id" else 0.06, Affine(i, outer, grid, direction)
            if outer == "id":
                left, direction = rank_one(g)
                size = np.sqrt(np.mean(np.square(g))) / total
                direction = direction * (np.sign(direction.sum()) or 1.0)
                yield left * size, 0.015, Separate(i, outer, True, grid, direction)


def unfolded(network, rows, place, grid):
    """The network's values at rows with one column put to each place of a grid, ``(n_rows, n_points)``."""
    Z = np.repeat(rows, len(grid), 0)
    Z[:, place] = np.tile(grid, len(rows))
    return network.values(Z).reshape(len(rows), len(grid))


def rank_one(M):
    """Relative distance of a matrix from rank one, and its direction."""
    _, s, directions = np.linalg.svd(M, full_matrices=False)
    return float(np.sqrt(np.square(s[1:]).sum() / (np.square(s).sum() + 1e-300))), directions[0]


def compatible(ranked):
    """Powers and groups of different columns, the best of each; powers first, which leave a column less than groups."""
    used: set = set()
    chosen = []
    for proposal in sorted(ranked, key=lambda p: not isinstance(p.reduction, Power)):
        reduction = proposal.reduction
        if isinstance(reduction, Power | Group) and not used & set(reduction.places):
            used |= set(reduction.places)
            chosen.append(reduction)
    return tuple(chosen)
