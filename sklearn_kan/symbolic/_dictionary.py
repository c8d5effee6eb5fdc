"""Sparse sums of products of simple functions, and quotients of two such sums, by orthogonal least squares.

Terms are products over columns of 1, x, 1/x, sin x and the like. Supports grow by the term that lowers the error most
(Chen, Billings & Luo, 1989), for many supports side by side; of three terms all supports are looked at by their Gram
matrix. Terms times the target make it a quotient: ``y = a + b y`` is ``y = a / (1 - b)``. Sums of more than three terms
are followed as long as every term explains most of what was left.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import sympy as sp

from ._compositions import compositions, plain_values
from ._expressions import compiled, number
from ._library import HALF, T
from ._outer import mapped
from ._supports import FLOOR, TERM_PRICE, Problem, exchanged, normalised, pairs, plain_triples, triples

FUNCTIONS = [
    sp.Integer(1), T, 1 / T, T**2, T**-2, sp.sin(T), sp.cos(T), sp.log(T), T**HALF, T**3, T**-3, sp.exp(T), sp.exp(-T),
    T**4, T**-4, sp.sqrt(1 - T**2), 1 / sp.sqrt(1 - T**2), sp.sin(T) ** 2, 1 / (1 + T), sp.log(1 + T),
]  # fmt: skip
COSTS = (0, 1, 1, 1.3, 1.3, 2, 2, 2, 1.8, 1.8, 1.8, 2.2, 2.2, 2, 2, 2.4, 2.4, 2.4, 1.8, 2.3)
N_FUNCTIONS = {2: 20, 3: 13, 4: 7, 5: 5, 6: 3}  # by the number of columns
N_SMALL = 7  # functions of terms that all triples are made of
N_PLAIN_FUNCTIONS, PLAIN_COSTS = 13, (1, 2, 2.6, 3.2, 3.8, 4.6, 5.4, 6.4, 8)  # of plain terms, and what they may cost
MOST_PLAIN_TERMS, N_PLAIN, N_BEAM_PLAIN = 1000, 250, 40  # of which all triples are looked at; supports side by side
N_ROWS = 300
WORK = 4e8  # multiplications of one growth step
N_TERMS, MOST_TERMS = 3, 8
N_BEAM_LONG, LEAST_FALL = 24, 0.5  # beyond three terms: supports side by side; share of the squared error that may stay
WAYS = {  # in which sums are looked for, one after the other, and functions of the target
    "sum": ("cos", "id", "inv", "sq"),
    "quotient": ("cos", "id", "inv", "sq"),
    "further sum": ("log", "isq"),
    "exchange": ("id", "inv", "sq"),
}
PLAIN_WAYS = {"plain": ("id", "log", "inv", "sq", "cos", "isq")}
LEAST_LENGTH, LEAST_LENGTH_LONG = 2e-3, 1e-5  # squared, of a term orthogonal to those before it
LARGEST = 1e6  # value of a term
EXACT = 1e-9  # error from which on no other function of the target is looked at
MAX_IMPLICIT_COST = 4.3


def supports_of(problem, outer, way, is_single, is_over):
    """Supports that may be the target, those of few terms first."""
    if way == "plain":
        return [*plain_triples(problem, is_over, N_PLAIN)[:6], *grown(problem, is_over, N_BEAM_PLAIN)]
    found = grown(problem, is_over)
    if way == "exchange":
        long = [support for support in found if len(support) > N_TERMS][:1]
        return [exchanged(problem, support, is_over) for support in long]
    if outer not in WAYS["exchange"]:
        return found
    if way == "sum":
        return [*(pairs(problem)[:8] if is_single else []), *plain_triples(problem, is_over)[:8], *found]
    return found if is_single else triples(problem, is_over)[:8] + found  # compositions would make any quotient


class Terms(NamedTuple):
    """Products of functions of the columns.

    Parameters
    ----------
    values : ndarray of shape (n_terms, n_rows)
    numbers : list of tuple
        The function's number for each column.
    functions : list of sympy.Expr
        What the numbers stand for.
    costs : ndarray of shape (n_terms,)
    """

    values: np.ndarray
    numbers: list
    functions: list
    costs: np.ndarray


@cache
def function_values():
    return [compiled([T], function) for function in FUNCTIONS]


def make_terms(X):
    """All products of one function of each column; of a single column compositions as well."""
    if X.shape[1] == 1:
        return terms_of_one(X[:, 0])
    n_functions = N_FUNCTIONS.get(X.shape[1], 2)
    values = np.ones((1, len(X)))
    numbers: list = [()]
    for x in X.T:
        with np.errstate(all="ignore"):
            own = [np.asarray(function(x), float) + 0 * x for function in function_values()[:n_functions]]
        usable = [j for j in range(n_functions) if np.isfinite(own[j]).all() and np.abs(own[j]).max() < LARGEST]
        values = (values[:, None] * np.stack([own[j] for j in usable])[None]).reshape(-1, len(X))
        numbers = [(*before, j) for before in numbers for j in usable]
    return Terms(values, numbers, FUNCTIONS, np.array([sum(COSTS[j] for j in those) for those in numbers]))


def plain_terms(X):
    """The cheapest products of functions of a few columns each."""
    with np.errstate(all="ignore"):
        own = [[np.asarray(function(x), float) + 0 * x for function in function_values()[:N_PLAIN_FUNCTIONS]]
               for x in X.T]  # fmt: skip
    usable = [[j for j, values in enumerate(those) if np.isfinite(values).all() and np.abs(values).max() < LARGEST]
              for those in own]  # fmt: skip
    found: list = []
    for most in PLAIN_COSTS:
        more: list = [((), 0.0)]
        for places in usable:
            more = [((*before, j), cost + COSTS[j]) for before, cost in more for j in places if cost + COSTS[j] <= most]
        if len(more) > MOST_PLAIN_TERMS and found:
            break
        found = more
    values = np.stack([np.prod([own[place][j] for place, j in enumerate(those) if j] or [np.ones(len(X))], axis=0)
                       for those, _ in found])  # fmt: skip
    return Terms(values, [those for those, _ in found], FUNCTIONS, np.array([cost for _, cost in found]))


def plain_sums(X, y, weight, columns, judge, *, n_best=3, is_over=lambda: False):
    """Expressions of the target as sums of a few terms that are cheap, in no time; as `sparse_sums`."""
    return sums_of(plain_terms(X[:N_ROWS]), PLAIN_WAYS, X, y, weight, columns, judge, n_best, is_over)


def terms_of_one(x):
    """Compositions of a single column."""
    found = compositions()
    with np.errstate(all="ignore"):
        plain = np.stack([np.asarray(function(x), float) + 0 * x for function in plain_values()])
        products = [plain[one.factors[0]] * plain[one.factors[1]] for one in found[len(plain) :]]
        values = np.concatenate([plain, np.stack(products)])
    usable = np.flatnonzero(np.isfinite(values).all(1) & (np.abs(values).max(1) < LARGEST))
    numbers = [(int(j),) for j in usable]
    return Terms(values[usable], numbers, [one.formula for one in found], np.array([found[j].cost for j in usable]))


def sparse_sums(X, y, weight, columns, judge, *, n_best=4, is_over=lambda: False):
    """Expressions of the target, best first.

    Parameters
    ----------
    X, y, weight
        Rows of a state.
    columns : list of sympy.Expr
    judge : callable
        From predictions of `y` at the first rows to an error in the original target's units.
    is_over : callable
        Whether to take what has been found.
    """
    return sums_of(make_terms(X[:N_ROWS]), WAYS, X, y, weight, columns, judge, n_best, is_over)


def sums_of(terms, ways, X, y, weight, columns, judge, n_best, is_over):
    """Expressions of the target by given terms."""
    part, found = slice(0, N_ROWS), []
    for way, outer in [(way, outer) for way, outers in ways.items() for outer in outers]:
        target = None if is_over() else mapped(outer, y)
        if target is None or (outer == "cos" and y.max() < np.pi / 2):
            continue
        root = np.sqrt(weight * target.weight)[part]
        root = root / np.sqrt(np.mean(np.square(root)))
        problem = make_problem(terms, target.values[part], root, way == "quotient")
        is_exact = False
        for support in supports_of(problem, outer, way, X.shape[1] == 1, is_over):
            form, values = combined(problem, terms, support, columns)
            if form is not None:
                error = judge(target.inverse(values), part)
                size = sum(problem.costs[j] for j in support) + 2 * len(support)
                found.append((np.log(error**2 + FLOOR**2) + TERM_PRICE * size, target.symbolic(form)))
                is_exact |= error < EXACT
        if is_exact:
            break
    found.sort(key=lambda pair: pair[0])
    return list(dict.fromkeys(form for _, form in found))[:n_best]


def make_problem(terms, g, root, implicit):
    n_small = len(plain_values()) if len(terms.numbers[0]) == 1 else N_SMALL
    is_small = np.array([all(j < n_small for j in numbers) for numbers in terms.numbers])
    chosen = np.zeros(0, int)
    if implicit:
        usable = np.array([any(numbers) for numbers in terms.numbers])
        chosen = np.flatnonzero(usable & (terms.costs <= MAX_IMPLICIT_COST))
    return Problem(
        np.concatenate([terms.values * root, terms.values[chosen] * (g * root)]),
        np.concatenate([terms.costs, terms.costs[chosen] + 1]),
        g * root, root, len(terms.values), chosen, np.concatenate([is_small, is_small[chosen]]),
    )  # fmt: skip


def grown(problem, is_over, n_beam=200, n_kept=6):
    """Supports that grew term by term, a beam of them side by side."""
    D, target, usable = normalised(problem)
    D = D.astype(np.float32)
    n_terms, n_rows = D.shape
    n_beam = int(np.clip(WORK / (n_terms * n_rows), 10, n_beam))
    supports: list = [()]
    bases, base = [np.zeros((0, n_rows))], np.zeros(1)
    left, length = target[None], np.ones((1, n_terms), np.float32)
    ends: list = []
    before = np.inf
    for size in range(MOST_TERMS):
        least = LEAST_LENGTH if size < N_TERMS else LEAST_LENGTH_LONG
        if size >= N_TERMS:
            n_beam = min(n_beam, N_BEAM_LONG)
        gain = np.where(length > least, np.square(left.astype(np.float32) @ D.T) / np.maximum(length, least), 0)
        rest = np.maximum(np.square(left).sum(1, keepdims=True) - gain, 0)
        score = np.log(rest + FLOOR**2 + 1e-12) + TERM_PRICE * problem.costs + base[:, None]
        score[:, ~usable] = np.inf
        for i, support in enumerate(supports):
            score[i, list(support)] = np.inf
            if any(j >= problem.n_plain for j in support):  # with two such terms y = y would be a solution
                score[i, problem.n_plain :] = np.inf
        pairs = best_pairs(score, supports, n_beam)
        if not pairs or is_over():
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
        if size < MOST_TERMS - 1:
            length = length[parents] - np.square(np.stack([q[-1] for q in bases]).astype(np.float32) @ D.T)
        error = np.square(left).sum(1)
        for i in np.argsort(np.log(error + FLOOR**2 + 1e-14) + base)[:n_kept]:
            ends.append((np.log(error[i] + FLOOR**2) + base[i] + 0.1 * size, supports[i]))
        if error.min() < max(1e-18, (1.05 * FLOOR) ** 2) or (size >= N_TERMS and error.min() > LEAST_FALL * before):
            break
        before = error.min()
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


def combined(problem, terms, support, columns):
    """Expression and values of a support, its coefficients by least squares; None where the quotient has no value."""
    A = np.concatenate([problem.rows[list(support)], problem.constant[None]]).T
    coef, *_ = np.linalg.lstsq(A, problem.target, rcond=None)
    is_nothing = abs(coef[-1]) * np.linalg.norm(problem.constant) <= 1e-7 * np.linalg.norm(problem.target)
    above, below = sp.Integer(0) if is_nothing else number(coef[-1]), sp.Integer(1)
    top, bottom = np.full(A.shape[0], coef[-1]), np.ones(A.shape[0])
    for c, j in zip(coef, support, strict=False):
        place = j if j < problem.n_plain else problem.implicit[j - problem.n_plain]
        term = product_of(terms, place, columns)
        if j < problem.n_plain:
            above, top = above + number(c) * term, top + c * terms.values[place]
        else:
            below, bottom = below - number(c) * term, bottom - c * terms.values[place]
    if above == 0 or below == 0:
        return None, None
    with np.errstate(all="ignore"):
        return above / below, top / bottom


def product_of(terms, place, columns):
    """The expression of a term."""
    parts = zip(terms.numbers[place], columns, strict=True)
    return sp.Mul(*[terms.functions[number_].xreplace({T: column}) for number_, column in parts])
