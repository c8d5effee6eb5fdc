"""Tables of categories alone: whatever fits other tables fits them too, and learns what the levels say."""

import numpy as np
import pandas as pd
import pytest

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.bases import BASES
from tests.tables import every_pair

rng = np.random.default_rng(0)
FRAME = pd.DataFrame({"k": rng.choice(list("abc"), 90), "q": rng.choice(list("uv"), 90)})
TARGET = 2.0 * (FRAME["k"] == "a") + (FRAME["q"] == "u")

SOLVERS = ["adam", "lbfgs", "hybrid", "kfac", "gauss_newton", "layerwise", "auto"]
SETTINGS = [
    *({"hidden_layer_sizes": (), "basis": basis, "refit": "last_layer"} for basis in sorted(BASES)),
    {"interaction_cst": "no_interactions", "refit": "last_layer"},
    {"interaction_cst": "pairwise", "refit": "last_layer"},
]
KNOTS = every_pair(
    lambda **_: True,
    solver=SOLVERS,
    hidden_layer_sizes=[(), (4,)],
    option=["learn_knots", "individual_knots"],
    columns=[["k"], ["k", "q"]],
)
CASES = [
    *((settings, [["k"], ["k", "q"]][place % 2]) for place, settings in enumerate(SETTINGS)),
    *(
        ({**others, "basis": "truncated_power", "basis_params": {option: True}}, columns)
        for setting in KNOTS
        for option, columns, others in [(setting.pop("option"), setting.pop("columns"), setting)]
    ),
]


@pytest.mark.parametrize(("settings", "columns"), CASES, ids=str)
def test_every_setting_fits_categories_alone(settings, columns):
    model = KANRegressor(**{"hidden_layer_sizes": (4,), "max_iter": 2, "n_members": 2, "random_state": 0, **settings})
    predicted = model.fit(FRAME[columns], TARGET).predict(FRAME[columns])
    assert np.isfinite(predicted).all()
    assert np.ptp(predicted) > 0.01


@pytest.mark.parametrize(
    "settings",
    [
        {"hidden_layer_sizes": (), "refit": "last_layer"},
        {"basis": "truncated_power", "basis_params": {"learn_knots": True}},
        {
            "basis": "truncated_power",
            "basis_params": {"individual_knots": True},
            "solver": "gauss_newton",
            "max_iter": 12,
        },
    ],
    ids=str,
)
def test_effects_of_levels_alone_are_learned(settings):
    params = {"hidden_layer_sizes": (4,), "max_iter": 60, "alpha": 0.01, "learning_rate_init": 0.05}
    model = KANRegressor(**{**params, "n_members": 2, "random_state": 0, **settings})
    np.testing.assert_allclose(model.fit(FRAME, TARGET).predict(FRAME), TARGET, atol=0.1)
    classes = KANClassifier(**{**params, "n_members": 2, "random_state": 0, **settings}).fit(FRAME, TARGET)
    np.testing.assert_array_equal(classes.predict(FRAME), TARGET)


def test_natural_gradients_of_many_levels_alone():
    levels = np.arange(240) % 80
    X, y = pd.DataFrame({"level": [f"level {level}" for level in levels]}), np.sin(levels)
    model = KANRegressor((4,), n_members=1, solver="kfac", max_iter=20, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.05
