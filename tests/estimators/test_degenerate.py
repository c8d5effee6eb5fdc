"""Data and numbers that break linear algebra: every solver ends in a usable state, and says at most once what happened.

A fitted model is never worse than the best state that training has seen: without validation rows, than its start.
"""

import math
import re
import warnings
from functools import cache
from itertools import cycle, product

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.training._phases import SOLVERS
from tests.tables import error_on, every_pair, small, table

ESTIMATORS = [KANRegressor, KANClassifier]
SETTINGS = [*({"solver": solver} for solver in SOLVERS), {"solver": "adam", "refit": "last_layer"}]
N = 40

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def problem(n=N):
    X = table(n, 3)
    return X, X[:, 0] + np.sin(2 * X[:, 1])


def fit(estimator, X, y, n_warnings=0, **params):
    """A fitted model, and the warnings on the way: at most `n_warnings` of them."""
    y = y if estimator is KANRegressor or y.dtype == bool else y > np.median(y)
    model = small(estimator, **{"n_members": 2, "max_iter": 4, **params})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    assert len(caught) <= n_warnings, [str(warning.message) for warning in caught]
    values = model.predict_proba(X) if estimator is KANClassifier else model.predict(X)
    assert np.isfinite(values).all()
    return model, y, [str(warning.message) for warning in caught]


def explained(model, X, y):
    """Score over that of the constant prediction: not negative for whoever has learned anything."""
    return model.score(X, y) - (max(np.mean(y), 1 - np.mean(y)) if isinstance(model, KANClassifier) else 0.0)


def label(params):
    return "-".join(map(str, params.values()))


def label_of_any(value):
    return label(value) if isinstance(value, dict) else str(getattr(value, "__name__", value))


everything = pytest.mark.parametrize("params", SETTINGS, ids=label)
each = pytest.mark.parametrize(
    ("estimator", "params"), list(zip(cycle(ESTIMATORS), SETTINGS, strict=False)), ids=label_of_any
)


@each
def test_constant_and_duplicate_columns_change_nothing_but_the_input(estimator, params):
    X, y = problem()
    X = np.column_stack([X, X, np.full(N, 3.0), np.zeros(N)])
    model, y, _ = fit(estimator, X, y, max_iter=10, learning_rate_init=0.02, **params)
    assert explained(model, X, y) > 0.1


@each
def test_a_table_of_constants_leaves_the_mean(estimator, params):
    y = np.arange(N) % 4 == 0
    model, *_ = fit(estimator, np.ones((N, 2)), y if estimator is KANClassifier else y.astype(float), max_iter=40,
                    alpha=0.0, **params)  # fmt: skip
    predicted = model.predict_proba(np.ones((1, 2)))[0, 1] if estimator is KANClassifier else model.predict([[1, 1]])[0]
    np.testing.assert_allclose(predicted, 0.25, atol=0.1)


@everything
@pytest.mark.parametrize("value", [0.0, 5.0, -1e30, 1e-30])
def test_equal_targets_are_predicted(params, value):
    X, _ = problem()
    model, *_ = fit(KANRegressor, X, np.full(N, value), max_iter=8, learning_rate_init=0.03, **params)
    np.testing.assert_allclose(model.predict(X), value, atol=0.2 * max(1.0, abs(value)))


@everything
@pytest.mark.parametrize("n", [1, 2])
def test_a_row_or_two_can_be_fitted(params, n):
    X, y = problem(n)
    fit(KANRegressor, X, y, **params)
    if n > 1:
        fit(KANRegressor, X, y, early_stopping=True, validation_fraction=0.9, **params)


@pytest.mark.parametrize(("estimator", "norm"), [(KANRegressor, "layer"), (KANClassifier, "batch")])
@everything
def test_one_row_at_a_time(estimator, params, norm):
    X, y = problem(12)
    fit(estimator, X, y, batch_size=1, norm=norm, max_iter=2, **params)


@cache
def of_plain_size(**params):
    X, y = problem()
    return fit(KANRegressor, X, y, dtype="float64", **params)[0].predict(X)


