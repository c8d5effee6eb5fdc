"""Terms of glass boxes as formulas, against functions that are known and against the glass box itself."""

import numpy as np
import pandas as pd
import pytest
import sympy as sp

from sklearn_kan import KANRegressor
from sklearn_kan.model._effect import Effect
from sklearn_kan.symbolic import term_formulas
from sklearn_kan.symbolic._expressions import complexity, evaluate
from sklearn_kan.symbolic._terms import formula_of


def effect_of(values, *places):
    values = np.asarray(values, float)
    return Effect((0, 1)[: len(places)], places, values[..., None], 0 * values[..., None], np.ones(values.shape))


@pytest.mark.parametrize("law", ["2*log(a)", "3*sin(2*a)", "exp(-a) - 1", "Max(0, a - 2)"])
def test_a_term_that_is_a_simple_function_is_found(law):
    a = np.linspace(0.5, 4, 60)
    expected = np.vectorize(sp.lambdify(sp.Symbol("a"), sp.sympify(law), "numpy"))(a)
    formula, share = formula_of(effect_of(expected - expected.mean(), a), ["a"], 0, 0.9999)
    assert share > 0.9999
    assert complexity(formula) <= complexity(sp.sympify(law)) + 8
    np.testing.assert_allclose(
        evaluate(formula, [sp.Symbol("a")], a[:, None]), expected - expected.mean(), atol=0.02 * expected.std()
    )


def test_a_pair_that_is_a_product_is_found():
    a, b = np.linspace(-1, 1, 15), np.linspace(0, 2, 15)
    formula, share = formula_of(effect_of(np.outer(a, b - 1), a, b), ["a", "b"], 0, 0.999)
    assert share > 0.999
    assert formula.free_symbols == set(sp.symbols("a b"))


@pytest.fixture(scope="module")
def glass():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.uniform(1, 4, 200), "kind": rng.choice(["up", "down", "flat"], 200)})
    y = np.log(frame["x"]) + (frame["kind"] == "up")
    model = KANRegressor(interaction_cst="no_interactions", n_members=1, solver="lbfgs", random_state=0)
    return model.fit(frame, y), frame


def test_formulas_add_up_to_the_glass_box(glass):
    model, frame = glass
    table = term_formulas(model, fidelity=0.98)
    assert table["fidelity"].min() >= 0.98
    total = model.intercept_ + sum(table["formula"])
    columns = pd.get_dummies(frame, prefix_sep="=", dtype=float)
    found = evaluate(total, [sp.Symbol(name) for name in columns], columns.to_numpy())
    expected = model.predict(frame)
    assert np.mean((found - expected) ** 2) < 0.03 * expected.var()


def test_a_category_is_exactly_its_levels(glass):
    model, _ = glass
    formula = next(row.formula for row in term_formulas(model).itertuples() if row.term == ("kind",))
    levels = "up", "down", "flat"
    up, down = (float(formula.subs({f"kind={kind}": int(kind == level) for kind in levels})) for level in levels[:2])
    expected = model.predict(pd.DataFrame({"x": [2.0, 2.0], "kind": ["up", "down"]}))
    assert up - down == pytest.approx(expected[0] - expected[1], abs=1e-4)


def test_what_has_no_terms_is_refused(glass):
    with pytest.raises(TypeError, match="interaction_cst"):
        term_formulas(KANRegressor())
    with pytest.raises(ValueError, match="fidelity=2"):
        term_formulas(glass[0], fidelity=2)
