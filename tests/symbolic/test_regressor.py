"""Laws that are known: found, judged on rows of wider ranges, and told apart from what is not exact."""

import pickle
import signal

import numpy as np
import pandas as pd
import pytest
import sympy as sp
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from sklearn_kan import _interrupts
from sklearn_kan.symbolic import KANSymbolicRegressor, _search
from sklearn_kan.symbolic._rows import merge

SHORT = KANSymbolicRegressor(max_seconds=None, max_steps=2, random_state=0)


@parametrize_with_checks([SHORT])
def test_common_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("check", [check_dataframe_column_names_consistency, check_param_validation])
def test_checks_outside_the_common_list(check):
    check("KANSymbolicRegressor", clone(SHORT))


def rows(low, high, n_columns, n_samples=200, seed=0):
    return np.random.default_rng(seed).uniform(low, high, (n_samples, n_columns))


def search(max_steps=40, **params):
    return KANSymbolicRegressor(max_seconds=None, max_steps=max_steps, random_state=0, **params)


LAWS = {
    "product": (lambda a, b: 3 * a / b**2, (1, 3)),
    "sum under a root": (lambda a, b: np.sqrt(a**2 + 2 * b**2), (1, 3)),
    "wave": (lambda a, b: a * np.sin(3 * b), (1, 3)),
    "exponential": (lambda a, b: 2 * np.exp(-a / 3) - b, (-1, 2)),
    "power with an exponent that varies": (lambda a, b: a**b, (1, 3)),
    "Hill's curve": (lambda a, b: a**b / (1 + a**b), (1, 3)),
}


@pytest.mark.parametrize("name", LAWS)
def test_law_without_noise_holds_on_wider_ranges(name):
    law, (low, high) = LAWS[name]
    X = rows(low, high, 2)
    model = search().fit(X, law(*X.T))
    wide = rows(low - 0.4, high + 1, 2, seed=1)
    np.testing.assert_allclose(model.predict(wide), law(*wide.T), rtol=1e-7, atol=1e-9)
    assert model.is_exact_


def test_noisy_law_is_found_and_not_called_exact():
    X = rows(1, 3, 2)
    y = X[:, 0] * np.exp(-X[:, 1])
    noisy = y + 0.01 * y.std() * np.random.default_rng(1).normal(size=len(y))
    model = search(40).fit(X, noisy)
    assert sp.simplify(model.formula_ - sp.sympify("x0*exp(-x1)")) == 0
    assert not model.is_exact_
    assert model.checks_["residuals are white"]
    prediction, deviation = model.predict(X, return_std=True)
    inside = np.abs(noisy - prediction) < 1.96 * deviation
    assert 0.9 < inside.mean() < 0.99


def test_rows_of_noise_have_no_exact_formula():
    X = rows(0, 1, 2, 60)
    model = search(8).fit(X, np.random.default_rng(3).normal(size=60))
    assert not model.is_exact_


def test_irrelevant_columns_do_not_enter():
    X = rows(1, 3, 5)
    model = search(60).fit(X, X[:, 1] * np.cos(X[:, 3]))
    assert {s.name for s in model.formula_.free_symbols} == {"x1", "x3"}


def test_columns_and_targets_of_physical_size():
    X = rows(1, 3, 3) * [1e24, 1e22, 1e8]
    force = 6.674e-11 * X[:, 0] * X[:, 1] / X[:, 2] ** 2
    model = search().fit(X, force)
    np.testing.assert_allclose(model.predict(2 * X), 6.674e-11 * X[:, 0] * X[:, 1] / X[:, 2] ** 2, rtol=1e-7)


def test_units_reduce_the_table():
    frame = pd.DataFrame(rows(1, 3, 3), columns=["length", "g", "mass"])
    period = 2 * np.pi * np.sqrt(frame["length"] / frame["g"])
    units = {"length": "m", "g": "m/s**2", "mass": "kg", "target": "s"}
    model = search(8, units=units).fit(frame, period)
    assert model.formula_ == 2 * sp.pi * sp.sqrt(sp.Symbol("length")) / sp.sqrt(sp.Symbol("g"))


def test_library_takes_functions_of_a_user():
    X = rows(0.5, 8, 1)
    from scipy.special import j0

    model = search(30, library=["besselj(0, t)"]).fit(X, 2 * j0(X[:, 0]))
    np.testing.assert_allclose(model.predict(X), 2 * j0(X[:, 0]), atol=1e-7)


def test_the_same_again_and_through_pickle_and_clone():
    X = rows(1, 3, 2, 100)
    y = X[:, 0] ** 2 / X[:, 1] + 0.1 * np.random.default_rng(0).normal(size=len(X))
    first = search(3).fit(X, y)
    assert clone(first).fit(X, y).formula_ == first.formula_
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(first)).predict(X), first.predict(X))
    assert first.n_steps_ == 3


