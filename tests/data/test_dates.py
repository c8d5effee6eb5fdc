"""Dates and durations: one unit for all dtypes, elapsed time and the cycles that a range shows."""

import datetime
import pickle
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.data._calendar import cycles_of
from sklearn_kan.data._dates import in_days
from sklearn_kan.data._encoding import TableEncoder
from sklearn_kan.data._table import Column

DAYS = pd.date_range("2019-03-01", periods=1_100, freq="D")
HOURS = pd.date_range("2023-01-01", periods=24 * 40, freq="h")


def small(**params):
    return KANRegressor(**{"hidden_layer_sizes": (8,), "n_members": 2, "max_iter": 5, "random_state": 0, **params})


def numpy_dates(unit, times):
    return times.to_numpy().astype(f"M8[{unit}]")[:, None]


def pandas_dates(unit, times):
    return pd.DataFrame({"t": times.astype(f"M8[{unit}]")})


SAME_DATES = {
    **{f"numpy {unit}": partial(numpy_dates, unit) for unit in ["h", "m", "s", "ms", "us", "ns"]},
    **{f"pandas {unit}": partial(pandas_dates, unit) for unit in ["s", "ms", "us", "ns"]},
    "pandas UTC": lambda t: pd.DataFrame({"t": t.tz_localize("UTC")}),
    "pandas time zone": lambda t: pd.DataFrame({"t": t.tz_localize("UTC").tz_convert("America/New_York")}),
    "pandas arrow": lambda t: pd.DataFrame({"t": t}).convert_dtypes(dtype_backend="pyarrow"),
    "pandas timestamps": lambda t: pd.DataFrame({"t": pd.Series(list(t), dtype=object)}),
    "pandas datetimes": lambda t: pd.DataFrame({"t": pd.Series(list(t.to_pydatetime()), dtype=object)}),
    "array of timestamps": lambda t: np.array(list(t), dtype=object)[:, None],
    "array of aware datetimes": lambda t: np.array(
        list(t.tz_localize("UTC").tz_convert("Asia/Tokyo").to_pydatetime()), dtype=object)[:, None],
    "masked": lambda t: np.ma.array(t.to_numpy()[:, None]),
    "polars": lambda t: pl.DataFrame({"t": list(t.to_pydatetime())}),
    "polars ms": lambda t: pl.DataFrame({"t": list(t.to_pydatetime())}).cast(pl.Datetime("ms")),
    "polars time zone": lambda t: pl.DataFrame({"t": list(t.to_pydatetime())}).with_columns(
        pl.col("t").dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")),
    "pyarrow": lambda t: pl.DataFrame({"t": list(t.to_pydatetime())}).to_arrow(),
}  # fmt: skip


@pytest.fixture(scope="module")
def of_the_hours():
    """A model that is only looked at, its table and its target."""
    y = np.sin(np.arange(len(HOURS)) / 24)
    frame = pd.DataFrame({"t": HOURS})
    return small().fit(frame, y), frame, y


@pytest.mark.filterwarnings("ignore:X has feature names", "ignore:X does not have valid feature names")
@pytest.mark.parametrize("kind", SAME_DATES)
def test_equal_times_are_equal_whatever_their_dtype(kind, of_the_hours):
    model, frame, y = of_the_hours
    same = SAME_DATES[kind](HOURS)
    np.testing.assert_array_equal(model.predict(same), model.predict(frame))
    np.testing.assert_array_equal(small().fit(same, y).predict(frame), model.predict(frame))


DATES_ALONE = {
    "numpy": lambda t: t.to_numpy().astype("M8[D]")[:, None],
    "objects": lambda t: pd.DataFrame({"t": pd.Series([day.date() for day in t], dtype=object)}),
    "polars": lambda t: pl.DataFrame({"t": [day.date() for day in t]}),
    "arrow": lambda t: pl.DataFrame({"t": [day.date() for day in t]}).to_arrow(),
    "pandas arrow": lambda t: pl.DataFrame({"t": [day.date() for day in t]}).to_pandas(
        use_pyarrow_extension_array=True
    ),
}


@pytest.mark.filterwarnings("ignore:X has feature names", "ignore:X does not have valid feature names")
@pytest.mark.parametrize("kind", DATES_ALONE)
def test_dates_without_time_are_their_midnights(kind):
    y = np.arange(len(DAYS)) % 7
    model = small().fit(pd.DataFrame({"t": DAYS}), y)
    np.testing.assert_array_equal(model.predict(DATES_ALONE[kind](DAYS)), model.predict(pd.DataFrame({"t": DAYS})))


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns"])
@pytest.mark.parametrize("count", [-3, 0, 2])
def test_days_are_those_of_the_calendar(unit, count):
    date = np.array([count]).astype(f"M8[{unit}]")
    expected = (
        date.astype("M8[us]").astype(datetime.datetime)[0] - datetime.datetime(1970, 1, 1)
    ).total_seconds() / 86400
    np.testing.assert_allclose(in_days(date), expected, rtol=1e-14, atol=1e-10 if unit == "ns" else 1e-16)


def test_durations_are_days():
    values = [datetime.timedelta(hours=-36), None, datetime.timedelta(days=2, seconds=1)]
    expected = [-1.5, np.nan, 2 + 1 / 86400]
    np.testing.assert_array_equal(in_days(np.array(values, dtype=object)), expected)
    np.testing.assert_array_equal(in_days(np.array(values, dtype="m8[s]")), expected)
    hours = np.arange(60)
    frame = pd.DataFrame({"wait": pd.to_timedelta(hours, unit="h")})
    model, plain = small().fit(frame, hours), small().fit(hours[:, None] / 24, hours)
    np.testing.assert_allclose(model.predict(frame), plain.predict(hours[:, None] / 24), rtol=1e-9)


CYCLES = {
    "three years of days": (DAYS, ("year", "week")),
    "two years of days": (DAYS[:730], ("year", "week")),
    "a year of days": (DAYS[:365], ("week",)),
    "ten days": (DAYS[:10], ()),
    "three years of weeks": (DAYS[::7], ("year",)),
    "forty days of hours": (HOURS, ("week", "day")),
    "three days of hours": (HOURS[:72], ("day",)),
    "noons": (HOURS[12::24], ("week",)),
    "five years of hours": (pd.date_range("2015-01-01", periods=24 * 365 * 5, freq="h"), ("year", "week", "day")),
    "first of January, ten times": (pd.date_range("2010-01-01", periods=10, freq="YS"), ("week",)),
    "one moment": (DAYS[[3, 3, 3]], ()),
    "business days": (pd.bdate_range("2020-01-01", periods=600), ("year", "week")),
}


@pytest.mark.parametrize("kind", CYCLES)
def test_cycles_are_those_that_the_range_shows(kind):
    dates, cycles = CYCLES[kind]
    assert cycles_of(in_days(dates.to_numpy())) == cycles


def test_a_column_of_dates_is_elapsed_time_then_phases():
    days = in_days(DAYS.to_numpy())
    encoder = TableEncoder().fit([Column("t", days, "date")])
    encoded = encoder.transform([Column("t", days, "date")])
    assert encoder.n_numeric_ == 3
    np.testing.assert_array_equal(encoder.column_of_input_, [0, 0, 0, 0])
    assert (np.diff(encoded[:, 0]) > 0).all()
    np.testing.assert_array_equal(encoded[:, 3], DAYS.dayofweek + 1)
    day, year_later = encoded[100], encoded[100 + 365]
    np.testing.assert_allclose(year_later[1:3], day[1:3], atol=0.05)


FORECASTS = {
    "season and trend": (DAYS, lambda d: 3 * np.sin(2 * np.pi * d / 365.2425) + 0.002 * (d - d[0])),
    "weekends": (DAYS, lambda d: np.where(np.mod(np.floor(d) + 3, 7) >= 5, 2.0, 0.0)),
    "time of day": (HOURS, lambda d: np.cos(2 * np.pi * d) + 0.5 * np.sin(4 * np.pi * d)),
}


@pytest.mark.parametrize("kind", FORECASTS)
def test_a_first_try_with_dates_alone_interpolates_and_goes_on_a_little(kind):
    dates, target = FORECASTS[kind]
    frame, y = pd.DataFrame({"date": dates}), target(in_days(dates.to_numpy()))
    y = y + np.random.default_rng(0).normal(0, 0.1, len(y))
    last = len(y) - len(y) // 20
    model = KANRegressor(random_state=0, n_members=4, solver="adam").fit(frame[:last], y[:last])
    assert model.score(frame[:last], y[:last]) > 0.9
    error = y[last:] - model.predict(frame[last:])
    assert np.sqrt(np.mean(error**2)) < 0.5 * np.std(y)


def test_missing_dates_are_missing_whatever_stands_for_them():
    y = 1.0 * (np.arange(len(DAYS)) % 5 == 0)
    dates = pd.Series(DAYS).where(y == 0)
    frame = pd.DataFrame({"t": dates, "z": np.random.default_rng(0).normal(size=len(y))})
    model = small(max_iter=40).fit(frame, y)
    assert model.score(frame, y) > 0.95
    objects = frame.assign(t=pd.Series([None if pd.isna(date) else date for date in dates], dtype=object))
    np.testing.assert_array_equal(model.predict(objects), model.predict(frame))
    np.testing.assert_array_equal(model.predict(pl.DataFrame(frame)), model.predict(frame))
    nothing = frame.assign(t=None)
    np.testing.assert_allclose(model.predict(nothing)[y == 1], model.predict(frame)[y == 1])


def test_a_column_stays_what_it_was_in_the_first_fit():
    frame, y = pd.DataFrame({"t": DAYS, "x": np.arange(len(DAYS))}), np.arange(len(DAYS))
    model = small().fit(frame, y)
    with pytest.raises(TypeError, match=r"Column 't' of X holds numbers, and the first fit had dates. Convert"):
        model.predict(frame.assign(t=frame["x"]))
    with pytest.raises(TypeError, match=r"Column 'x' of X holds dates, and the first fit had numbers. Convert"):
        model.predict(frame.assign(x=frame["t"]))
    with pytest.raises(TypeError, match=r"Column 't' of X mixes dates and numbers"):
        small().fit(frame.assign(t=pd.Series([1.5, *DAYS[1:]], dtype=object)), y)


def test_constraints_hold_for_all_inputs_of_a_column_of_dates():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"t": DAYS, "z": rng.normal(size=len(DAYS))})
    days = in_days(DAYS.to_numpy())
    y = np.sin(2 * np.pi * days / 365.2425) * frame["z"] + (days - days[0]) / 500
    rising = small(monotonic_cst={"t": 1}, max_iter=20).fit(frame, y)
    later = frame.assign(t=frame["t"].sort_values().to_numpy(), z=0.3)
    assert (np.diff(rising.predict(later)) >= -1e-6).all()
    apart = small(interaction_cst=[["t"], ["z"]], max_iter=20).fit(frame, y)
    assert apart.encoder_.n_numeric_ == 4
    low, high = apart.predict(frame.assign(z=-1.0)), apart.predict(frame.assign(z=1.0))
    np.testing.assert_allclose(high - low, (high - low)[0], atol=1e-4)


