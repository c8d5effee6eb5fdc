"""The estimators' promises: copies predict alike, seeds repeat, weights count, training can be stopped and resumed."""

import copy
import pickle
import random
from functools import cache, partial

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
import torch
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.training._losses import REGRESSION_LOSSES
from tests.processes import START
from tests.tables import every_pair, outputs, small

ESTIMATORS = [KANRegressor, KANClassifier]
SOLVERS = ["adam", "lbfgs", "hybrid"]
N = 60


def frame(n=N, seed=0):
    """Numbers, gaps, categories."""
    rng = np.random.default_rng(seed)
    gaps = np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n))
    return pd.DataFrame({"x": rng.normal(size=n), "gaps": gaps, "word": rng.choice(["a", "b", "c"], n)})


def labelled(estimator, X):
    signal = X["x"] + (X["word"] == "a")
    return np.where(signal > 0.4, "yes", "no") if estimator is KANClassifier else signal.to_numpy()


def fitted(estimator, **params):
    X = frame()
    return small(estimator, **params).fit(X, labelled(estimator, X)), X


COPIED = [
    {},
    {"basis": "truncated_power", "norm": "batch", "solver": "hybrid"},
    {"hidden_layer_sizes": (4, 4), "basis": ["activation", "rational", "wavelet"], "interactions": "product"},
]


@cache
def fitted_for_copies(estimator, place):
    """A model of which only the copies are changed."""
    return fitted(estimator, **COPIED[place])


def through_joblib(model, folder):
    joblib.dump(model, folder / "model.joblib")
    return joblib.load(folder / "model.joblib")


def through_skops(model, folder):
    data = skops.io.dumps(model)
    untrusted = skops.io.get_untrusted_types(data=data)
    assert untrusted
    assert all(name.startswith("sklearn_kan.") for name in untrusted)
    return skops.io.loads(data, trusted=untrusted)


COPIES = {
    "pickle": lambda model, folder: pickle.loads(pickle.dumps(model)),
    "deepcopy": lambda model, folder: copy.deepcopy(model),
    "joblib": through_joblib,
    "skops": through_skops,
}


@pytest.mark.parametrize(
    ("estimator", "way", "place"),
    [
        tuple(setting.values())
        for setting in every_pair(lambda **_: True, estimator=ESTIMATORS, way=list(COPIES), place=range(len(COPIED)))
    ],
)
def test_a_copy_predicts_the_same(estimator, way, place, tmp_path):
    model, X = fitted_for_copies(estimator, place)
    other = COPIES[way](model, tmp_path)
    np.testing.assert_array_equal(outputs(other, X), outputs(model, X))
    assert other.loss_curve_ == model.loss_curve_
    assert [epoch["train_loss"] for epoch in other.net_.history] == model.loss_curve_[-len(other.net_.history) :]
    again = COPIES[way](other, tmp_path)
    np.testing.assert_array_equal(outputs(again, X), outputs(model, X))
    y = labelled(estimator, X)
    np.testing.assert_array_equal(outputs(other.partial_fit(X, y), X), outputs(again.partial_fit(X, y), X))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_pickled_model_holds_no_torch_object(estimator):
    model, _ = fitted(estimator)
    assert b"torch" not in pickle.dumps(model)
    assert all(
        isinstance(weight, np.ndarray) for weight in model.__getstate__()["_state"].network["module"].weights.values()
    )
    assert isinstance(model.module_, torch.nn.Module)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_model_from_a_gpu_is_loaded_on_the_cpu():
    model, X = fitted(KANRegressor)
    data = pickle.dumps(model.set_params(device="cuda"))
    with pytest.warns(UserWarning, match=r"^device='cuda' is not available here; the model was loaded on the CPU\.$"):
        other = pickle.loads(data)
    assert other.device_ == "cpu"
    np.testing.assert_array_equal(other.predict(X), model.predict(X))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_parameters_survive_clone_and_set_params(estimator):
    model, X = fitted(estimator, basis="truncated_power", basis_params={"learn_knots": True})
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    assert not hasattr(twin, "module_")
    assert twin.set_params(alpha=0.5, n_knots=7).get_params()["n_knots"] == 7
    np.testing.assert_array_equal(outputs(clone(model).fit(X, labelled(estimator, X)), X), outputs(model, X))


