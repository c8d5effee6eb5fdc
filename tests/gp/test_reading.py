"""What Gaussian processes take: dates of every dtype as one time axis, masks, grids; what they refuse, by name."""

import datetime
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_kan import GPSpectralRegressor
from sklearn_kan.inspection import SpectrumDisplay

RNG = np.random.default_rng(0)
DAYS = np.arange(60)
DATES = np.datetime64("2019-12-20") + DAYS
Y = np.sin(2 * np.pi * DAYS / 7) + 0.1 * RNG.normal(size=60)
SMALL = {"n_components": 1, "max_iter": 3, "spectrum": "gaussian", "trend_degree": 0}  # one model

INDEX = pd.DatetimeIndex(DATES)
STAMPS = INDEX.to_pydatetime()
SAME_DATES = {
    **{f"datetime64[{unit}]": DATES.astype(f"M8[{unit}]")[:, None] for unit in ("D", "h", "s", "ms", "us", "ns")},
    **{f"pandas {unit}": pd.DataFrame({"t": INDEX.as_unit(unit)}) for unit in ("s", "ms", "us", "ns")},
    "pandas UTC": pd.DataFrame({"t": INDEX.tz_localize("UTC")}),
    "pandas Auckland": pd.DataFrame({"t": INDEX.tz_localize("UTC").tz_convert("Pacific/Auckland")}),
    "pandas objects": pd.DataFrame({"t": pd.Series(STAMPS, dtype=object)}),
    "pandas dates": pd.DataFrame({"t": pd.Series([stamp.date() for stamp in STAMPS], dtype=object)}),
    "pandas Arrow": pd.DataFrame({"t": pd.Series(INDEX).astype("timestamp[us][pyarrow]")}),
    "polars Date": pl.DataFrame({"t": DATES.astype("M8[D]")}),
    "polars Datetime": pl.DataFrame({"t": DATES.astype("M8[us]")}),
    "polars zone": pl.DataFrame({"t": DATES.astype("M8[ms]")}).with_columns(
        pl.col("t").dt.replace_time_zone("UTC").dt.convert_time_zone("America/New_York")
    ),
    "Arrow": pa.table({"t": pa.array(DATES.astype("M8[ns]"))}),
    "objects": np.array(STAMPS, dtype=object)[:, None],
    "lists": [[stamp.replace(tzinfo=datetime.UTC)] for stamp in STAMPS],
    "timestamps": np.array([[stamp] for stamp in INDEX], dtype=object),
}


@pytest.fixture(scope="module")
def by_numbers():
    return GPSpectralRegressor(**SMALL).fit(DAYS[:, None] * 1.0, Y)


