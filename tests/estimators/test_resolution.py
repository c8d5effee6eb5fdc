"""Columns with fine structure get the knots that they need, and models with them are like any other."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.inspection import effects
from sklearn_kan.model._effect import term_values
from tests.tables import outputs

SMALL = {"hidden_layer_sizes": (8,), "n_members": 4, "max_iter": 15, "random_state": 0}


def waves(n=1_500):
    """A quick wave in the second of three columns; some of its values are missing."""
    random = np.random.RandomState(0)
    X = pd.DataFrame({"slow": random.rand(n), "time": random.rand(n), "word": random.choice(["a", "b"], n)})
    y = np.sin(150 * X["time"]) + X["slow"] ** 2 + 0.1 * random.randn(n)
    X.loc[::11, "time"] = np.nan
    return X, y.to_numpy()


@pytest.mark.parametrize(
    ("kind", "params"),
    [(KANRegressor, {}), (KANClassifier, {"dtype": "float32"}), (KANRegressor, {"solver": "lbfgs", "n_members": 1}),
     (KANClassifier, {"hidden_layer_sizes": (), "n_members": 1})],
)  # fmt: skip
def test_a_quick_wave_is_learned_by_default_alone(kind, params):
    X, y = waves()
    y = y if kind is KANRegressor else np.where(y > np.median(y), "high", "low")
    model = kind(**SMALL | params).fit(X[:1_000], y[:1_000])
    assert model.fine_knots_.tolist()[::2] == [0, 0]
    assert model.fine_knots_[1] >= 64
    coarse = clone(model).set_params(fine_knots=None).fit(X[:1_000], y[:1_000])
    assert not coarse.fine_knots_.any()
    assert model.score(X[1_000:], y[1_000:]) > coarse.score(X[1_000:], y[1_000:]) + 0.15
    found = outputs(model, X)
    np.testing.assert_array_equal(outputs(pickle.loads(pickle.dumps(model)), X), found)
    one_by_one = np.concatenate([outputs(model, X[i : i + 1]) for i in range(9)])
    np.testing.assert_allclose(one_by_one, found[:9], rtol=1e-6, atol=1e-6)
    x, curve = model.model_.edge_curve(1)
    turns = np.diff(np.sign(np.diff(curve[:, curve.std(0).argmax()])))
    assert np.count_nonzero(turns) > 30  # 48 in the wave
    assert (np.diff(x) > 0).all()


def test_the_library_and_torch_agree(monkeypatch):
    X, y = waves()
    model = KANRegressor(**SMALL).fit(X, y)
    found = model.predict(X)
    monkeypatch.setenv("SKLEARN_KAN_KERNELS", "torch")
    np.testing.assert_allclose(pickle.loads(pickle.dumps(model)).predict(X), found, rtol=1e-4, atol=1e-4)


def test_columns_of_dates_have_fine_structure_too():
    random = np.random.RandomState(0)
    day = random.randint(0, 900, 2_000)
    y = np.repeat(random.randn(60), 15)[day] + 0.1 * random.randn(2_000)
    X = pd.DataFrame({"date": np.datetime64("2020-01-01") + day, "noise": random.randn(2_000)})
    model = KANRegressor(**SMALL).fit(X, y)
    assert model.fine_knots_[0] >= 64
    assert model.score(X, y) > 0.8


def test_pipelines_warm_starts_and_constraints():
    X, y = waves()
    X = X.drop(columns="word")
    once = SMALL | {"max_iter": 1}  # knots are chosen before
    pipe = make_pipeline(StandardScaler(), KANRegressor(**once)).fit(X, y)
    assert pipe[-1].fine_knots_[1] >= 64
    model = KANRegressor(**once, warm_start=True).fit(X, y)
    knots = model.fine_knots_
    model.fit(X[::-1], y[::-1])
    np.testing.assert_array_equal(model.fine_knots_, knots)
    additive = KANRegressor(**SMALL, interaction_cst="no_interactions").fit(X, y)
    coarse = clone(additive).set_params(fine_knots=None).fit(X, y)
    assert additive.score(X, y) > coarse.score(X, y) + 0.3
    assert not KANRegressor(**once, monotonic_cst=[0, 1]).fit(X, y).fine_knots_.any()
    assert KANRegressor(**once, monotonic_cst=[1, 0]).fit(X, y).fine_knots_.tolist()[1] >= 64
    assert not KANRegressor(**SMALL).partial_fit(X, y).fine_knots_.any()


def test_terms_and_effects_are_as_fine_as_the_column():
    X, y = waves()
    glass = KANRegressor(**SMALL, interaction_cst={"pairs": 1}).fit(X, y)
    total = glass.intercept_ + term_values(glass, X).sum(1)
    np.testing.assert_allclose(total[:, 0], glass.predict(X), atol=1e-8)
    model = KANRegressor(**SMALL).fit(X, y)
    for found in (effects(glass, X, ["time"]), effects(model, X, ["time"])):
        curve = found.to_frame()["value"].to_numpy()
        assert np.count_nonzero(np.diff(np.sign(np.diff(curve)))) > 30  # 48 in the wave
