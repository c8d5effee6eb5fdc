"""Explanations: Shapley's axioms, brute force, and adding up."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.inspection import _explain, explain

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
Y = 2 * X[:, 0] * X[:, 1] + np.sin(X[:, 2]) + X[:, 0] * X[:, 1] * X[:, 2]
SMALL = {"hidden_layer_sizes": (6,), "n_members": 2, "max_iter": 3, "random_state": 0}


def brute_force(predict, row, background):
    """Shapley values by all orders of the columns, as Shapley defined them, one prediction after the other."""
    n = len(row)
    values, orders = 0.0, list(permutations(range(n)))
    for order in orders:
        mixed, before = background.copy(), predict(background)
        found = [None] * n
        for column in order:
            mixed[:, column] = row[column]
            now = predict(mixed)
            found[column] = (now - before).mean(0)
            before = now
        values = values + np.array(found) / len(orders)
    return values


@pytest.fixture(scope="module")
def regressor():
    return KANRegressor(**SMALL).fit(X, Y)


@pytest.fixture(scope="module")
def classifier():
    return KANClassifier(**SMALL).fit(X, np.digitize(Y, [-1, 1]))


def test_values_are_those_of_all_orders(regressor, classifier):
    background = X[50:54]
    found = explain(regressor, X[:2], background)
    np.testing.assert_allclose(found.values[1], brute_force(regressor.predict, X[1], background), atol=1e-12)
    found = explain(classifier, X[:2], background, response_method="predict_proba")
    assert found.values.shape == (2, 4, 3)
    np.testing.assert_allclose(found.values[0], brute_force(classifier.predict_proba, X[0], background), atol=1e-12)
    assert not found.errors.any()


@pytest.mark.parametrize("most_enumerated", [6, 0])
@pytest.mark.parametrize(
    ("parameters", "target"),
    [
        ({}, np.column_stack([Y, -Y])), ({"loss": "poisson"}, np.exp(Y / 4)), ({"loss": "huber"}, Y),
        ({"loss": "quantile", "quantile": [0.1, 0.9]}, Y), ({"loss": "gamma"}, np.exp(Y / 4)),
        ({"hidden_layer_sizes": (), "loss": "poisson"}, np.exp(Y / 4)), ({"n_members": 1}, Y),
    ],
)  # fmt: skip
def test_values_add_up_whatever_the_loss(parameters, target, most_enumerated, monkeypatch):
    monkeypatch.setattr(_explain, "MOST_ENUMERATED", most_enumerated)
    model = KANRegressor(**SMALL | parameters | {"max_iter": 1}).fit(X, target)
    found, predicted = explain(model, X[:5]), model.predict(X[:5])
    np.testing.assert_allclose(found.values.sum(1) + found.base_values, predicted, atol=1e-9 * np.ptp(predicted))


def test_log_odds_add_up(classifier):
    found = explain(classifier, X[:5])
    logits = classifier.decision_function(X[:5])
    logits = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    np.testing.assert_allclose(found.values.sum(1) + found.base_values, logits, atol=1e-9)
    binary = KANClassifier(**SMALL).fit(X, Y > 0)
    found = explain(binary, X[:5])
    np.testing.assert_allclose(found.values.sum(1) + found.base_values, binary.decision_function(X[:5]), atol=1e-9)


def test_sampled_values_are_within_their_errors(regressor, monkeypatch):
    exact = explain(regressor, X[:20])
    monkeypatch.setattr(_explain, "MOST_ENUMERATED", 0)
    monkeypatch.setattr(_explain, "N_PAIRS", 20)
    sampled = explain(regressor, X[:20])
    score = (sampled.values - exact.values) / np.maximum(sampled.errors, 1e-9)
    assert 0.5 < np.sqrt(np.square(score).mean()) < 1.5
    assert sampled.errors.max() < 0.02 * np.ptp(Y)


def test_pairs_of_orders_are_exact_for_sums_of_single_columns(monkeypatch):
    model = KANRegressor(**SMALL | {"hidden_layer_sizes": ()}).fit(X, Y)
    exact = explain(model, X[:5])
    monkeypatch.setattr(_explain, "MOST_ENUMERATED", 0)
    found = explain(model, X[:5])
    np.testing.assert_allclose(found.values, exact.values, atol=1e-12)
    assert not found.errors.any()


def test_a_column_that_nothing_depends_on_adds_nothing():
    wide = RNG.normal(size=(60, 520))
    model = KANRegressor(**SMALL | {"max_iter": 1}).fit(wide, wide[:, 3])
    found = explain(model, wide[:1], wide[:2])
    assert not found.values[:, ~model.selected_features_].any()
    np.testing.assert_allclose(found.values.sum(1) + found.base_values, model.predict(wide[:1]))


def test_tables_with_labels_and_gaps_within_pipelines_and_searches():
    table = pd.DataFrame({"a": X[:, 0], "kind": pd.Categorical(np.where(X[:, 1] > 0, "up", "down"))})
    table.loc[::7, "a"] = np.nan
    search = GridSearchCV(KANRegressor(**SMALL), {"alpha": [1.0]}, cv=2).fit(table, Y)
    found = explain(search, table.iloc[:7])
    np.testing.assert_allclose(found.values.sum(1) + found.base_values, search.predict(table.iloc[:7]))
    assert found.feature_names == ["a", "kind"]
    assert found.data[1, 1] in ("up", "down")
    assert np.isnan(found.data[0, 0])
    pipeline = make_pipeline(StandardScaler(), KANRegressor(**SMALL)).fit(X, Y)
    found = explain(pipeline, X[:3])
    np.testing.assert_allclose(found.values.sum(1) + found.base_values, pipeline.predict(X[:3]))


def test_what_cannot_be_explained(regressor, classifier):
    with pytest.raises(ValueError, match="response_method='predict_proba' cannot be read of this model"):
        explain(regressor, X[:1], response_method="predict_proba")
    with pytest.raises(ValueError, match="response_method='predict' cannot be read"):
        explain(classifier, X[:1], response_method="predict")