@pytest.mark.filterwarnings("ignore:X (does not )?ha(s|ve) valid feature names")
@pytest.mark.parametrize("kind", SAME_DATES)
def test_dates_are_days_whatever_their_dtype(kind, by_numbers):
    model = GPSpectralRegressor(**SMALL).fit(SAME_DATES[kind], Y)
    expected = by_numbers.predict(DAYS[:, None] + 60.0, return_std=True)
    later = {"seconds": DATES.astype("M8[s]") + np.timedelta64(60, "D"), "days": DATES + 60}
    for dates in later.values():
        new = dates[:, None]
        if hasattr(model, "feature_names_in_"):
            new = pd.DataFrame({"t": dates.astype("M8[ns]")})
        for ours, theirs in zip(model.predict(new, return_std=True), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(model.predict(SAME_DATES[kind]), by_numbers.predict(DAYS[:, None]))
    assert model.frequency_units_ == ["per day"]
    assert by_numbers.frequency_units_ == ["per unit"]
    np.testing.assert_allclose(model.frequencies_[model.frequencies_ > 0], 1 / 7, rtol=0.02)


def test_what_a_forecaster_tries_first():
    dates = pd.date_range("2015-01-01", periods=84, freq="MS")
    frame = pd.DataFrame({"date": dates, "y": np.sin(2 * np.pi * np.arange(84) / 12)})
    model = GPSpectralRegressor().fit(frame[:60][["date"]], frame[:60]["y"])
    for unit in ("s", "ms", "us", "ns"):
        later = pd.DataFrame({"date": dates[60:].as_unit(unit)})
        assert model.score(later, frame["y"][60:]) > 0.99
    waves = np.flatnonzero(model.frequencies_[:, 0])
    strongest = waves[model.weights_[waves].argmax()]
    np.testing.assert_allclose(1 / model.frequencies_[strongest], 365.25, rtol=0.01)


@settings(max_examples=8)
@given(
    year=st.integers(1700, 2250), unit=st.sampled_from(["s", "ms", "us", "ns"]),
    step=st.sampled_from([1, 100, 60_000, 86_400_000]), zone=st.integers(-12, 12),
)  # fmt: skip
def test_even_dates_are_even_anywhere(year, unit, step, zone):
    """To the microsecond: steps of a millisecond are even, as numbers of the same steps are."""
    dates = np.datetime64(f"{year}-03-01T05:00", "ms") + step * np.arange(30)
    dates = dates.astype(f"M8[{'ms' if unit == 's' and step < 1000 else unit}]")
    y = np.sin(np.arange(30.0))
    model = GPSpectralRegressor(**SMALL).fit(dates[:, None], y)
    assert model.solver_ == "toeplitz"
    local = dates.astype("M8[ms]").astype(object)
    offset = datetime.timezone(datetime.timedelta(hours=zone))
    stamps = np.array([[stamp.replace(tzinfo=datetime.UTC).astimezone(offset)] for stamp in local], dtype=object)
    np.testing.assert_array_equal(model.predict(stamps), model.predict(dates[:, None]))
    plain = GPSpectralRegressor(**SMALL).fit(step / 86_400_000 * np.arange(30.0)[:, None], y)
    np.testing.assert_allclose(model.predict(dates[:, None]), plain.predict(plain_times(step)), atol=1e-3)


def plain_times(step):
    return step / 86_400_000 * np.arange(30.0)[:, None]


def test_summer_time_does_not_bend_the_axis():
    hours = pd.date_range("2024-03-25", periods=24 * 12, freq="h", tz="UTC")  # clocks change on 31 March
    y = np.sin(2 * np.pi * np.arange(len(hours)) / 24)
    utc, paris = (GPSpectralRegressor(**SMALL) for _ in range(2))
    frame = pd.DataFrame({"t": hours})
    local = pd.DataFrame({"t": hours.tz_convert("Europe/Paris")})
    np.testing.assert_array_equal(utc.fit(frame, y).predict(local), paris.fit(local, y).predict(frame))
    assert paris.solver_ == "toeplitz"
    np.testing.assert_allclose(paris.frequencies_[paris.frequencies_ > 0], 1, rtol=0.01)


def test_durations_are_days_too():
    steps = np.arange(60) * np.timedelta64(6, "h")
    model = GPSpectralRegressor(**SMALL).fit(steps[:, None], np.sin(2 * np.pi * np.arange(60) / 8))
    assert model.frequency_units_ == ["per day"]
    np.testing.assert_allclose(model.frequencies_[model.frequencies_ > 0], 0.5, rtol=0.01)
    expected = model.predict(steps[:, None])
    for new in (steps.astype("m8[ns]")[:, None], np.array([[step] for step in steps.tolist()], dtype=object)):
        np.testing.assert_array_equal(model.predict(new), expected)


def test_dates_beside_numbers():
    other = RNG.normal(size=60)
    frame = pd.DataFrame({"t": DATES, "x": other, "n": pd.array(DAYS % 3, dtype="Int64")})
    y = Y + other
    model = GPSpectralRegressor(max_iter=15).fit(frame, y)
    assert model.frequency_units_ == ["per day", "per unit", "per unit"]
    plain = GPSpectralRegressor(max_iter=15).fit(np.column_stack([DAYS, other, DAYS % 3]), y)
    np.testing.assert_array_equal(model.predict(frame), plain.predict(np.column_stack([DAYS, other, DAYS % 3])))
    objects = frame.astype(object).to_numpy()
    with pytest.warns(UserWarning, match="valid feature names"):
        np.testing.assert_array_equal(model.predict(objects), model.predict(frame))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(frame), model.predict(frame))


@pytest.mark.parametrize(
    ("fitted", "new", "words"),
    [
        (DATES[:, None], DAYS[:, None] * 1.0, "Column 0 of X holds numbers, and the first fit had dates"),
        (DAYS[:, None] * 1.0, DATES[:, None], "Column 0 of X holds dates, and the first fit had numbers"),
        (DATES[:, None], (DATES - DATES[0])[:, None], "Column 0 of X holds durations, and the first fit had dates"),
    ],
)
def test_other_kinds_of_columns_are_refused_by_name(fitted, new, words):
    model = GPSpectralRegressor(**SMALL).fit(fitted, Y)
    with pytest.raises(TypeError, match=words):
        model.predict(new)
    with pytest.raises(TypeError, match=words):
        model.sample_y(new)


MISSING = {
    "NaT": (pd.DataFrame({"t": [pd.NaT, *INDEX[1:]]}), "Column 't' of X has 1 missing"),
    "polars null": (pl.DataFrame({"t": [None, *STAMPS[1:]]}), "Column 't' of X has 1 missing"),
    "NaN": (np.where(DAYS < 2, np.nan, DAYS)[:, None], "Column 0 of X has 2 missing"),
    "mask": (np.ma.array(DAYS, mask=DAYS < 3)[:, None], "Column 0 of X has 3 missing"),
    "masked dates": (np.ma.array(DATES, mask=DAYS < 4)[:, None], "Column 0 of X has 4 missing"),
    "None": (np.array([[None], *([day] for day in DAYS[1:])], dtype=object), "Column 0 of X has 1 missing"),
}


