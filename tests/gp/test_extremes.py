"""Gaussian processes at extreme scales: what is right for ordinary numbers is right for all that float64 holds."""

import warnings
from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sklearn_kan import GPSpectralRegressor
from sklearn_kan.gp._units import power_of_two
from sklearn_kan.gp.inference._dense import Dense
from sklearn_kan.gp.inference._points import Data

RNG = np.random.default_rng(0)
LINE = np.sort(RNG.uniform(0, 30, 40))[:, None]
EVEN = np.arange(40.0)[:, None]
TABLE = RNG.normal(size=(30, 3))
GRID = np.stack(np.meshgrid(np.arange(8.0), np.arange(6.0) ** 1.1, indexing="ij"), -1).reshape(-1, 2)
POINTS = {"cholesky": LINE, "toeplitz": EVEN, "inducing": TABLE, "fourier": LINE, "kronecker": GRID, "gaps": GRID[:-9]}
SMALL = {"n_components": 1, "max_iter": 3}


def target(X):
    return np.sin(2 * np.pi * X[:, 0] / 7) + 0.1 * np.cos(40 * X[:, -1])


@cache
def unscaled(solver, normalize_y):
    X = POINTS[solver]
    return GPSpectralRegressor(**SMALL, solver=solver, normalize_y=normalize_y).fit(X, target(X))


@pytest.fixture(autouse=True)
def warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("solver", POINTS)
@given(normalize_y=st.booleans(), exponent=st.integers(-480, 480), bits=st.integers(-300, 300))
@settings(max_examples=1)
@example(normalize_y=True, exponent=480, bits=-300)
@example(normalize_y=False, exponent=-480, bits=300)
def test_powers_of_two_change_nothing_but_units(solver, normalize_y, exponent, bits):
    X, factor, stretch = POINTS[solver], 2.0**exponent, 2.0**bits
    plain = unscaled(solver, normalize_y)
    scaled = GPSpectralRegressor(**SMALL, solver=solver, normalize_y=normalize_y).fit(stretch * X, factor * target(X))
    assert scaled.n_components_ == plain.n_components_
    for ours, theirs in zip(
        scaled.predict(stretch * (X + 0.1), return_std=True), plain.predict(X + 0.1, return_std=True), strict=True
    ):
        np.testing.assert_allclose(ours / factor, theirs, rtol=1e-4, atol=1e-4)
    unit = 1.0 if normalize_y else factor**2
    np.testing.assert_allclose(scaled.noise_ / unit, plain.noise_, rtol=1e-2)
    np.testing.assert_allclose(scaled.weights_ / unit, plain.weights_, rtol=1e-2)
    np.testing.assert_allclose(scaled.length_scales_ / stretch, plain.length_scales_, rtol=1e-2)


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e155, 1e160, 1e300])
def test_targets_whose_variance_is_no_float(size):
    y = target(LINE)
    expected = unscaled("cholesky", True).predict(LINE + 0.1, return_std=True)
    model = GPSpectralRegressor(**SMALL).fit(LINE, size * y)
    for ours, theirs in zip(model.predict(LINE + 0.1, return_std=True), expected, strict=True):
        np.testing.assert_allclose(ours / size, theirs, rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match=r"y has values up to .* Pass normalize_y=True"):
        GPSpectralRegressor(**SMALL, normalize_y=False).fit(LINE, size * y)


def test_targets_of_many_sizes_in_one_fit():
    y = target(LINE)
    sizes = np.array([1e-300, 1.0, 1e250])
    alone, together = GPSpectralRegressor(**SMALL).fit(LINE, y), GPSpectralRegressor(**SMALL)
    mean, std = together.fit(LINE, y[:, None] * sizes).predict(LINE, return_std=True)
    np.testing.assert_allclose(mean / sizes, np.tile(alone.predict(LINE)[:, None], 3), rtol=0.05, atol=0.05)
    assert np.isfinite(std).all()


def test_known_variances_beyond_float64_leave_rows_out():
    y, alpha = 1e-200 * target(LINE), np.where(np.arange(40) < 20, 0.0, 1.0)  # 1e400 variances of the target
    half = GPSpectralRegressor(**SMALL, trend_degree=0, alpha=alpha).fit(LINE, y)
    mean, std = half.predict(LINE, return_std=True)
    assert np.abs(mean[:20] - y[:20]).max() < 0.5 * np.abs(y).max()
    assert np.isfinite(std).all()


@pytest.mark.parametrize("spectrum", ["gaussian", "student_t"])
def test_growing_ends_where_nothing_can_be_computed(spectrum, monkeypatch):
    rng = np.random.default_rng(0)
    X, y = 1e-300 * rng.normal(size=(150, 1)), 1e127 * np.abs(rng.normal(size=150))
    rounds, score = iter(range(20)), Dense.score
    monkeypatch.setattr(Dense, "score", lambda *args: (next(rounds), score(*args))[1])  # StopIteration at the 21st
    model = GPSpectralRegressor(n_components=2, max_iter=1, spectrum=spectrum, trend_degree=0, alpha=1e10).fit(X, y)
    assert np.isfinite(model.predict(X, return_std=True)).all()


