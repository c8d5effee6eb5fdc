"""Chunks: scales settle over the first calls, declared levels are known, and what is lost for good is said once."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.estimators import _settling
from sklearn_kan.estimators._settling import SETTLED_ROWS

N = 900
rng = np.random.default_rng(0)
X = rng.normal(size=(N, 3))
TARGET = 2 * X[:, 0] + np.sin(2 * X[:, 1])
LEVEL = np.sort(rng.integers(0, 6, N))
EFFECT = rng.normal(size=6)[LEVEL] * 3
NAMES = np.array(list("abcdef"))


def small(estimator=KANRegressor, **params):
    return estimator((8,), **{"n_knots": 4, "n_members": 2, "max_iter": 15, "random_state": 0, **params})


def chunks(table, y, size=100):
    take = (lambda s: table.iloc[s : s + size]) if isinstance(table, pd.DataFrame) else (lambda s: table[s : s + size])
    return [(take(s), y[s : s + size]) for s in range(0, N, size)]


@pytest.mark.parametrize("params", [{}, {"knots": "uniform", "n_members": 1}], ids=str)
def test_rows_one_at_a_time_are_learned_from(params, monkeypatch):
    monkeypatch.setattr(_settling, "SETTLED_ROWS", 60)
    model = small(learning_rate_init=0.02, **params)
    for i in [*range(100)] * 2:
        model.partial_fit(X[i : i + 1], TARGET[i : i + 1])
    assert model.score(X, TARGET) > 0.7


@pytest.mark.parametrize(("size", "value"), [(100, 0.0), (300, -7.0)])
def test_a_column_that_is_constant_at_first_is_learned_later(size, value):
    table = X.copy()
    table[:size, 0] = value
    y = np.where(np.arange(N) < size, 0, 2 * X[:, 0]) + np.sin(2 * X[:, 1])
    model = small(max_iter=15, learning_rate_init=0.03).fit_chunks(chunks(table, y, size))
    assert model.score(table[size:], y[size:]) > 0.8
    assert model.encoder_.rate_[0] > 0


@pytest.mark.parametrize(
    ("size", "params"), [(100, {}), (300, {}), (100, {"loss": "absolute_error"}), (300, {"loss": "huber"})], ids=str
)
def test_a_target_that_is_constant_at_first_is_learned_later(size, params):
    y = 1000 * TARGET
    y[:size] = 5
    model = small(max_iter=15, learning_rate_init=0.03, **params).fit_chunks(chunks(X, y, size))
    assert model.score(X[size:], y[size:]) > 0.7
    assert model.target_scaler_.scale_[0] > 100


def test_counts_that_are_zero_at_first_are_learned_later():
    y = rng.poisson(np.exp(0.5 * TARGET + 3)).astype(float)
    y[:300] = 0
    model = small(loss="poisson", max_iter=10, learning_rate_init=0.03).fit_chunks(chunks(X, y, 300))
    assert np.corrcoef(np.log(model.predict(X[300:])), TARGET[300:])[0, 1] > 0.8


def test_scales_are_those_of_all_rows_until_there_are_enough():
    model = small()
    for table, y in chunks(X, TARGET, 64):
        model.partial_fit(table, y)
    fair = small().partial_fit(X[:SETTLED_ROWS], TARGET[:SETTLED_ROWS])
    np.testing.assert_array_equal(model.encoder_.center_, fair.encoder_.center_)
    np.testing.assert_array_equal(model.encoder_.rate_, fair.encoder_.rate_)
    np.testing.assert_array_equal(model.target_scaler_.scale_, fair.target_scaler_.scale_)
    np.testing.assert_array_equal(model.module_.layers[0].basis.knots, fair.module_.layers[0].basis.knots)
    assert model._state.design.seen.rows is None


def test_a_first_call_with_enough_rows_settles_all():
    model = small().partial_fit(X[:300], TARGET[:300])
    encoder, scaler = model.encoder_, model.target_scaler_
    model.partial_fit(100 * X[300:], TARGET[300:])
    assert model.encoder_ is encoder
    assert model.target_scaler_ is scaler


@pytest.mark.parametrize("size", [20, 100])
def test_a_monstrous_target_among_the_first_rows_does_not_set_the_scale(size):
    y = TARGET.copy()
    y[size + 3] = 1e200
    model = small()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(10 if size == 100 else 3):
            for table, part in chunks(X, y, size):
                model.partial_fit(table, part)
    good = y < 1e100
    assert model.score(X[good], y[good]) > 0.7


def test_models_that_have_not_settled_are_stored():
    model = small().partial_fit(X[:50], TARGET[:50])
    again = pickle.loads(pickle.dumps(model))
    for one in (model, again):
        one.partial_fit(X[50:120], TARGET[50:120])
    np.testing.assert_array_equal(again.encoder_.center_, model.encoder_.center_)
    assert again._state.design.seen.rows.y.shape == (120, 1)


DECLARED = {
    "pandas": lambda k: pd.DataFrame({"k": pd.Categorical(NAMES[k], categories=NAMES)}),
    "pandas in another order": lambda k: pd.DataFrame({"k": pd.Categorical(NAMES[k], categories=NAMES[::-1])}),
    "pandas ordered": lambda k: pd.DataFrame({"k": pd.Categorical(NAMES[k], categories=NAMES, ordered=True)}),
    "pandas numbers": lambda k: pd.DataFrame({"k": pd.Categorical(10 * k, categories=10 * np.arange(6))}),
    "polars enum": lambda k: pl.DataFrame({"k": pl.Series(NAMES[k], dtype=pl.Enum(NAMES.tolist()))}),
}


@pytest.mark.parametrize("kind", DECLARED)
def test_levels_that_a_dtype_declares_are_learned_when_they_come(kind):
    table = DECLARED[kind](LEVEL)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = small(max_iter=12, learning_rate_init=0.1).fit_chunks(chunks(table, EFFECT, 300))
    assert model.encoder_.n_levels_ == [7]
    assert model.score(table, EFFECT) > 0.9


def test_declared_levels_that_do_not_occur_leave_a_whole_fit_as_it_is():
    model = small(max_iter=2).fit(DECLARED["pandas"](np.minimum(LEVEL, 2)), EFFECT)
    assert model.encoder_.n_levels_ == [4]


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
def test_what_comes_too_late_is_named_once(estimator):
    table = pd.DataFrame({"k": NAMES[LEVEL].astype(object), "m": np.where(LEVEL == 3, np.nan, X[:, 0]), "x": X[:, 1]})
    table["q"] = np.where(LEVEL == 5, None, "u")
    y = EFFECT if estimator is KANRegressor else LEVEL % 2
    parts = [(table.iloc[s : s + 100], y[s : s + 100]) for s in range(0, N, 100)]
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        small(estimator, max_iter=3).fit_chunks(parts, **{} if estimator is KANRegressor else {"classes": [0, 1]})
    texts = [str(one.message) for one in seen if "first call had none" in str(one.message)]
    assert len(texts) == 3
    for text, name, reason in zip(texts, "kmq", ["labels such as", "missing values", "missing values"], strict=True):
        assert f"have now: '{name}' ({reason}" in text
    assert not any("'x'" in text for text in texts)
