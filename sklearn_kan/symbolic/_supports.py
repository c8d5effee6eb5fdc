"""Supports of sums of few terms, by the Gram matrix of all of them."""

from itertools import combinations
from typing import NamedTuple

import numpy as np

FLOOR = 1e-5  # relative error below which sums are equally good
TERM_PRICE = 0.04  # of a unit of cost, in units of the logarithm of the squared error
MOST_PLAIN, MOST_SMALL = 350, 600  # terms of which all triples are looked at, and those with some first terms
N_STARTS = 100  # of these
LEAST_DETERMINANT = 1e-6  # of a pair's Gram matrix
LEAST_SINE = 1e-4  # between a term and those that are kept
LEAST_GAIN = 0.5  # of a squared error, that an exchange may leave
NEAR, EXACT_LEFT = 1e-4, 1e-18  # of a target's squared length, from which terms are exchanged, and which is nothing


class Problem(NamedTuple):
    """A regression on terms, of which those from `n_plain` on are multiplied by the target."""

    rows: np.ndarray
    costs: np.ndarray
    target: np.ndarray
    constant: np.ndarray
    n_plain: int
    implicit: np.ndarray
    is_small: np.ndarray


def normalised(problem):
    """Terms and target orthogonal to the constant, of length one; and which terms are constant."""
    constant = problem.constant / np.linalg.norm(problem.constant)
    size = np.linalg.norm(problem.rows, axis=1, keepdims=True) + 1e-300
    rows = problem.rows / size
    rows = rows - np.outer(rows @ constant, constant)
    length = np.linalg.norm(rows, axis=1)
    target = problem.target - (constant @ problem.target) * constant
    target = target / (np.linalg.norm(target) + 1e-300)
    return rows / np.maximum(length, 1e-300)[:, None], target, length > 1e-6


def pairs(problem, n_kept=12):
    """The best supports of two terms."""
    D, target, usable = normalised(problem)
    chosen = np.flatnonzero(usable)
    if len(chosen) <= n_kept:
        return []
    D, costs = D[chosen], TERM_PRICE * problem.costs[chosen]
    score = scores(D @ D.T, D @ target, 1.0) + costs[:, None] + costs
    score[np.tri(len(chosen), dtype=bool)] = np.inf
    best = np.argpartition(score, n_kept, axis=None)[:n_kept]
    places = [divmod(int(flat), len(chosen)) for flat in best[np.argsort(score.ravel()[best], kind="stable")]]
    return [(int(chosen[i]), int(chosen[j])) for i, j in places if np.isfinite(score[i, j])]


def plain_triples(problem, is_over, n_plain=MOST_PLAIN, n_kept=25):
    """The best supports of three small terms, all of them."""
    D, target, usable = normalised(problem)
    chosen = np.flatnonzero(usable & problem.is_small)
    chosen = chosen[np.argsort(problem.costs[chosen], kind="stable")[:n_plain]]
    D, costs = D[chosen], TERM_PRICE * problem.costs[chosen]
    G, b = D @ D.T, D @ target
    found: list = []
    for first in range(len(chosen) - 2):
        if is_over():
            break
        rest = slice(first + 1, None)
        score = scores(G[rest, rest] - np.outer(G[rest, first], G[first, rest]), b[rest] - G[rest, first] * b[first],
                       1 - b[first] ** 2) + costs[rest, None] + costs[rest] + costs[first]  # fmt: skip
        place = int(score.argmin())
        i, j = divmod(place, len(score))
        found.append((score.flat[place], tuple(sorted(int(chosen[k]) for k in (first, first + 1 + i, first + 1 + j)))))
    return [support for score, support in sorted(found)[:n_kept] if np.isfinite(score)]


def scores(G, b, left):
    """Logarithms of what pairs of terms leave of a target: G and b with what comes before taken off."""
    d = np.diag(G)
    determinant = d[:, None] * d[None] - G**2
    gain = b[:, None] ** 2 * d[None] - 2 * np.outer(b, b) * G + b[None] ** 2 * d[:, None]
    rest = left - np.where(determinant > LEAST_DETERMINANT, gain / np.maximum(determinant, LEAST_DETERMINANT), 0)
    return np.log(np.maximum(rest, 0) + FLOOR**2 + 1e-11)