def test_weights_are_repetitions_and_order_makes_no_difference():
    X = rows(1, 3, 2, 80)
    y = X[:, 0] / X[:, 1]
    weight = np.random.default_rng(2).integers(0, 3, len(X))
    order = np.random.default_rng(1).permutation(weight.sum())
    repeated, again = np.repeat(X, weight, axis=0)[order], np.repeat(y, weight)[order]
    weighted = merge(["a", "b"], X, y, weight, 0.0)
    for one, other in zip(weighted, merge(["a", "b"], repeated, again, np.ones(len(again)), 0.0), strict=True):
        np.testing.assert_array_equal(one, other)


def test_pipelines_and_searches():
    X = rows(1, 3, 2, 60)
    model = make_pipeline(StandardScaler(), search(2))
    grid = GridSearchCV(model, {"kansymbolicregressor__max_steps": [1, 2]}, cv=2).fit(X, X.sum(1))
    assert grid.best_params_ == {"kansymbolicregressor__max_steps": 2}


@pytest.fixture(scope="module")
def fitted():
    frame = pd.DataFrame(rows(1, 3, 2), columns=["flow rate", "d"])
    return search().fit(frame, frame["flow rate"] / (4 * frame["d"] ** 3)), frame


def test_code_computes_what_the_formula_does(fitted, tmp_path):
    model, frame = fitted
    namespace: dict = {}
    exec(model.to_python("speed"), namespace)
    a, b = frame.iloc[0]
    assert namespace["speed"](a, b) == pytest.approx(model.predict(frame)[0])
    import sqlite3

    base = sqlite3.connect(":memory:")
    frame.to_sql("t", base, index=False)
    try:
        found = [row[0] for row in base.execute(f"SELECT {model.to_sql()} FROM t")]
    except sqlite3.OperationalError:  # an SQLite without mathematical functions
        pytest.skip("SQLite was built without POWER")
    np.testing.assert_allclose(found, model.predict(frame))
    assert "double law(double flow_rate, double d)" in model.to_c()
    assert model.latex().startswith(r"\frac")


def test_front_trades_size_for_error(fitted):
    front = fitted[0].front_
    assert front["complexity"].is_monotonic_increasing
    assert front["held_out_error"].is_monotonic_decreasing
    assert fitted[0].formula_ in front["formula"].tolist()


def test_where_a_formula_has_no_value_the_mean_is_predicted():
    X = rows(1, 3, 1)
    y = np.sqrt(X[:, 0] - 1)
    model = search().fit(X, y)
    with pytest.warns(UserWarning, match="no value at 1 of 2 rows"):
        assert model.predict([[0.5], [2.0]]) == pytest.approx([y.mean(), 1.0])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"max_seconds": None, "max_steps": None}, "set no end to the search"),
        ({"library": ["a*b"]}, "no function of one variable"),
        ({"library": ["sin("]}, "cannot read"),
        ({"units": {"x0": "m"}}, r"nothing for \['x1'\]"),
        ({"units": {"x0": "m", "x1": "m", "z": "m"}}, "no columns"),
        ({"units": {"x0": "m", "x1": "m+s"}}, "not a product of powers"),
    ],
)
def test_unusable_parameters_are_named(params, message):
    X = rows(1, 3, 2, 20)
    with pytest.raises(ValueError, match=message):
        search(2).set_params(**params).fit(X, X[:, 0] * X[:, 1])


@pytest.mark.usefixtures("no_signal_before")
def test_ctrl_c_keeps_the_best_formula(monkeypatch):
    def interrupted(search, heap, node, expand=_search.expand):
        expand(search, heap, node)
        signal.raise_signal(signal.SIGINT)

    X = rows(1, 3, 2, 40)
    y = np.sin(X[:, 0] * X[:, 1]) + np.random.default_rng(1).normal(size=40) * X[:, 1]
    undisturbed = search(1).fit(X, y)
    monkeypatch.setattr(_search, "expand", interrupted)
    with pytest.warns(UserWarning, match=r"^The search was interrupted; the best formula so far is kept\.$"):
        model = search(100).fit(X, y)
    assert model.n_steps_ < 100
    assert model.formula_ == undisturbed.formula_
    monkeypatch.setattr(_interrupts, "SECOND_WITHIN", np.inf)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, -y)
    assert model.formula_ == undisturbed.formula_


def test_waves_of_one_combination_of_columns():
    X = rows(1, 4, 3, 400)
    model = search(20).fit(X, np.sin(3 * X[:, 0] * X[:, 1] / X[:, 2]))
    assert sp.simplify(model.formula_ - sp.sympify("sin(3*x0*x1/x2)")) == 0


def test_progress_shows_the_best_formula(capsys):
    X = rows(1, 3, 2, 50)
    search(3, verbose=2).fit(X, X[:, 0] / X[:, 1])
    assert "x0**1.0/x1**1.0" in capsys.readouterr().out
    search(3, verbose=1).fit(X, X[:, 0] / X[:, 1])
    assert "formulas" in capsys.readouterr().err
