"""Formulas of a state that need no network: structures of one layer, sparse sums, single indices."""

from functools import partial

import numpy as np

from ._blocks import splits
from ._context import Context
from ._dictionary import sparse_sums
from ._expressions import number, rounded
from ._nodes import EXACT, Node, judge_of
from ._outer import applies
from ._partly_linear import reductions
from ._proposals import POWERS
from ._recombination import recombined
from ._single_index import single_indices
from ._states import Drop, Power, Together, divided, named, subtracted
from ._structures import idle_columns, read, structures

PROMISING = 0.03  # error of a structure that is read before there is a network to compare it with
ROWS_RECOMBINED = 600  # that show which columns belong together
LEAST_LIMIT = 4e-3  # error of splines with coarse knots for a structure that is right
SURE, DOUBT = 2e-3, 1.5  # error of blocks that are followed first; added to the rank of what is left of others
NEAR, LEAST_MISS = 3.0, 1e-3  # what a block's formula may miss, in the blocks' error; below which it is the block's
POWER_WITHIN = 0.02  # of a curve, that a power may miss
LEAST_LOG = 1e-3  # of the target's median size: below, logarithms are no smooth curves
STILL_AS_GOOD = 1.1  # times the error, without columns that hardly matter
LEAST_GAIN = 0.3  # of the error, that blocks of two columns may leave
SHARE_OF_STEP, SHARE_OF_TERMS = 0.12, 0.25  # of the time that is left
MOST_IN_TERMS = 5  # columns of which all products of functions are looked at


def close(search, node):
    """Offer the formulas of one-layer structures; returns the least error."""
    state, node.is_closed = node.state, True
    if search.budget.is_over:
        return np.inf
    if not state.X.shape[1]:
        mean = float(np.average(state.y, weights=state.weight))
        return search.offer(state.wrap(number(mean)), node.steps)
    if node.found is None:
        node.found = structures(state.X, state.y, state.weight, judge_of(search.table, state))[:3]
    if node.found and len(idle := idle_columns(node.found[0])) and node.found[0].error < LEAST_LIMIT:
        state = Drop(tuple(idle)).apply(state, None)[0]
        without = Node(state, steps=node.steps and (*node.steps, (state.steps[-1], node.error)))
        without.found = structures(state.X, state.y, state.weight, judge_of(search.table, state))[:3]
        if without.found and without.found[0].error < STILL_AS_GOOD * node.found[0].error:
            return close(search, without)
        state = node.state
    return read_found(search, node, [(s, state.columns) for s in node.found], deep=state.X.shape[1] == 1)


def close_indices(search, state):
    """Offer the formulas of the table's single indices; returns the least error."""
    least, can_be_added = np.inf, search.units is None
    for values, expression in single_indices(state.X, state.y, state.columns, can_be_added):
        step = f"the columns only through {expression}"
        reduced = state._replace(columns=[expression], X=values[:, None], steps=(step,))
        if reduced.is_usable() and least > EXACT:
            least = close(search, Node(reduced, steps=((step, np.nan),)))
    return least


def read_all(search, heap, node):
    """Read structures that are not good enough to be the law."""
    columns = node.state.columns
    read_found(search, node, [(s, columns) for s in node.found[:1]], limit=np.inf, deep=node.state.X.shape[1] == 1)


def read_found(search, node, found, deep=False, limit=None):
    """Offer what structures on given columns say."""
    least = np.inf
    if limit is None:
        factor = 1.5 if node.state.X.shape[1] > 1 else 3
        limit = max(LEAST_LIMIT, factor * search.best_network) if np.isfinite(search.best_network) else PROMISING
    for structure, columns in found:
        if structure.error > limit or search.budget.is_over:
            continue
        tolerance = max(structure.error, 1e-5)
        forms = read(structure, columns, search.library, tolerance=tolerance, n_best=search.n_beam, deep=deep,
                     budget=search.budget)  # fmt: skip
        for form in forms:
            least = min(least, search.offer(node.state.wrap(form), node.steps))
            if least < EXACT or search.budget.is_over:
                return least
    return least