def triples(problem, is_over, n_kept=25):
    """The best supports of three small terms whose first is among the better single ones."""
    D, target, usable = normalised(problem)
    chosen = np.flatnonzero(usable & problem.is_small)
    chosen = np.sort(chosen[np.argsort(problem.costs[chosen], kind="stable")[:MOST_SMALL]])
    if len(chosen) < 3:
        return []
    D, costs, implicit = D[chosen], TERM_PRICE * problem.costs[chosen], chosen >= problem.n_plain
    G, b = D @ D.T, D @ target
    order = np.argsort(np.where(implicit, 99, 0) + np.log(1 - b**2 + 1e-9) + costs)
    by_cost = np.flatnonzero(implicit)[np.argsort(costs[implicit])]
    upper = np.triu_indices(len(chosen), 1)
    found = []
    for first in dict.fromkeys([*order[: N_STARTS // 2], *by_cost[: N_STARTS // 2]]):
        if is_over():
            break
        G1, b1 = G - np.outer(G[:, first], G[first]), b - G[:, first] * b[first]
        score = scores(G1, b1, 1 - b[first] ** 2) + costs[:, None] + costs[None] + costs[first]
        if implicit[first]:
            score[implicit], score[:, implicit] = np.inf, np.inf
        else:
            score[np.ix_(implicit, implicit)] = np.inf
        flat = score[upper]
        for place in np.argpartition(flat, min(4, len(flat) - 1))[:4]:
            if np.isfinite(flat[place]):
                support = {int(chosen[first]), int(chosen[upper[0][place]]), int(chosen[upper[1][place]])}
                found.append((flat[place], tuple(sorted(support))))
    unique = dict.fromkeys(support for _, support in sorted(found) if len(support) == 3)
    return list(unique)[:n_kept]


def exchanged(problem, support, is_over):
    """The support with two of its terms replaced by the best two plain ones, again and again, as long as that helps.

    Terms that are much alike keep growth from the right ones: a wrong term leaves little, and none alone is better.
    """
    D, target, usable = normalised(problem)
    chosen = np.flatnonzero(usable[: problem.n_plain])
    chosen = chosen[np.argsort(problem.costs[chosen], kind="stable")[:MOST_SMALL]]
    now, is_better = list(support), True
    before = left_of(D[now], target)
    if before > NEAR:
        return support
    while is_better and before > EXACT_LEFT:
        is_better = False
        for places in combinations(range(len(now)), 2):
            if is_over():
                break
            kept = [term for place, term in enumerate(now) if place not in places]
            after, pair = best_pair(D[kept], D[chosen], target)
            if after < LEAST_GAIN * before:
                now, before, is_better = [*kept, *(int(chosen[place]) for place in pair)], after, True
    return tuple(now)


def best_pair(kept, D, target):
    """The squared length that a target has left besides kept terms and the best pair of others, and that pair."""
    Q = np.linalg.qr(kept.T)[0]
    left, R = target - Q @ (Q.T @ target), D - (D @ Q) @ Q.T
    length = np.linalg.norm(R, axis=1)
    R /= np.where(length > LEAST_SINE, length, np.inf)[:, None]
    G, b = R @ R.T, R @ left
    determinant = np.maximum(1 - G**2, LEAST_DETERMINANT)
    gain = (b[:, None] ** 2 - 2 * np.outer(b, b) * G + b[None] ** 2) / determinant
    place = int(np.where(determinant > LEAST_DETERMINANT, gain, 0).argmax())
    pair = divmod(place, len(b))
    return left_of(np.vstack([kept, D[list(pair)]]), target), pair


def left_of(terms, target):
    """The squared length that a target has left, to all digits."""
    return float(np.sum(np.square(np.linalg.lstsq(terms.T, target, rcond=None)[0] @ terms - target)))
