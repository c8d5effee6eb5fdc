"""Best-first search over exact reductions of a table, each kept if a refitted network gets better by it.

Closed-form terminals, a network whose values and derivatives propose reductions, the data
transformed exactly, refitted, judged at held-out rows. AI Feynman (Udrescu & Tegmark, 2020) is its closest relative.
"""

import heapq
from functools import partial
from itertools import count

import numpy as np
import sympy as sp

from ._closing import MOST_IN_TERMS, close, expand_terms, read_all
from ._context import Context
from ._expansion import expand
from ._expressions import complexity, information, is_usable, refit, rounded
from ._guesses import first_guesses
from ._nodes import EXACT, Candidate, Node, exactness, judge_of, root_of
from ._proposals import proposals
from ._reader import SMOOTH, fit_reader
from ._white import is_white

MOST_COMPLEX = 90
FEW_CONSTANTS, SHARE_FOR_PLAINER = 2, 0.35  # of the budget, in which a formula with fewer constants is looked for
SOME_CONSTANTS = 5  # of a formula that may be the law; a sum of many terms comes near anything smooth
LARGEST_RISE = 1.6  # of the network's error by a reduction that may still be right
UNLIKELY = 0.5  # added to the rank of states whose network is worse
NEAR = 0.03  # error from which on there is likely to be a law without noise
GOOD = 5e-4  # error from which networks are equally good


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
        self.heap: list = []
        self.seen: set = set()
        self.white: dict = {}
        self.best_network, self.least, self.order = np.inf, np.inf, count()
        self.found_all = False

    @property
    def best(self):
        return min(self.candidates, key=lambda c: c.bic, default=None)

    @property
    def is_near(self):
        """Whether a network or a formula leaves next to nothing, as where there is a law."""
        return min(self.best_network, self.best.error) < NEAR

    @property
    def is_done(self):
        return self.budget.is_over or self.least < EXACT

    def offer(self, formula, steps):
        """Fit a formula's constants and keep it; returns its error."""
        if not is_usable(formula) or complexity(formula) > MOST_COMPLEX:
            return np.inf
        key = str(rounded(formula, 2))
        if key in self.seen or not self.budget.spend():
            return np.inf
        self.seen.add(key)
        fit = refit(formula, self.table, max_steps=20, is_late=lambda: self.budget.is_late)
        self.keep(fit.formula, fit.error, steps)
        is_law = fit.error < exactness(len(fit.formula.atoms(sp.Float)))
        error = fit.error if is_law else max(fit.error, EXACT)
        self.least = min(self.least, error)
        return error

    def keep(self, formula, error, steps):
        """Keep a formula whose constants have been fitted."""
        self.candidates.append(Candidate(formula, error, information(error, self.table, formula), steps))

    def run(self, start=None, max_states=200, good_enough=None):
        """Search until a formula is exact, residuals are white, or the budget is used up."""
        for formula in first_guesses(self.table):
            self.offer(formula, ())
        for state in start or [root_of(self.table)]:
            self.push(self.heap, Node(state), 0.0)
        self.go_on(max_states, good_enough)

    def go_on(self, max_states=200, good_enough=None):
        """Search further, from the states that are left."""
        heap = self.heap
        for _ in range(max_states):
            if not heap or self.is_done:
                break
            priority, _, action, node = heapq.heappop(heap)
            with self.budget.interruptible(), np.errstate(all="ignore"):  # what is not finite is sorted out
                action(heap, node)
            if self.budget.is_over:  # cut short
                heapq.heappush(heap, (priority, next(self.order), action, node))
            self.show()
            if good_enough is not None and self.best.error < good_enough:
                break
            if EXACT < self.best.error < 1.3 * self.best_network and self.is_settled(self.best):
                self.found_all = True
                break
        self.found_all |= self.least < EXACT
        self.show()

    def show(self):
        if self.report is not None and self.candidates:
            self.report(self.best, self.budget)

    def push(self, heap, node, extra, action=None):
        n_columns, depth = node.state.X.shape[1], len(node.steps)
        priority = np.log10(max(node.error, GOOD / 2)) + 0.3 * n_columns + 0.05 * depth + extra
        heapq.heappush(heap, (priority, next(self.order), action or partial(expand, self), node))

    def follow(self, heap, node):
        """Follow the proposals of a state's network."""
        if self.is_done or not self.fits_networks:
            return
        node.n_visits += 1
        n_columns = node.state.X.shape[1]
        if node.reader is None:
            node.reader = self.fit(node.state)
            node.steps = node.steps or (("the table as it is", node.error),)
        if node.reader is None:
            return
        if node.n_visits == 1 and node.is_whole:
            if node.found:
                self.push(heap, node, 0.4, partial(read_all, self))
            if n_columns > MOST_IN_TERMS:
                self.push(heap, node, 0.6, partial(expand_terms, self))
        if node.n_visits == 1 and n_columns == 3:
            self.push(heap, node, 0.15, partial(expand_terms, self))
        for child in self.children(node):
            is_likely = child.error <= max(LARGEST_RISE * node.error, 10 * GOOD)
            self.push(heap, child, 0.0 if is_likely else UNLIKELY)  # a network may fail on what is right
        if node.todo:
            self.push(heap, node, 0.3 * node.n_visits, self.follow)

    def fit(self, state, parent=None, rows=None):
        """The network of a state, a small one if it is of some rows; None if there is no budget left."""
        if not self.budget.spend():
            return None
        judge = judge_of(self.table if rows is None else self.table.rows(rows), state)
        is_small = rows is not None
        reader = fit_reader(state, judge, self.budget, seed=self.seed, parent=parent, is_small=is_small)
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
        if close(self, child) < EXACT or not state.X.shape[1] or self.is_done:
            child.reader = None  # the parent's, which only showed how far it was
            return child
        child.reader = self.fit(state, node.reader)
        if child.reader is None:
            return None
        child.steps = (*node.steps, (state.steps[-1], child.error))
        return child

    def is_settled(self, candidate):
        """Whether nothing is left to find; a formula with many constants may still be a law's approximation."""
        most = SOME_CONSTANTS if self.budget.share > SHARE_FOR_PLAINER else FEW_CONSTANTS
        return len(candidate.formula.atoms(sp.Float)) <= most and self.is_white(candidate)

    def is_white(self, candidate):
        """Whether a fresh network and a fresh sum of splines find nothing in a formula's residuals."""
        key = str(candidate.formula)
        if key not in self.white:
            self.white[key] = is_white(candidate.formula, self.table, self.seed)
        return self.white[key]