def recombine(search, heap, node):
    """One-layer structures with one column replaced by its sum, product and so on with another one."""
    state, judge = node.state, judge_of(search.table, node.state)
    part = slice(0, ROWS_RECOMBINED)
    size = np.abs(state.y)
    has_logs = applies("log", state.y) and size.min() > LEAST_LOG * np.median(size)
    kinds = ("exponent" if has_logs else "product", "monotone")
    found = []
    for X, columns in recombined(state.X, state.columns):
        if search.budget.is_over:
            return
        best = structures(X[part], state.y[part], state.weight[part], lambda values: judge(values, part),
                          outers=("id",), n_knots=(24,), kinds=kinds)[:1]  # fmt: skip
        found += [(structure, X, columns) for structure in best]
    found.sort(key=lambda those: those[0].error)
    read_found(search, node, [(structures(X, state.y, state.weight, judge, n_knots=(24,))[0], columns)
                              for structure, X, columns in found[:2] if structure.error < PROMISING],
               limit=max(PROMISING, 3 * min(search.best_network, 1.0)))  # fmt: skip


def take_term_off(search, heap, node):
    """Push states of one column, where one term and a function of one combination are all; whether there are any."""
    found = list(reductions(node.state, search.budget.within(SHARE_OF_STEP)))
    for error, state in found:
        child = Node(state, steps=(*node.steps, (state.steps[-1], error)))
        search.push(heap, child, np.log10(error))
    return bool(found)


def split_off(search, heap, node):
    """Push states that are left once a function of two columns is taken off, or divided by; whether one is likely."""
    state, context = node.state, Context(search, node)
    found = splits(state.X, state.y, state.weight, judge_of(search.table, state), search.budget.within(SHARE_OF_STEP))
    best = found[0] if found else None
    least = min((structure.error for structure in node.found or ()), default=np.inf)
    if best is None or best.error > min(PROMISING, LEAST_GAIN * least):
        return False
    if (powers := powers_of(best, state)) and (left := Together(powers).apply(state, context)):
        search.push(heap, Node(left[0], steps=(*node.steps, (left[0].steps[-1], best.error))), np.log10(best.error))
        return True
    is_likely = False
    for block, values in zip(best.blocks, best.values, strict=True):
        if len(block) == 1 or search.is_done:
            continue
        values = np.exp(np.clip(values, -60, 60)) if best.outer == "log" else values
        own = [state.columns[j] for j in block]
        tolerance = max(1e-4, 2 * best.error * search.table.spread / (search.table.spread + values.std()))
        for part in context.subproblem(state.X[:, block], values, own, tolerance, is_simple_first=True):
            columns, X = state.without(*block)
            step = f"{rounded(part.formula)} taken off {named(best.outer)}"
            change = divided if best.outer == "log" else partial(subtracted, outer=best.outer)
            left = change(state, columns, X, values=part(state.X[:, block]), expression=part.formula, step=step)
            if left.is_usable():
                misses = (part(state.X[:, block]) - values).std() / values.std()
                is_sure = best.error < SURE and misses < max(NEAR * best.error, LEAST_MISS)
                extra = np.log10(best.error) if is_sure else DOUBT
                search.push(heap, Node(left, steps=(*node.steps, (step, best.error))), extra)
                is_likely |= is_sure
    return is_likely


def powers_of(split, state):
    """Powers of single columns that the target is a product with, as reductions."""
    found = []
    for (place, *others), values in zip(split.blocks, split.values, strict=True):
        x = state.X[:, place]
        if others or split.outer != "log" or not (x > 0).all():
            continue
        slope, level = np.polyfit(np.log(x), values, 1)
        power = min(POWERS, key=lambda p: abs(float(p) - slope))
        misses = (values - level - float(power) * np.log(x)).std()
        if misses < NEAR * split.error and misses < POWER_WITHIN * values.std():
            found.append(Power(place, power))
    return tuple(found)


def expand_terms(search, heap, node):
    """Sparse sums of products, and quotients of them."""
    state = narrowed(node)
    forms = sparse_sums(state.X, state.y, state.weight, state.columns, judge_of(search.table, state),
                        is_over=search.budget.within(SHARE_OF_TERMS))  # fmt: skip
    offer_all(search, node, forms)


def offer_all(search, node, forms):
    """Offer formulas of a node's target until one is exact."""
    for form in forms:
        if search.offer(node.state.wrap(form), node.steps) < EXACT or search.budget.is_over:
            return


def narrowed(node):
    """A node's state with those columns that matter most to its network, if it has many."""
    state = node.state
    if state.X.shape[1] <= MOST_IN_TERMS:
        return state
    effects = np.median(np.abs(node.reader.gradients(state.X)), 0) * state.X.std(0)
    places = np.sort(np.argsort(-effects, kind="stable")[:MOST_IN_TERMS])
    return state._replace(columns=[state.columns[j] for j in places], X=state.X[:, places])
