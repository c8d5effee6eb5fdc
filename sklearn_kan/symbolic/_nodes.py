"""What a search holds: candidates, and states with what has been fitted to them."""

from typing import Any, NamedTuple

import numpy as np

from ._reader import LARGEST
from ._states import State

EXACT = 1e-8  # error below which nothing is left to find
EXACT_OF_MANY, FEW = (
    1e-11,
    4,
)  # the same of formulas with more constants than a few, which come near any smooth function


class Candidate(NamedTuple):
    """A formula of the original target, with its constants fitted."""

    formula: Any
    error: float
    bic: float
    steps: tuple  # pairs of a text and the network's held-out error after it


def exactness(n_constants):
    """The error below which a formula with so many fitted constants is a law."""
    return EXACT if n_constants <= FEW else EXACT_OF_MANY


class Node:
    """A state in the search: what has been fitted to it, and what is left to try.

    It `is_whole` if it is the table, with columns left out at most.
    """

    def __init__(self, state, reader=None, steps=(), is_whole=False):
        self.state, self.reader, self.steps = state, reader, steps
        self.todo, self.tried, self.n_visits, self.found = None, {}, 0, None
        self.is_patient, self.is_closed, self.is_whole = False, False, is_whole or not steps

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
