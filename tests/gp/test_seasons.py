"""Seasons of many harmonics: found, given, and not found where there is none."""

import datetime

import numpy as np
import pandas as pd
import pytest
from scipy.stats import gamma

from sklearn_kan import GPSpectralRegressor
from sklearn_kan.gp import SpectralMixture
from sklearn_kan.gp._combs import FALSE_ALARM, Lines, as_exponential, likeliest_comb, log_tail
from sklearn_kan.gp._periods import in_units
from sklearn_kan.gp._spectrum import frequency_grid, periodogram

T = np.arange(60.0)


def series(shape, noise, seed=0):
    return shape + noise * np.random.default_rng(seed).normal(size=len(shape))


@pytest.mark.parametrize(
    ("period", "shape", "noise"),
    [(12, 1.1 * (T % 12 == 11), 0.1), (12, T % 12 / 12, 0.13), (7, 1.0 * (T[:56] % 7 >= 5), 0.3)],
    ids=["spike", "sawtooth", "weekend"],
)
def test_seasons_of_any_shape_are_found_and_continued(period, shape, noise):
    n = len(shape)
    y = series(shape, noise)
    model = GPSpectralRegressor(trend_degree=0).fit(T[:n, None], y)
    cycles = model.frequencies_[model.frequencies_ > 0] * period
    assert len(cycles) > 1
    np.testing.assert_allclose(cycles, np.round(cycles), atol=0.1)
    new = np.arange(n, n + period)
    error = model.predict(new[:, None]) - np.resize(shape[:period], n + period)[n:]
    assert np.sqrt(np.mean(error**2)) < 0.5 * shape.std()


@pytest.mark.parametrize("n", [60, 61])
def test_periodograms_of_even_axes_are_those_of_any(n):
    rng = np.random.default_rng(0)
    x, y, weight = np.linspace(-3, 9, n), rng.normal(size=n), rng.uniform(1, 2, size=n)
    fast = periodogram(x, y, weight, frequency_grid(x))
    slow = [periodogram(x, y, weight, np.array([f]))[0] for f in frequency_grid(x)]
    np.testing.assert_allclose(fast, slow, atol=1e-8)


def test_a_slow_sine_beside_a_fast_one_is_found_in_many_rows():
    t = np.linspace(0, 20, 1_001)
    y = np.sin(2 * np.pi * t) + 0.5 * np.sin(0.6 * np.pi * t) + np.sin(t / 3)
    y += 0.3 * np.random.default_rng(0).normal(size=1_001)
    model = GPSpectralRegressor(spectrum="student_t", trend_degree=1).fit(t[:, None], y)
    np.testing.assert_allclose(np.sort(model.frequencies_.ravel()), [0, 0.3, 1], atol=0.01)


def draws(n, n_draws):
    """Scores of white noise whose variance is known, at all frequencies."""
    x, rng = np.arange(n), np.random.default_rng(0)
    grid = frequency_grid(x)
    waves = np.exp(2j * np.pi * np.outer(grid, x))
    for _ in range(n_draws):
        yield np.abs(waves @ rng.normal(size=n)) ** 2, np.full(len(grid), float(n)), grid


def test_false_alarms_are_as_frequent_as_promised():
    n, n_draws = 60, 1000
    alarms = [likeliest_comb(*draw, n - 1, 0.5).alarm < FALSE_ALARM for draw in draws(n, n_draws)]
    assert 0.001 <= np.mean(alarms) <= 0.02


def test_lines_without_a_sine_are_as_surprising_as_others():
    at_nyquist = np.random.default_rng(0).normal(size=20_000) ** 2
    surprise = as_exponential(at_nyquist, np.ones(len(at_nyquist), dtype=bool))
    np.testing.assert_allclose(np.quantile(surprise, [0.5, 0.9, 0.99]), -np.log([0.5, 0.1, 0.01]), rtol=0.05)


def test_tails_are_those_of_the_gamma_distribution():
    shape, x = np.arange(1, 7)[:, None], np.array([0.1, 3.0, 40.0, 200.0])
    np.testing.assert_allclose(log_tail(shape, x), gamma.logsf(x, shape), rtol=1e-8, atol=1e-15)
    assert (np.diff(log_tail(shape, np.array([700.0, 800.0, 1e4])), axis=1) < 0).all()


