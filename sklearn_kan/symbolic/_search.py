"""Best-first search over exact reductions of a table, each kept if a refitted network gets better by it.

Closed-form terminals, a network whose values and derivatives propose reductions, the data
transformed exactly, refitted, judged at held-out rows. AI Feynman (Udrescu & Tegmark, 2020) is its closest relative.
"""

import heapq
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from ._context import Context
from ._dictionary import sparse_sums
from ._expressions import complexity, information, is_usable, number, refit, rounded
from ._guesses import first_guesses
from ._proposals import proposals
from ._reader import LARGEST, SMOOTH, fit_reader
from ._recombination import recombined
from ._single_index import single_indices
from ._states import State
from ._structures import read, structures
from ._white import is_white

EXACT = 1e-8  # error below which nothing is left to find
MOST_COMPLEX = 90
MOST_IN_TERMS = 5  # columns of which all products of functions are looked at
GOOD = 5e-4  # error from which networks are equally good
PROMISING = 0.03  # error of a structure that is read before there is a network to compare it with
LEAST_LIMIT = 4e-3  # error of splines with coarse knots for a structure that is right


class Candidate(NamedTuple):
    """A formula of the original target, with its constants fitted."""

    formula: Any
    error: float
    bic: float
    steps: tuple  # pairs of a text and the network's held-out error after it


class Node:
    """A state in the search: what has been fitted to it, and what is left to try."""

    def __init__(self, state, reader=None, steps=()):
        self.state, self.reader, self.steps = state, reader, steps
        self.todo, self.tried, self.n_visits, self.found, self.is_patient = None, {}, 0, None, False

    @property
    def error(self):
        return 1.0 if self.reader is None else self.reader.error


def root_of(table):
    """The state of a table as it is."""
    return State(list(table.symbols), table.X, table.y, table.weight, lambda e: e, lambda g, rows: g)


def judge_of(table, state):
    """From predictions of a state's target to errors of the original one."""

    def judge(predictions, rows=slice(None)):
        with np.errstate(all="ignore"):
            misses = (state.back(predictions, rows) - table.y[rows]) / table.spread
        misses = np.clip(np.nan_to_num(misses, nan=LARGEST), -LARGEST, LARGEST)
        return float(np.sqrt(np.average(np.square(misses), weights=table.weight[rows])))

    return judge


