"""The closed form of a network, judged by its predictions."""

import numpy as np
import pandas as pd
import pytest
import sympy as sp

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.bases import BASES
from sklearn_kan.symbolic import to_sympy

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 2))
Y = np.sin(2 * X[:, 0]) + X[:, 1] ** 2
FAR = np.concatenate([X[:10], 4 * X[:10], [[-50.0, 30.0]]])


def values(formula, X, names=("x0", "x1")):
    function = sp.lambdify([sp.Symbol(name) for name in names], formula, ["numpy", "scipy"], cse=True)
    return np.array([function(*row) for row in np.asarray(X, float)])


@pytest.mark.parametrize("basis", sorted(BASES))
def test_closed_form_predicts_inside_and_outside_the_training_range(basis):
    model = KANRegressor((), basis=basis, n_knots=4, n_members=1, max_iter=4, random_state=0).fit(X, Y)
    np.testing.assert_allclose(values(to_sympy(model), FAR), model.predict(FAR), rtol=1e-6, atol=1e-6)


PARAMS = {
    "hidden": {"hidden_layer_sizes": (2,), "degree": 2},
    "products": {"hidden_layer_sizes": (2,), "interactions": "product", "degree": 1},
    "batch": {"hidden_layer_sizes": (2,), "norm": "batch", "basis": ["rational", "bspline"]},
    "individual knots": {"basis": "truncated_power", "basis_params": {"individual_knots": True}},
    "quantile knots": {"knots": "quantile"},
    "poisson": {"loss": "poisson"},
    "pooled": {"basis": "activation", "basis_params": {"pool": "linear", "activation": "gelu"}},
}


@pytest.mark.parametrize("name", PARAMS)
def test_closed_form_of_other_networks(name):
    params = {"hidden_layer_sizes": (), "n_knots": 3, "n_members": 1, "max_iter": 4, "random_state": 0} | PARAMS[name]
    y = np.exp(np.clip(Y, -1, 1)) if name == "poisson" else Y
    model = KANRegressor(**params).fit(X, y)
    np.testing.assert_allclose(values(to_sympy(model), FAR), model.predict(FAR), rtol=1e-6, atol=1e-6)


def test_columns_have_their_names_and_levels_are_one_or_zero():
    frame = pd.DataFrame({"a b": X[:, 0], "kind": np.where(X[:, 1] > 0, "up", "down")})
    model = KANRegressor((), n_members=1, n_knots=4, max_iter=4, random_state=0).fit(frame, Y)
    up = frame["kind"] == "up"
    columns = np.stack([frame["a b"], up, ~up], 1)
    found = values(to_sympy(model), columns, ["a b", "kind=up", "kind=down"])
    np.testing.assert_allclose(found, model.predict(frame), rtol=1e-6, atol=1e-6)


def test_a_column_with_two_scales():
    x = np.where(RNG.random(50) < 0.2, -999.0, RNG.random(50))
    model = KANRegressor((), n_members=1, n_knots=4, max_iter=4, random_state=0).fit(x[:, None], x > 0.5)
    places = np.concatenate([x, [-2000.0, -500.0, 3.0]])[:, None]
    np.testing.assert_allclose(values(to_sympy(model), places, ["x0"]), model.predict(places), rtol=1e-6, atol=1e-6)


def test_a_classifier_of_two_classes_gives_log_odds():
    model = KANClassifier((), n_members=1, n_knots=4, max_iter=4, random_state=0).fit(X, Y > 1)
    np.testing.assert_allclose(values(to_sympy(model), FAR), model.decision_function(FAR), rtol=1e-6, atol=1e-6)


def test_what_has_no_formula_is_refused():
    with pytest.raises(ValueError, match="n_members=1"):
        to_sympy(KANRegressor((), n_members=2, max_iter=1).fit(X, Y))
    with pytest.raises(TypeError, match="no fitted network"):
        to_sympy(KANRegressor())
    gaps = X.copy()
    gaps[0, 0] = np.nan
    with pytest.raises(ValueError, match="Fill them"):
        to_sympy(KANRegressor((), n_members=1, max_iter=1).fit(gaps, Y))


def test_closed_form_of_a_column_with_fine_structure():
    t = np.linspace(0, 1, 1_000)
    model = KANRegressor((), n_members=1, max_iter=3, random_state=0).fit(t[:, None], np.sin(200 * t))
    assert model.fine_knots_[0] >= 64
    x = np.linspace(-0.5, 1.5, 400)[:, None]
    np.testing.assert_allclose(values(to_sympy(model), x, ("x0",)), model.predict(x), rtol=1e-6, atol=1e-6)