def test_models_of_dates_are_stored_drawn_and_continued():
    frame = pd.DataFrame({"t": DAYS, "k": "a"})
    y = DAYS.dayofweek.to_numpy() >= 5
    model = KANClassifier((4,), max_iter=3, n_members=2, random_state=0, warm_start=True).fit(frame, y)
    expected = model.predict_proba(frame)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(frame), expected)
    x, curve = model.model_.edge_curve(0)
    assert x.dtype == np.dtype("M8[s]")
    assert DAYS[0] <= x[0] < x[-1] <= DAYS[-1]
    assert np.isfinite(curve).all()
    assert len(model.fit(frame, y).loss_curve_) == 6


def test_knots_of_dates_are_days():
    frame = pd.DataFrame({"t": DAYS, "x": np.linspace(0, 1, len(DAYS))})
    days = in_days(DAYS.to_numpy())
    knots = np.c_[np.quantile(days, [0, 0.3, 0.6, 1]), [0, 0.2, 0.7, 1]]
    model = small(knots=knots, n_members=1).fit(frame, days)
    table = model.module_.layers[0].basis.knots
    assert table.shape == (4, 4)
    columns = [Column("t", knots[:, 0], "date"), Column("x", knots[:, 1])]
    np.testing.assert_allclose(table[[0, 3]], model.encoder_.transform(columns)[:, [0, 3]].T, atol=1e-6)
