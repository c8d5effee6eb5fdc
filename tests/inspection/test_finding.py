"""Displays find their estimator within others, and columns by name, index or mask."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_kan import GPSpectralRegressor, KANRegressor, KANSearchCV
from sklearn_kan.inspection import EdgeFunctionDisplay, SpectrumDisplay, effects, explain

mpl.use("Agg")
rng = np.random.default_rng(0)
TABLE = pd.DataFrame(rng.normal(size=(60, 3)), columns=["bmi", "bp", "sex"])
TARGET = TABLE["bmi"] + TABLE["sex"] ** 2
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 1, "n_members": 1, "random_state": 0}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def model():
    return KANRegressor(**SMALL).fit(TABLE, TARGET)


def names(model, features):
    return [name for name, *_ in EdgeFunctionDisplay.from_estimator(model, features).curves]


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ("bmi", ["bmi"]), (1, ["bp"]), (np.int64(2), ["sex"]), (["sex", 0], ["sex", "bmi"]), ([], []),
        ([True, False, True], ["bmi", "sex"]), (np.array([False, True, False]), ["bp"]), (np.array(["bp"]), ["bp"]),
        (TABLE.columns[:2], ["bmi", "bp"]), ((0, 2), ["bmi", "sex"]), ([False] * 3, []),
    ],
)  # fmt: skip
def test_columns(model, features, expected):
    assert names(model, features) == expected


def test_columns_without_names(model):
    unnamed = KANRegressor(**SMALL).fit(TABLE.to_numpy(), TARGET)
    assert names(unnamed, [2, 0]) == [2, 0]
    assert names(unnamed, [True, False, True]) == [0, 2]


@pytest.mark.parametrize(
    ("features", "match"),
    [
        (["price"], "features holds 'price', which is not a column"),
        (3, "features holds 3"),
        (-1, "features holds -1"),
        ([True, "bp"], "features holds True"),
        ([True, False], "a mask of 2 columns, and there are 3"),
    ],
)
def test_what_is_not_a_column(model, features, match):
    with pytest.raises(ValueError, match=match):
        EdgeFunctionDisplay.from_estimator(model, features)


def test_columns_that_the_model_does_not_use():
    X = rng.normal(size=(80, 600))
    model = KANRegressor(**SMALL).fit(X, X[:, 500])
    unused = np.flatnonzero(~model.selected_features_)
    assert names(model, [500]) == [500]
    assert len(unused)
    with pytest.raises(ValueError, match=rf"features holds \[{unused[0]}\], which the model does not use"):
        EdgeFunctionDisplay.from_estimator(model, [unused[0]])


@pytest.mark.parametrize(
    "outer",
    [
        lambda model: make_pipeline(StandardScaler().set_output(transform="pandas"), model),
        lambda model: TransformedTargetRegressor(model),
        lambda model: GridSearchCV(model, {"alpha": [1.0]}, cv=2),
        lambda model: KANSearchCV(make_pipeline(model), bases=["bspline"], n_trials=1, cv=2),
        lambda model: make_pipeline(StandardScaler().set_output(transform="pandas"), TransformedTargetRegressor(model)),
    ],
)
def test_estimators_within_others(outer):
    whole = outer(KANRegressor(**SMALL)).fit(TABLE, TARGET)
    assert names(whole, ["bp"]) == ["bp"]
    t = pd.DataFrame({"t": np.arange(40.0)})
    if not isinstance(whole, KANSearchCV):
        whole = outer(GPSpectralRegressor(max_iter=2))
        whole = whole.set_params(param_grid={"max_iter": [2]}) if isinstance(whole, GridSearchCV) else whole
        display = SpectrumDisplay.from_estimator(whole.fit(t, np.sin(t["t"])), "t")
        assert display.name == "t"
        assert "of t (cycles per unit)" in display.axes_[1].get_xlabel()


def test_the_spectrum_of_a_column_by_name_is_that_by_place():
    t = pd.DataFrame({"t": np.arange(40.0)})
    gp = GPSpectralRegressor(max_iter=2).fit(t, np.sin(t["t"]))
    by_name, by_place = (SpectrumDisplay.from_estimator(gp, feature) for feature in ("t", 0))
    np.testing.assert_array_equal(by_name.density, by_place.density)
    with pytest.raises(ValueError, match="feature holds 'x', which is not a column"):
        SpectrumDisplay.from_estimator(gp, "x")
    for read in (effects, explain):
        with pytest.raises(TypeError, match=r"use sklearn\.inspection\.partial_dependence\.$"):
            read(gp, t)


def test_other_estimators_are_refused(model):
    with pytest.raises(TypeError, match=r"estimator=Ridge\(\) is not drawn by this display"):
        EdgeFunctionDisplay.from_estimator(Ridge().fit(TABLE, TARGET))
    with pytest.raises(TypeError, match="is not drawn by this display"):
        SpectrumDisplay.from_estimator(model)
    with pytest.raises(NotFittedError):
        EdgeFunctionDisplay.from_estimator(make_pipeline(KANRegressor()))
