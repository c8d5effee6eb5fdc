"""Formulas for tables without a law: sums that grow by the term that is worth its size, a few products among them.

Terms are functions of one column, or a term that is there times a function of another column, as in Friedman's
multivariate adaptive regression splines (1991), but from a library of functions, with all constants refitted at each
step, and with Schwarz's criterion as the price of a term.
"""

from functools import cache
from itertools import chain, combinations, islice
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from ._additive import LINKS, Factor, Problem, Sum, is_bounded, settled, tangent, values_of
from ._expressions import complexity, information, number
from ._shapes import PLAIN, SHAPES, shapes_of

N_TRIED, N_OF_COLUMNS = 4, 2  # terms that are fitted in a step; of these, with the same columns
N_STEPS = 6
PRICES = 1, 1 / 2  # shares of the loss's price, the second for the end of the front
LEAST_GAIN = 0.5  # in the criterion, of an exchange of terms
MOST_COMPLEX = 84
MOST_FACTORS = 3
MOST_PAIRED = 12  # columns of which products and quotients are looked at before they are terms
FIRST_TERMS = 4  # after which one link is chosen
LEAST_LENGTH = 1e-3  # of a term orthogonal to all others, in its own
LEAST_RATIO = 2.0  # of a target's ends, from which its logarithm is looked at


class Bank(NamedTuple):
    """Terms that may be added, their values ``(n_terms, n)``, and what they cost."""

    terms: list
    values: np.ndarray
    costs: np.ndarray

    def with_products(self, terms, X):
        """These and products of given terms with functions of further columns."""
        plain = [term[0] for term in self.terms if len(term) == 1 and term[0].shape in PLAIN]
        products = [(*term, factor) for term in terms if len(term) < MOST_FACTORS for factor in plain
                    if all(factor.place != other.place for other in term)]  # fmt: skip
        if not products:
            return self
        more = usable(products, X)
        return Bank(self.terms + more.terms, np.concatenate([self.values, more.values]),
                    np.concatenate([self.costs, more.costs]))  # fmt: skip


class Grown(NamedTuple):
    """A formula on the way of growth."""

    formula: Any
    error: float
    columns: tuple  # places of its columns, in the order in which they came


def grow(table, budget):
    """Formulas of a table, each larger than the one before and worth it; those so far if interrupted.

    Parameters
    ----------
    table : Table
    budget : Budget

    Returns
    -------
    list of Grown
    """
    formulas: list[Grown] = []
    with budget.interruptible():
        formulas.extend(larger_and_larger(table, budget))
    return formulas


def larger_and_larger(table, budget):
    if not np.ptp(table.X, axis=0).any():
        return
    ways = []
    with np.errstate(all="ignore"):
        start = bank_of(table.X)
        for name in links_of(table):
            problem = Problem(table.X, table.y, table.weight, table.spread, table.loss, LINKS[name])
            steps = growing(problem, start, table.symbols, budget)
            ways.append((list(islice(steps, FIRST_TERMS)), steps, problem))
        ways = [way for way in ways if way[0]]
        if not ways:
            return
        first, steps, problem = min(ways, key=lambda way: score(way[0][-1], table, way[2]))
        for found in chain(first, steps):
            yield grown(found, problem, table.symbols)


def grown(found, problem, symbols):
    order = dict.fromkeys(factor.place for term in found.terms for factor in term)
    return Grown(found.formula(problem.link, symbols), found.error, tuple(order))


def links_of(table):
    """Names of links: a sum as it is, and its exponential for targets that are positive and span some range."""
    is_wide = table.loss.has_links and table.y.min() > 0 and table.y.max() > LEAST_RATIO * table.y.min()
    return ("id", "exp") if is_wide else ("id",)


def score(found, table, problem):
    return information(found.error, table, found.formula(problem.link, table.symbols))


@cache
def cost_of(shapes):
    """Complexity of a term of such functions, with its coefficient."""
    symbols = sp.symbols(f"_c0:{len(shapes)}")
    chosen = [SHAPES[name] for name in shapes]
    factors = [shape.symbolic(symbol, *(0.37 + i for i in range(shape.n_inner)))
               for shape, symbol in zip(chosen, symbols, strict=True)]  # fmt: skip
    return complexity(number(1.5) * sp.Mul(*factors))


def bank_of(X):
    """Functions of single columns, and products and quotients of two of a few columns."""
    terms: list = [(Factor(place, name, inner),) for place, x in enumerate(X.T) if np.ptp(x) > 0
             for name, inner in shapes_of(x)]  # fmt: skip
    places = list(dict.fromkeys(term[0].place for term in terms))
    if len(places) <= MOST_PAIRED:
        lines = [t[0] for t in terms if t[0].shape in ("line", "inverse")]
        terms += [(a, b) for a, b in combinations(lines, 2) if a.place != b.place and "line" in (a.shape, b.shape)]
    return usable(terms, X)


def usable(terms, X):
    """The bank of those terms that have finite values and vary."""
    values = np.stack([values_of(term, X) for term in terms])
    values = values - values.mean(1, keepdims=True)
    size = np.sqrt(np.mean(np.square(values), 1))
    varies = np.isfinite(size) & (size > 0)
    kept = [term for term, flag in zip(terms, varies, strict=True) if flag]
    costs = np.array([cost_of(tuple(factor.shape for factor in term)) for term in kept])
    return Bank(kept, (values[varies] / size[varies][:, None]).astype(np.float32), costs)


