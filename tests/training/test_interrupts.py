"""Ctrl-C and failures in training: nothing is swallowed, nothing half done is kept."""

import itertools
import math
import signal
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EarlyStopping

from sklearn_kan import KANClassifier, KANRegressor, _interrupts
from sklearn_kan.optim import KFAC, GaussNewton
from sklearn_kan.training import _plan, _refit
from sklearn_kan.training._fused import FusedAdamW
from sklearn_kan.training._observation import observed_by

X = np.random.default_rng(0).normal(size=(120, 2))
Y = X[:, 0] - X[:, 1] ** 2
TOLD = r"^Training was interrupted; the best state so far is kept\.$"
OPTIMIZERS = {
    "adam": torch.optim.AdamW, "lbfgs": torch.optim.LBFGS, "kfac": KFAC, "gauss_newton": GaussNewton,
}  # fmt: skip


pytestmark = pytest.mark.usefixtures("no_signal_before")


def set_clock(monkeypatch, step):
    """Let the clock by which signals follow one another show `step` seconds more at every look."""
    seconds = itertools.count(0.0, step)
    monkeypatch.setattr(_interrupts, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    monkeypatch.setattr(_interrupts, "_latest", -math.inf)


def make(**params):
    few = {
        "hidden_layer_sizes": (4,),
        "n_knots": 4,
        "max_iter": 6,
        "n_members": 2,
        "random_state": 0,
        "dtype": "float64",
    }
    return KANRegressor(**few | params)


def press(*args, **kwargs):
    signal.raise_signal(signal.SIGINT)


def raising(*args):
    raise KeyboardInterrupt


class At(Callback):
    """Presses Ctrl-C, once, when the net tells of something."""

    def __init__(self, event, epoch=2):
        self.event, self.epoch, self.is_over_ = event, epoch, False

    def press(self, net, **kwargs):
        if not self.is_over_ and len(net.history) == self.epoch:
            self.is_over_ = True
            press()


EVENTS = "on_train_begin", "on_epoch_begin", "on_batch_begin", "on_grad_computed", "on_batch_end", "on_epoch_end"
for event in EVENTS:
    setattr(At, event, lambda self, net, *args, event=event, **kwargs: self.press(net) if event == self.event else None)


@pytest.mark.parametrize("handler", [signal.default_int_handler, raising])
@pytest.mark.parametrize("solver", ["adam", "lbfgs", "hybrid", "kfac", "gauss_newton", "layerwise"])
@pytest.mark.parametrize("event", EVENTS[1:])
def test_a_signal_ends_the_fit_with_a_word(event, solver, handler):
    before = signal.signal(signal.SIGINT, handler)
    try:
        model = make(solver=solver, callbacks=[At(event)])
        with pytest.warns(UserWarning, match=TOLD) as caught:
            model.fit(X, Y)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(caught) == 1
    assert len(model.net_.history) == 2
    assert np.isfinite(model.predict(X)).all()


def test_a_signal_before_a_phase_keeps_the_phases_before_it():
    class Later(At):
        def on_train_begin(self, net, X=None, y=None, **kwargs):
            if net.phase.optimizer is torch.optim.LBFGS:
                press()

    with pytest.warns(UserWarning, match=TOLD):
        model = make(solver="hybrid", callbacks=[Later("", 0)]).fit(X, Y)
    np.testing.assert_allclose(model.predict(X), make(solver="adam").fit(X, Y).predict(X), rtol=1e-12)


@pytest.mark.parametrize("stop", [EarlyStopping("train_loss", patience=2, threshold=10.0), "own"])
def test_a_callback_that_ends_a_phase_is_no_signal(stop):
    class Own(Callback):
        def on_epoch_end(self, net, **kwargs):
            if len(net.history) == 2:
                raise KeyboardInterrupt

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = make(solver="hybrid", callbacks=[Own() if stop == "own" else stop]).fit(X, Y)
    assert model.net_.phase.optimizer is torch.optim.LBFGS


class SeesBatches(Callback):
    """For its sake steps are taken one by one."""

    def on_batch_end(self, net, **kwargs):
        pass


def test_a_signal_in_a_fused_pass_leaves_the_pass_before(monkeypatch):
    take, calls = FusedAdamW.take, []

    def interrupted(self, *args):
        calls.append(1)
        total = take(self, *args)
        if len(calls) == 3:
            press()
        return total

    monkeypatch.setattr(FusedAdamW, "take", interrupted)
    with pytest.warns(UserWarning, match=TOLD):
        model = make().fit(X, Y)
    assert model.n_iter_ == 2
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_a_signal_in_an_optimizer_leaves_no_worse_model(solver, monkeypatch):
    step = OPTIMIZERS[solver].step
    calls = []

    def interrupted(self, closure=None, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            with torch.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        p.add_(1.0)  # a step on trial
            press()
        return step(self, closure, **kwargs)

    monkeypatch.setattr(OPTIMIZERS[solver], "step", interrupted)
    with pytest.warns(UserWarning, match=TOLD):
        model = make(solver=solver, callbacks=[SeesBatches()]).fit(X, Y)
    shorter = make(solver=solver, max_iter=2, learning_rate="constant").fit(X, Y)
    longer = model.set_params(learning_rate="constant")
    assert longer.score(X, Y) >= shorter.score(X, Y) - 0.2


def test_a_signal_in_the_refit_keeps_what_was_trained(monkeypatch):
    monkeypatch.setattr(_refit, "solve", press)
    for loss in ("squared_error", "huber"):
        monkeypatch.setattr(_interrupts, "_latest", -math.inf)
        plain = make(loss=loss).fit(X, Y)
        with pytest.warns(UserWarning, match=TOLD):
            model = make(loss=loss, refit="last_layer").fit(X, Y)
        np.testing.assert_array_equal(model.predict(X), plain.predict(X))
        assert model.module_.layers[0].bias.dtype == torch.float64


def test_a_signal_while_an_exact_solver_is_tried_is_not_swallowed(monkeypatch):
    monkeypatch.setattr(_plan, "asks_for_digits", lambda *args: True)
    monkeypatch.setattr(GaussNewton, "step", press)
    with pytest.warns(UserWarning, match=TOLD):
        make(solver="auto", early_stopping=True).fit(X, Y)


@pytest.mark.parametrize("event", ["on_batch_end", "on_epoch_end"])
@pytest.mark.parametrize("refit", [None, "last_layer"])
def test_whoever_watches_is_interrupted(event, refit, monkeypatch):
    callbacks = [At(event)]
    if refit:
        monkeypatch.setattr(_refit, "solve", press)
        callbacks = []
    with observed_by(lambda *args: None), pytest.raises(KeyboardInterrupt):
        make(callbacks=callbacks, refit=refit).fit(X, Y)
    with observed_by(raising), pytest.raises(KeyboardInterrupt):
        make().fit(X, Y)


def test_two_signals_in_a_row_end_everything(monkeypatch):
    search = GridSearchCV(make(callbacks=[At("on_epoch_end")]), {"alpha": [0.1, 1.0]}, cv=2)
    set_clock(monkeypatch, 1.0)
    with pytest.warns(UserWarning, match=TOLD) as caught, pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)
    assert len(caught) == 1
    set_clock(monkeypatch, 10.0)
    with pytest.warns(UserWarning, match=TOLD) as caught:
        search.fit(X, Y)
    assert len(caught) == 5  # each fit by itself, of two folds and the refit


@pytest.mark.parametrize("kind", [KANRegressor, KANClassifier])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("is_signal", [False, True])
def test_a_pass_that_ends_early_is_undone(kind, batch, is_signal, monkeypatch):
    y = Y > 0 if kind is KANClassifier else Y
    params = {"hidden_layer_sizes": (4,), "n_members": 2, "batch_size": 32, "norm": "batch", "random_state": 0}
    model, control = kind(**params), kind(**params)
    for one in (model, control):
        one.partial_fit(X, y).partial_fit(X, y)
    step, calls = torch.optim.AdamW.step, []

    def failing(self, closure=None):
        calls.append(1)
        if len(calls) == batch:
            if is_signal:
                press()
            raise RuntimeError("out of memory")
        return step(self, closure)

    before = model.predict(X)
    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", failing)
        with pytest.raises(KeyboardInterrupt if is_signal else RuntimeError):
            model.partial_fit(X, y)
    np.testing.assert_array_equal(model.predict(X), before)
    assert model.n_iter_ == len(model.loss_curve_) == len(model.net_.history) == 2
    for one in (model, control):
        one.partial_fit(X, y)
    np.testing.assert_array_equal(model.predict(X), control.predict(X))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("target", "unit"), [(1e25, 1), (1e200, 1), (-1e150, 1), (1e7, 1), (1e300, 1e-10)])
