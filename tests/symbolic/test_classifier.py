"""Log-odds that are known: found, with constants as a likelihood has them, and probabilities that are calibrated."""

import pickle
import signal
from contextlib import nullcontext
from itertools import islice

import numpy as np
import pandas as pd
import pytest
import sympy as sp
from scipy.special import expit
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from sklearn_kan.symbolic import KANSymbolicClassifier, _growth
from sklearn_kan.symbolic._losses import DEVIANCE

SHORT = KANSymbolicClassifier(max_seconds=None, max_steps=1, random_state=0)


@parametrize_with_checks([SHORT])
def test_common_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("check", [check_dataframe_column_names_consistency, check_param_validation])
def test_checks_outside_the_common_list(check):
    check("KANSymbolicClassifier", clone(SHORT))


def drawn(log_odds, seed=1):
    return np.random.default_rng(seed).logistic(size=len(log_odds)) < log_odds


@pytest.fixture(scope="module")
def ratio():
    X = np.random.default_rng(0).uniform(1, 3, (600, 3))
    y = drawn(8 * X[:, 0] / X[:, 1] - 8)
    return KANSymbolicClassifier(max_seconds=None, max_steps=25, random_state=0).fit(X, y), X, y


def test_a_ratio_is_found_with_constants_of_a_likelihood(ratio):
    model, X, y = ratio
    a, b = sp.symbols("x0 x1")
    slope, level = (model.formula_.coeff(a / b), model.formula_.as_coeff_Add()[0])
    assert sp.simplify(model.formula_ - slope * a / b - level) == 0
    known = LogisticRegression(C=np.inf).fit((X[:, 0] / X[:, 1])[:, None], y)
    assert float(slope) == pytest.approx(known.coef_[0, 0], rel=0.05)  # targets are a little inside of 0 and 1
    assert log_loss(y, model.predict_proba(X)) < log_loss(y, expit(8 * X[:, 0] / X[:, 1] - 8)) + 0.002
    intervals = model.constants_
    assert ((intervals["low"] < intervals["value"]) & (intervals["value"] < intervals["high"])).all()


def test_front_trades_size_for_log_loss(ratio):
    front = ratio[0].front_
    assert front["complexity"].is_monotonic_increasing
    assert front["held_out_log_loss"].is_monotonic_decreasing
    assert front["held_out_log_loss"].iloc[0] == pytest.approx(np.log(2), abs=0.05)


def test_code_and_copies(ratio):
    model, X, _ = ratio
    namespace: dict = {}
    exec(model.to_python(), namespace)
    assert namespace["law"](*X[0]) == pytest.approx(model.decision_function(X)[0])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))


def test_categories_are_symbols_and_unknown_levels_have_none():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"kind": rng.choice(["up", "down", "flat"], 400), "x": rng.uniform(size=400)})
    y = drawn(np.where(frame["kind"] == "up", 3.0, -2.0))
    model = KANSymbolicClassifier(max_seconds=None, max_steps=12, random_state=0).fit(frame, np.where(y, "yes", "no"))
    assert {symbol.name for symbol in model.formula_.free_symbols} == {"kind=up"}
    assert "CASE WHEN \"kind\" = 'up'" in model.to_sql()
    other = pd.DataFrame({"kind": ["sideways", "down"], "x": [0.5, 0.5]})
    assert np.ptp(model.decision_function(other)) == 0
    share = y[frame["kind"] != "up"].mean()
    assert model.predict_proba(other)[0, 1] == pytest.approx(share, abs=0.01)


def test_each_of_several_classes_has_a_formula():
    X = np.random.default_rng(0).uniform(-1, 1, (300, 2))
    y = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.3, 0.3])]
    model = KANSymbolicClassifier(max_seconds=None, max_steps=18, random_state=0).fit(X, y)
    assert len(model.formula_) == len(model.latex()) == 3
    assert model.score(X, y) > 0.95
    np.testing.assert_allclose(model.predict_proba(X).sum(1), 1)
    assert set(model.front_["class"]) == {"a", "b", "c"}


def test_balanced_classes_move_the_constant():
    X = np.random.default_rng(0).normal(size=(400, 1))
    y = drawn(X[:, 0] - 3)
    plain, balanced = (
        KANSymbolicClassifier(max_seconds=None, max_steps=4, class_weight=weight, random_state=0).fit(X, y)
        for weight in (None, "balanced")
    )
    assert balanced.decision_function(X).mean() > plain.decision_function(X).mean() + 2


@pytest.mark.parametrize(
    ("params", "y", "message"),
    [
        ({"max_seconds": None, "max_steps": None}, [0, 1] * 10, "set no end to the search"),
        ({"library": ["a*b"]}, [0, 1] * 10, "no function of one variable"),
        ({}, [1] * 20, "only one class"),
    ],
)
def test_unusable_parameters_are_named(params, y, message):
    X = np.random.default_rng(0).uniform(size=(20, 2))
    with pytest.raises(ValueError, match=message):
        KANSymbolicClassifier(max_steps=2).set_params(**params).fit(X, y)


@pytest.mark.usefixtures("no_signal_before")
@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("n_classes", [2, 3])
def test_ctrl_c_keeps_the_formula_of_all_classes_or_none(n_classes, monkeypatch):
    X = np.random.default_rng(0).normal(size=(90, 2))
    y = np.digitize(X[:, 0] + 0.3 * X[:, 1], [0, 1][: n_classes - 1])

    def interrupted(*args, grow=_growth.larger_and_larger):
        yield from islice(grow(*args), 1)
        signal.raise_signal(signal.SIGINT)

    model = KANSymbolicClassifier(max_seconds=None, max_steps=30, random_state=0)
    monkeypatch.setattr(_growth, "larger_and_larger", interrupted)
    is_kept = n_classes == 2
    with (
        pytest.warns(UserWarning, match=r"^The search was interrupted") as told,
        nullcontext() if is_kept else pytest.raises(KeyboardInterrupt, match="Not all classes"),
    ):
        model.fit(X, y)
    assert told[0].filename == __file__
    assert hasattr(model, "classes_") == is_kept
    assert not is_kept or model.score(X, y) > 0.8  # by the one term that was found


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_formulas_without_a_value_have_no_deviance():
    residuals = DEVIANCE.residuals(np.array([np.nan, np.inf, -np.inf, 0.0]), np.array([0.0, 1.0, 0.5, 0.5]), 1.0)
    np.testing.assert_allclose(residuals, [np.nan, 0, -np.sqrt(500 - 2 * np.log(2)), 0], atol=1e-6)
