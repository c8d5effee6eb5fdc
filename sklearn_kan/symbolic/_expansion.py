"""What a search begins with at each state, the cheapest first: a short law is not lost to a long detour."""

from functools import partial

import numpy as np

from ._closing import (
    MOST_IN_TERMS,
    SHARE_OF_STEP,
    close,
    close_indices,
    expand_terms,
    offer_all,
    recombine,
    split_off,
    take_term_off,
)
from ._dictionary import plain_sums
from ._nodes import EXACT, Node, judge_of
from ._rational import bent_forms, rational_forms
from ._states import Drop
from ._structures import read, structures

NOISE = 0.1  # error of a formula that may be the law without a look at a network
MOST_IN_BLOCKS = 6  # columns that are put into blocks of two
N_ROWS = 600  # that show which columns matter
MOST_IN_SUMS = 4  # columns of a table whose sums are looked at before any network
FEW = 3  # columns of a state that is not the table whose sums are looked at
POOR = 0.5  # error of a network that says nothing
SMALL, LARGEST_SHARE = 0.7, 0.3  # effects of columns that may be left out, in the error and in the largest effect
LEAST_EFFECT = 3e-3  # below which nothing is lost for now
HARDLY_WORSE = 1.25  # times the error, by chance
LATER = 1.5  # added to the rank of a table with columns that do not seem to matter


def expand(search, heap, node):
    """Try what has a closed form and what needs no network, then follow the network's proposals."""
    n_columns = node.state.X.shape[1]
    if begin(search, heap, node) if n_columns > 1 else glance(search, node):
        return
    go_deeper(search, heap, node)


def begin(search, heap, node):
    """Try what takes no time; returns whether that is all for now."""
    n_columns = node.state.X.shape[1]
    close_plainly(search, node)
    if not search.is_done and n_columns <= (MOST_IN_SUMS if node.is_whole else FEW):
        close_further(search, node)
    if search.fits_networks and not node.steps and n_columns > 2 and not search.is_done:
        lesser = without_idle(search, node)
        if lesser is not None:
            search.push(heap, lesser, 0.0)
            search.push(heap, node, LATER, partial(go_deeper, search))
            return True
    if node.is_whole and n_columns > MOST_IN_SUMS and not search.is_done:
        close_further(search, node)
    return search.is_done


def go_deeper(search, heap, node):
    """Read curves, take parts off, and follow the network's proposals."""
    n_columns = node.state.X.shape[1]
    if (not node.is_closed and close(search, node) < EXACT) or n_columns == 0:
        return
    if node.is_whole and search.fits_networks and search.best.error < NOISE and search.is_settled(search.best):
        search.found_all = True
        return
    has_child = n_columns in (2, 3) and take_term_off(search, heap, node)
    if search.fits_networks and 2 < n_columns <= MOST_IN_BLOCKS:
        has_child = has_child or split_off(search, heap, node)
    if n_columns == 2:
        for place, action in enumerate((recombine, expand_terms)):
            if has_child:
                search.push(heap, node, 0.02 * place, partial(action, search))
            elif not search.is_done:
                action(search, heap, node)
    if n_columns == 3:
        search.push(heap, node, 0.5, partial(recombine, search))
    if 3 < n_columns <= MOST_IN_TERMS and search.fits_networks:
        search.push(heap, node, 0.6, partial(expand_terms, search))
    if has_child:  # it comes first
        search.push(heap, node, 0.05, search.follow)
    else:
        search.follow(heap, node)


def glance(search, node):
    """Offer functions of a single column as they stand, and sums of them; returns whether that is all."""
    if not node.state.X.shape[1]:
        return False
    state, judge = node.state, judge_of(search.table, node.state)
    if not node.is_closed:
        for structure in structures(state.X, state.y, state.weight, judge, outers=("id",))[:1]:
            offer_all(search, node, read(structure, state.columns, search.library,
                                         tolerance=max(structure.error, 1e-5), n_best=3, rough=True))  # fmt: skip
    if search.fits_networks and not search.is_done:  # quicker than curves
        expand_terms(search, None, node)
    return search.is_done


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


def close_further(search, node):
    """Offer quotients of polynomials in which one column is bent, and sums of a few plain terms."""
    state, judge = node.state, judge_of(search.table, node.state)
    is_late = search.budget.within(SHARE_OF_STEP)
    if search.fits_networks:
        offer_all(search, node, bent_forms(state.X, state.y, state.columns, is_late))
        if search.is_done:
            return
    offer_all(search, node, plain_sums(state.X, state.y, state.weight, state.columns, judge, is_over=is_late))


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
    return Node(state, steps=steps, is_whole=True) if steps else None


def effects(search, state):
    """The error of a small network of a state, and sizes of its columns' effects in standard deviations."""
    part = slice(0, N_ROWS)
    few = state._replace(X=state.X[part], y=state.y[part], weight=state.weight[part])
    reader = search.fit(few, rows=part)
    if reader is None:
        return np.inf, np.zeros(state.X.shape[1])
    slopes = np.median(np.abs(reader.gradients(few.X)), 0)
    return reader.error, slopes * few.X.std(0) / search.table.spread
