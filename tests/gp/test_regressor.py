"""Gaussian processes with a learned spectrum: the estimator."""

import copy
import pickle
import re
import warnings
from contextlib import contextmanager
from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import norm
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, Matern, WhiteKernel
from sklearn.gaussian_process.kernels import ConstantKernel as C
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_kan import GPSpectralRegressor
from sklearn_kan.gp.inference._choice import kind_for
from sklearn_kan.gp.inference._inducing import Inducing
from sklearn_kan.gp.inference._points import merged
from sklearn_kan.gp.inference._toeplitz import Toeplitz
from sklearn_kan.inspection import SpectrumDisplay

RNG = np.random.default_rng(0)
T = np.arange(100.0)[:, None]
WAVE = np.sin(2 * np.pi * T[:, 0] / 9) + 0.1 * RNG.normal(size=100)
X3, Y3 = RNG.normal(size=(60, 3)), RNG.normal(size=60)
START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def same_numbers_in_any_order():
    RNG.bit_generator.state = START


@cache
def of_the_wave(**params):
    """A model of the wave, for all tests that only look at it."""
    return GPSpectralRegressor(**params).fit(T, WAVE)


PLAIN = {"n_components": 0, "trend_degree": None, "normalize_y": False, "max_iter": 5}


@pytest.mark.parametrize("spectrum", ["gaussian", "student_t"])
def test_a_component_at_zero_is_scikit_learns_kernel(spectrum):
    X = X3 if spectrum == "gaussian" else X3[:, :1]  # a product of Matérn kernels is one only along one feature
    model = GPSpectralRegressor(**PLAIN, spectrum=spectrum, nu=1.5).fit(X, Y3)
    k = model.kernel_
    peaks = [
        C(weight) * (RBF(length) if spectrum == "gaussian" else Matern(length, nu=1.5))
        for weight, length in zip(k.weights, k.length_scales, strict=True)
    ]
    peer = GaussianProcessRegressor(sum(peaks[1:], start=peaks[0]) + WhiteKernel(k.noise), alpha=0.0, optimizer=None)
    peer.fit(X, Y3)
    new = RNG.normal(size=(20, X.shape[1]))
    for asked in ({"return_std": True}, {"return_cov": True}):
        for ours, theirs in zip(model.predict(new, **asked), peer.predict(new, **asked), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)
    mean, std = peer.predict(new, return_std=True)
    _, interval = model.predict(new, return_interval=0.9)
    np.testing.assert_allclose(interval.T, norm.interval(0.9, mean, std), atol=1e-5)
    np.testing.assert_allclose(model.log_marginal_likelihood_value_, peer.log_marginal_likelihood_value_, rtol=1e-9)


def test_finds_frequencies_and_continues_them():
    model = of_the_wave()
    assert model.solver_ == "toeplitz"
    np.testing.assert_allclose(model.frequencies_[model.frequencies_ > 0], 1 / 9, rtol=1e-2)
    mean, std = model.predict(T + 100, return_std=True)
    assert np.abs(mean - np.sin(2 * np.pi * (T[:, 0] + 100) / 9)).max() < 0.2
    assert np.all(std > 0.08)


def test_intervals_come_last_and_hold_observations():
    mean, std, interval = of_the_wave().predict(T, return_std=True, return_interval=0.9)
    np.testing.assert_allclose(interval.T, norm.interval(0.9, mean, std))
    truth = np.sin(2 * np.pi * T[:, 0] / 9)
    held = norm.cdf(interval[:, 1], truth, 0.1) - norm.cdf(interval[:, 0], truth, 0.1)
    assert 0.85 < held.mean() < 0.95
    for level in (0, 1, 90, "0.9", True):
        with pytest.raises(ValueError, match=re.escape(f"return_interval={level!r} is not usable. Pass a number")):
            of_the_wave().predict(T, return_interval=level)


def test_finds_frequencies_above_what_even_spacing_could_tell():
    t = np.sort(RNG.uniform(0, 10, 150))[:, None]
    y = np.sin(2 * np.pi * 11 * t[:, 0]) + 0.1 * RNG.normal(size=150)
    model = GPSpectralRegressor(trend_degree=0).fit(t, y)
    np.testing.assert_allclose(model.frequencies_[model.frequencies_ > 0], 11, atol=0.02)


