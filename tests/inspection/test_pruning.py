"""Pruning: smaller networks, the same predictions where nothing is lost."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.inspection import prune
from sklearn_kan.inspection._surgery import cut, everything

RNG = np.random.default_rng(0)
N = 500
TABLE = pd.DataFrame(
    {
        "idle": RNG.normal(size=N),
        "a": np.where(RNG.random(N) < 0.1, np.nan, RNG.normal(size=N)),
        "kind": pd.Categorical(RNG.choice(["x", "y", "z"], N)),
        "place": pd.Categorical(RNG.choice([f"p{i}" for i in range(40)], N)),
        "b": RNG.normal(size=N),
    }
)
Y = np.nan_to_num(TABLE["a"].to_numpy()) * TABLE["b"].to_numpy() + TABLE["kind"].cat.codes.to_numpy()
SETTINGS = {"hidden_layer_sizes": (16,), "n_members": 4, "max_iter": 25, "random_state": 0}


@pytest.fixture(scope="module")
def model():
    return KANRegressor(**SETTINGS, fine_knots=9, early_stopping=True).fit(TABLE[:300], Y[:300])


def test_a_network_that_keeps_all_stays_as_it_is(model):
    whole = model._fitted_model()
    encoded = whole.encode(model._columns(TABLE))
    same, inputs = cut(whole, everything(whole), encoded)
    assert inputs.tolist() == list(range(encoded.shape[1]))
    np.testing.assert_allclose(same.raw_of_encoded(encoded), whole.raw_of_encoded(encoded), atol=1e-6)


def test_what_is_left_is_smaller_and_predicts_nearly_as_well(model):
    small = prune(model, TABLE[300:], Y[300:], max_loss_increase=0.3)
    assert not small.selected_features_[0]
    assert small.summary().n_parameters < 0.8 * model.summary().n_parameters
    error, before = (np.mean((each.predict(TABLE[300:]) - Y[300:]) ** 2) for each in (small, model))
    assert error < 1.5 * before
    assert model.selected_features_.all()
    assert model.summary().n_members == 4


@pytest.mark.parametrize("n_features", [1, 3])
def test_so_many_columns_are_left(model, n_features):
    small = prune(model, TABLE[300:], Y[300:], n_features=n_features)
    assert small.selected_features_.sum() == n_features
    assert small.n_features_in_ == 5
    changed = TABLE.assign(idle=0.0)
    if n_features == 3:
        assert small.selected_features_.tolist() == [False, True, True, False, True]
        np.testing.assert_array_equal(small.predict(changed), small.predict(TABLE))


@pytest.mark.parametrize("n_edges", [40, 150])
def test_so_many_edges_are_left(model, n_edges):
    small = prune(model, TABLE[300:], Y[300:], n_edges=n_edges)
    architecture = small.model_.architecture
    assert 5 * architecture.n_members * architecture.hidden_layer_sizes[0] <= n_edges
    assert np.corrcoef(small.predict(TABLE), model.predict(TABLE))[0, 1] > 0.8


def test_pruned_models_are_stored_trained_further_and_read(model):
    small = prune(model, TABLE[300:], n_edges=60)
    again = pickle.loads(pickle.dumps(small))
    np.testing.assert_array_equal(again.predict(TABLE), small.predict(TABLE))
    assert again.feature_importances_.shape == (5,)
    before = np.mean((small.predict(TABLE[:300]) - Y[:300]) ** 2)
    again.set_params(warm_start=True, max_iter=10).fit(TABLE[:300], Y[:300])
    assert np.mean((again.predict(TABLE[:300]) - Y[:300]) ** 2) < before


def test_classes_and_pipelines():
    X, y = TABLE[["idle", "a", "b"]].fillna(0.0), np.digitize(Y, [0.5, 1.5])
    pipeline = make_pipeline(StandardScaler(), KANClassifier(**SETTINGS)).fit(X[:300], y[:300])
    small = prune(pipeline, X[300:], y[300:], max_loss_increase=0.05)
    assert small[0] is pipeline[0]
    assert small[-1].summary().n_multiplications < pipeline[-1].summary().n_multiplications
    losses = [log_loss(y[300:], each.predict_proba(X[300:])) for each in (small, pipeline)]
    assert losses[0] < 1.15 * losses[1]
    assert prune(pipeline, X[300:], n_features=2)[-1].selected_features_.tolist() == [False, True, True]


def test_networks_within_searches_and_scaled_targets():
    X, few = TABLE[["idle", "a", "b"]], SETTINGS | {"max_iter": 2}
    scaled = TransformedTargetRegressor(KANRegressor(**few), func=np.arctan, inverse_func=np.tan)
    search = GridSearchCV(scaled, {"regressor__alpha": [1e-4]}, cv=[(np.arange(40), np.arange(40, 60))])
    search.fit(X[:100], Y[:100])
    small = prune(search, X[300:], n_features=2)
    alone = prune(search.best_estimator_.regressor_, X[300:], n_features=2)
    assert type(small) is TransformedTargetRegressor
    np.testing.assert_allclose(small.predict(X), np.tan(alone.predict(X)))
    assert search.best_estimator_.regressor_.selected_features_.all()


@pytest.mark.parametrize(
    ("parameters", "arguments", "match"),
    [
        ({"interaction_cst": "pairwise"}, {}, "model has constraints"),
        ({"interactions": "product"}, {}, "or products of inputs. Fit it with"),
        ({"basis": "rbf"}, {}, "edges that are no B-splines"),
        ({}, {"n_edges": 0}, "n_edges=0 leaves nothing"),
        ({}, {"n_edges": 2}, "n_edges=2 is fewer than 3 columns need"),
        ({}, {"max_loss_increase": -1}, "max_loss_increase=-1 is not usable"),
    ],
)
def test_what_cannot_be_pruned(parameters, arguments, match):
    X = TABLE[["idle", "a", "b"]]
    model = KANRegressor(**SETTINGS | {"max_iter": 1, "n_members": 1} | parameters).fit(X[:60], Y[:60])
    with pytest.raises(ValueError, match=match):
        prune(model, X, Y, **arguments)


def test_summaries_count_everything(model):
    summary = model.summary()
    assert summary.n_parameters == sum(p.numel() for p in model.module_.parameters())
    assert summary.layers[0].edges == model.module_.layers[0].in_features * 16 * 4
    assert "4 networks" in str(summary)
    assert f"{summary.n_parameters:,}" in str(summary)
