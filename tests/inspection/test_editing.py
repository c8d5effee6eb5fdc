"""Edited glass boxes: new estimators that predict what their terms say."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.isotonic import IsotonicRegression

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.inspection import monotonize, remove_terms, round_terms, set_term
from sklearn_kan.model._effect import model_effects, term_values

PARAMS = {"n_members": 2, "max_iter": 3, "random_state": 0, "dtype": "float64", "early_stopping": True}


def frame(n=150):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"few": rng.integers(0, 4, n).astype(float), "x": rng.normal(size=n)})
    X.loc[::8, "x"] = np.nan
    return X.assign(label=pd.Categorical(rng.choice(["a", "b", "c"], n)))


def build(kind):
    X = frame()
    signal = np.nan_to_num(X["x"]) + X["few"] * (X["label"] == "a")
    if kind == "numbers":
        return KANRegressor(interaction_cst=[["few", "label"]], **PARAMS).fit(X, 10 * signal), X
    y = np.digitize(signal, [1.0] if kind == "two classes" else [0.0, 2.0])
    return KANClassifier(interaction_cst=[["few", "label"]], **PARAMS).fit(X, y), X


@pytest.fixture(scope="module", params=["numbers", "two classes", "three classes"])
def fitted(request):
    return build(request.param)


@pytest.fixture(scope="module")
def regression():
    return build("numbers")


def raw(model, X):
    """What terms add up to, ``(n, n_outputs)``."""
    found = model.predict(X) if isinstance(model, KANRegressor) else model.decision_function(X)
    return found.reshape(len(X), -1)


def test_removed_terms_are_what_predictions_lose(fitted):
    model, X = fitted
    before, values = raw(model, X), term_values(model, X)
    assert model.terms_ == [("few",), ("x",), ("label",), ("few", "label")]
    less = remove_terms(model, ["x", ("label", "few")])
    assert less.terms_ == [("few",), ("label",)]
    np.testing.assert_allclose(raw(less, X), before - values[:, [1, 3]].sum(1), atol=1e-10)
    np.testing.assert_allclose(less.term_importances_, model.term_importances_[[0, 2]])
    np.testing.assert_array_equal(raw(model, X), before)
    nothing = remove_terms(model, model.terms_)
    np.testing.assert_allclose(raw(nothing, X), np.broadcast_to(model.intercept_, before.shape), atol=1e-10)


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_a_term_that_is_set_to_its_own_values_stays(fitted, number):
    model, X = fitted
    effect = model_effects(model)[number]
    same = set_term(model, model.terms_[number], effect.values)
    rows = X if number != 1 else X.assign(x=np.resize(effect.places[0], len(X)))  # the term is curved in between
    np.testing.assert_allclose(raw(same, rows), raw(model, rows), atol=1e-9)


def test_a_term_that_is_set_is_what_is_added(regression):
    model, X = regression
    values = np.array([5.0, 0.0, -1.0])
    new = set_term(model, "label", values)
    at = X["label"].cat.codes
    difference = raw(new, X)[:, 0] - raw(remove_terms(model, ["label"]), X)[:, 0]
    np.testing.assert_allclose(difference, values[at], atol=1e-9)
    place = new.terms_.index(("label",))
    np.testing.assert_allclose(term_values(new, X)[:, place].mean(), 0, atol=1e-9)
    assert new.intercept_ == pytest.approx(model.intercept_ + values[at].mean())


@pytest.mark.parametrize("increasing", [True, False, "auto"])
def test_monotone_terms_are_isotonic_regressions(regression, increasing):
    model, _ = regression
    new = monotonize(model, "x", increasing=increasing)
    old, effect = model_effects(model)[1], model_effects(new)[1]
    moved = new.intercept_ - model.intercept_  # by the curve's mean between places
    np.testing.assert_allclose(effect.values[-1] + moved, old.values[-1], atol=1e-9)  # missing values
    rises = effect.values[-2, 0] > effect.values[0, 0] if increasing == "auto" else increasing
    sign = 1 if rises else -1
    assert (sign * np.diff(effect.values[:-1, 0]) >= -1e-12).all()
    single = remove_terms(new, [("few",), ("label",), ("few", "label")])
    swept = frame().loc[np.zeros(100, dtype=int)].assign(x=np.linspace(-5, 5, 100))
    assert (sign * np.diff(single.predict(swept)) >= -1e-9).all()
    assert abs(moved) < 0.01 * np.ptp(old.values)


def test_the_closest_monotone_function_of_one_member():
    X = frame()[["x"]].fillna(0.0)
    model = KANRegressor(interaction_cst="no_interactions", **PARAMS | {"n_members": 1}).fit(X.assign(z=1.0), X["x"])
    old, new = (model_effects(m)[0] for m in (model, monotonize(model, "x", increasing=False)))
    counts = old.density > 0  # elsewhere the closest function is not the only one
    places, before, after = np.flatnonzero(counts), old.values[counts, 0], new.values[counts, 0]
    expected = IsotonicRegression(increasing=False).fit_transform(places, before, sample_weight=old.density[counts])
    np.testing.assert_allclose(np.diff(after), np.diff(expected), atol=1e-7 * np.ptp(old.values))
    assert (np.diff(new.values[:, 0]) < 1e-12).all()


def test_rounded_terms_are_round(fitted):
    model, X = fitted
    new = pickle.loads(pickle.dumps(round_terms(model, 1)))
    for effect, old in zip(model_effects(new), model_effects(model), strict=True):
        np.testing.assert_allclose(effect.values, effect.values.round(1), atol=1e-9)
        np.testing.assert_allclose(effect.values, old.values, atol=0.0501)
        np.testing.assert_allclose(effect.spread, 0, atol=1e-12)
    np.testing.assert_allclose(new.intercept_, np.round(model.intercept_, 1), atol=1e-9)
    together = term_values(new, X).sum(1) + new.intercept_
    np.testing.assert_allclose(together, raw(new, X), atol=1e-9)


@pytest.mark.parametrize(
    ("edit", "error", "message"),
    [
        (lambda m: remove_terms(m, ["few", "z"]), ValueError, r"term holds 'z', which is not a column\. Choose from"),
        (lambda m: remove_terms(m, [("few", "x")]), ValueError, r"term=\('few', 'x'\) is not a term of the model\. Ch"),
        (lambda m: monotonize(m, "label"), ValueError, r"term='label' cannot be monotone\. Choose a column of numbers"),
        (lambda m: monotonize(m, "x", "up"), ValueError, r"increasing='up' is not usable\. Pass True, False or 'auto'"),
        (
            lambda m: set_term(m, "label", [1, 2]),
            ValueError,
            r"values has shape \(2,\) for term='label'\..*shape \(3,\)",
        ),
        (lambda m: round_terms(KANRegressor(), 1), TypeError, r"has no terms\. Pass a KANClassifier or KANRegressor"),
    ],
)
def test_what_cannot_be_edited_is_refused(regression, edit, error, message):
    with pytest.raises(error, match=message):
        edit(regression[0])


def test_edited_models_know_no_errors(regression):
    with pytest.raises(ValueError, match="return_interval"):
        remove_terms(regression[0], ["few"]).predict(frame(), return_interval=0.5)