def test_finds_frequencies_along_two_features():
    X = RNG.uniform(0, 1, (200, 2))
    y = np.sin(2 * np.pi * 9 * X[:, 0]) + 0.7 * np.sin(2 * np.pi * 6 * X[:, 1]) + 0.1 * RNG.normal(size=200)
    model = GPSpectralRegressor().fit(X[:150], y[:150])
    np.testing.assert_allclose(np.sort(model.frequencies_[model.frequencies_ > 0]), [6, 9], atol=0.1)
    assert model.score(X[150:], y[150:]) > 0.95


def test_noise_alone_has_no_frequencies():
    model = GPSpectralRegressor().fit(T, RNG.normal(size=100))
    assert not model.frequencies_.any()


def test_uneven_and_even_solvers_agree():
    even, dense = (of_the_wave(solver=solver, max_iter=2) for solver in ("toeplitz", "cholesky"))
    theta = dense.kernel_.theta
    for ours, theirs in zip(*(m.log_marginal_likelihood(theta, True) for m in (even, dense)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def test_gradient_of_the_likelihood():
    model = GPSpectralRegressor(max_iter=20).fit(X3, Y3)
    theta = model.kernel_.theta
    _, gradient = model.log_marginal_likelihood(theta, eval_gradient=True)
    for i, slope in enumerate(gradient):
        step = 1e-5 * np.eye(len(theta))[i]
        low, high = (model.log_marginal_likelihood(theta + sign * step) for sign in (-1, 1))
        np.testing.assert_allclose(slope, (high - low) / 2e-5, atol=1e-4)


def test_moments_agree_with_each_other_and_with_samples():
    model = GPSpectralRegressor().fit(T, np.column_stack([WAVE, 3 * WAVE + T[:, 0]]))
    new = T[::20] + 90.5
    mean, std = model.predict(new, return_std=True)
    _, cov = model.predict(new, return_cov=True)
    _, interval = model.predict(new, return_interval=0.5)
    assert mean.shape == std.shape == interval[..., 0].shape == (5, 2)
    np.testing.assert_allclose(np.sqrt(np.diagonal(cov)).T, std, rtol=1e-6)
    samples = model.sample_y(new, n_samples=4000, random_state=0)
    assert samples.shape == (5, 2, 4000)
    np.testing.assert_allclose(samples.mean(-1), mean, atol=0.1 * std.max())
    np.testing.assert_allclose(samples.std(-1), std, rtol=0.1)


def test_weights_count_rows_and_alpha_adds_noise():
    weight = RNG.integers(1, 3, size=60)
    weighted = GPSpectralRegressor().fit(X3, Y3, sample_weight=weight)
    repeated = GPSpectralRegressor().fit(np.repeat(X3, weight, axis=0), np.repeat(Y3, weight))
    np.testing.assert_allclose(
        weighted.log_marginal_likelihood_value_, repeated.log_marginal_likelihood_value_, rtol=1e-6
    )
    plain = PLAIN | {"spectrum": "gaussian"}
    smooth = GPSpectralRegressor(**plain, alpha=1e6 * (np.arange(60) % 2)).fit(X3, Y3)
    half = GPSpectralRegressor(**plain).fit(X3[::2], Y3[::2])
    theta = half.kernel_.theta
    unknown = -0.5 * 30 * np.log(2 * np.pi * 1e6)
    np.testing.assert_allclose(
        smooth.log_marginal_likelihood(theta), half.log_marginal_likelihood(theta) + unknown, atol=1e-2
    )


def test_invariant_to_units():
    model, other = of_the_wave(), GPSpectralRegressor().fit(1e6 * T + 1e9, 1e-9 * WAVE + 1e-3)
    np.testing.assert_allclose(other.predict(1e6 * (T + 50.0) + 1e9) * 1e9 - 1e6, model.predict(T + 50.0), atol=1e-3)


def test_pickle_and_clone():
    model = of_the_wave(random_state=0, n_restarts_optimizer=1, max_iter=5)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(T + 0.5), model.predict(T + 0.5))
    np.testing.assert_array_equal(clone(model).fit(T, WAVE).predict(T + 0.5), model.predict(T + 0.5))


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (T[:1], WAVE[:1]),
        (T[:2], WAVE[:2]),
        (T, np.ones(100)),
        (T, np.zeros(100)),
        (np.ones((50, 1)), WAVE[:50]),
        (np.repeat(T[:40], 3, axis=0), np.repeat(WAVE[:40], 3)),
        (np.concatenate([T[:20], T[:20] + 1e-9]), np.concatenate([WAVE[:20], WAVE[:20]])),
        (T[:40] * 1e150, WAVE[:40] * 1e150),
        (T[:40] * 1e-150, WAVE[:40] * 1e-150),
        (T[:40], WAVE[:40] + 1e12),
        (T[:40], np.sin(T[:40, 0] / 30)),
    ],
)
def test_ill_conditioned_data_give_finite_predictions(X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = GPSpectralRegressor().fit(X, y)
        mean, std = model.predict(X, return_std=True)
    assert np.isfinite([mean, std]).all()
    assert model.jitter_ >= 0
    if len(y) > 1 and np.ptp(X) == 0:
        np.testing.assert_allclose(mean, y.mean(), atol=0.1)


FAULTS = {
    "parameter": ({"solver": "kronecker"}, T + 1000, 1e6 * WAVE),
    "target": ({}, T + 1000, np.append(WAVE[1:], np.nan)),
    "columns": ({"device": "nowhere"}, np.column_stack([T, T]), WAVE),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_refit_that_fails_leaves_the_model_as_it_was(fault):
    parameters, X, y = FAULTS[fault]
    model = copy.deepcopy(of_the_wave(max_iter=20))
    before, expected = dict(vars(model)), model.predict(T + 0.5, return_std=True)
    with pytest.raises(ValueError, match=r"solver=|contains NaN|device="):
        model.set_params(**parameters).fit(X, y)
    after = vars(model) | GPSpectralRegressor(max_iter=20).get_params()
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before if name.endswith("_"))
    for ours, theirs in zip(model.predict(T + 0.5, return_std=True), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("moment", range(0, 60, 7))
def test_a_refit_that_is_interrupted_leaves_the_model_as_it_was(moment, monkeypatch):
    model = copy.deepcopy(of_the_wave(max_iter=20))
    expected, calls = model.predict(T + 0.5, return_std=True), iter(range(1000))
    evidence = Toeplitz.evidence

    def interrupted(self, kernel):
        if next(calls) == moment:
            raise KeyboardInterrupt
        return evidence(self, kernel)

    monkeypatch.setattr(Toeplitz, "evidence", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(T + 1000, 1e6 * WAVE + 5e8)
    for ours, theirs in zip(model.predict(T + 0.5, return_std=True), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_refit_without_names_forgets_the_names():
    frame = pd.DataFrame({"t": T[:, 0]})
    model = GPSpectralRegressor(max_iter=1).fit(frame, WAVE)
    assert model.feature_names_in_.tolist() == ["t"]
    assert not hasattr(model.fit(T, WAVE), "feature_names_in_")


def test_tables_in_a_pipeline():
    X = RNG.uniform(-1, 1, size=(150, 5)) * [1, 10, 100, 1, 1]
    y = np.sin(3 * X[:, 0]) + X[:, 1] / 5 + 0.1 * RNG.normal(size=150)
    assert make_pipeline(StandardScaler(), GPSpectralRegressor()).fit(X[:100], y[:100]).score(X[100:], y[100:]) > 0.9


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"alpha": np.ones(3)}, "alpha"),
        ({"alpha": -np.ones(100)}, "alpha"),
        ({"solver": "kronecker"}, "solver='kronecker' does not suit"),
        ({"device": "nowhere"}, "device"),
    ],
)
def test_errors_name_parameter_and_remedy(parameters, words):
    with pytest.raises(ValueError, match=words):
        GPSpectralRegressor(**parameters).fit(T, WAVE)


