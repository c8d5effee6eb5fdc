"""Calendar time: dates on the same day of each month are even, and a year has twelve equal months."""

import numpy as np
import pandas as pd
import pytest

from sklearn_kan import GPSpectralRegressor
from sklearn_kan.gp._months import DAYS, days_of, months_of, offset_in_month


@pytest.mark.parametrize(
    ("frequency", "start"), [("MS", "1957-03-01"), ("ME", "1999-11-30"), ("QS", "2001-01-01"), ("YS", "1890-01-01")]
)
def test_dates_of_a_calendar_are_even(frequency, start):
    dates = pd.date_range(start, periods=60, freq=frequency)
    model = GPSpectralRegressor(n_components=0, max_iter=2).fit(dates.to_numpy()[:, None], np.arange(60.0) % 7)
    assert model.solver_ == "toeplitz"
    later = model.forecast(5).index
    np.testing.assert_array_equal(later, pd.date_range(dates[-1], periods=6, freq=frequency)[1:])


def test_months_are_the_days_of_the_calendar():
    days = np.arange(-40_000.0, 40_000.0, 0.75)
    months = months_of(days)
    assert (np.diff(months) > 0).all()
    np.testing.assert_allclose(days_of(months), days, rtol=0, atol=1e-7)
    dates = np.floor(days).astype(int).astype("M8[D]")
    first = dates.astype("M8[M]")
    np.testing.assert_array_equal(np.floor(months), first.astype(int))


@pytest.mark.parametrize(
    ("dates", "offset"),
    [
        (["2020-01-01", "2020-02-01", "2020-04-01"], 0.0),
        (["2020-01-31", "2020-02-29", "2020-04-30"], -1.0),
        (["2020-01-15T12", "2020-02-15T12", "2020-04-15T12"], 14.5),
        (["2020-01-01", "2020-01-02", "2020-01-04"], None),
        (["2020-01-01", "2020-02-01"], None),
        (["2020-01-01", "2020-01-15", "2020-01-29"], None),
    ],
)
def test_a_calendar_is_seen(dates, offset):
    days = np.array(dates, dtype="M8[h]").astype(float) / 24
    assert offset_in_month(days) == offset


def test_a_season_of_twelve_months_is_a_year():
    dates = pd.date_range("2015-01-01", periods=72, freq="MS")
    y = pd.Series(np.where(dates.month == 12, 3.0, 0.0) + 0.1 * np.random.default_rng(0).normal(size=72))
    model = GPSpectralRegressor().fit(pd.DataFrame({"date": dates[:60]}), y[:60])
    ahead = model.forecast(12)["mean"].to_numpy()
    assert np.abs(ahead - np.where(dates[60:].month == 12, 3.0, 0.0)).max() < 0.5
    assert model.frequency_units_ == ["per day"]
    strongest = model.frequencies_[model.frequencies_[:, 0] > 0].min()
    np.testing.assert_allclose(1 / strongest, 12 * DAYS, rtol=0.01)
