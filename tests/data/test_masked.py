"""Masked arrays: what is under a mask is missing, whatever stands there."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sklearn_kan import GPSpectralRegressor, KANClassifier, KANRegressor
from tests.tables import small

N = 60
rng = np.random.default_rng(0)
X = rng.normal(size=(N, 3))
MASK = rng.random((N, 3)) < 0.2
TARGET = X[:, 0] + MASK[:, 1]
WORDS = np.array(list("abc"))[rng.integers(0, 3, (N, 3))]


MASKED_TABLES = {
    "floats": (np.ma.array(np.where(MASK, 9.97e36, X), mask=MASK), np.where(MASK, np.nan, X)),
    "single precision": (
        np.ma.array(np.where(MASK, -9999, X), mask=MASK, dtype=np.float32),
        np.where(MASK, np.nan, X).astype(np.float32),
    ),
    "infinities": (np.ma.masked_invalid(np.where(MASK, np.inf, X)), np.where(MASK, np.nan, X)),
    "integers": (
        np.ma.array(np.where(MASK, -99, np.round(3 * X)), mask=MASK, dtype=int),
        np.where(MASK, np.nan, np.round(3 * X)),
    ),
    "booleans": (np.ma.array(X > 0, mask=MASK), np.where(MASK, np.nan, X > 0)),
    "a list of rows": (list(np.ma.array(np.where(MASK, 1e20, X), mask=MASK)), np.where(MASK, np.nan, X)),
    "nothing masked": (np.ma.array(X), X),
}


@pytest.mark.parametrize("kind", MASKED_TABLES)
def test_masked_cells_of_a_table_are_missing(kind):
    masked, with_nan = MASKED_TABLES[kind]
    expected = small().fit(with_nan, TARGET).predict(with_nan)
    np.testing.assert_array_equal(small().fit(masked, TARGET).predict(masked), expected)
    np.testing.assert_array_equal(small().fit(with_nan, TARGET).predict(masked), expected)


@pytest.mark.parametrize("dtype", [str, object])
def test_masked_categories_are_missing(dtype):
    masked = np.ma.array(np.where(MASK, "N/A", WORDS).astype(dtype), mask=MASK)
    missing = np.where(MASK, None, WORDS.astype(object))
    model = small(categorical_features=[0, 1, 2]).fit(missing, TARGET)
    np.testing.assert_array_equal(model.predict(masked), model.predict(missing))
    again = small(categorical_features=[0, 1, 2]).fit(masked, TARGET)
    np.testing.assert_array_equal(again.predict(masked), model.predict(missing))
    assert again.encoder_.n_levels_ == [5, 5, 5]  # unknown, a, b, c, missing


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
@pytest.mark.parametrize("as_list", [False, True])
def test_masked_targets_and_weights_are_refused_by_name(estimator, as_list):
    y = np.ma.array(np.arange(N) % 2, mask=np.arange(N) == 3)
    y = [*y[:3], np.ma.masked, *y[4:]] if as_list else y
    with pytest.raises(ValueError, match=r"y has 1 masked values\. Drop those rows"):
        small(estimator).fit(X, y)
    with pytest.raises(ValueError, match=r"y has 1 masked values\. Drop those rows"):
        small(estimator).partial_fit(X, y, **{"classes": [0, 1]} if estimator is KANClassifier else {})
    weight = np.ma.array(np.ones(N), mask=np.arange(N) < 5)
    with pytest.raises(ValueError, match=r"sample_weight has 5 masked values\. Drop those rows"):
        small(estimator).fit(X, np.arange(N) % 2, sample_weight=weight)


def test_masked_arrays_without_masked_values_are_plain():
    expected = small().fit(X, TARGET, sample_weight=np.ones(N)).predict(X)
    model = small().fit(X, np.ma.array(TARGET), sample_weight=np.ma.array(np.ones(N), mask=False))
    np.testing.assert_array_equal(model.predict(X), expected)


@pytest.mark.parametrize("make", [pd.Series, pl.Series])
def test_null_targets_and_weights_of_series_are_refused_by_name(make):
    values = [None, *range(N - 1)]
    series = make(values, dtype="Int64") if make is pd.Series else make(values)
    with pytest.raises(ValueError, match="Input y contains NaN or infinity in 1 places"):
        small().fit(X, series)
    with pytest.raises((ValueError, TypeError), match="sample_weight"):
        small().fit(X, TARGET, sample_weight=series)


def test_masked_cells_of_a_grid_are_missing():
    axes = np.linspace(0, 1, 12), np.linspace(0, 2, 9)
    grid = np.sin(6 * axes[0])[:, None] * np.cos(3 * axes[1])
    hole = rng.random(grid.shape) < 0.15
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)
    expected = GPSpectralRegressor(random_state=0).fit_grid(axes, np.where(hole, np.nan, grid)).predict(points)
    for filled in (-9999.0, 9.97e36):
        masked = np.ma.array(np.where(hole, filled, grid), mask=hole)
        model = GPSpectralRegressor(random_state=0).fit_grid(axes, masked)
        np.testing.assert_array_equal(model.predict(points), expected)


def test_processes_refuse_masked_points_and_targets():
    x = np.arange(20.0)[:, None]
    with pytest.raises(ValueError, match="Column 0 of X has 1 missing values"):
        GPSpectralRegressor().fit(np.ma.array(x, mask=x == 3), np.sin(x[:, 0]))
    with pytest.raises(ValueError, match="y has 1 masked values"):
        GPSpectralRegressor().fit(x, np.ma.array(np.sin(x[:, 0]), mask=x[:, 0] == 3))


def test_record_batches_are_tables_with_names():
    table = pl.DataFrame({"a": X[:, 0], "b": WORDS[:, 0]}).to_arrow()
    model = small().fit(table, TARGET)
    batch = table.to_batches()[0]
    again = small().fit(batch, TARGET)
    assert list(again.feature_names_in_) == ["a", "b"]
    np.testing.assert_array_equal(again.predict(batch), model.predict(table))
