"""How series go on after their end, judged by dense normal distributions and by what a forecast should be."""

import pickle

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from sklearn_kan import GPSpectralRegressor, load, save
from sklearn_kan.gp.series._innovations import Innovations, Series
from sklearn_kan.gp.series._learning import season_in

RNG = np.random.default_rng(0)
N, AHEAD = 30, 8
Y = np.cumsum(RNG.normal(size=N)) / 4
SHORT = {"memory": -0.4, "echo": 0.3}
MODELS = [
    Innovations("drift", 0, 0.3, 0.7), Innovations("drift", 4, 0.2, 0.5, seasonal=0.2, **SHORT),
    Innovations("damped", 0, 0.4, 0.6, slope=0.3, damping=0.9, **SHORT),
    Innovations("damped", 7, 0.4, 0.6, slope=0.1, damping=0.95, seasonal=0.3),
]  # fmt: skip


def state_space(model, n):
    """Covariance of a series, by the recursion of its states rather than by its response."""
    draws = np.zeros((n, n))  # of innovation j on step i
    for j in range(n):
        level, slope, memory, season = 0.0, 0.0, 0.0, np.zeros(max(1, model.season))
        for i in range(n):
            e = float(i == j)
            level, slope = level + model.damping * slope, model.damping * slope
            draws[i, j] = level + memory + season[i % len(season)] + e
            level, slope = level + model.level * e, slope + model.slope * e
            memory = model.memory * memory + model.echo * e
            season[i % len(season)] += model.seasonal * e
    return draws


@pytest.mark.parametrize("model", MODELS)
def test_densities_and_forecasts_are_those_of_the_joint_normal_distribution(model):
    series, total = Series.of(Y), N + AHEAD
    draws = model.scale * state_space(model, total)
    t = np.arange(1, total + 1)
    slope = np.cumsum(model.damping**t) * series.slope_scale if model.trend == "damped" else 3 * t / N
    columns = [np.full(total, 10.0), slope]
    columns += [(np.arange(total) % model.season == k) - 1 / model.season for k in range(model.season)]
    C = draws @ draws.T + np.transpose(columns) @ np.array(columns)
    expected = multivariate_normal(cov=C[:N, :N]).logpdf(Y)
    assert series.filtered(model).log_density == pytest.approx(expected, abs=1e-6)
    ahead, gain = series.ahead(model, AHEAD), np.linalg.solve(C[:N, :N], C[:N, N:]).T
    np.testing.assert_allclose(ahead.mean, gain @ Y, atol=1e-7)
    np.testing.assert_allclose(ahead.covariance(AHEAD), C[N:, N:] - gain @ C[:N, N:], atol=1e-7)
    np.testing.assert_allclose(ahead.variance, np.diag(ahead.covariance(AHEAD)))


def test_an_explosive_model_is_impossible():
    assert Series.of(Y).filtered(Innovations("drift", 0, 0.3, 0.5, memory=0.9, echo=-60.0)).log_density == -np.inf


def test_seasons_are_found_and_noise_has_none():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(150, 60))
    assert np.mean([season_in(e) > 0 for e in noise]) < 0.05
    for season, size in ((12, 1.5), (7, 1.5), (10, 2.5)):
        pattern = size * rng.normal(size=season)
        found = [season_in(e + pattern[np.arange(60) % season]) for e in noise[:10]]
        assert found.count(season) >= 9


@pytest.fixture(scope="module")
def walk():
    """A model of a walk with a season, and its series."""
    t = np.arange(72.0)
    y = np.cumsum(0.3 + np.random.default_rng(1).normal(size=72)) + 5 * np.cos(np.pi * t / 2)
    return GPSpectralRegressor(n_components=2, link="identity", max_iter=30).fit(t[:, None], y), y


def test_a_walk_goes_on_from_where_it_is_and_an_average_joins_it_without_a_jump(walk):
    model, y = walk
    assert sum(each.probability for each in model.continuation_) == pytest.approx(0.5, abs=0.3)
    assert {each.season for each in model.continuation_} == {4}
    forecast = model.forecast(8)
    assert np.abs(forecast["mean"].to_numpy()[3::4] - y[-1]).max() < 5
    widths = (forecast["upper"] - forecast["lower"]).to_numpy()
    assert widths[-1] > 1.5 * widths[0]
    near, at = model.predict([[71 + 1e-4]], return_std=True), model.predict([[71.0]], return_std=True)
    np.testing.assert_allclose(near, at, rtol=1e-2)
    inside = model._process.average.average.moments(model._process.within_reach(np.array([[40.0]])))[0]
    assert model.predict([[40.0]])[0] == pytest.approx(inside[0, 0] * y.std() + y.mean())


def test_moments_of_points_before_and_after_the_end_agree(walk):
    model, _ = walk
    X = np.array([[0.0], [70.5], [71.0], [71.5], [72.0], [74.25], [90.0]])
    mean, std = model.predict(X, return_std=True)
    same, cov = model.predict(X, return_cov=True)
    np.testing.assert_allclose(same, mean)
    np.testing.assert_allclose(np.sqrt(np.diag(cov)), std)
    assert np.linalg.eigvalsh(cov).min() > -1e-9
    draws = model.sample_y(X, 3_000, random_state=0)
    np.testing.assert_allclose(draws.mean(1), mean, atol=0.1 * std.max())
    np.testing.assert_allclose(draws.std(1), std, rtol=0.06)


def test_continuations_are_kept(walk, tmp_path):
    model, _ = walk
    X = np.arange(68.0, 80.0)[:, None]
    save(model, tmp_path / "walk.kan")
    for again in (pickle.loads(pickle.dumps(model)), load(tmp_path / "walk.kan")):
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
        assert again.continuation_ == model.continuation_


def test_waves_that_do_not_last_whole_steps_are_left_to_the_process():
    t = np.arange(120.0)
    y = np.sin(2 * np.pi * t / 9.6) + 0.05 * np.random.default_rng(0).normal(size=120)
    model = GPSpectralRegressor().fit(t[:, None], y)
    assert sum(each.probability for each in model.continuation_) < 0.05
    new = np.arange(120.0, 150.0)
    assert np.abs(model.predict(new[:, None]) - np.sin(2 * np.pi * new / 9.6)).max() < 0.2


@pytest.mark.parametrize(
    ("parameters", "X"),
    [
        ({"trend_degree": 1}, np.arange(N)[:, None]), ({"alpha": 0.1}, np.arange(N)[:, None]),
        ({"periods": [4.5]}, np.arange(N)[:, None]), ({}, np.sort(RNG.uniform(size=(N, 1)), axis=0)),
    ],
)  # fmt: skip
def test_what_is_no_plain_series_has_no_continuation(parameters, X):
    assert GPSpectralRegressor(n_components=0, max_iter=5, **parameters).fit(X, Y).continuation_ == []