def test_a_chunk_that_would_spoil_the_model_is_refused(target, unit, dtype):
    model, control, good = make(dtype=dtype), make(dtype=dtype), unit * Y
    bad = good.copy()
    bad[7] = target
    for _ in range(3):
        model.partial_fit(X, good)
        control.partial_fit(X, good)
    with pytest.warns(ConvergenceWarning, match=r"^The chunk was refused: .* Row 7 .*target \[") as caught:
        model.partial_fit(X, bad)
    assert [one.filename for one in caught] == [__file__]
    for _ in range(3):
        model.partial_fit(X, good)
        control.partial_fit(X, good)
    np.testing.assert_array_equal(model.predict(X), control.predict(X))
    assert model.loss_curve_ == control.loss_curve_


def test_a_chunk_of_a_stream_is_named():
    weight = np.ones(120)
    weight[5] = 1e30
    chunks = [(X, Y), (X, Y, weight)]
    with pytest.warns(ConvergenceWarning, match=r"^Chunk 1 was refused: .* Row 5 .*weight 1e\+30\.$") as caught:
        model = make(max_iter=3).fit_chunks(chunks)
    assert len(caught) == 3
    np.testing.assert_array_equal(model.predict(X), make(max_iter=3).fit_chunks([(X, Y)]).predict(X))


