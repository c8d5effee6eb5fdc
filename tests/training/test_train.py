"""Training as users meet it: it stops when it should, keeps the best state, and listens to skorch's callbacks."""

import pickle
import re
import warnings

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback, Checkpoint, EarlyStopping, EpochScoring, LRScheduler, ProgressBar

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.training._net import Net
from tests.tables import held_out_error, outputs, small, table, target

ESTIMATORS = [KANRegressor, KANClassifier]
SOLVERS = ["adam", "lbfgs", "hybrid"]


def problem(estimator):
    X = table(60)
    return X, target(estimator, X[:, 0] - X[:, 1] ** 2, above=-0.5)


def fitted(estimator, **params):
    X, y = problem(estimator)
    return small(estimator, **params).fit(X, y), X, y


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", SOLVERS)
def test_early_stopping_restores_the_best_state(estimator, solver):
    X, y = problem(estimator)
    noise = np.random.default_rng(1).permutation(y)
    params = {"max_iter": 30 if solver == "adam" else 12, "learning_rate_init": 0.1}
    model = small(estimator, solver=solver, early_stopping=True, **params).fit(X, noise)
    np.testing.assert_allclose(held_out_error(model), -max(model.validation_scores_), rtol=1e-6)
    assert model.validation_scores_[-1] < max(model.validation_scores_)


def test_patience_ends_a_phase():
    model, *_ = fitted(KANRegressor, max_iter=200, n_iter_no_change=4, tol=0.5)
    assert model.n_iter_ < 40


class Interrupt(Callback):
    """Ctrl-C in the middle of an epoch."""

    def __init__(self, epoch=3):
        self.epoch = epoch

    def on_batch_end(self, net, training=True, **kwargs):
        if training and len(net.history) == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_interrupt_leaves_a_fitted_estimator(estimator, solver, early_stopping):
    X, y = problem(estimator)
    params = {"solver": solver, "early_stopping": early_stopping, "max_iter": 9, "callbacks": [Interrupt()]}
    model = small(estimator, **params)
    with pytest.warns(UserWarning, match=r"^Training was interrupted; the best state so far is kept\.$") as caught:
        model.fit(X, y)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert model.n_iter_ == len(model.loss_curve_) >= 2
    assert len(model.net_.history) == 3  # of the phase that was interrupted, and no phase after it
    assert (model.net_.phase.optimizer is torch.optim.LBFGS) == (solver == "lbfgs")
    assert np.isfinite(outputs(model, X)).all()
    if early_stopping:
        assert held_out_error(model) <= -max(model.validation_scores_) * (1 + 1e-6)
    outputs(pickle.loads(pickle.dumps(model)), X)


def train_error(net, rows, y):
    """Called by EpochScoring with the net, the rows, and the targets on the scale that they are learned on."""
    predicted = np.concatenate([batch.numpy() for batch in net.forward_iter(rows)])
    return float(np.abs(predicted - y).mean())


@pytest.mark.parametrize("solver", SOLVERS)
def test_skorch_callbacks_see_every_epoch(solver, tmp_path, capsys):
    scoring = [EpochScoring(train_error, name="train_error", on_train=True), EpochScoring(train_error, name="error")]
    others = [ProgressBar(), Checkpoint(dirname=str(tmp_path)), ("named", EpochScoring(train_error, use_caching=False))]
    model, *_ = fitted(KANRegressor, solver=solver, early_stopping=True, callbacks=[*scoring, *others])
    assert len(model.net_.history) == 3
    assert all(0 < value < 10 for value in model.net_.history[:, ("train_error", "error")][-1])
    assert list(tmp_path.iterdir())


def test_a_schedule_of_skorch_replaces_the_constant_rate():
    schedule = LRScheduler("StepLR", step_size=1, gamma=0.5)
    model, *_ = fitted(KANRegressor, learning_rate="constant", learning_rate_init=0.1, callbacks=[schedule])
    np.testing.assert_allclose(model.net_.history[:, "event_lr"], [0.1, 0.05, 0.025])


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_may_end_a_phase(solver):
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=1e9, threshold_mode="abs")
    model, *_ = fitted(KANRegressor, solver=solver, max_iter=20, callbacks=[stop])
    assert model.n_iter_ == (6 if solver == "hybrid" else 3)


