"""solver="auto": small networks by Gauss-Newton where a target is smooth, Adam's ensemble elsewhere."""

import inspect
import pickle
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_kan import KANRegressor
from sklearn_kan.network._architecture import Architecture
from sklearn_kan.network._members import can_be_members, member_of, stacked
from sklearn_kan.training import _exact, _train

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (1_400, 3))
y = np.exp(np.sin(2 * X[:, 0]) + X[:, 1] ** 2) * (2 + X[:, 2])
TRAIN, TEST = slice(0, 400), slice(400, None)


def error(model):
    return np.sqrt(np.mean((model.predict(X[TEST]) - y[TEST]) ** 2)) / y.std()


@pytest.fixture(scope="module")
def smooth():
    return KANRegressor(random_state=0).fit(X[TRAIN], y[TRAIN])


def test_smooth_targets_get_another_digit(smooth):
    by_adam = KANRegressor(solver="adam", random_state=0).fit(X[TRAIN], y[TRAIN])
    assert (smooth.solver_, by_adam.solver_) == ("gauss_newton", "adam")
    assert error(smooth) < 0.1 * error(by_adam)
    n_passes = len(by_adam.loss_curve_)
    assert smooth.loss_curve_[:n_passes] == by_adam.loss_curve_  # what came first is in the history
    assert len(smooth.loss_curve_) > n_passes


def test_what_an_ensemble_can_do_it_still_can(smooth):
    mean, std = smooth.predict(X[TEST], return_std=True)
    assert smooth.module_.n_members == 3
    assert (std > 0).all()
    assert std.mean() < 0.05 * y.std()
    _, interval = smooth.predict(X[TEST], return_interval=0.9)
    assert 0.8 < np.mean((interval[:, 0] <= y[TEST]) & (y[TEST] <= interval[:, 1])) < 1.0
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(smooth)).predict(X[TEST]), mean)


def test_training_goes_on(smooth):
    before = error(smooth)
    copy = pickle.loads(pickle.dumps(smooth)).set_params(warm_start=True, max_iter=10)
    copy.fit(X[TRAIN], y[TRAIN])
    assert copy.solver_ == "gauss_newton"
    assert copy.module_.n_members == 3
    assert error(copy) < 1.01 * before  # from the beginning, ten passes are not enough by far
    copy = pickle.loads(pickle.dumps(smooth)).partial_fit(X[TRAIN], y[TRAIN])
    assert copy.solver_ == "adam"
    assert np.isfinite(copy.predict(X[TEST])).all()


@pytest.mark.parametrize(
    "change", ["noise", "loss", "few rows", "sum", "no interactions", "embeddings", "large network"]
)
def test_elsewhere_it_is_adam_to_the_last_bit(change):
    table, target, params = X[TRAIN], y[TRAIN], {"max_iter": 12, "n_members": 4}
    if change == "noise":
        target = target + y.std() * np.random.default_rng(1).normal(size=400)
    if change == "loss":
        params["loss"] = "huber"
    if change == "few rows":
        table, target = table[:290], target[:290]
    if change == "sum":
        params["interaction_cst"] = [[0, 1], [2]]
    if change == "no interactions":
        target = X[TRAIN, 0] + X[TRAIN, 1] ** 2
        params["interaction_cst"] = "no_interactions"
    if change == "embeddings":
        table = pd.DataFrame(table, columns=list("abc")).assign(town=pd.Categorical(np.arange(400) % 60))
    if change == "smoothness":
        params["smoothness"] = 1e-3
    if change == "large network":
        params["hidden_layer_sizes"] = (200,)
    of_both = [KANRegressor(solver=s, random_state=0, **params).fit(table, target) for s in ("auto", "adam")]
    assert of_both[0].solver_ == "adam"
    np.testing.assert_array_equal(*(model.predict(table) for model in of_both))


def test_a_network_that_was_asked_for_is_the_one_that_is_fitted():
    few = {"max_iter": 40, "random_state": 0}
    model = KANRegressor((5,), norm="none", alpha=0.1, n_members=2, **few).fit(X[TRAIN], y[TRAIN])
    assert model.solver_ == "gauss_newton"
    assert model.module_.layers[0].out_features == 5
    alone = KANRegressor(n_members=1, **few).fit(X[TRAIN], y[TRAIN])
    assert alone.solver_ == "gauss_newton"
    assert alone.module_.n_members is None


