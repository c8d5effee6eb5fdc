"""Formulas of a state that need no network: structures of one layer, sparse sums, single indices."""

from functools import partial

import numpy as np

from ._blocks import splits
from ._context import Context
from ._dictionary import plain_sums, sparse_sums
from ._expressions import number, rounded
from ._nodes import EXACT, Node, judge_of
from ._partly_linear import reductions
from ._rational import rational_forms
from ._recombination import recombined
from ._single_index import single_indices
from ._states import Drop, divided, named, subtracted
from ._structures import idle_columns, read, structures

PROMISING = 0.03  # error of a structure that is read before there is a network to compare it with
ROWS_RECOMBINED = 600  # that show which columns belong together
LEAST_LIMIT = 4e-3  # error of splines with coarse knots for a structure that is right
SURE, DOUBT = 2e-3, 0.5  # error of blocks that are followed first; added to the rank of what is left of others
STILL_AS_GOOD = 1.1  # times the error, without columns that hardly matter
LEAST_GAIN = 0.3  # of the error, that blocks of two columns may leave
SHARE_OF_SUMS, SHARE_OF_TERMS = 0.12, 0.25  # of the time that is left
POOR = 0.5  # error of a network that says nothing
SMALL, LARGEST_SHARE = 0.7, 0.3  # effects of columns that may be left out, in the error and in the largest effect
LEAST_EFFECT = 3e-3  # below which nothing is lost for now
HARDLY_WORSE = 1.25  # times the error, by chance
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


def close_plainly(search, node):
    """Offer what takes no time: curves as they stand, single indices, quotients of polynomials, plain sums."""
    state, judge = node.state, judge_of(search.table, node.state)
    if node.is_whole:
        node.found = node.found or structures(state.X, state.y, state.weight, judge)[:3]
        if node.found:
            forms = read(node.found[0], state.columns, search.library, tolerance=node.found[0].error, n_best=2,
                         rough=True)  # fmt: skip
            offer_all(search, node, forms)
        if search.fits_networks and not search.is_done:
            close_indices(search, state)
    if search.fits_networks and not search.is_done:
        offer_all(search, node, rational_forms(state.X, state.y, state.columns))


def close_sums(search, node):
    """Offer sums of a few plain terms."""
    state, judge = node.state, judge_of(search.table, node.state)
    is_late = search.budget.within(SHARE_OF_SUMS)
    offer_all(search, node, plain_sums(state.X, state.y, state.weight, state.columns, judge, is_over=is_late))


def offer_all(search, node, forms):
    """Offer formulas of a state's target until one is exact."""
    for form in forms:
        if search.offer(node.state.wrap(form), node.steps) < EXACT or search.budget.is_over:
            return


def without_idle(search, node):
    """The table without columns that small networks of some rows do not need; None if they need all of them."""
    state, steps = node.state, node.steps
    error, sizes = effects(search, state)
    n_tried = state.X.shape[1]
    while n_tried and error < POOR and not search.is_done:
        order = np.argsort(sizes, kind="stable")
        idle = order[sizes[order] < min(SMALL * max(error, LEAST_EFFECT), LARGEST_SHARE * sizes.max())][:n_tried]
        if not len(idle):
            break
        smaller = Drop(tuple(sorted(idle.tolist()))).apply(state, None)[0]
        error_without, sizes_without = effects(search, smaller)
        if error_without < max(HARDLY_WORSE * error, LEAST_EFFECT):
            steps = (*(steps or (("the table as it is", error),)), (smaller.steps[-1], error_without))
            state, error, sizes = smaller, error_without, sizes_without
        else:
            n_tried = len(idle) // 2  # the smallest of them
    if not steps:
        return None
    lesser = Node(state, steps=steps)
    lesser.is_whole = True
    return lesser


def effects(search, state):
    """The error of a small network of a state, and sizes of its columns' effects in standard deviations."""
    part = slice(0, ROWS_RECOMBINED)
    few = state._replace(X=state.X[part], y=state.y[part], weight=state.weight[part])
    reader = search.fit(few, rows=part)
    if reader is None:
        return np.inf, np.zeros(state.X.shape[1])
    slopes = np.median(np.abs(reader.gradients(few.X)), 0)
    return reader.error, slopes * few.X.std(0) / search.table.spread


def glance(search, node):
    """Offer what functions of a single column as they stand say."""
    state, judge = node.state, judge_of(search.table, node.state)
    for structure in structures(state.X, state.y, state.weight, judge, outers=("id",))[:1]:
        for form in read(structure, state.columns, search.library, tolerance=max(structure.error, 1e-5), n_best=3,
                         rough=True):  # fmt: skip
            search.offer(state.wrap(form), node.steps)


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
    has_one_sign = (state.y > 0).all() or (state.y < 0).all()
    kinds = ("exponent" if has_one_sign else "product", "monotone")
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
    found = list(reductions(node.state, search.budget.within(SHARE_OF_SUMS)))
    for error, state in found:
        child = Node(state, steps=(*node.steps, (state.steps[-1], error)))
        search.push(heap, child, np.log10(error))
    return bool(found)


def split_off(search, heap, node):
    """Push states that are left once a function of two columns is taken off, or divided by; whether one is likely."""
    state, context = node.state, Context(search, node)
    found = splits(state.X, state.y, state.weight, judge_of(search.table, state), search.budget.within(SHARE_OF_SUMS))
    best = found[0] if found else None
    least = min((structure.error for structure in node.found or ()), default=np.inf)
    if best is None or best.error > min(PROMISING, LEAST_GAIN * least):
        return False
    n_before, doubt = len(heap), 0.0 if best.error < SURE else DOUBT
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
                search.push(heap, Node(left, steps=(*node.steps, (step, best.error))), np.log10(best.error) + doubt)
    return len(heap) > n_before and not doubt


def expand_terms(search, heap, node):
    """Sparse sums of products, and quotients of them."""
    state = narrowed(node)
    forms = sparse_sums(state.X, state.y, state.weight, state.columns, judge_of(search.table, state),
                        is_over=search.budget.within(SHARE_OF_TERMS))  # fmt: skip
    for form in forms:
        if search.offer(state.wrap(form), node.steps) < EXACT or search.budget.is_over:
            return


def narrowed(node):
    """A node's state with those columns that matter most to its network, if it has many."""
    state = node.state
    if state.X.shape[1] <= MOST_IN_TERMS:
        return state
    effects = np.median(np.abs(node.reader.gradients(state.X)), 0) * state.X.std(0)
    places = np.sort(np.argsort(-effects, kind="stable")[:MOST_IN_TERMS])
    return state._replace(columns=[state.columns[j] for j in places], X=state.X[:, places])