@pytest.mark.parametrize("kind", MISSING)
def test_missing_points_are_refused_by_name(kind):
    X, words = MISSING[kind]
    with pytest.raises(ValueError, match=words):
        GPSpectralRegressor(**SMALL).fit(X, Y)
    model = GPSpectralRegressor(**SMALL).fit(X[5:], Y[5:])
    with pytest.raises(ValueError, match=words):
        model.predict(X)


def test_masked_targets_weights_and_variances_are_refused_by_name():
    X, masked = DAYS[:, None] * 1.0, np.ma.array(np.ones(60), mask=DAYS == 3)
    with pytest.raises(ValueError, match="y has 1 masked values"):
        GPSpectralRegressor().fit(X, masked)
    with pytest.raises(ValueError, match="sample_weight has 1 masked values"):
        GPSpectralRegressor().fit(X, Y, sample_weight=masked)
    with pytest.raises(ValueError, match="is not usable"):
        GPSpectralRegressor(alpha=masked).fit(X, Y)


AXES = np.arange(12.0), np.linspace(0, 1, 9)
CELLS = np.sin(AXES[0])[:, None] * (1 + AXES[1]) + 0.05 * RNG.normal(size=(12, 9))
HOLES = RNG.uniform(size=CELLS.shape) < 0.15


@pytest.mark.parametrize(
    "cells",
    [
        np.ma.array(np.where(HOLES, 9.97e36, CELLS), mask=HOLES),
        np.ma.masked_invalid(np.where(HOLES, np.inf, CELLS)),
        list(np.ma.array(np.where(HOLES, -9999.0, CELLS), mask=HOLES)),
        np.ma.array(np.stack([np.where(HOLES, -9999.0, CELLS)] * 2, -1), mask=np.stack([HOLES, 0 * HOLES], -1)),
    ],
    ids=["fill value", "infinities", "list of rows", "one of two outputs"],
)
def test_masked_cells_of_a_grid_are_missing(cells):
    model, expected = (GPSpectralRegressor(**SMALL) for _ in range(2))
    model.fit_grid(AXES, cells)
    with_nan = np.where(HOLES, np.nan, CELLS)
    expected.fit_grid(AXES, with_nan if np.ndim(cells) == 2 else np.stack([with_nan] * 2, -1))
    X = RNG.uniform(0, 1, (5, 2))
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))


@pytest.mark.parametrize("unit", ["D", "ns"])
def test_axes_of_a_grid_may_be_dates(unit):
    dates = np.datetime64("2024-02-20") + np.arange(12)
    model, plain = (GPSpectralRegressor(**SMALL) for _ in range(2))
    model.fit_grid((dates.astype(f"M8[{unit}]"), AXES[1]), CELLS)
    plain.fit_grid(AXES, CELLS)
    assert model.frequency_units_ == ["per day", "per unit"]
    new = np.array([[datetime.date(2024, 2, 29), 0.3], [datetime.date(2024, 3, 2), 0.7]], dtype=object)
    np.testing.assert_array_equal(model.predict(new), plain.predict([[9, 0.3], [11, 0.7]]))
    zone = pd.DatetimeIndex(dates).tz_localize("UTC").tz_convert("Asia/Tokyo")
    again = GPSpectralRegressor(**SMALL).fit_grid((zone, AXES[1]), CELLS)
    np.testing.assert_array_equal(again.predict(new), model.predict(new))


def test_a_display_says_per_day():
    frame = pd.DataFrame({"x": RNG.normal(size=60), "t": DATES})
    model = GPSpectralRegressor(max_iter=10).fit(frame, Y)
    by_name, by_place = (SpectrumDisplay.from_estimator(model, feature) for feature in ("t", 1))
    np.testing.assert_array_equal(by_name.density, by_place.density)
    assert by_name.axes_[1].get_xlabel() == "frequency of t (cycles per day)"
    assert SpectrumDisplay.from_estimator(model, "x").axes_[1].get_xlabel() == "frequency of x (cycles per unit)"
    with pytest.raises(ValueError, match="'z'"):
        SpectrumDisplay.from_estimator(model, "z")


@pytest.mark.parametrize("X", [[["1.5"], ["v"]], pd.DataFrame({"t": ["u", "v"]})])
def test_words_are_refused_without_a_parameter_that_is_not_there(X):
    with pytest.raises(ValueError, match=r"cannot be read as numbers: .*\. Convert it to numbers\.$"):
        GPSpectralRegressor().fit(X, [1.0, 2.0])