def test_chances_of_combs_are_sums_over_their_lines():
    lines = Lines(np.arange(1, 51) / 100, np.random.default_rng(0).exponential(size=50))
    chances, places = lines.chances(np.array([0.1, 0.2]))
    np.testing.assert_array_equal(places[0, :5], [9, 19, 29, 39, 49])
    np.testing.assert_allclose(chances[0, 1], -gamma.logsf(lines.surprise[[9, 19, 29]].sum(), 3))
    assert np.isneginf(chances[1, 1:]).all()  # 0.6 is above the highest frequency


def test_known_seasons_stay_as_given_from_one_cycle_on():
    y = series(np.sin(2 * np.pi * T / 50) + (T % 7 == 0), 0.1)
    model = GPSpectralRegressor(periods=[50, 7], trend_degree=0).fit(T[:, None], y)
    for period in (50, 7):
        assert np.isclose(model.frequencies_[:, 0] * period, 1).any()
    new = np.arange(60.0, 74.0)
    truth = np.sin(2 * np.pi * new / 50) + (new % 7 == 0)
    assert np.sqrt(np.mean((model.predict(new[:, None]) - truth) ** 2)) < 0.35


@pytest.mark.parametrize(
    ("period", "days"),
    [("7D", 7), (np.timedelta64(36, "h"), 1.5), (datetime.timedelta(days=30), 30), (91, 91),
     (pd.DateOffset(years=1), 365.24), (pd.offsets.MonthBegin(), 30.44)],
)  # fmt: skip
def test_periods_along_dates(period, days):
    np.testing.assert_allclose(in_units(period, "date"), days, rtol=1e-3)
    np.testing.assert_allclose(in_units(period, "duration"), days, rtol=1e-3)
    if not isinstance(period, int):
        with pytest.raises(ValueError, match="in units of X"):
            in_units(period, "number")


@pytest.mark.parametrize(
    ("periods", "words"),
    [([100], "of 100 units of X, and X spans 60. Pass at least one cycle"), ([1], "steps of X are 1"),
     ("year", "'year', which is not usable. Pass numbers > 0"), ([True], "True, which is not usable"),
     ([np.nan], "nan, which is not usable"), ([-7], "-7, which is not usable")],
)  # fmt: skip
def test_periods_that_cannot_be_are_refused(periods, words):
    with pytest.raises(ValueError, match=words.replace(".", r"\.")):
        GPSpectralRegressor(periods=periods).fit(T[:, None], T)
    with pytest.raises(ValueError, match="needs a single feature"):
        GPSpectralRegressor(periods=[7]).fit(np.random.default_rng(0).normal(size=(20, 2)), T[:20])


def test_harmonics_share_length_and_frequency():
    kernel = SpectralMixture([1.0], [[5.0]], [[0.0]], 0.1, "student_t", 1.5)
    kernel = kernel.with_comb([0.5, 0.2, 0.1], [20.0], [0.05], [1, 2, 3])
    assert len(kernel.theta) == 4 + 2 + 1 + 1
    moved = kernel.with_theta(kernel.theta + np.r_[np.zeros(5), 0.3, 0.01, 0.0])
    np.testing.assert_allclose(moved.frequencies[1:, 0], 0.06 * np.array([1, 2, 3]))
    assert len(np.unique(moved.length_scales[1:])) == 1
    headless = moved.select(np.array([0, 2, 3]))  # the first harmonic is dropped, the second leads
    np.testing.assert_allclose(headless.frequencies, moved.frequencies[[0, 2, 3]])
    again = headless.with_theta(headless.theta)
    np.testing.assert_allclose(again.frequencies, headless.frequencies)


def test_gradients_of_harmonics_equal_finite_differences():
    kernel = SpectralMixture([1.0], [[5.0]], [[0.0]], 0.1, "student_t", 1.5)
    kernel = kernel.with_comb([0.5, 0.2], [20.0], [0.05], [1, 2])
    tau = np.linspace(0, 30, 7)
    _, gradient = kernel.at_lags(tau)
    for i, step in enumerate(1e-6 * np.eye(len(kernel.theta))[:-1]):
        upper, lower = (kernel.with_theta(kernel.theta + sign * step).at_lags(tau)[0] for sign in (1, -1))
        np.testing.assert_allclose(gradient[i], (upper - lower) / 2e-6, atol=1e-7)