def test_fit_leaves_hyperparameters_alone():
    model = small(KANRegressor, hidden_layer_sizes=[4], basis_params={}, callbacks=[])
    before = copy.deepcopy(model.get_params())
    X = frame()
    model.fit(X, labelled(KANRegressor, X))
    assert model.get_params() == before


@pytest.mark.parametrize(
    "setting",
    every_pair(lambda **_: True, solver=SOLVERS, estimator=ESTIMATORS, early_stopping=[False, True]),
    ids=lambda setting: "-".join(map(str, setting.values())),
)
def test_a_seed_repeats_and_global_generators_stay(setting):
    estimator, few = setting["estimator"], {"batch_size": 16, "max_iter": 2}
    params = few | {k: setting[k] for k in ("solver", "early_stopping")}
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    first, X = fitted(estimator, **params)
    second, _ = fitted(estimator, **params)
    np.testing.assert_array_equal(outputs(first, X), outputs(second, X))
    assert torch.equal(before[0], torch.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    assert before[2] == random.getstate()
    other, _ = fitted(estimator, **params, random_state=1)
    assert not np.array_equal(outputs(other, X), outputs(first, X))


def test_a_generator_for_random_state_goes_on():
    same = [fitted(KANRegressor, random_state=np.random.RandomState(3))[0] for _ in range(2)]
    X = frame()
    np.testing.assert_array_equal(same[0].predict(X), same[1].predict(X))
    before = same[0].predict(X)
    assert not np.array_equal(same[0].fit(X, labelled(KANRegressor, X)).predict(X), before)


INVARIANCE = [{"batch_size": 16}, {"solver": "lbfgs"}, {"early_stopping": True}, {"norm": "batch", "solver": "hybrid"}]


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("params", INVARIANCE)
def test_order_and_repetition_of_rows_make_no_difference(estimator, params):
    X = frame()
    y = labelled(estimator, X)
    weight = np.random.default_rng(1).integers(0, 4, N)
    order = np.random.default_rng(2).permutation(np.repeat(np.arange(N), weight))
    params = params | {"max_iter": 2}
    weighted = small(estimator, **params).fit(X, y, sample_weight=weight)
    repeated = small(estimator, **params).fit(X.iloc[order], y[order])
    scaled = small(estimator, **params).fit(X, y, sample_weight=weight * 2.0**90)
    for other in (repeated, scaled):
        np.testing.assert_array_equal(outputs(other, X), outputs(weighted, X))


WEIGHTED = [(KANRegressor, {}), (KANClassifier, {}), (KANClassifier, {"class_weight": "balanced"})]


@pytest.mark.parametrize(("estimator", "params"), WEIGHTED)
def test_rows_of_weight_zero_are_as_absent(estimator, params):
    X = frame()
    y = labelled(estimator, X)
    used = np.arange(N) % 3 > 0
    spoiled = X.assign(x=np.where(used, X["x"], 1e12), word=np.where(used, X["word"], "never"))
    weighted = small(estimator, **params).fit(spoiled, y, sample_weight=1.0 * used)
    without = small(estimator, **params).fit(X[used], y[used])
    np.testing.assert_array_equal(outputs(weighted, X), outputs(without, X))


def test_balanced_classes_count_by_weight():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, 2)), np.arange(100) < 90
    balanced = small(KANClassifier, class_weight="balanced", max_iter=60).fit(X, y)
    by_hand = small(KANClassifier, max_iter=60).fit(X, y, sample_weight=np.where(y, 1 / 9, 1.0))
    np.testing.assert_allclose(balanced.predict_proba(X), by_hand.predict_proba(X), atol=1e-6)
    plain = small(KANClassifier, max_iter=60).fit(X, y)
    repeated = small(KANClassifier, class_weight="balanced", max_iter=60).fit(np.r_[X, X[95:]], np.r_[y, y[95:]])
    weighted = clone(repeated).fit(X, y, sample_weight=1 + (np.arange(100) >= 95))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-6)
    assert balanced.predict_proba(X)[:, 0].mean() > 0.3 > plain.predict_proba(X)[:, 0].mean()


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_warm_start_continues(estimator, solver):
    X = frame()
    y = labelled(estimator, X)
    params = {"solver": solver, "max_iter": 2}
    model = small(estimator, **params, warm_start=True).fit(X, y)
    first, encoder = list(model.loss_curve_), model.encoder_
    model.fit(X, y)
    assert model.encoder_ is encoder
    assert model.loss_curve_[: len(first)] == first
    assert len(model.loss_curve_) == model.n_iter_ == 2 * len(first)
    assert model.loss_curve_[len(first)] < first[0]
    assert small(estimator, **params).fit(X, y).fit(X, y).loss_curve_ == first