def test_two_kinds_of_uncertainty_exclude_each_other():
    with pytest.raises(ValueError, match="return_std"):
        GPSpectralRegressor(max_iter=1).fit(T, WAVE).predict(T, return_std=True, return_cov=True)


def test_many_rows_in_many_features_come_close_to_exact_inference():
    X = RNG.uniform(-1, 1, size=(600, 4))
    y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * RNG.normal(size=600)
    alpha = 0.01 * (np.arange(500) % 2)
    exact, fast = (
        GPSpectralRegressor(solver=solver, spectrum="gaussian", alpha=alpha, max_iter=10).fit(X[:500], y[:500])
        for solver in ("cholesky", "inducing")
    )
    assert fast.solver_ == "inducing"
    for ours, theirs in zip(*(m.predict(X[500:], return_std=True) for m in (fast, exact)), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.03)
    again = pickle.loads(pickle.dumps(fast))
    np.testing.assert_array_equal(again.predict(X[500:]), fast.predict(X[500:]))
    theta = fast.kernel_.theta + 0.1
    np.testing.assert_array_equal(again.log_marginal_likelihood(theta), fast.log_marginal_likelihood(theta))


def test_each_of_several_kernels_has_inducing_points_of_its_own():
    model = GPSpectralRegressor(solver="inducing", n_components=1, max_iter=3).fit(T[:50], WAVE[:50])
    assert len(model.models_) > 1
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(T + 0.5), model.predict(T + 0.5))
    for each, part in zip(model.models_, model._process.average.parts, strict=True):
        (together,), trend = part.posteriors, part.trend
        alone = Inducing(model._process.solvers(each.degree).data).posterior(each.kernel)
        ours, theirs = (posterior.predict(T / 100, trend(T / 100))[0] for posterior in (together, alone))
        np.testing.assert_array_equal(ours, theirs)