def test_a_shift_of_the_target_is_learned():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = make().partial_fit(X, Y).partial_fit(X, Y + 30)
    assert model.n_iter_ == 2


@pytest.mark.parametrize("n_samples", [120, 2400])
@pytest.mark.parametrize("least", [1e-65, 1e-300])
def test_weights_of_any_ratio_are_learned_from(n_samples, least):
    x = np.random.default_rng(1).normal(size=(n_samples, 2))
    y = x[:, 0] + np.sin(3 * x[:, 1])
    weight = np.geomspace(least, 1.0, 30)[np.arange(n_samples) % 30]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for scale in (1.0, 1e90):
            model = make(early_stopping=True, max_iter=10, batch_size=256).fit(x, y, scale * weight)
            assert model.n_iter_ == 10
            assert np.isfinite(model.validation_scores_).all()
            assert model.score(x, y, weight) > 0.1


def test_weights_too_small_for_their_precision_count_like_the_smallest():
    weight = np.where(np.arange(2400) % 3, 1.0, 1e-65)
    x = np.random.default_rng(1).normal(size=(2400, 2))
    y = x[:, 0] + np.sin(3 * x[:, 1])
    model, clipped = (make(max_iter=10).fit(x, y, w) for w in (weight, weight.clip(1e-30)))
    np.testing.assert_allclose(model.predict(x), clipped.predict(x), rtol=1e-6)


@pytest.mark.parametrize("params", [{"loss": "poisson"}, {"loss": "gamma"}, {"loss": "tweedie", "power": 1.5}])
def test_means_stay_finite_however_far_outputs_are(params):
    model = make(**params, refit="last_layer").fit(X, np.exp(Y))
    with torch.no_grad():
        model.module_.layers[-1].bias.add_(1e6)
    mean, std = model.predict(X, return_std=True)
    assert np.isfinite([mean, std]).all()
    assert mean.min() > 0
