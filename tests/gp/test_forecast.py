"""Forecasts of regular series, and targets that stay above zero."""

import pickle

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy.stats import lognorm, norm
from sklearn.base import clone

from sklearn_kan import GPSpectralRegressor, load, save
from sklearn_kan.gp._link import Link
from sklearn_kan.inspection import ForecastDisplay

mpl.use("Agg")
RNG = np.random.default_rng(0)
QUICK = {"n_components": 0, "trend_degree": 1, "max_iter": 20}
N = 40
Y = np.arange(N) / 10 + 0.1 * RNG.normal(size=N)


@pytest.mark.parametrize(
    ("index", "after"),
    [
        (pd.date_range("2020-01-01", periods=N, freq="MS"), "2023-05-01"),
        (pd.date_range("2020-01-31", periods=N, freq="ME"), "2023-05-31"),
        (pd.date_range("2020-01-01", periods=N, freq="QS"), "2030-01-01"),
        (pd.date_range("2020-01-01", periods=N, freq="D"), "2020-02-10"),
        (pd.date_range("2020-01-06", periods=N, freq="B"), "2020-03-02"),
        (pd.date_range("2020-01-01", periods=N, freq="30min"), "2020-01-01 20:00"),
    ],
)
def test_dates_go_on_as_before(index, after):
    frame = pd.DataFrame({"when": index})
    model = GPSpectralRegressor(**QUICK, link="identity").fit(frame, Y)
    forecast = model.forecast(3)
    assert forecast.index[0] == pd.Timestamp(after)
    assert forecast.index.name == "when"
    mean, std = model.predict(pd.DataFrame({"when": forecast.index}), return_std=True)
    np.testing.assert_allclose(forecast["mean"], mean)
    np.testing.assert_allclose(forecast["upper"] - forecast["lower"], 2 * norm.ppf(0.975) * std)


def test_numbers_and_gaps_go_on_and_levels_nest():
    kept = np.delete(np.arange(N), [5, 6])
    model = GPSpectralRegressor(**QUICK).fit(0.1 * kept[:, None], Y[kept])
    narrow, wide = model.forecast(4, level=0.5), model.forecast(4, level=0.9)
    np.testing.assert_allclose(wide.index, 0.1 * np.arange(N, N + 4))
    assert (wide["lower"] < narrow["lower"]).all()
    assert (wide["upper"] > narrow["upper"]).all()
    several = GPSpectralRegressor(**QUICK).fit(0.1 * kept[:, None], np.stack([Y[kept], -Y[kept]], 1)).forecast(2)
    np.testing.assert_allclose(several["mean", 0], -several["mean", 1], rtol=1e-6)


def test_what_cannot_be_continued_is_refused():
    model = GPSpectralRegressor(**QUICK).fit(np.sort(RNG.uniform(0, 9, N))[:, None], Y)
    with pytest.raises(ValueError, match=r"needs a regular series.*predict\(X, return_std=True\)"):
        model.forecast(3)
    with pytest.raises(ValueError, match=r"horizon=0 is not usable. Pass an integer >= 1"):
        model.forecast(0)
    with pytest.raises(ValueError, match=r"level=95 is not usable. Pass a number between 0 and 1"):
        model.forecast(3, level=95)
    table = GPSpectralRegressor(**QUICK).fit(RNG.normal(size=(N, 2)), Y)
    with pytest.raises(ValueError, match="needs a single feature"):
        table.forecast(3)


@pytest.mark.parametrize("kind", ["text", "periods"])
def test_dates_that_are_none_say_how_to_make_them(kind):
    dates = pd.date_range("2020-01-01", periods=N, freq="MS")
    column = dates.astype(str) if kind == "text" else dates.to_period("M")
    words = r"pandas\.to_datetime" if kind == "text" else r"\.dt\.to_timestamp\(\)"
    with pytest.raises((TypeError, ValueError), match=f"Column 'when' of X cannot be read as numbers.*{words}"):
        GPSpectralRegressor(**QUICK).fit(pd.DataFrame({"when": column}), Y)


def test_logarithms_are_told_in_the_targets_units():
    t = np.arange(N, dtype=float)[:, None]
    logged = GPSpectralRegressor(**QUICK, link="identity").fit(t, Y)
    model = clone(GPSpectralRegressor(**QUICK, link="log")).fit(t, np.exp(Y))
    new = np.arange(N, N + 5.0)[:, None]
    mean, std = logged.predict(new, return_std=True)
    for fitted in (model, pickle.loads(pickle.dumps(model))):
        ours, spread = fitted.predict(new, return_std=True)
        np.testing.assert_allclose(ours, np.exp(mean), rtol=1e-6)
        np.testing.assert_allclose(spread, (np.exp(mean + std) - np.exp(mean - std)) / 2, rtol=1e-6)
        frame = fitted.forecast(5, level=0.8)
        np.testing.assert_allclose(frame["upper"], lognorm.ppf(0.9, std, scale=np.exp(mean)), rtol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(model.predict(new, return_cov=True)[1])), spread, rtol=1e-6)
    np.testing.assert_allclose(np.log(model.sample_y(new, 3)), logged.sample_y(new, 3), rtol=1e-6)


