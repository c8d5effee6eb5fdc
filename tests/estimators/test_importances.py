"""Importances: variances of known functions, and scikit-learn's selectors."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.feature_selection import RFECV, SelectFromModel
from sklearn.inspection import permutation_importance

from sklearn_kan import KANClassifier, KANRegressor

X = np.random.default_rng(0).normal(size=(500, 5))
Y = 2 * X[:, 0] * X[:, 1] + X[:, 2]
SMALL = {"hidden_layer_sizes": (16,), "n_members": 4, "max_iter": 60, "random_state": 0}


@pytest.fixture(scope="module")
def model():
    return KANRegressor(**SMALL).fit(X, Y)


def test_importances_are_shares_of_the_variance(model):
    # total effects are 4, 4 and 1: the interaction counts for both of its columns
    np.testing.assert_allclose(model.feature_importances_, [4 / 9, 4 / 9, 1 / 9, 0, 0], atol=0.05)
    np.testing.assert_allclose(model.feature_importances_.sum(), 1.0)


def test_columns_stand_in_the_order_of_permutation_importance(model):
    other = permutation_importance(model, X, Y, n_repeats=3, random_state=0).importances_mean
    found = model.feature_importances_
    np.testing.assert_allclose(found, other / other.sum(), atol=0.06)


def test_they_stay_with_the_model(model):
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.feature_importances_, model.feature_importances_)
    with pytest.raises(AttributeError):
        clone(model).feature_importances_  # noqa: B018


def test_weights_count_as_rows():
    light = KANRegressor(**SMALL | {"max_iter": 1}).fit(X, Y, sample_weight=np.where(X[:, 2] > 0, 1e-9, 1.0))
    zero = light.encoder_.encode_numeric(np.zeros((1, 5)))[0, 2]
    assert light._state.sample[:, 2].max() <= zero  # rows of next to no weight are not in the sample


def test_chunks_have_importances():
    model = KANRegressor(**SMALL)
    for start in (0, 250):
        model.partial_fit(X[start : start + 250], Y[start : start + 250])
    assert model.feature_importances_.shape == (5,)


def test_selectors_of_scikit_learn(model):
    assert SelectFromModel(model, prefit=True, threshold=0.05).get_support().tolist() == [True] * 3 + [False] * 2
    quick = KANClassifier((4,), n_members=1, max_iter=10, random_state=0)
    chosen = RFECV(quick, step=2, cv=2, min_features_to_select=1).fit(X, X[:, 2] > 0)
    assert chosen.support_[2]
