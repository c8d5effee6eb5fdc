"""Rows that stand for many equal ones: in parts on both sides of a split, as the rows themselves would be."""

import numpy as np
import pytest
import torch

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.data._table import Column
from sklearn_kan.estimators._design import Data
from sklearn_kan.estimators._held_out import set_aside
from sklearn_kan.training._holdout import bagged, hold_out, spread
from sklearn_kan.training._rows import Rows
from sklearn_kan.training._settings import Settings
from tests.tables import small


def rows_of(weight, y=None):
    weight = torch.tensor(weight, dtype=torch.float64)
    place = torch.arange(len(weight), dtype=torch.float64)[:, None]
    return Rows(place, place.clone() if y is None else torch.tensor(y), weight)


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
@pytest.mark.parametrize(
    ("weight", "heavy"),
    [
        ([1.0] * 40, []),
        ([1.0] * 39 + [9.0], [39]),  # nine typical rows, above a fifth of a fold
        ([1.0] * 39 + [4.0], []),
        ([1.0] * 400 + [9.0], []),  # few beside a fold
        ([400.0, 300.0, 100.0, 90.0], [0, 1]),  # above a fifth of all
        ([3.0, 1.0], [0, 1]),
    ],
)
def test_heavy_rows_are_those_that_would_fill_a_fold(weight, heavy, scale):
    rows, n_light = spread(rows_of([scale * w for w in weight]), 5)
    assert n_light == len(weight) - len(heavy)
    places, (_, new) = rows.batch()
    assert places[n_light:, 0].tolist() == heavy * 5
    total = torch.zeros(len(weight), dtype=torch.float64).index_add_(0, places[:, 0].long(), new[:, 0])
    np.testing.assert_allclose(total, np.multiply(scale, weight), rtol=1e-12)


@pytest.mark.parametrize("has_classes", [False, True])
def test_every_member_learns_from_heavy_rows_and_holds_out_its_part(has_classes):
    weight = [1.0] * 60 + [50.0]
    rows = rows_of(weight, (np.arange(61) % 2).tolist() if has_classes else None)
    fitting, validation = bagged(rows, n_members=5, validation_fraction=0.2, seed=0)
    for part, share in ((fitting, 0.8 / 0.8), (validation, 0.2)):  # what a member learns from averages to one
        X, (_, by_member) = part.batch()
        np.testing.assert_allclose(by_member[X[:, 0] == 60].sum(0), 50 * share)
    single = hold_out(rows, None, Settings(early_stopping=True, validation_fraction=0.2, random_state=0))
    for part, share in zip(single, (0.8, 0.2), strict=True):
        X, (_, weight_of) = part.batch()
        np.testing.assert_allclose(weight_of[X[:, 0] == 60].sum(), 50 * share)
        assert len(part) == 60 * share + 5 * share


@pytest.mark.parametrize("y", [None, [0, 1, 1]])
def test_rows_may_all_be_heavy(y):
    weight = [50.0, 60.0, 70.0]
    _, validation = bagged(rows_of(weight, y), n_members=5, validation_fraction=0.2, seed=0)
    X, (_, by_member) = validation.batch()
    for place, total in enumerate(weight):
        np.testing.assert_allclose(by_member[X[:, 0] == place].sum(0), total / 5)


@pytest.mark.parametrize(("n_members", "share"), [(1, 0.5), (4, 0.1)])
def test_a_heavy_value_is_learned(n_members, share):
    rng = np.random.default_rng(0)
    X = np.where(rng.random(600) < share, 0.0, rng.uniform(1, 3, 600))[:, None]
    y = np.where(X[:, 0] == 0, 5.0, np.sin(2 * X[:, 0]))
    params = {"n_members": n_members, "max_iter": 80, "early_stopping": True, "solver": "adam"}
    model = KANRegressor((8,), **params, random_state=0).fit(X, y)
    assert abs(model.predict([[0.0]])[0] - 5) < 0.1
    assert model.score(X, y) > 0.99


def test_shares_of_classes_are_learned_from_a_few_distinct_rows():
    X = np.repeat([0.0, 1.0], 200)[:, None]
    y = np.arange(400) % 10 < np.where(X[:, 0] == 0, 3, 8)
    model = KANClassifier((4,), max_iter=60, early_stopping=True, n_members=8, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict_proba([[0.0], [1.0]])[:, 1], [0.3, 0.8], atol=0.06)


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
def test_repeated_rows_and_weights_stay_the_same(estimator):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    y = X[:, 0] if estimator is KANRegressor else X[:, 0] > 0
    counts = np.where(np.arange(40) % 20 == 7, 30, 1)
    params = {"early_stopping": True, "n_members": 3}
    weighted = small(estimator, **params).fit(X, y, counts)
    repeated = small(estimator, **params).fit(np.repeat(X, counts, 0), np.repeat(y, counts))
    np.testing.assert_array_equal(weighted.predict(X), repeated.predict(X))


def test_a_wide_table_keeps_its_weights():
    weight = np.where(np.arange(60) == 7, 200.0, 1.0)
    table = Data(None, [Column(0, np.arange(60.0))], np.arange(60.0)[:, None], weight, None)
    parts = set_aside(table, Settings(early_stopping=True, validation_fraction=0.2, random_state=0))
    total = sum(np.bincount(part.y[:, 0].astype(int), part.weight, minlength=60) for part in parts)
    np.testing.assert_allclose(total, weight)
    np.testing.assert_allclose([part.weight[part.y[:, 0] == 7].sum() for part in parts], [160, 40])
