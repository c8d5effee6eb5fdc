"""solver="auto" on small tables with noise: networks with penalties by evidence, where held-out rows ask for them."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import entropy

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.training import _exact
from sklearn_kan.training._comparison import of_first_members, share_left
from sklearn_kan.training._exact import loss_of_constant
from sklearn_kan.training._holdout import hold_out
from sklearn_kan.training._losses import cross_entropy
from sklearn_kan.training._rows import Rows
from sklearn_kan.training._settings import Settings

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (620, 2))
CLEAN = np.sin(3 * X[:, 0]) * (1 + X[:, 1])
TRAIN, TEST = slice(0, 120), slice(120, None)
Y = CLEAN + 0.15 * CLEAN.std() * rng.normal(size=len(X))
TABLE = rng.normal(size=(700, 5))
QUADRIC = np.sum((TABLE @ rng.normal(size=(5, 5))) * TABLE, axis=1)
CLASSES = np.array(["in", "out"])[(np.median(QUADRIC) < QUADRIC).astype(int)]


@pytest.fixture(scope="module")
def model():
    return KANRegressor(n_members=3, random_state=0).fit(X[TRAIN], Y[TRAIN])


def error(model):
    return np.sqrt(np.mean((model.predict(X[TEST]) - CLEAN[TEST]) ** 2)) / CLEAN.std()


def test_noisy_curves_are_found_in_few_rows(model):
    by_adam = KANRegressor(n_members=3, solver="adam", random_state=0).fit(X[TRAIN], Y[TRAIN])
    assert (model.solver_, by_adam.solver_) == ("gauss_newton", "adam")
    assert error(model) < 0.5 * error(by_adam)


def test_the_rest_works_as_with_other_ensembles(model):
    mean, std = model.predict(X[TEST], return_std=True)
    assert (std > 0).all()
    _, interval = model.predict(X[TEST], return_interval=0.9)
    assert 0.8 < np.mean((interval[:, 0] <= Y[TEST]) & (Y[TEST] <= interval[:, 1])) < 0.98
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X[TEST]), mean)
    copy.set_params(warm_start=True, max_iter=2).fit(X[TRAIN], Y[TRAIN])
    assert copy.solver_ == "gauss_newton"
    assert error(copy) < 1.5 * error(model)


def test_weights_are_repeated_rows():
    twice = np.append(np.arange(90), np.arange(40))
    weight = np.where(np.arange(90) < 40, 2.0, 1.0)
    repeated = KANRegressor(random_state=0, n_members=1).fit(X[twice], Y[twice])
    weighted = KANRegressor(random_state=0, n_members=1).fit(X[:90], Y[:90], weight)
    assert repeated.solver_ == weighted.solver_ == "gauss_newton"
    np.testing.assert_array_equal(repeated.predict(X[TEST]), weighted.predict(X[TEST]))


@pytest.mark.parametrize("change", ["noise", "fewer rows", "passes"])
def test_elsewhere_it_is_adam_to_the_last_bit(change):
    rows, target, params = slice(0, 80 if change == "noise" else 70), Y, {"n_members": 2}
    if change == "noise":
        target = np.random.default_rng(1).normal(size=len(X))
    if change != "fewer rows":
        rows = slice(0, 90)
    if change == "passes":
        params["max_iter"] = 20
    of_both = [KANRegressor(solver=s, random_state=0, **params).fit(X[rows], target[rows]) for s in ("auto", "adam")]
    assert of_both[0].solver_ == "adam"
    np.testing.assert_array_equal(*(each.predict(X) for each in of_both))


def test_categories_and_missing_values_take_part():
    town = np.arange(140) % 3
    frame = pd.DataFrame(X[:140], columns=["a", "b"]).assign(town=pd.Categorical(np.array(["x", "y", "z"])[town]))
    frame.loc[::17, "b"] = np.nan
    clean = np.sin(3 * X[:140, 0]) + np.array([0.0, 1.0, -2.0])[town]
    y = clean + 0.2 * np.random.default_rng(2).normal(size=140)
    model = KANRegressor(random_state=0, n_members=1).fit(frame, y)
    assert model.solver_ == "gauss_newton"
    assert np.mean((model.predict(frame) - clean) ** 2) < 0.2 * 0.2**2


def test_shares_are_of_rows_that_both_hold_out():
    def losses(numbers, values):
        return torch.tensor(numbers), torch.tensor(values, dtype=torch.float64)

    members = [losses([0, 3], [1.0, 2.0]), losses([5, 4], [3.0, 9.0])]  # nobody else holds row 4 out
    share, n_errors = share_left(members, losses([5, 3, 0, 1], [4.0, 4.0, 4.0, 100.0]))
    assert share == pytest.approx(6 / 12)
    d = np.array([3.0, 2.0, 1.0])
    assert n_errors == pytest.approx(d.sum() / (d.std(ddof=1) * 3**0.5))


def test_a_split_for_the_first_members_has_their_rows_only():
    rows = Rows(torch.rand(70, 1), torch.rand(70, 1), torch.ones(70))
    split = hold_out(rows, 7, Settings(early_stopping=True, random_state=0))
    first = of_first_members(split, 3)
    assert len(first.validation) == 30
    for member in range(3):
        counts = [part.batch()[1][1][:, member].sum() for part in (split.validation, first.validation)]
        assert counts[0] == counts[1] == 10


@pytest.fixture(scope="module")
def classifier():
    return KANClassifier(n_members=4, random_state=0).fit(TABLE[:300], CLASSES[:300])


def test_classes_between_quadrics_are_found_in_few_rows(classifier):
    by_adam = KANClassifier(n_members=4, solver="adam", random_state=0).fit(TABLE[:300], CLASSES[:300])
    assert (classifier.solver_, by_adam.solver_) == ("gauss_newton", "adam")
    wrong = [np.mean(each.predict(TABLE[300:]) != CLASSES[300:]) for each in (classifier, by_adam)]
    assert wrong[0] < 0.7 * wrong[1]


def test_they_are_kept_and_go_on_as_others_do(classifier):
    expected = classifier.predict_proba(TABLE[300:])
    copy = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(copy.predict_proba(TABLE[300:]), expected)
    copy.set_params(warm_start=True, max_iter=12).fit(TABLE[:300], CLASSES[:300])
    assert copy.solver_ == "gauss_newton"
    assert copy.score(TABLE[300:], CLASSES[300:]) > 0.9


def test_labels_without_a_reason_are_left_to_adam():
    labels = np.random.default_rng(3).integers(3, size=90)
    of_both = [KANClassifier(solver=s, n_members=2, random_state=0).fit(TABLE[:90], labels) for s in ("auto", "adam")]
    assert of_both[0].solver_ == "adam"
    np.testing.assert_array_equal(*(each.predict_proba(TABLE) for each in of_both))


@pytest.mark.parametrize("is_classifier", [False, True])
def test_classes_ask_for_less_certainty(is_classifier, monkeypatch):
    monkeypatch.setattr(_exact, "share_left", lambda *_: (0.87, 1.5))  # 13 % better, by one and a half standard errors
    if is_classifier:
        assert KANClassifier(n_members=2, random_state=0).fit(TABLE[:300], CLASSES[:300]).solver_ == "gauss_newton"
    else:
        assert KANRegressor(n_members=2, random_state=0).fit(X[TRAIN], Y[TRAIN]).solver_ == "adam"


def test_the_best_constant_of_classes_has_their_entropy():
    y, weight = torch.tensor([0, 0, 1, 2]), torch.tensor([1.0, 2.0, 1.0, 4.0])
    rows = Rows(torch.zeros(4, 1), y, weight)
    assert loss_of_constant(rows, cross_entropy) == pytest.approx(entropy([3 / 8, 1 / 8, 4 / 8]))


@pytest.mark.parametrize("is_classifier", [False, True])
def test_adam_in_single_precision_comes_to_the_same(is_classifier):
    estimator, y = (KANClassifier, CLASSES) if is_classifier else (KANRegressor, QUADRIC)
    models = [
        estimator(n_members=2, solver="adam", max_iter=5, dtype=dtype, random_state=0).fit(TABLE, y)
        for dtype in ("auto", "float64")
    ]
    parameters = [torch.cat([p.detach().flatten() for p in model.module_.parameters()]) for model in models]
    assert [p.dtype for p in parameters] == 2 * [torch.float64]
    assert [torch.equal(p, p.float().double()) for p in parameters] == [True, False]
    quick, precise = (model.predict_proba(TABLE) if is_classifier else model.predict(TABLE) for model in models)
    np.testing.assert_allclose(quick, precise, atol=1e-4 * precise.std())
    assert models[0].net_.validation.X.dtype == torch.float64  # for callbacks' checkpoints, after training, too
