"""The start layer by layer trains one layer at a time and leaves nothing but coefficients; hybrid keeps Adam's best."""

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, mean_squared_error
from skorch.callbacks import Callback

from sklearn_kan import KAN, KANClassifier, KANRegressor
from sklearn_kan.training._evaluation import snapshot
from sklearn_kan.training._layerwise import FirstLayers, frozen_before
from tests.tables import held_out_error, small, table, target


def problem(estimator, n=120, seed=0):
    X = table(n, seed=seed)
    return X, target(estimator, np.sin(X[:, 0] ** 2 + X[:, 1]), above=0.5)


def error(model, X, y):
    if isinstance(model, KANClassifier):
        return log_loss(y, model.predict_proba(X))
    return mean_squared_error(y, model.predict(X))


def fitted(estimator=KANRegressor, **params):
    X, y = problem(estimator)
    return small(estimator, **{"hidden_layer_sizes": (4, 3), "n_knots": 6, "max_iter": 8, **params}).fit(X, y), X, y


@pytest.mark.parametrize("n_levels", [(), (3,)])
def test_the_first_layers_are_read_out_linearly(n_levels):
    net = KAN(2, 5, hidden_layer_sizes=(4, 3), n_levels=n_levels)
    x = torch.rand(7, 2 + len(n_levels))
    first = FirstLayers(net, 1)
    assert torch.equal(first(x), torch.zeros(7, 5))
    torch.nn.init.normal_(first.read_out.weight)
    hidden = net.layers[0](x[:, :2]) + (net.lookup(x[:, 2:]) if n_levels else 0)
    torch.testing.assert_close(first(x), net.norms[0](hidden) @ first.read_out.weight.T)
    assert FirstLayers(net, 2).read_out.in_features == 3
    assert torch.equal(FirstLayers(net, 3)(x), net(x))


def test_what_is_frozen_is_free_again_even_after_an_error():
    net = KAN(2, 1, hidden_layer_sizes=(4,), n_levels=(3,))
    net.layers[0].bias.requires_grad_(False)
    free = []

    def interrupted():
        with frozen_before(net, 1):
            free.extend(name for name, p in net.named_parameters() if p.requires_grad)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert {name.split(".")[0] for name in free} == {"layers", "norms", "lookup"}
    assert not any(name.startswith("layers.1") for name in free)
    assert [name for name, p in net.named_parameters() if not p.requires_grad] == ["layers.0.bias"]


class Changes(Callback):
    """Which layers change in each phase."""

    def __init__(self):
        self.seen = []

    def on_train_begin(self, net, **kwargs):
        self.before = snapshot(getattr(net.module_, "network", net.module_))

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            now = snapshot(getattr(net.module_, "network", net.module_))
            changed = {name for name in now if not torch.equal(now[name], self.before[name])}
            self.seen.append(sorted({".".join(name.split(".")[:2]) for name in changed}))


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
def test_one_layer_at_a_time_then_all(estimator):
    changes, state = Changes(), torch.get_rng_state()
    model, X, y = fitted(estimator, solver="layerwise", callbacks=[changes])
    everything = ["layers.0", "layers.1", "layers.2", "norms.0", "norms.1"]
    assert changes.seen == [["layers.0", "norms.0"], ["layers.1", "norms.1"], ["layers.2"], everything]
    assert model.n_iter_ == len(model.loss_curve_) == 2 + 2 + 2 + 8
    assert torch.equal(torch.get_rng_state(), state)
    assert model.net_.module_ is model.module_
    assert model.module_.n_members is None
    again, *_ = fitted(estimator, solver="layerwise")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert model.set_params(warm_start=True, callbacks=None).fit(X, y).n_iter_ == 14 + 8


def test_knots_are_refined_after_the_start():
    model, *_ = fitted(solver="layerwise", refine_knots=[12])
    assert model.n_iter_ == 3 * 1 + 4 + 4
    assert model.module_.n_knots == [12, 12, 12]


def test_a_start_of_one_layer_is_none():
    one, X, _ = fitted(solver="layerwise", hidden_layer_sizes=(), max_iter=5)
    other, *_ = fitted(solver="adam", hidden_layer_sizes=(), max_iter=5, n_members=1)
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


class Interrupt(Callback):
    def on_batch_end(self, net, training=True, **kwargs):
        if training and len(net.history) == 2:
            raise KeyboardInterrupt


def test_an_interrupted_start_leaves_the_whole_network():
    with pytest.warns(UserWarning, match="interrupted"):
        model, X, _ = fitted(solver="layerwise", callbacks=[Interrupt()])
    assert model.net_.module_ is model.module_
    assert all(p.requires_grad for p in model.module_.parameters())
    assert model.predict(X).shape == (120,)


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
@pytest.mark.parametrize("n_members", [1, 3])
def test_hybrid_never_ends_worse_than_adam(estimator, n_members):
    params = {"early_stopping": True, "n_members": n_members, "max_iter": 6}
    adam, *_ = fitted(estimator, solver="adam", **params)
    hybrid, *_ = fitted(estimator, solver="hybrid", **params)
    assert hybrid.loss_curve_[:6] == adam.loss_curve_
    assert held_out_error(hybrid) <= held_out_error(adam) * (1 + 1e-9)
    unseen = problem(estimator, 2000, seed=1)
    assert error(hybrid, *unseen) < error(adam, *unseen)


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
@pytest.mark.parametrize("n_members", [1, 3])
def test_without_validation_rows_hybrid_fits_closer_than_adam(estimator, n_members):
    params = {"early_stopping": False, "n_members": n_members, "max_iter": 5, "alpha": 0.0}
    adam, hybrid = (fitted(estimator, solver=solver, **params) for solver in ("adam", "hybrid"))
    assert error(*hybrid) < error(*adam)


class Precision(Callback):
    def __init__(self):
        self.seen = []

    def on_epoch_end(self, net, **kwargs):
        self.seen.append(next(net.module_.parameters()).dtype)


def test_the_second_phase_is_in_double_precision():
    precision = Precision()
    model, *_ = fitted(solver="hybrid", dtype="float32", max_iter=2, callbacks=[precision])
    assert precision.seen == [torch.float32] * 2 + [torch.float64] * 2
    assert next(model.module_.parameters()).dtype == torch.float32