@pytest.mark.parametrize(
    ("params", "size"),
    [*product(SETTINGS, [1e300, 1e-300]), *product(SETTINGS[:1], [1e30, 1e-30])],
    ids=label_of_any,
)
def test_the_size_of_a_target_makes_no_difference(params, size):
    X, y = problem()
    model, *_ = fit(KANRegressor, X, size * y, dtype="float64", **params)
    np.testing.assert_allclose(model.predict(X) / size, of_plain_size(**params), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "params",
    [
        {**params, "loss": loss}
        for params in SETTINGS
        for loss in ("squared_error", "absolute_error", "huber", "quantile", "poisson")
        if "refit" not in params or loss not in ("absolute_error", "quantile")  # which have no curvature
    ],
    ids=label,
)
def test_an_extreme_outlier_in_the_target(params):
    X, y = problem()
    y = np.abs(y)
    y[3] = 1e306
    fit(KANRegressor, X, y, n_warnings=1, max_iter=3, **params)


@each
def test_an_extreme_outlier_in_a_column(estimator, params):
    X, y = problem()
    X[3, 0] = 1e308
    X[4, 1] = -1e308
    model, y, _ = fit(estimator, X, y, max_iter=10, learning_rate_init=0.02, **params)
    assert explained(model, X, y) > 0.1


@pytest.mark.parametrize("size", [1e300, 1e-300])
def test_spreads_of_members_scale_with_the_target(size):
    X, y = problem()
    one, other = (small(n_members=3, dtype="float64").fit(X, factor * y) for factor in (1.0, size))
    std = one.predict(X, return_std=True)[1]
    np.testing.assert_allclose(other.predict(X, return_std=True)[1] / size, std, rtol=1e-4, atol=1e-4)


def test_targets_whose_range_is_no_float_are_refused():
    X, y = problem()
    with pytest.raises(ValueError, match=r"^y has values up to 1\.7e\+308, above 1e\+307, .* Scale y down\.$"):
        small().fit(X, np.where(np.arange(N) == 3, -1.7e308, y))


class BreakGradient(Callback):
    """Makes one gradient useless from a certain evaluation on."""

    def __init__(self, after, value):
        self.after, self.value, self.count = after, value, 0

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.count += 1
        if self.count > self.after:
            next(p for _, p in named_parameters if p.grad is not None).grad.fill_(self.value)


class Errors(Callback):
    """Errors over held-out rows, or else over all, whenever a phase begins and after every epoch."""

    def __init__(self, loss):
        self.loss, self.seen = loss, []

    def error(self, module):
        return error_on(module, self.rows, self.loss, of_each_member=self.are_fitted)

    def on_train_begin(self, net, X=None, **kwargs):
        self.are_fitted = net.validation is None
        self.rows = X if self.are_fitted else net.validation
        self.seen.append(self.error(net.module_))

    def on_epoch_end(self, net, **kwargs):
        if all(p.isfinite().all() for p in net.module_.parameters()):
            self.seen.append(self.error(net.module_))


FAULTS = every_pair(
    lambda **_: True,
    estimator=ESTIMATORS,
    params=SETTINGS,
    fault=[(math.nan, 0, False), (math.inf, 10, False), (math.inf, 10, True)],
)


@pytest.mark.parametrize("setting", FAULTS, ids=label)
def test_gradients_that_are_not_finite(setting):
    estimator, params, (value, after, early_stopping) = setting.values()
    X, y = problem()
    errors = Errors("log_loss" if estimator is KANClassifier else "squared_error")
    model, y, messages = fit(estimator, X, y, 1, callbacks=[errors, BreakGradient(after, value)],
                             early_stopping=early_stopping, alpha=0.0, max_iter=12, **params)  # fmt: skip
    assert len(messages) == 1
    assert re.search("gradient became non-finite.* Training went back to the best state before", messages[0])
    assert all(torch.isfinite(p).all() for p in model.module_.parameters())
    assert errors.error(model.module_) <= min(errors.seen) * (1 + 1e-6)


@pytest.mark.parametrize("far", [1e5, 1e300])
def test_given_knots_far_from_a_column_are_refused(far):
    X = np.column_stack([np.arange(20.0), np.full(20, far)])
    with pytest.raises(
        ValueError, match=r"^knots has some that cannot be told apart in float32, .* \(n_knots, n_columns\)"
    ):
        KANRegressor((3,), n_members=2, max_iter=2, knots=[0.0, 1.0, 1.5]).fit(X, X[:, 0])