def test_likelihoods_are_those_of_the_units_that_users_see():
    y = target(LINE)
    plain, scaled = (GPSpectralRegressor(**SMALL, trend_degree=0, normalize_y=False) for _ in range(2))
    plain.fit(LINE, y)
    scaled.fit(LINE, 1e30 * y)
    theta = scaled.kernel_.theta
    moved = theta - np.where(np.isin(np.arange(len(theta)), [*range(scaled.n_components_), len(theta) - 1]), 1, 0) * (
        2 * np.log(1e30)
    )
    ours, theirs = (m.log_marginal_likelihood(t, True) for m, t in ((scaled, theta), (plain, moved)))
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ours[0], theirs[0] - 40 * np.log(1e30), rtol=1e-9)
    np.testing.assert_allclose(scaled.log_marginal_likelihood_value_, ours[0], rtol=1e-12)


def test_what_cannot_be_computed_is_refused_as_a_value():
    with pytest.raises(ValueError, match="No jitter makes the covariance positive definite"):
        GPSpectralRegressor(**SMALL, solver="fourier").fit(LINE, target(LINE), sample_weight=np.full(40, 1e99))
    with pytest.raises(ValueError, match="range is beyond float64"):
        GPSpectralRegressor(**SMALL).fit(1e308 * np.array([[-1.5], [1.5], [0]]), [1.0, 2, 3])


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_covariances_beyond_float64_are_refused(n_outputs):
    y = 1e160 * np.repeat(target(LINE)[:, None], n_outputs, 1) / 1e10 ** np.arange(n_outputs)
    model = GPSpectralRegressor(**SMALL).fit(LINE, y[:, 0] if n_outputs == 1 else y)
    with pytest.raises(ValueError, match=r"^return_cov=True gives covariances beyond float64 .* a scale of \de\+159\."):
        model.predict(LINE, return_cov=True)
    assert np.isfinite(model.predict(LINE, return_std=True)).all()


@given(st.floats(min_value=5e-324, allow_infinity=False, allow_nan=False))
def test_powers_of_two_are_next_below(size):
    power = power_of_two(size)
    assert power / 2 < size / 2 < power or size == power
    assert power <= size
    assert np.frexp(power)[0] == 0.5


def test_ranges_without_room_in_float64_are_refused():
    y = target(LINE)
    for X in (1e305 * LINE / np.ptp(LINE), np.where(LINE.mean() < LINE, 5e-324, 0.0)):
        with pytest.raises(ValueError, match=r"^X has a column whose range is (beyond|below) float64\. Scale it"):
            GPSpectralRegressor(**SMALL).fit(X, y)


@pytest.mark.parametrize("degree", [None, 0, 2, 10])
def test_predictions_far_out_stay_finite(degree):
    model = GPSpectralRegressor(**SMALL, trend_degree=degree).fit(LINE, target(LINE))
    far = np.array([[1.7e308], [-1.7e308], [1e200]])
    assert np.isfinite(model.predict(far, return_std=True)).all()
    constant = GPSpectralRegressor(**SMALL, trend_degree=degree).fit(np.ones((3, 1)), [1.0, 2.0, 3.0])
    assert np.isfinite(constant.predict(far, return_std=True)).all()


@pytest.mark.parametrize("alpha", [0.0, 1e300])
@pytest.mark.parametrize("size", [5e-324, 1.0, 1e300])
def test_weights_of_less_than_a_row_leave_the_prior(alpha, size):
    y = size * np.sign(target(LINE))
    model = GPSpectralRegressor(**SMALL, alpha=alpha)
    with pytest.warns(
        UserWarning, match=r"^sample_weight sums to 4e-99, .* 40 rows say no more than one\. Pass weights"
    ):
        model.fit(LINE, y, sample_weight=np.full(40, 1e-300))
    _, std = model.predict(LINE, return_std=True)
    unit = size if size > 5e-324 else 1.0  # what is below normal floats has no scale
    # A level and a slope of ten standard deviations, and three times the variance since the scale is not known.
    assert (unit * 5 < std).all()
    assert (std < unit * 10 * np.sqrt(2 * 3) * 1.1).all()


def test_predictions_beyond_float64_are_refused():
    model = GPSpectralRegressor(**SMALL, trend_degree=2).fit(LINE, 1e300 * target(LINE))
    far = np.array([[1e10]])
    for ask in (model.predict, lambda X: model.predict(X, return_std=True), model.sample_y):
        with pytest.raises(ValueError, match=r"^X has rows so far from those of fit that a trend leads beyond float64"):
            ask(far)
    level = GPSpectralRegressor(**SMALL, trend_degree=0).fit(LINE, 1e300 * target(LINE))
    assert np.isfinite(level.predict(far, return_std=True)).all()


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("n", [1, 2])
def test_several_constant_outputs_are_predicted(n):
    model = GPSpectralRegressor().fit(np.arange(n)[:, None], np.full((n, 2), [0.0, 1e5]))
    np.testing.assert_allclose(model.predict([[0.5]]), [[0.0, 1e5]])


def test_a_variance_whose_square_is_no_float_has_a_slope():
    one = np.ones((1, 1))
    for spread, expected in ((0.0, -0.5e190), (1e-190, 0.0)):  # of log(v) + spread / v, halved and negated
        data = Data(one, one, np.array([2.0]), np.zeros(1), np.array([spread]), one)
        np.testing.assert_allclose(data.replicates(1e-190)[1], expected)
