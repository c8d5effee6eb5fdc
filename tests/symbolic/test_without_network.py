"""Structures that are read off rows without a network, against the functions that rows were made of."""

import numpy as np
import pytest
import sympy as sp

from sklearn_kan.symbolic._blocks import splits
from sklearn_kan.symbolic._expressions import compiled
from sklearn_kan.symbolic._library import make_library
from sklearn_kan.symbolic._monotone import fit_monotone
from sklearn_kan.symbolic._partly_linear import partly_linear, reductions
from sklearn_kan.symbolic._states import State
from sklearn_kan.symbolic._structures import Splines, read, structures

A, B = COLUMNS = list(sp.symbols("a b", positive=True))
X = np.random.default_rng(0).uniform(1, 3, (400, 2))
NOISE = np.random.default_rng(1).normal(size=400)
ONES = np.ones(400)


def values(law, X=X):
    return compiled(COLUMNS, law)(*X.T)


def test_the_likest_monotone_function_of_the_target_is_the_law_s_own():
    y = values((A**1.3 + 2 * B) ** -0.7)
    fit = fit_monotone(Splines(X, 12), Splines(y[:, None], 12), y, ONES)
    assert np.corrcoef(fit.sums, -(X[:, 0] ** 1.3) - 2 * X[:, 1])[0, 1] > 1 - 1e-6
    np.testing.assert_allclose(fit.link(fit.sums), y, rtol=1e-3)
    assert fit_monotone(Splines(X, 12), Splines(NOISE[:, None], 12), NOISE, ONES) is None


@pytest.mark.parametrize("law", [(A**1.3 + 2 * B) ** -0.7, 3 + (A - 4) * (B**0.16 + 2)])
def test_sums_and_products_behind_functions_that_are_not_known(law):
    y, wide = values(law), X * 1.1
    found = structures(X, y, ONES, lambda predictions: np.std(predictions - y) / np.std(y))[0]
    assert found.kind == "monotone"
    forms = read(found, COLUMNS, make_library(), tolerance=1e-5, top=1, n_best=2)
    errors = [np.abs(values(form, wide) - values(law, wide)).max() / y.std() for form in forms]
    assert min(errors) < 1e-2  # before constants are fitted together


@pytest.mark.parametrize(
    ("law", "with_one", "index"),
    [
        (A / (1 - (1 + A) ** -B), A, (1 + A) ** B),
        (sp.exp(A * B) - sp.exp(-(1 - A) * B), sp.exp(A * B), B),
        ((1 + B * (2 - sp.sqrt(A))) ** 2, (1 - B * sp.sqrt(A)) ** 2, B),
        (sp.tanh(B * sp.log(A)), sp.Integer(1), A**B),
        (1 / (A * B + (A**2 - B**2) ** 2), 1 / (A * B + 1), A**2 - B**2),
    ],
)
def test_a_term_and_any_function_of_one_combination(law, with_one, index):
    y = values(law)
    state = State(COLUMNS, X, y, ONES, lambda e: e, lambda g, rows: g)
    (error, child), *_ = reductions(state, lambda: False)
    assert error < 2e-2
    assert child.columns == [index]
    np.testing.assert_allclose(child.back(child.y, slice(None)), y)
    rest = sp.nsimplify(child.wrap(sp.Integer(1)), rational=True)
    assert sp.simplify(rest - with_one) == 0
    assert not partly_linear(X, NOISE, ONES, COLUMNS)


def test_columns_are_put_into_the_blocks_of_the_law():
    X = np.random.default_rng(2).uniform(0, 3, (500, 4))
    y = X[:, 2] * np.sin(2 * X[:, 0]) + np.exp(-X[:, 1]) / (1 + X[:, 3])
    best = splits(X, y, np.ones(500), lambda predictions, rows: np.std(predictions - y[rows]) / np.std(y))[0]
    assert (best.outer, set(best.blocks)) == ("id", {(0, 2), (1, 3)})
    own = best.values[best.blocks.index((0, 2))]
    np.testing.assert_allclose(own, X[:, 2] * np.sin(2 * X[:, 0]) - np.mean(X[:, 2] * np.sin(2 * X[:, 0])), atol=0.1)