def test_the_data_choose_the_link():
    t, noise = np.arange(80.0)[:, None], np.random.default_rng(1).normal(size=80)
    grown = np.exp(0.05 * t[:, 0] + 0.3 * noise)
    settings = {"n_components": 0, "max_iter": 30, "spectrum": "student_t", "trend_degree": 1}
    assert GPSpectralRegressor(**settings).fit(t, grown).link_ == "log"
    assert GPSpectralRegressor(**settings).fit(t, 40 + t[:, 0] + 10 * noise).link_ == "identity"
    assert GPSpectralRegressor(**settings).fit(t, grown - 1).link_ == "identity"
    factor = GPSpectralRegressor(**settings).fit(t, 1e-3 * grown)
    assert factor.link_ == "log"


def test_links_are_averaged():
    t, rng = np.arange(60.0)[:, None], np.random.default_rng(0)
    model = GPSpectralRegressor(**QUICK).fit(t, np.exp(0.02 * t[:, 0] + 0.3 * rng.normal(size=60)))
    assert len(model._blend.shares) == 2
    draws = model.sample_y([[60.0], [61.0]], 40_000)
    frame = model.forecast(2, level=0.9)
    np.testing.assert_allclose(frame[["lower", "upper"]].T, np.quantile(draws, [0.05, 0.95], axis=1), rtol=0.02)
    mean, std, interval = model.predict([[60.0], [61.0]], return_std=True, return_interval=0.9)
    np.testing.assert_array_equal(interval, frame[["lower", "upper"]])
    _, cov = model.predict([[60.0], [61.0]], return_cov=True)
    np.testing.assert_allclose(np.sqrt(np.diag(cov)), std)
    np.testing.assert_allclose(frame["mean"], mean)
    assert np.isfinite(model.predict([[1e300], [-1e300]], return_std=True)).all()


def test_counts_may_be_zero():
    y = np.random.default_rng(0).poisson(2, size=60)
    model = GPSpectralRegressor(**QUICK, link="log").fit(np.arange(60.0)[:, None], y)
    frame = model.forecast(10)
    assert (frame["lower"] >= 0).all()
    assert (model.sample_y([[60.0]], 100) >= 0).all()
    offset = Link("log", np.array([0.5]))
    np.testing.assert_allclose(offset.observations(offset.learned(y[:, None] * 1.0)), y[:, None], atol=1e-12)


@pytest.mark.parametrize(
    ("y", "alpha", "words"),
    [(-Y - 9, 0.0, "has 40 values below zero"), (0 * Y, 0.0, "y has none"), (Y + 9, 1.0, "alpha is in units")],
)
def test_targets_without_a_logarithm_are_refused(y, alpha, words):
    with pytest.raises(ValueError, match=f"link='log'.*{words}"):
        GPSpectralRegressor(link="log", alpha=alpha).fit(np.arange(N)[:, None], y)


def test_a_display_of_a_forecast():
    frame = pd.DataFrame({"month": pd.date_range("2020-01-01", periods=N, freq="MS")})
    model = GPSpectralRegressor(**QUICK, link="log").fit(frame, np.exp(Y))
    display = ForecastDisplay.from_estimator(model, 12, levels=(0.9, 0.5), n_history=30)
    np.testing.assert_allclose(display.history[1], np.exp(Y[-30:]), rtol=1e-9)
    assert display.history[0][-1] == np.datetime64("2023-04-01")
    assert list(display.forecasts) == [0.5, 0.9]
    assert display.ax_.get_xlabel() == "month"
    assert len(display.ax_.collections) == 2
    with pytest.raises(ValueError, match="draws one output"):
        ForecastDisplay.from_estimator(GPSpectralRegressor(**QUICK).fit(frame, np.stack([Y, Y], 1)), 3)


def test_models_are_told_in_a_line():
    model = GPSpectralRegressor(max_iter=5).fit(np.arange(N, dtype=float)[:, None], np.sin(np.arange(N)))
    text = repr(model.models_)
    assert "Model(degree=" in text
    assert "draws" not in text
    assert len(text) < 250 * len(model.models_)


def test_links_are_in_files(tmp_path):
    t = np.arange(30.0)[:, None]
    model = GPSpectralRegressor(**QUICK).fit(t, np.exp(Y[:30]))
    save(model, tmp_path / "model.kan")
    loaded = load(tmp_path / "model.kan")
    pd.testing.assert_frame_equal(loaded.forecast(3), model.forecast(3))
    assert loaded.link_ == model.link_