def growing(problem, bank, symbols, budget):
    """Sums with one term more each, as long as that is worth its size; then with terms exchanged for others."""
    start = Sum((), np.array([starting_constant(problem)]), np.inf)
    found = settled(start, problem, N_STEPS)
    for price in [share * problem.loss.price for share in PRICES]:
        now = judge(found, problem, symbols, price)
        for improved in (longer, exchanged):
            while (best := improved(now, problem, bank, symbols, budget, price)) is not None:
                now = best
                yield now.sum
        found = now.sum


def longer(now, problem, bank, symbols, budget, price):
    """The best sum with one term more, None if none is worth it."""
    best: Any = None
    whole = bank.with_products(now.sum.terms, problem.X)
    for term in promising(now.sum, problem, whole, price):
        if not budget.spend():
            break
        trial = Sum((*now.sum.terms, term), np.append(now.sum.coef, 0.0), np.inf)
        judged = judge(settled(trial, problem, N_STEPS), problem, symbols, price)
        if judged.score < now.score and (best is None or judged.score < best.score):
            best = judged
    return best


def exchanged(now, problem, bank, symbols, budget, price):
    """The sum with a term less, or with another one in its place, if that is better; None if nothing is."""
    shorter = []
    for i in range(len(now.sum.terms)):
        if not budget.spend():
            return None
        terms = now.sum.terms[:i] + now.sum.terms[i + 1 :]
        trial = Sum(terms, np.delete(now.sum.coef, i + 1), np.inf)
        shorter.append(judge(settled(trial, problem, N_STEPS), problem, symbols, price))
    shorter.sort(key=lambda judged: judged.score)
    if shorter and shorter[0].score < now.score:
        return shorter[0]
    for candidate in shorter:
        best = longer(candidate, problem, bank, symbols, budget, price)
        if best is not None and best.score < now.score - LEAST_GAIN:
            return best
    return joined(now, problem, symbols, budget, price)


def joined(now, problem, symbols, budget, price):
    """The best sum with the product of two terms of one column each in their place; None if all are worse."""
    best: Any = None
    single = [i for i, term in enumerate(now.sum.terms) if len(term) == 1]
    for i, j in combinations(single, 2):
        first, second = now.sum.terms[i][0], now.sum.terms[j][0]
        if first.place == second.place:
            continue
        if not budget.spend():
            break
        kept = [k for k in range(len(now.sum.terms)) if k not in (i, j)]
        terms = (*(now.sum.terms[k] for k in kept), (first, second))
        coef = np.array([now.sum.coef[0], *(now.sum.coef[k + 1] for k in kept), 0.0])
        judged = judge(settled(Sum(terms, coef, np.inf), problem, N_STEPS), problem, symbols, price)
        if judged.score < now.score - LEAST_GAIN and (best is None or judged.score < best.score):
            best = judged
    return best


class Judged(NamedTuple):
    """A sum and its criterion, infinite where it is too large."""

    score: float
    sum: Sum


def judge(found, problem, symbols, price):
    n_samples, size = len(problem.y), complexity(found.formula(problem.link, symbols))
    if not is_bounded(found) or size > MOST_COMPLEX:
        return Judged(np.inf, found)
    return Judged(problem.loss.criterion(found.error, n_samples) + price * np.log(n_samples) * size, found)


def starting_constant(problem):
    level = problem.loss.start(problem.y, problem.weight)
    return np.log(level) if problem.link is LINKS["exp"] else level


def promising(found, problem, bank, price):
    """Terms that lower the criterion most, by a quadratic model of the loss orthogonal to what is there."""
    n_samples, f = len(problem.y), found.values(problem.X)
    gradient, curvature = problem.working(f)
    root = np.sqrt(problem.weight * curvature / problem.weight.sum())
    left = -gradient / curvature * root
    Q, _ = np.linalg.qr(tangent(found, problem.X) * root[:, None])
    D = bank.values * root.astype(np.float32)
    along = D @ Q.astype(np.float32)
    whole = np.square(D).sum(1)
    length = whole - np.square(along).sum(1)
    gain = np.square(D @ left.astype(np.float32) - along @ (Q.T @ left).astype(np.float32))
    gain = np.where(length > LEAST_LENGTH * whole, gain / np.maximum(length, LEAST_LENGTH * whole + 1e-30), 0.0)
    error = np.sqrt(np.maximum(found.error**2 - gain, 1e-3 * found.error**2))
    ranked = problem.loss.criterion(error, n_samples) + price * np.log(n_samples) * bank.costs
    chosen: list = []
    seen: dict = {}
    for place in np.argsort(ranked, kind="stable"):
        columns = tuple(sorted(factor.place for factor in bank.terms[place]))
        if gain[place] > 0 and seen.get(columns, 0) < N_OF_COLUMNS:
            seen[columns] = seen.get(columns, 0) + 1
            chosen.append(bank.terms[place])
        if len(chosen) == N_TRIED:
            break
    return chosen
