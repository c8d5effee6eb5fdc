"""Sparse sums of products of simple functions, and quotients of two such sums, by orthogonal least squares.

Terms are products over columns of 1, x, 1/x, sin x and the like. Supports grow by the term that lowers the error most
(Chen, Billings & Luo, 1989), for many supports side by side; of three terms all supports are looked at by their Gram
matrix. Terms times the target make it a quotient: ``y = a + b y`` is ``y = a / (1 - b)``.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import sympy as sp

from ._expressions import compiled, number
from ._library import HALF, T
from ._outer import mapped

FUNCTIONS = [
    sp.Integer(1), T, 1 / T, T**2, T**-2, sp.sin(T), sp.cos(T), sp.log(T), T**HALF, T**3, T**-3, sp.exp(T), sp.exp(-T),
]  # fmt: skip
COSTS = (0, 1, 1, 1.3, 1.3, 2, 2, 2, 1.8, 1.8, 1.8, 2.2, 2.2)
N_FUNCTIONS = {1: 13, 2: 13, 3: 13, 4: 7, 5: 5, 6: 3}  # by the number of columns
N_SMALL = 7  # functions of terms that all triples are made of
N_ROWS = 300
N_STARTS = 100  # first terms of triples
TERM_PRICE = 0.04  # of a unit of cost, in units of the logarithm of the squared error
WORK = 4e8  # multiplications of one growth step
N_TERMS = 3
EXACT = 1e-9  # error from which on no other function of the target is looked at
MAX_IMPLICIT_COST = 4.3


class Terms(NamedTuple):
    """Products of functions: values (n_terms, n_rows), the function's number for each column, costs."""

    values: np.ndarray
    numbers: list
    costs: np.ndarray


@cache
def function_values():
    return [compiled([T], function) for function in FUNCTIONS]


def make_terms(X):
    """All products of one function of each column."""
    n_functions = N_FUNCTIONS.get(X.shape[1], 2)
    values = np.ones((1, len(X)))
    numbers: list = [()]
    for x in X.T:
        own = [np.asarray(function(x), float) + 0 * x for function in function_values()[:n_functions]]
        usable = [j for j in range(n_functions) if np.isfinite(own[j]).all() and np.abs(own[j]).max() < 1e6]
        values = (values[:, None] * np.stack([own[j] for j in usable])[None]).reshape(-1, len(X))
        numbers = [(*before, j) for before in numbers for j in usable]
    return Terms(values, numbers, np.array([sum(COSTS[j] for j in those) for those in numbers]))


def sparse_sums(X, y, weight, columns, judge, *, floor=1e-5, n_best=4, outers=("cos", "id", "inv", "sq", "log", "isq")):
    """Expressions of the target, best first.

    Parameters
    ----------
    X, y, weight
        Rows of a state.
    columns : list of sympy.Expr
    judge : callable
        From predictions of `y` at the first rows to an error in the original target's units.
    floor : float
        Relative error below which terms are noise.
    """
    part, is_exact = slice(0, N_ROWS), False
    terms, found = make_terms(X[part]), []
    for outer in outers:
        target = mapped(outer, y)
        if target is None or (outer == "cos" and y.max() < np.pi / 2):
            continue
        root = np.sqrt(weight * target.weight)[part]
        root = root / np.sqrt(np.mean(np.square(root)))
        g = target.values[part]
        for implicit in (False, True) if outer not in ("log", "isq") else (False,):
            problem = make_problem(terms, g, root, implicit)
            supports = grown(problem, floor)
            if outer in ("id", "inv", "sq") and implicit:
                supports = triples(problem, floor)[:8] + supports
            for support in supports:
                form, values = combined(problem, terms, support, columns)
                if form is not None:
                    error = judge(target.inverse(values), part)
                    size = sum(problem.costs[j] for j in support) + 2 * len(support)
                    found.append((np.log(error**2 + floor**2) + TERM_PRICE * size, target.symbolic(form)))
                    is_exact |= error < EXACT
        if is_exact:
            break
    found.sort(key=lambda pair: pair[0])
    return list(dict.fromkeys(form for _, form in found))[:n_best]


class Problem(NamedTuple):
    """A regression on terms, of which those from `n_plain` on are multiplied by the target."""

    rows: np.ndarray
    costs: np.ndarray
    target: np.ndarray
    constant: np.ndarray
    n_plain: int
    implicit: np.ndarray
    is_small: np.ndarray


def make_problem(terms, g, root, implicit):
    is_small = np.array([all(j < N_SMALL for j in numbers) for numbers in terms.numbers])
    chosen = np.zeros(0, int)
    if implicit:
        usable = np.array([any(numbers) for numbers in terms.numbers])
        chosen = np.flatnonzero(usable & (terms.costs <= MAX_IMPLICIT_COST))
    return Problem(
        np.concatenate([terms.values * root, terms.values[chosen] * (g * root)]),
        np.concatenate([terms.costs, terms.costs[chosen] + 1]),
        g * root, root, len(terms.values), chosen, np.concatenate([is_small, is_small[chosen]]),
    )  # fmt: skip


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


