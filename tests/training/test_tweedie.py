"""Gamma and Tweedie losses: scikit-learn's deviances and generalised linear models are the oracles."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import GammaRegressor, TweedieRegressor
from sklearn.metrics import mean_tweedie_deviance

from sklearn_kan import KANRegressor
from sklearn_kan.training._linear_models import newton
from sklearn_kan.training._losses import Tweedie, fisher_root, regression_loss

SMALL = {"hidden_layer_sizes": (4,), "n_members": 2, "max_iter": 30, "learning_rate_init": 0.05, "random_state": 0}
powers = pytest.mark.parametrize("power", [1.1, 1.5, 1.9, 2.0, 3.0])


def positive_rows(power, n=300, seed=0):
    """A log-linear table: its means, and targets with the variance of the power."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, 2))
    mean = np.exp(0.5 + X @ [1.0, -0.5])
    if power >= 2:
        return X, mean * rng.gamma(4.0, 0.25, n), mean
    return X, rng.gamma(np.maximum(rng.poisson(2 * mean ** (2 - power)), 1e-9), mean ** (power - 1) / 2), mean


@powers
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_the_loss_is_half_the_deviance(power, n_outputs):
    rng = np.random.default_rng(0)
    raw, y = rng.normal(size=(40, n_outputs)), rng.gamma(2.0, size=(40, n_outputs))
    y[:5] *= power >= 2  # zeros, where they are possible
    y[:5] += power >= 2
    ours = Tweedie(power)(torch.from_numpy(raw), torch.from_numpy(y))
    theirs = [mean_tweedie_deviance(a, np.exp(b), power=power) / 2 for a, b in zip(y, raw, strict=True)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@powers
def test_gamma_and_the_limits_of_the_power_are_one_family(power):
    raw, y = torch.linspace(-2, 2, 9).double()[:, None], torch.linspace(0.1, 3, 9).double()[:, None]
    near = Tweedie(power + 1e-7)(raw, y)
    torch.testing.assert_close(near, Tweedie(power)(raw, y), rtol=1e-4, atol=1e-4)
    assert regression_loss("gamma").power == 2


@powers
def test_the_root_is_that_of_the_expected_second_derivative(power):
    loss, z = Tweedie(power), torch.tensor([[0.3, -1.2]], dtype=torch.float64)
    step = 1e-4  # the deviance is linear in y, so its expectation is where y is its mean

    def value(k, change):
        moved = z.clone()
        moved[0, k] += change
        return float(loss(moved, z.exp()))

    second = [(value(k, step) - 2 * value(k, 0) + value(k, -step)) / step**2 for k in range(2)]
    root = fisher_root(loss)(z)[0]
    np.testing.assert_allclose(root @ root.mT, np.diag(second), rtol=1e-5, atol=1e-6)


@powers
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("far", [1e6, -1e6])
def test_losses_and_gradients_stay_finite(power, dtype, far):
    raw = torch.full((3, 1), far, dtype=dtype, requires_grad=True)
    value = Tweedie(power)(raw, torch.tensor([[1e-30], [1.0], [1e5]], dtype=dtype))
    (gradient,) = torch.autograd.grad(value.sum(), raw)
    assert value.isfinite().all()
    assert gradient.isfinite().all()


@powers
def test_newtons_method_is_the_generalised_linear_model(power, monkeypatch):
    monkeypatch.setattr("sklearn_kan.training._linear_models.LEAST_DECREASE", 1e-16)
    X, y, _ = positive_rows(power)
    tensors = [torch.from_numpy(array) for array in (np.c_[np.ones(len(X)), X], y[:, None], np.ones(len(X)))]
    phi, target, weight = tensors
    C = newton(Tweedie(power), phi, torch.zeros_like(target), target, weight, torch.zeros(3, 1).double(), 0.5 * len(X))
    theirs = TweedieRegressor(power=power, link="log", alpha=0.5, tol=1e-10, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(C[:, 0], [theirs.intercept_, *theirs.coef_], atol=1e-4)


@pytest.mark.parametrize(
    ("solver", "params"),
    [(solver, {"loss": "tweedie"}) for solver in ("adam", "lbfgs", "hybrid", "kfac", "gauss_newton", "layerwise")]
    + [(solver, {"loss": "gamma"}) for solver in ("adam", "kfac", "gauss_newton")]
    + [(solver, {"loss": "tweedie", "power": 3}) for solver in ("adam", "gauss_newton")],
    ids=str,
)
def test_solvers_find_log_linear_means(solver, params):
    power = params.get("power", 2.0 if params["loss"] == "gamma" else 1.5)
    X, y, mean = positive_rows(power)
    n = {"lbfgs": 3, "gauss_newton": 8}.get(solver, 30)
    model = KANRegressor(**SMALL | params | {"solver": solver, "max_iter": n}).fit(X, y)
    constant = mean_tweedie_deviance(mean, np.full(len(mean), mean.mean()), power=power)
    assert mean_tweedie_deviance(mean, model.predict(X), power=power) < 0.5 * constant


def test_gamma_with_a_refit_is_as_good_as_the_linear_model():
    X, y, mean = positive_rows(2.0)
    model = KANRegressor(**SMALL | {"max_iter": 60}, loss="gamma", refit="last_layer", early_stopping=True).fit(X, y)
    linear = GammaRegressor(alpha=0.0).fit(X, y)
    error, least = (mean_tweedie_deviance(mean, m.predict(X), power=2) for m in (model, linear))
    assert error < least + 0.03


@pytest.mark.parametrize(("power", "name"), [(0, "squared_error"), (1, "poisson"), (2, "gamma")])
def test_powers_that_have_a_name(power, name):
    X, y, _ = positive_rows(2.0)
    ours, theirs = (KANRegressor(**SMALL | params | {"max_iter": 3}).fit(X, y).predict(X)
                    for params in ({"loss": "tweedie", "power": power}, {"loss": name}))  # fmt: skip
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_units_of_the_target_make_no_difference(size):
    X, y, _ = positive_rows(1.5)
    params = SMALL | {"loss": "tweedie", "max_iter": 10}
    model, scaled = KANRegressor(**params).fit(X, y), KANRegressor(**params).fit(X, size * y)
    np.testing.assert_allclose(scaled.predict(X) / size, model.predict(X), rtol=1e-6)


def test_monotone_weighted_and_in_parts():
    X, y, _ = positive_rows(1.5)
    line = np.column_stack([np.linspace(-1, 1, 50), np.zeros(50)])
    model = KANRegressor(**SMALL, loss="tweedie", monotonic_cst=[1, 0]).fit(X, y)
    assert (np.diff(model.predict(line)) >= 0).all()
    weight = np.where(np.arange(len(y)) < 200, 1.0, 0.0)
    params = SMALL | {"loss": "tweedie", "max_iter": 3}
    weighted = KANRegressor(**params).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(weighted.predict(X), KANRegressor(**params).fit(X[:200], y[:200]).predict(X), rtol=1e-6)
    stream = KANRegressor(**SMALL, loss="tweedie")
    for _ in range(30):
        stream.partial_fit(X, y)
    assert np.corrcoef(np.log(stream.predict(X)), X @ [1.0, -0.5])[0, 1] > 0.9