@pytest.mark.parametrize(
    "params",
    [{"interactions": "product", "norm": "none"}, {"basis": "fourier", "norm": "layer"}, {"n_levels": (4,)},
     {"norm": "batch", "hidden_layer_sizes": (3, 2)}],
)  # fmt: skip
def test_stacked_networks_predict_what_they_predict_alone(params):
    architecture = Architecture(2, 2, **{"hidden_layer_sizes": (3,), "knots": "quantile", **params})
    generator = torch.Generator().manual_seed(0)
    rows = torch.rand(50, 2 + len(architecture.n_levels), generator=generator, dtype=torch.float64)
    rows[:, 2:] = torch.arange(50)[:, None] % 4
    modules = []
    for seed in range(3):
        module = architecture.build(seed, generator).double().eval()
        module.place_knots(rows)
        with torch.no_grad():
            for value in [*module.parameters(), *(b for name, b in module.named_buffers() if "running" in name)]:
                value.add_(torch.rand(value.shape, generator=generator, dtype=torch.float64))
        modules.append(module)
    ensemble = stacked(architecture, modules).eval()
    with torch.no_grad():
        alone = torch.stack([module(rows) for module in modules], 1)
        torch.testing.assert_close(ensemble(rows), alone)
        for member in range(3):
            again = member_of(architecture._replace(n_members=3), ensemble, member).eval()
            torch.testing.assert_close(again(rows), alone[:, member])


def test_parameters_of_all_members_together_cannot_be_stacked():
    assert can_be_members(Architecture(2, 1, hidden_layer_sizes=(3,)), 3)
    assert not can_be_members(Architecture(2, 1, hidden_layer_sizes=(3,), n_levels=(60,)), 3)
    assert not can_be_members(Architecture(2, 1, hidden_layer_sizes=(3,), interactions="mixed"), 3)


def test_networks_that_share_parameters_stay_with_adam():
    line, settings = 3 * X[:, 0], {"interactions": "mixed", "n_members": 2, "max_iter": 20, "random_state": 0}
    auto, adam = (
        KANRegressor((4,), solver=solver, learning_rate_init=0.05, **settings).fit(X[TRAIN], line[TRAIN])
        for solver in ("auto", "adam")
    )
    np.testing.assert_array_equal(auto.predict(X), adam.predict(X))
    assert np.std(adam.predict(X) - line) < 0.1 * np.std(line)  # smooth enough for others


def test_a_trial_takes_neither_a_copy_of_a_large_table_nor_torch_s_compiler(monkeypatch):
    table = np.random.default_rng(1).uniform(-1, 1, (2_100, 2)).astype(np.float32)
    sizes, run = [], _train.run

    def watched(net, rows):
        sizes.append((net.phase.optimizer.__name__, rows.dtype, len(rows.all[0])))
        return run(net, rows)

    monkeypatch.setattr(_train, "run", watched)
    monkeypatch.setattr(_exact, "MOST_ROWS", most := 400)
    monkeypatch.setattr(_exact, "MOST_PLACED", most)
    first_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    monkeypatch.delattr(first_group, "__dynamo_disable", raising=False)  # what torch keeps once it has imported it
    for name in ("torch._dynamo", "torch.fx.experimental.symbolic_shapes"):  # seconds, and over 100 MB
        monkeypatch.setitem(sys.modules, name, None)
    model = KANRegressor(n_members=2, max_iter=8, random_state=0).fit(table, table[:, 0] * table[:, 1])
    assert model.solver_ == "gauss_newton"
    assert sizes[0] == ("AdamW", torch.float32, len(table))
    assert {each[:2] for each in sizes[1:]} == {("GaussNewton", torch.float64)}
    assert max(size for *_, size in sizes[1:]) <= most
    apart = np.random.default_rng(2).uniform(-0.9, 0.9, (50, 2))
    np.testing.assert_allclose(model.predict(apart), apart.prod(1), atol=0.01)