def grown(problem, floor, n_beam=200, n_kept=6):
    """Supports that grew term by term, a beam of them side by side."""
    D, target, usable = normalised(problem)
    D = D.astype(np.float32)
    n_terms, n_rows = D.shape
    n_beam = int(np.clip(WORK / (n_terms * n_rows), 10, n_beam))
    supports: list = [()]
    bases, base = [np.zeros((0, n_rows))], np.zeros(1)
    left, length = target[None], np.ones((1, n_terms), np.float32)
    ends = []
    for size in range(N_TERMS):
        gain = np.where(length > 2e-3, np.square(left.astype(np.float32) @ D.T) / np.maximum(length, 2e-3), 0)
        rest = np.maximum(np.square(left).sum(1, keepdims=True) - gain, 0)
        score = np.log(rest + floor**2 + 1e-12) + TERM_PRICE * problem.costs + base[:, None]
        score[:, ~usable] = np.inf
        for i, support in enumerate(supports):
            score[i, list(support)] = np.inf
            if any(j >= problem.n_plain for j in support):  # with two such terms y = y would be a solution
                score[i, problem.n_plain :] = np.inf
        pairs = best_pairs(score, supports, n_beam)
        if not pairs:
            break
        new = []
        for i, j in pairs:
            q = D[j].astype(float)
            for _ in range(2):
                q = q - bases[i].T @ (bases[i] @ q)
            q /= np.linalg.norm(q) + 1e-300
            new.append((np.vstack([bases[i], q]), left[i] - (q @ left[i]) * q, (*supports[i], j)))
        parents = [i for i, _ in pairs]
        base = np.array([base[i] + TERM_PRICE * problem.costs[j] for i, j in pairs])
        bases, left, supports = [n[0] for n in new], np.stack([n[1] for n in new]), [n[2] for n in new]
        if size < N_TERMS - 1:
            length = length[parents] - np.square(np.stack([q[-1] for q in bases]).astype(np.float32) @ D.T)
        error = np.square(left).sum(1)
        for i in np.argsort(np.log(error + floor**2 + 1e-14) + base)[:n_kept]:
            ends.append((np.log(error[i] + floor**2) + base[i] + 0.1 * size, supports[i]))
        if error.min() < max(1e-18, (1.05 * floor) ** 2):
            break
    return [support for _, support in sorted(ends)[: 2 * n_kept]]


def best_pairs(score, supports, n_beam):
    """Pairs of a support and its next term, the best first, without permutations of the same terms."""
    n_candidates = min(3 * n_beam, score.size - 1)
    flat = np.argpartition(score.ravel(), n_candidates)[:n_candidates] if n_candidates else np.zeros(1, int)
    seen: dict = {}
    for place in flat[np.argsort(score.ravel()[flat])]:
        i, j = divmod(int(place), score.shape[1])
        if np.isfinite(score[i, j]):
            seen.setdefault(tuple(sorted((*supports[i], j))), (i, j))
        if len(seen) == n_beam:
            break
    return list(seen.values())


def triples(problem, floor, n_kept=25):
    """The best supports of three small terms whose first is among the better single ones."""
    D, target, usable = normalised(problem)
    chosen = np.flatnonzero(usable & problem.is_small)
    if len(chosen) < 3:
        return []
    D, costs, implicit = D[chosen], TERM_PRICE * problem.costs[chosen], chosen >= problem.n_plain
    G, b = D @ D.T, D @ target
    order = np.argsort(np.where(implicit, 99, 0) + np.log(1 - b**2 + 1e-9) + costs)
    by_cost = np.flatnonzero(implicit)[np.argsort(costs[implicit])]
    upper = np.triu_indices(len(chosen), 1)
    found = []
    for first in dict.fromkeys([*order[: N_STARTS // 2], *by_cost[: N_STARTS // 2]]):
        G1, b1 = G - np.outer(G[:, first], G[first]), b - G[:, first] * b[first]
        d = np.diag(G1)
        determinant = d[:, None] * d[None] - G1**2
        gain = b1[:, None] ** 2 * d[None] - 2 * np.outer(b1, b1) * G1 + b1[None] ** 2 * d[:, None]
        gain = np.where(determinant > 1e-6, gain / np.maximum(determinant, 1e-6), 0)
        rest = np.maximum(1 - b[first] ** 2 - gain, 0)
        score = np.log(rest + floor**2 + 1e-11) + costs[:, None] + costs[None] + costs[first]
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


def combined(problem, terms, support, columns):
    """Expression and values of a support, its coefficients by least squares; None where the quotient has no value."""
    A = np.concatenate([problem.rows[list(support)], problem.constant[None]]).T
    coef, *_ = np.linalg.lstsq(A, problem.target, rcond=None)
    is_nothing = abs(coef[-1]) * np.linalg.norm(problem.constant) <= 1e-7 * np.linalg.norm(problem.target)
    above, below = sp.Integer(0) if is_nothing else number(coef[-1]), sp.Integer(1)
    top, bottom = np.full(A.shape[0], coef[-1]), np.ones(A.shape[0])
    for c, j in zip(coef, support, strict=False):
        place = j if j < problem.n_plain else problem.implicit[j - problem.n_plain]
        term = sp.Mul(*[
            FUNCTIONS[f].xreplace({T: column}) for f, column in zip(terms.numbers[place], columns, strict=True)
        ])  # fmt: skip
        if j < problem.n_plain:
            above, top = above + number(c) * term, top + c * terms.values[place]
        else:
            below, bottom = below - number(c) * term, bottom - c * terms.values[place]
    if above == 0 or below == 0:
        return None, None
    with np.errstate(all="ignore"):
        return above / below, top / bottom