def chunks(X, y, sizes):
    stops = np.cumsum(sizes)
    return [(X[stop - size : stop], y[stop - size : stop]) for stop, size in zip(stops, sizes, strict=True)]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_partial_fit_learns_from_chunks(estimator):
    X = frame(200).sort_values("x", ignore_index=True) if estimator is KANClassifier else frame(200)
    y = labelled(estimator, X)
    model = small(estimator, learning_rate_init=0.03)
    begin = partial(model.partial_fit, classes=["yes", "no"]) if estimator is KANClassifier else model.partial_fit
    for _ in range(15):
        for number, (X_chunk, y_chunk) in enumerate(chunks(X, y, [60, 60, 50, 30])):
            (begin if number == 0 else model.partial_fit)(X_chunk, y_chunk)
    assert model.score(X, y) > 0.8
    assert model.n_iter_ == len(model.loss_curve_) == 60


@pytest.mark.parametrize("solver", SOLVERS)
def test_several_outputs_are_learned_together(solver):
    X = frame()
    y = np.column_stack([X["x"], -(X["x"] ** 2), X["word"] == "b"]).astype(float)
    model = small(KANRegressor, solver=solver, max_iter=60 if solver == "adam" else 10, learning_rate_init=0.05)
    assert model.fit(X, y).predict(X).shape == (N, 3)
    assert model.score(X, y) > 0.8
    assert model.predict(X).dtype == np.float64


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
def test_losses_suit_skewed_data(loss):
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, 240)
    y = rng.poisson(np.exp(x)) * 1.0 if loss == "poisson" else np.exp(x + 0.5 * rng.normal(size=240))
    model = small(KANRegressor, loss=loss, quantile=0.9, max_iter=80, learning_rate_init=0.03).fit(x[:, None], y)
    predicted = model.predict(x[:, None])
    if loss == "quantile":
        assert 0.85 <= np.mean(y <= predicted) <= 0.95
    elif loss == "absolute_error":
        assert 0.42 <= np.mean(y <= predicted) <= 0.58
    else:
        assert abs(predicted.mean() / y.mean() - 1) < 0.15
    if loss in ("poisson", "gamma", "tweedie"):
        assert (predicted > 0).all()
    assert np.corrcoef(predicted, np.exp(x))[0, 1] > 0.9


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_prediction_in_pieces_equals_prediction_at_once(estimator, monkeypatch):
    model, X = fitted(estimator)
    at_once = outputs(model, X)
    for cells in (1, 7 * (3 + model.module_.widest)):
        monkeypatch.setattr("sklearn_kan.model._model.NUMBERS_AT_ONCE", cells)
        np.testing.assert_allclose(outputs(model, X), at_once, rtol=1e-12, atol=1e-12)


def test_grid_search_in_processes_equals_one_process():
    X, y = load_iris(return_X_y=True)
    grid = {"basis": ["bspline", "truncated_power"], "n_knots": [3, 6]}
    search = GridSearchCV(small(KANClassifier, max_iter=5), grid, cv=2)
    alone = clone(search).fit(X, y)
    with joblib.parallel_config(backend="multiprocessing" if START == "fork" else "loky"):
        together = clone(search).set_params(n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(together.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])
    np.testing.assert_array_equal(together.predict_proba(X), alone.predict_proba(X))


def test_pipelines_and_cross_validation():
    X, y = load_iris(return_X_y=True)
    kan = small(KANClassifier, basis="truncated_power", n_knots=8, n_members=2, solver="hybrid", max_iter=10)
    scores = cross_val_score(make_pipeline(StandardScaler(), kan), X, y, cv=3)
    assert scores.min() > 0.85


@pytest.mark.parametrize("labels", [["no", "yes"], [False, True], [3, 7], [-1.0, 1.0]])
def test_labels_come_back_as_they_were(labels):
    X = frame()
    y = np.array(labels)[(X["x"] > 0).astype(int)]
    model = small(KANClassifier, max_iter=40, learning_rate_init=0.05).fit(X, y)
    assert model.predict(X).dtype == y.dtype
    assert model.score(X, y) > 0.9
    np.testing.assert_array_equal(model.decision_function(X) > 0, model.predict(X) == labels[1])
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X))
