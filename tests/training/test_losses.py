"""Losses against scikit-learn, against their formulas, and by what minimises them."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from sklearn.metrics import (
    log_loss,
    mean_absolute_error,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
)

from sklearn_kan.training._losses import (
    HUBER_DELTA,
    MAX_LOG_MEAN,
    REGRESSION_LOSSES,
    Pinball,
    absolute_error,
    cross_entropy,
    huber,
    poisson,
    regression_loss,
    squared_error,
)

ROWS = 40
all_losses = pytest.mark.parametrize("name", REGRESSION_LOSSES)


def raw_and_target(n_outputs, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(scale=2, size=(ROWS, n_outputs)), rng.gamma(2.0, size=(ROWS, n_outputs))


def per_row(loss, raw, y):
    value = loss(torch.from_numpy(raw), torch.from_numpy(y))
    assert value.shape == (len(raw),)
    return value.numpy()


def row_by_row(metric, y, prediction):
    """A metric of scikit-learn of each row by itself, averaged over its outputs."""
    return [np.mean([metric([a], [b]) for a, b in zip(*row, strict=True)]) for row in zip(y, prediction, strict=True)]


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_squared_error_is_half_the_mean_squared_error(n_outputs):
    raw, y = raw_and_target(n_outputs)
    np.testing.assert_allclose(per_row(squared_error, raw, y), 0.5 * np.array(row_by_row(mean_squared_error, y, raw)))


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_absolute_error(n_outputs):
    raw, y = raw_and_target(n_outputs)
    np.testing.assert_allclose(per_row(absolute_error, raw, y), row_by_row(mean_absolute_error, y, raw))


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
def test_pinball(n_outputs, level):
    raw, y = raw_and_target(n_outputs)
    expected = row_by_row(lambda a, b: mean_pinball_loss(a, b, alpha=level), y, raw)
    np.testing.assert_allclose(per_row(Pinball(level), raw, y), expected)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_poisson_is_half_the_deviance_without_its_constant(n_outputs):
    raw, y = raw_and_target(n_outputs)
    constant = (y * np.log(y) - y).mean(1)
    half_deviance = 0.5 * np.array(row_by_row(mean_poisson_deviance, y, np.exp(raw)))
    np.testing.assert_allclose(per_row(poisson, raw, y) + constant, half_deviance, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_huber_is_quadratic_inside_and_linear_outside(n_outputs):
    raw, y = raw_and_target(n_outputs)
    error = np.abs(raw - y)
    expected = np.where(error <= HUBER_DELTA, 0.5 * error**2, HUBER_DELTA * (error - 0.5 * HUBER_DELTA)).mean(1)
    np.testing.assert_allclose(per_row(huber, raw, y), expected)


def test_cross_entropy_is_the_log_loss():
    rng = np.random.default_rng(0)
    raw, y = rng.normal(size=(ROWS, 4)), rng.integers(4, size=ROWS)
    probabilities = np.exp(raw) / np.exp(raw).sum(1, keepdims=True)
    ours = per_row(cross_entropy, raw, y)
    np.testing.assert_allclose(ours, -np.log(probabilities[np.arange(ROWS), y]))
    assert ours.mean() == pytest.approx(log_loss(y, probabilities, labels=range(4)))


def best_constant(loss, y):
    def mean_loss(c):
        return per_row(loss, np.full_like(y, c), y).mean()

    return minimize_scalar(mean_loss, bounds=(-5, 15), method="bounded", options={"xatol": 1e-9}).x


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (squared_error, np.mean),
        (absolute_error, np.median),
        (Pinball(0.25), lambda y: np.quantile(y, 0.25)),
        (Pinball(0.9), lambda y: np.quantile(y, 0.9)),
        (poisson, lambda y: np.log(np.mean(y))),
    ],
    ids=["mean", "median", "quantile 0.25", "quantile 0.9", "log of the mean"],
)
def test_the_best_constant(loss, expected):
    y = np.random.default_rng(1).gamma(2.0, size=(41, 1))  # 40 gaps: these quantiles are observations
    assert best_constant(loss, y) == pytest.approx(expected(y), abs=1e-5)


def test_the_best_constant_of_huber_balances_clipped_errors():
    y = np.random.default_rng(1).gamma(2.0, size=(41, 1))
    y[0] = 14.0
    c = best_constant(huber, y)
    assert np.clip(y - c, -HUBER_DELTA, HUBER_DELTA).sum() == pytest.approx(0, abs=1e-4)
    assert c < y.mean()


@all_losses
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_gradients(name, n_outputs):
    raw, y = (torch.from_numpy(array[:6]) for array in raw_and_target(n_outputs))
    loss = regression_loss(name, 0.3)
    assert torch.autograd.gradcheck(lambda raw: loss(raw, y), raw.requires_grad_())


def test_gradients_of_cross_entropy():
    raw, _ = raw_and_target(3)
    y = torch.arange(ROWS) % 3
    assert torch.autograd.gradcheck(lambda raw: cross_entropy(raw, y), torch.from_numpy(raw).requires_grad_())


@all_losses
@pytest.mark.parametrize("far", [1e6, -1e6])
def test_extreme_outputs_have_finite_losses_in_single_precision(name, far):
    raw = torch.full((3, 1), far, requires_grad=True)
    value = regression_loss(name, 0.3)(raw, torch.tensor([[0.0], [1.0], [5.0]]))
    (gradient,) = torch.autograd.grad(value.sum(), raw)
    assert value.isfinite().all()
    assert gradient.isfinite().all()


def test_poisson_mean_is_bounded():
    y = torch.ones(1, 1, dtype=torch.float64)
    at_bound, beyond = (poisson(torch.full((1, 1), raw, dtype=torch.float64), y) for raw in (MAX_LOG_MEAN, 1e3))
    assert torch.equal(at_bound, beyond)
    assert at_bound.item() == pytest.approx(np.exp(MAX_LOG_MEAN) - MAX_LOG_MEAN, rel=1e-12)


@all_losses
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_losses_keep_the_precision(name, dtype):
    assert regression_loss(name, 0.5)(torch.zeros(2, 1, dtype=dtype), torch.ones(2, 1, dtype=dtype)).dtype == dtype


def test_the_quantile_is_used_by_its_loss_alone():
    assert regression_loss("quantile", 0.8).level == 0.8
    assert regression_loss("squared_error", 0.8) is squared_error
    assert regression_loss("huber", 0.8) is huber