def test_verbose_shows_a_bar_per_phase(capsys):
    fitted(KANRegressor, solver="hybrid")
    assert capsys.readouterr().err == ""
    fitted(KANRegressor, solver="hybrid", verbose=1)
    shown = capsys.readouterr()
    assert "AdamW: 100%" in shown.err
    assert "LBFGS: 100%" in shown.err
    assert "train_loss" in shown.err
    assert "best_epoch" in shown.err
    assert shown.out == ""


def test_verbose_2_prints_a_line_per_pass(capsys):
    model, *_ = fitted(KANRegressor, verbose=2, early_stopping=True)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    printed = [float(re.search(r", loss = ([\d.]+), validation", line)[1]) for line in lines[:-1]]
    np.testing.assert_allclose(printed, model.loss_curve_, atol=1e-8)
    assert f"iteration {len(printed)}, " in lines[-2]
    assert lines[-1].endswith(f"Best iteration: {model.best_iteration_}.")
    assert err == ""


def test_a_pass_of_lbfgs_is_several_steps():
    one, X, y = fitted(KANRegressor, solver="lbfgs", max_iter=1)
    assert len(one.loss_curve_) == 1
    assert one.score(X, y) > 0.3


@pytest.mark.parametrize(
    ("estimator", "batch_size"),
    [
        (KANRegressor, "auto"),
        (KANRegressor, 16),
        (KANClassifier, "auto"),
    ],  # in small steps a classifier can get through
)
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_rate_far_too_high_is_told_once(estimator, early_stopping, batch_size, dtype):
    X, y = problem(estimator)
    params = {"early_stopping": early_stopping, "batch_size": batch_size, "dtype": dtype}
    model = small(estimator, learning_rate_init=1e6, alpha=0.0, max_iter=20, norm="none", **params)
    with pytest.warns(ConvergenceWarning, match=r"^AdamW diverged: .* Lower learning_rate_init") as caught:
        model.fit(X, y)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert np.isfinite(outputs(model, X)).all()
    if estimator is KANRegressor:
        assert np.abs(model.predict(X)).max() < 100


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
def test_one_huge_target_leaves_predictions_finite(loss):
    X, y = problem(KANRegressor)
    y[3] = 1e307
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = small(KANRegressor, loss=loss, max_iter=10).fit(X, y)
    assert [warning.category for warning in caught] in ([], [ConvergenceWarning])
    assert np.isfinite(model.predict(X)).all()


def test_partial_fit_goes_on_with_one_optimizer_whose_settings_may_change():
    model, X, y = fitted(KANRegressor, solver="hybrid", max_iter=1)
    assert model.net_.phase.optimizer is torch.optim.LBFGS
    model.partial_fit(X, y)
    net = model.net_
    assert net.phase.optimizer is torch.optim.AdamW
    assert model.partial_fit(X[:20], y[:20]).net_ is net
    assert net.phase.batch_size == 20
    model.set_params(learning_rate_init=0.25).partial_fit(X, y)
    assert min(group["lr"] for group in model.net_.optimizer_.param_groups) == 0.25
    assert len(model.loss_curve_) == 2 + 3


def test_an_interrupted_partial_fit_ends_the_callers_loop(monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    model, X, y = fitted(KANRegressor)
    before, attributes = model.predict(X), set(vars(model))
    monkeypatch.setattr(Net, "run_single_epoch", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.partial_fit(X, y)
    assert set(vars(model)) == attributes
    np.testing.assert_array_equal(model.predict(X), before)


def test_a_wide_table_is_learned_without_a_rising_loss():
    X = np.random.default_rng(0).normal(size=(100, 1500))
    model = KANRegressor(max_iter=40, random_state=0).fit(X, X[:, 0])
    assert np.argmax(model.loss_curve_) == 0
    assert model.loss_curve_[-1] < 0.05 * model.loss_curve_[0]