class Search:
    """A search for the law of a table.

    Parameters
    ----------
    table : Table
    library : Library
    budget : Budget
    units : Units, optional
    seed : int
    n_beam : int, default=6
        Combinations of curves' formulas that are tried of each structure.
    report : callable, optional
        Called with the best candidate and the budget after each state.
    fits_networks : bool, default=True
        Whether to go beyond what has a closed form.
    """

    def __init__(self, table, library, budget, *, units=None, seed=0, n_beam=6, report=None, fits_networks=True):
        self.table, self.library, self.budget, self.units, self.seed = table, library, budget, units, seed
        self.n_beam, self.report, self.fits_networks = n_beam, report, fits_networks
        self.generator = np.random.default_rng(seed)
        self.candidates: list = []
        self.seen: set = set()
        self.white: dict = {}
        self.best_network, self.order = np.inf, count()

    @property
    def best(self):
        return min(self.candidates, key=lambda c: c.bic, default=None)

    @property
    def is_done(self):
        return self.budget.is_over or any(c.error < EXACT for c in self.candidates[-1:])

    def offer(self, formula, steps):
        """Fit a formula's constants and keep it; returns its error."""
        if not is_usable(formula) or complexity(formula) > MOST_COMPLEX:
            return np.inf
        key = str(rounded(formula, 2))
        if key in self.seen or not self.budget.spend():
            return np.inf
        self.seen.add(key)
        fit = refit(formula, self.table, max_steps=20)
        bic = information(fit.error, len(self.table.y), fit.formula)
        self.candidates.append(Candidate(fit.formula, fit.error, bic, steps))
        return fit.error

    def run(self, start=None, max_states=200, good_enough=None):
        """Search until a formula is exact, residuals are white, or the budget is used up."""
        for formula in first_guesses(self.table):
            self.offer(formula, ())
        heap: list = []
        for state in start or [root_of(self.table)]:
            self.push(heap, Node(state), 0.0)
        for _ in range(max_states):
            if not heap or self.is_done:
                break
            _, _, action, node = heapq.heappop(heap)
            try:
                with np.errstate(all="ignore"):  # what is not finite is sorted out
                    action(heap, node)
            except KeyboardInterrupt:
                self.budget.is_interrupted = True
            self.show()
            if good_enough is not None and self.best.error < good_enough:
                break
            if self.best.error > EXACT and self.best.error < 1.3 * self.best_network and self.is_white(self.best):
                break
        self.show()

    def show(self):
        if self.report is not None and self.candidates:
            self.report(self.best, self.budget)

    def push(self, heap, node, extra, action=None):
        n_columns, depth = node.state.X.shape[1], len(node.steps)
        priority = np.log10(max(node.error, GOOD / 2)) + 0.3 * n_columns + 0.05 * depth + extra
        heapq.heappush(heap, (priority, next(self.order), action or self.expand, node))

    def expand(self, heap, node):
        """Try what has a closed form, then follow the proposals of the state's network."""
        node.n_visits += 1
        n_columns = node.state.X.shape[1]
        if node.n_visits == 1:
            if (node.found is None and self.close(node) < EXACT) or n_columns == 0:
                return
            if n_columns <= 2:
                self.expand_terms(heap, node)
            if n_columns in (2, 3):
                self.push(heap, node, 0.1, self.recombine)
            if 3 <= n_columns <= MOST_IN_TERMS and self.fits_networks:
                self.push(heap, node, 0.15 if n_columns == 3 else 0.6, self.expand_terms)
        if self.is_done or not self.fits_networks:
            return
        if node.reader is None:
            node.reader = self.fit(node.state)
            node.steps = node.steps or (("the table as it is", node.error),)
        if node.reader is None:
            return
        if node.n_visits == 1 and len(node.steps) == 1:
            if node.found:
                self.push(heap, node, 0.4, self.read_all)
            if n_columns > MOST_IN_TERMS:
                self.push(heap, node, 0.6, self.expand_terms)
        for child in self.children(node):
            gain = np.log10(max(child.error, 1e-6) / max(node.error, 1e-6))
            if gain <= 0.5 or child.error <= 0.05:
                self.push(heap, child, 0.0)
        if node.todo:
            self.push(heap, node, 0.3 * node.n_visits)

    def close(self, node):
        """Offer the formulas of one-layer structures; returns the least error."""
        state = node.state
        if self.budget.is_over:
            return np.inf
        if not state.X.shape[1]:
            mean = float(np.average(state.y, weights=state.weight))
            return self.offer(state.wrap(number(mean)), node.steps)
        node.found = structures(state.X, state.y, state.weight, judge_of(self.table, state))[:3]
        if node.found and not node.steps:  # something simple to begin with
            forms = read(
                node.found[0], state.columns, self.library, tolerance=node.found[0].error, n_best=2, rough=True
            )
            if any(self.offer(state.wrap(form), node.steps) < EXACT for form in forms):
                return 0.0
            if self.fits_networks and self.close_indices(state) < EXACT:
                return 0.0
        return self.read(node, [(s, state.columns) for s in node.found], deep=state.X.shape[1] == 1)

    def close_indices(self, state):
        """Offer the formulas of the table's single indices; returns the least error."""
        least, can_be_added = np.inf, self.units is None
        for values, expression in single_indices(state.X, state.y, state.columns, can_be_added):
            step = f"the columns only through {expression}"
            reduced = state._replace(columns=[expression], X=values[:, None], steps=(step,))
            if reduced.is_usable() and least > EXACT:
                least = self.close(Node(reduced, steps=((step, np.nan),)))
        return least

    def read_all(self, heap, node):
        """Read structures that are not good enough to be the law."""
        columns = node.state.columns
        self.read(node, [(s, columns) for s in node.found[:1]], limit=np.inf, deep=node.state.X.shape[1] == 1)

    def read(self, node, found, deep=False, limit=None):
        """Offer what structures on given columns say."""
        least = np.inf
        if limit is None:
            factor = 1.5 if node.state.X.shape[1] > 1 else 3
            limit = max(LEAST_LIMIT, factor * self.best_network) if np.isfinite(self.best_network) else PROMISING
        for structure, columns in found:
            if structure.error > limit or self.budget.is_over:
                continue
            tolerance = max(structure.error, 1e-5)
            forms = read(structure, columns, self.library, tolerance=tolerance, n_best=self.n_beam, deep=deep,
                         budget=self.budget)  # fmt: skip
            for form in forms:
                least = min(least, self.offer(node.state.wrap(form), node.steps))
                if least < EXACT or self.budget.is_over:
                    return least
        return least

    def recombine(self, heap, node):
        """One-layer structures with one column replaced by its sum, product and so on with another."""
        state = node.state
        pairs = recombined(state.X, state.columns)
        found = []
        for X, columns in pairs:
            if self.budget.is_over:
                return
            best = structures(X, state.y, state.weight, judge_of(self.table, state), outers=("id", "log", "inv"),
                              n_knots=(16,))[:1]  # fmt: skip
            found += [(structure, columns) for structure in best]
        found.sort(key=lambda pair: pair[0].error)
        self.read(node, found[:3])

    def expand_terms(self, heap, node):
        """Sparse sums of products, and quotients of them."""
        state = self.narrowed(node)
        floor = max(1e-5, min(self.best_network, 0.3) / 3)
        forms = sparse_sums(state.X, state.y, state.weight, state.columns, judge_of(self.table, state), floor=floor)
        for form in forms:
            if self.offer(state.wrap(form), node.steps) < EXACT or self.budget.is_over:
                return

    def narrowed(self, node):
        """A node's state with those columns that matter most to its network, if it has many."""
        state = node.state
        if state.X.shape[1] <= MOST_IN_TERMS:
            return state
        effects = np.median(np.abs(node.reader.gradients(state.X)), 0) * state.X.std(0)
        places = np.sort(np.argsort(-effects, kind="stable")[:MOST_IN_TERMS])
        return state._replace(columns=[state.columns[j] for j in places], X=state.X[:, places])

    def fit(self, state, parent=None):
        """The network of a state; None if there is no budget left."""
        if not self.budget.spend():
            return None
        reader = fit_reader(state, judge_of(self.table, state), self.budget, seed=self.seed, parent=parent)
        self.best_network = min(self.best_network, reader.error)
        return reader

    def children(self, node, n_good=1, n_most=6):
        """States that proposals lead to, until enough of them are good."""
        if node.todo is None:
            node.todo = proposals(node.state, node.reader, node.error, self.table.spread, self.generator, self.units)
        good = 0
        made: list = []
        tolerated = 2.0 if self.best_network < SMOOTH else 1.15  # errors differ by chance; less so if they are noise
        while node.todo and good < n_good and len(made) < n_most and not self.is_done:
            kind = type(node.todo[0].reduction).__name__
            if kind == "Affine" and not node.is_patient:  # it takes long: other states first
                node.is_patient = True
                break
            proposal = node.todo.pop(0)
            key = kind, proposal.reduction.place if hasattr(proposal.reduction, "place") else None
            if key[1] is not None and node.tried.get(key, 0) >= (2 if kind == "Power" else 1):
                continue
            node.tried[key] = node.tried.get(key, 0) + 1
            for state in proposal.reduction.apply(node.state, Context(self, node)):
                child = self.child(node, state)
                if child is None:
                    continue
                made.append(child)
                is_good = child.error < max(0.6 * node.error, tolerated * self.best_network, GOOD)
                good += is_good
                if is_good or self.is_done:
                    break
        return made

    def child(self, node, state):
        """A node for a state that is new and has numbers in it, after a look at its closed forms."""
        key = state.key()
        if key in self.seen or not state.is_usable():
            return None
        self.seen.add(key)
        child = Node(state, node.reader, (*node.steps, (state.steps[-1], node.error)))
        if self.close(child) < EXACT or not state.X.shape[1] or self.is_done:
            return child
        child.reader = self.fit(state, node.reader)
        if child.reader is None:
            return None
        child.steps = (*node.steps, (state.steps[-1], child.error))
        return child

    def is_white(self, candidate):
        """Whether a fresh network and a fresh sum of splines find nothing in a formula's residuals."""
        key = str(candidate.formula)
        if key not in self.white:
            self.white[key] = is_white(candidate.formula, self.table, self.seed)
        return self.white[key]