def test_how_to_compute_follows_from_size_and_shape():
    n = 6000
    table, line, ones = RNG.normal(size=(n, 3)), RNG.normal(size=(n, 1)), np.ones(n)
    for X, alpha, spectrum, solver in [
        (table, 0 * ones, "auto", "inducing"), (line, 0 * ones, "auto", "fourier"),
        (line, np.arange(n) * 1.0, "auto", "inducing"), (line, 0 * ones, "student_t", "inducing"),
        (table[:500], 0 * ones[:500], "auto", "cholesky"), (np.arange(n)[:, None] * 1.0, ones, "student_t", "toeplitz"),
    ]:  # fmt: skip
        assert kind_for(merged(X, line[: len(X)], ones[: len(X)], alpha), "auto", spectrum).name == solver


def test_spectrum_display():
    model = of_the_wave()
    display = SpectrumDisplay.from_estimator(model)
    for curve in (display.density, display.periodogram):
        np.testing.assert_allclose(display.frequencies[curve[100:].argmax() + 100], 1 / 9, atol=0.003)
    with pytest.raises(ValueError, match="holds 1, which is not a column"):
        SpectrumDisplay.from_estimator(model, 1)


@contextmanager
def all_at_once():
    with torch.device("meta"), torch.inference_mode():
        yield


@pytest.mark.parametrize(
    ("ambient", "solver"),
    [
        (torch.no_grad, "cholesky"),
        *((all_at_once, solver) for solver in ("cholesky", "toeplitz", "fourier", "inducing")),
    ],
)
def test_nothing_depends_on_the_state_of_torch(ambient, solver):
    params = {"solver": solver, "n_components": 1, "max_iter": 3}
    X, y = T[:40], WAVE[:40]
    expected = GPSpectralRegressor(**params).fit(X, y).predict(X + 0.5, return_std=True)
    with ambient():
        ours = GPSpectralRegressor(**params).fit(X, y).predict(X + 0.5, return_std=True)
    np.testing.assert_array_equal(ours, expected)


def test_waves_across_two_features_are_not_taken_for_noise():
    rng = np.random.default_rng(0)
    X, new = rng.uniform(size=(250, 2)), rng.uniform(size=(200, 2))

    def waves(X):
        return np.sin(24 * X[:, 0] + 20 * X[:, 1])

    gp = GPSpectralRegressor().fit(X, waves(X) + 0.1 * rng.normal(size=250))
    assert np.sqrt(np.mean((gp.predict(new) - waves(new)) ** 2)) < 0.45  # of 0.71
