"""Pictures of learned functions."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.inspection import EdgeFunctionDisplay

mpl.use("Agg")


@pytest.fixture(scope="module")
def additive():
    """An additive model of x**2, a level effect, and a column that does nothing."""
    rng = np.random.default_rng(0)
    level = rng.choice(["low", "mid", "high"], 400)
    table = pd.DataFrame({"idle": rng.normal(size=400), "level": pd.Categorical(level), "x": rng.uniform(-3, 3, 400)})
    y = table["x"] ** 2 + pd.Series(level).map({"low": 0.0, "mid": 4.0, "high": 8.0})
    params = {"solver": "adam", "max_iter": 150, "learning_rate_init": 0.05, "alpha": 0.0, "random_state": 0}
    return KANRegressor((), **params).fit(table, y), table


def test_curves_are_the_functions_that_made_the_data(additive):
    model, _ = additive
    display = EdgeFunctionDisplay.from_estimator(model, ["x", "level"])
    (_, x, y), (_, levels, effects) = display.curves
    expected = x**2 - np.mean(x**2)
    assert np.abs(y[:, 0] - expected).max() < 0.5
    assert levels.tolist() == ["high", "low", "mid"]
    np.testing.assert_allclose(effects[:, 0], [4.0, -4.0, 0.0], atol=0.5)


def test_strongest_columns_come_first_and_idle_ones_are_left_out(additive):
    model, _ = additive
    names = [name for name, _, _ in EdgeFunctionDisplay.from_estimator(model, n_features=2).curves]
    assert set(names) == {"x", "level"}


def test_places_stand_for_names(additive):
    model, _ = additive
    by_place = EdgeFunctionDisplay.from_estimator(model, [2]).curves[0]
    by_name = EdgeFunctionDisplay.from_estimator(model, ["x"]).curves[0]
    assert by_place[0] == by_name[0] == "x"
    np.testing.assert_array_equal(by_place[2], by_name[2])


def test_draws_into_given_axes_no_more_edges_than_asked(additive):
    from matplotlib.figure import Figure

    table = additive[1]
    model = KANRegressor((5,), n_members=2, max_iter=2, random_state=0).fit(table, table["x"])
    axes = Figure().subplots(1, 2)
    display = EdgeFunctionDisplay.from_estimator(model, ["x", "idle"], n_edges=3, axes=axes)
    assert display.figure_ is axes[0].figure
    assert [len(axis.lines) for axis in axes] == [3, 3]
    assert [axis.get_xlabel() for axis in axes] == ["x", "idle"]


def test_curves_of_classes_are_log_odds(additive):
    x = additive[1][["x"]]
    model = KANClassifier((), n_members=1, max_iter=2, random_state=0).fit(x, x["x"] > 0.3)
    display = EdgeFunctionDisplay.from_estimator(model)
    ((_, places, y),) = display.curves
    log_odds = np.diff(model.predict_log_proba(pd.DataFrame({"x": places})))
    np.testing.assert_allclose(y - y[0], log_odds - log_odds[0], atol=1e-6)
    assert display.axes_.ravel()[0].get_ylabel() == "added to the log-odds"


def test_an_unknown_column_is_refused(additive):
    with pytest.raises(ValueError, match=r"features holds 'price', which is not a column. Choose from \['idle', "):
        EdgeFunctionDisplay.from_estimator(additive[0], ["price"])
