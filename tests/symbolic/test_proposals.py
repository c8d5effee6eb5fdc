"""Proposals that a network with the law's own values and derivatives makes."""

import numpy as np
import pytest
import sympy as sp

from sklearn_kan.symbolic._expressions import compiled
from sklearn_kan.symbolic._proposals import proposals
from sklearn_kan.symbolic._single_index import single_indices
from sklearn_kan.symbolic._states import State

A, B, C, D = COLUMNS = sp.symbols("a b c d", positive=True)
X = np.random.default_rng(0).uniform(1, 2, (300, 4))
KINDS = "Level", "Scaled", "Shift"


class Law:
    """What `proposals` asks of a network, by sympy."""

    def __init__(self, formula):
        self.function = compiled(COLUMNS, formula)
        self.slopes = [compiled(COLUMNS, sp.diff(formula, column)) for column in COLUMNS]

    def values(self, X):
        return self.function(*X.T) + np.zeros(len(X))

    def gradients(self, X):
        return np.stack([slope(*X.T) + np.zeros(len(X)) for slope in self.slopes], 1)


def state_of(law):
    return State(list(COLUMNS), X, law.values(X), np.ones(len(X)), lambda e: e, lambda g, rows: g)


@pytest.mark.parametrize(
    ("formula", "kind", "column"),
    [
        (sp.cos(A - B * C) * D, "Level", A - B * C),
        (sp.exp(A - B**2 * sp.sqrt(C)) + D, "Level", A - B**2 * sp.sqrt(C)),
        (A * sp.tanh(A * B) + C * D, None, None),
        (A * C * sp.tanh(A / B) * D, "Scaled", A / B),
        (A + (B - A) * sp.exp(-C * D), "Shift", B - A),
    ],
)
def test_level_sets_and_scalings_are_proposed_where_they_hold(formula, kind, column):
    law = Law(formula)
    state = state_of(law)
    found = proposals(state, law, 1e-4, float(state.y.std()), np.random.default_rng(1), None)
    chosen = [p.reduction for p in found if type(p.reduction).__name__ in KINDS and p.residual < 1e-6]
    if kind is None:
        assert not chosen
        return
    children = [child for reduction in chosen for child in reduction.apply(state, None)]
    ours = [child for child in children if any(c in (column, 1 / column, -column) for c in child.columns)]
    assert ours
    for child in ours:  # what is left has the values of the original law
        np.testing.assert_allclose(child.back(child.y, slice(None)), state.y)


def test_columns_that_are_rescaled_together_become_two_products():
    law = Law(sp.exp(-A * B) * sp.cos(B * C) + D)
    state = state_of(law)
    found = proposals(state, law, 1e-4, float(state.y.std()), np.random.default_rng(1), None)
    best = next(p for p in found if type(p.reduction).__name__ == "Invariance" and p.residual < 1e-6)
    (child,) = best.reduction.apply(state, None)
    assert set(child.columns) == {A * B, B * C, D}
    np.testing.assert_allclose(child.X, np.column_stack([X[:, 3], X[:, 0] * X[:, 1], X[:, 1] * X[:, 2]]))


def test_one_combination_of_columns_is_seen_through_waves():
    z = X[:, 0] * X[:, 1] / X[:, 2]
    (values, expression), *_ = single_indices(X[:, :3], np.sin(5 * z), list(COLUMNS[:3]), True)
    assert expression == A * B / C
    np.testing.assert_allclose(values, z)
    assert not single_indices(X[:, :3], np.random.default_rng(0).normal(size=len(X)), list(COLUMNS[:3]), True)


def test_irrelevant_columns_leave_with_the_first_powers_and_groups():
    law = Law(A * sp.tanh(B / C))
    state = state_of(law)
    first = proposals(state, law, 1e-3, float(state.y.std()), np.random.default_rng(1), None)[0].reduction
    (child,) = first.apply(state, None)
    assert len(child.columns) == 1
    assert child.columns[0] in (B / C, C / B)
    np.testing.assert_allclose(child.back(child.y, slice(None)), state.y)
    np.testing.assert_allclose(child.y, np.tanh(X[:, 1] / X[:, 2]))
