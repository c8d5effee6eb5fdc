"""Tables as users have them: what the encoder makes of columns, and that the kind of table makes no difference."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sklearn_kan import KANClassifier
from sklearn_kan.data._encoding import CLIP, TableEncoder
from sklearn_kan.data._table import Column
from sklearn_kan.data._targets import LOG_LINK, TargetScaler
from sklearn_kan.training._losses import REGRESSION_LOSSES
from tests.tables import small

moderate = st.integers(-40, 40).map(lambda i: i / 8)
any_number = st.floats(-1e308, 1e308)

N = 40
COLUMNS = ["number", "count", "flag", "word", "gaps"]


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return {
        "number": rng.normal(size=N),
        "count": rng.integers(0, 5, N),
        "flag": rng.random(N) > 0.5,
        "word": rng.choice(["a", "b", "c"], N),
        "gaps": np.where(rng.random(N) < 0.3, np.nan, rng.normal(size=N)),
    }


@pytest.fixture
def y(data):
    return data["number"] + (data["word"] == "a")


def pandas(data):
    return pd.DataFrame(data)


def polars(data):
    return pl.DataFrame(data)


def array(data):
    return pd.DataFrame(data).astype(object).to_numpy()


NULLABLE = {"number": "Float64", "count": "Int64", "flag": "boolean", "word": "string", "gaps": "Float64"}
SAME_TABLES = {
    "pandas strings": pandas,
    "pandas string dtype": lambda data: pandas(data).astype({"word": "string"}),
    "pandas objects": lambda data: pandas(data).astype({"word": object}),
    "pandas category": lambda data: pandas(data).astype({"word": "category"}),
    "pandas unsorted category": lambda data: pandas(data).assign(word=pd.Categorical(data["word"], list("zcab"))),
    "pandas nullable": lambda data: pandas(data).astype(NULLABLE),
    "pandas pyarrow": lambda data: pandas(data).convert_dtypes(dtype_backend="pyarrow"),
    "polars": polars,
    "polars null for NaN": lambda data: polars(data).with_columns(pl.col("gaps").fill_nan(None)),
    "polars categorical": lambda data: polars(data).with_columns(pl.col("word").cast(pl.Categorical)),
    "polars enum": lambda data: polars(data).with_columns(pl.col("word").cast(pl.Enum(["c", "z", "b", "a"]))),
    "pyarrow": lambda data: polars(data).to_arrow(),
}


@pytest.mark.parametrize("kind", SAME_TABLES)
def test_the_kind_of_dataframe_makes_no_difference(kind, data, y):
    frame = SAME_TABLES[kind](data)
    expected = small().fit(pandas(data), y).predict(pandas(data))
    np.testing.assert_array_equal(small().fit(frame, y).predict(frame), expected)


@pytest.mark.parametrize("categorical", [[3], (3,), [False, False, False, True, False], np.array([3])])
def test_an_array_equals_the_dataframe_of_the_same_columns(categorical, data, y):
    expected = small().fit(pandas(data), y).predict(pandas(data))
    model = small(categorical_features=categorical).fit(array(data), y)
    np.testing.assert_array_equal(model.predict(array(data)), expected)


@pytest.mark.parametrize("make", [pandas, polars])
def test_categorical_features_by_name_place_and_mask_agree(make, data, y):
    frame = make(data)
    by_name = small(categorical_features=["count", "word"]).fit(frame, y)
    np.testing.assert_array_equal(by_name.encoder_.categorical_, [False, True, False, True, False])
    for same in ([1, 3], [False, True, False, True, False]):
        model = small(categorical_features=same).fit(frame, y)
        np.testing.assert_array_equal(model.predict(frame), by_name.predict(frame))


def test_without_categorical_features_category_codes_are_not_guessed(data, y):
    numeric = pandas(data).drop(columns="word")
    model = small(categorical_features=None).fit(numeric, y)
    assert not model.encoder_.categorical_.any()
    with pytest.raises(ValueError, match="Column 'word' of X cannot be read as numbers"):
        small(categorical_features=None).fit(pandas(data), y)


def test_numbers_in_an_array_are_not_categories_unless_said(data, y):
    X = np.column_stack([data["number"], data["count"]])
    assert not small().fit(X, y).encoder_.categorical_.any()
    model = small(categorical_features=[1]).fit(X, y)
    assert model.encoder_.n_levels_ == [len(np.unique(data["count"])) + 1]


def test_level_order_at_prediction_makes_no_difference(data, y):
    frame = pandas(data).astype({"word": "category"})
    model = small().fit(frame, y)
    other = frame.assign(word=frame["word"].cat.set_categories(["z", "c", "b", "a"]))
    assert list(other["word"].cat.codes) != list(frame["word"].cat.codes)
    np.testing.assert_array_equal(model.predict(other), model.predict(frame))


def test_rows_are_predicted_one_by_one_as_together(data, y):
    frame = pandas(data).astype({"word": "category"})
    model = small().fit(frame, y)
    alone = [model.predict(frame.iloc[i : i + 1])[0] for i in range(5)]
    np.testing.assert_allclose(alone, model.predict(frame)[:5], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("unknown", ["q", None, np.nan, 7, ["q", 7]])
def test_unknown_and_first_seen_missing_categories_contribute_nothing(unknown, data, y):
    frame = pandas(data)[["number", "word"]].astype({"word": object})
    model = small(hidden_layer_sizes=()).fit(frame, y)
    values = np.resize(np.array(unknown, dtype=object), N)
    predicted = model.predict(frame.assign(word=pd.Series(values, dtype=object)))
    columns = [Column("number", data["number"]), Column("word", values, "category")]
    number = torch.from_numpy(model.encoder_.transform(columns))
    without = model.module_.layers[0](number[:, :1]).mean(1).detach().numpy()
    np.testing.assert_allclose(predicted, model.target_scaler_.inverse_transform(without)[:, 0], rtol=1e-12)


@pytest.mark.parametrize("make", [pandas, polars])
def test_missing_values_that_training_had_none_of_count_as_the_median(make, data, y):
    model = small().fit(make(data), y)
    missing = make({**data, "number": np.full(N, np.nan)})
    median = make({**data, "number": np.full(N, np.median(data["number"]))})
    np.testing.assert_allclose(model.predict(missing), model.predict(median))


def test_columns_without_any_value_are_predicted(data, y):
    model = small().fit(pandas(data), y)
    nothing = {"number": None, "count": pd.array([None] * N, "Int64"), "flag": pd.array([None] * N, "boolean")}
    for frame in (
        pandas(data).assign(**nothing, word=None, gaps=None),
        polars(data).with_columns(pl.lit(None).alias(name) for name in COLUMNS),
    ):
        assert np.isfinite(model.predict(frame)).all()


@pytest.mark.parametrize("null", [None, np.nan, pd.NA])
def test_every_way_to_write_missing_is_the_same(null, data, y):
    words = np.where(np.arange(N) % 4 == 0, None, data["word"])
    reference = pandas(data).assign(word=pd.Series(words, dtype=object))
    written = pandas(data).assign(word=pd.Series([null if word is None else word for word in words], dtype=object))
    expected = small().fit(reference, y).predict(reference)
    np.testing.assert_array_equal(small().fit(written, y).predict(written), expected)


def test_missing_booleans_and_integers_have_a_level_of_their_own(data, y):
    frame = pandas(data).astype({"flag": "boolean", "count": "Int64"})
    frame.loc[::5, "flag"] = pd.NA
    frame.loc[::7, "count"] = pd.NA
    model = small().fit(frame, y)
    np.testing.assert_array_equal(model.encoder_.missing_, [1, 2, 3])
    assert np.isfinite(model.predict(frame)).all()


@pytest.mark.parametrize("categorical", [False, True])
def test_a_target_of_missingness_alone_is_learned(categorical):
    rng = np.random.default_rng(1)
    missing = rng.random(80) < 0.4
    values = rng.choice([1.0, 2.0, 3.0], 80)
    frame = pd.DataFrame({"a": np.where(missing, np.nan, values), "b": rng.normal(size=80)})
    params = {"categorical_features": ["a"]} if categorical else {}
    model = small(hidden_layer_sizes=(), solver="lbfgs", max_iter=10, **params).fit(frame, 3.0 * missing)
    assert model.score(frame, 3.0 * missing) > 0.99


def test_an_indicator_of_missing_values_keeps_two_gaps_apart():
    rng = np.random.default_rng(2)
    a, b = rng.random(100) < 0.3, rng.random(100) < 0.3
    X = np.column_stack([np.where(a, np.nan, 0.0), np.where(b, np.nan, 1.0)])
    y = 2.0 * a - b
    assert small(hidden_layer_sizes=(), solver="lbfgs", max_iter=10).fit(X, y).score(X, y) > 0.99


def test_a_constant_column_has_no_influence_even_if_it_varies_later(data, y):
    X = np.column_stack([data["number"], np.full(N, 5.0)])
    model = small().fit(X, y)
    moved = X.copy()
    moved[:, 1] = np.linspace(-1e9, 1e9, N)
    np.testing.assert_array_equal(model.predict(moved), model.predict(X))


def test_many_levels_share_an_embedding():
    rng = np.random.default_rng(3)
    level = np.repeat(np.arange(200), 2)
    effect = rng.normal(size=200)
    frame = pd.DataFrame({"level": pd.Categorical([f"level {i}" for i in level]), "b": rng.normal(size=400)})
    model = small(hidden_layer_sizes=(8,), solver="lbfgs", max_iter=10, early_stopping=False).fit(frame, effect[level])
    assert model.module_.lookup.factored == [0]
    assert model.score(frame, effect[level]) > 0.5
    unknown = pd.Categorical(["never seen"] * 399 + ["level 7"])
    assert np.isfinite(model.predict(frame.assign(level=unknown))).all()


def test_a_table_of_categories_alone_is_learned():
    frame = pd.DataFrame({"a": ["x", "y"] * 20, "b": ["u", "u", "v", "v"] * 10})
    target = np.where(frame["a"] == "x", "yes", "no")
    model = KANClassifier((4,), max_iter=30, learning_rate_init=0.02, random_state=0).fit(frame, target)
    np.testing.assert_array_equal(model.predict(frame), target)


TIMES = {
    "polars": lambda data: polars(data).with_columns(when=pl.Series([datetime.time(12)] * N)),
    "pandas": lambda data: pandas(data).assign(when=[datetime.time(12)] * N),
    "array": lambda data: np.array([[datetime.time(12), 1.0]] * N, dtype=object),
}


@pytest.mark.parametrize("kind", TIMES)
def test_times_of_day_are_refused_by_name(kind, data, y):
    with pytest.raises(TypeError, match=r"Column ('when'|0) of X .* Times of day are not supported: turn them into"):
        small().fit(TIMES[kind](data), y)


@pytest.mark.parametrize(("given", "chosen"), [(np.float32, torch.float32), (np.float64, torch.float64)])
def test_precision_follows_the_input(given, chosen, data, y):
    X = np.column_stack([data["number"], data["gaps"]]).astype(given)
    assert next(small().fit(X, y).module_.parameters()).dtype == chosen
    frame = pd.DataFrame(X, columns=["a", "b"])
    assert next(small().fit(frame, y).module_.parameters()).dtype == chosen
    assert small().fit(X, y).predict(X).dtype == np.float64


def test_precisions_agree(data, y):
    X = np.column_stack([data["number"], data["gaps"]]).astype(np.float32)
    single, double = small().fit(X, y), small(dtype="float64").fit(X, y)
    assert next(double.module_.parameters()).dtype == torch.float64
    np.testing.assert_allclose(single.predict(X), double.predict(X), atol=1e-4)


def test_large_tables_are_learned_in_single_precision():
    X = np.linspace(-1, 1, 2001)[:, None]
    model = small(hidden_layer_sizes=(), max_iter=1).fit(X, X[:, 0])
    assert next(model.module_.parameters()).dtype == torch.float32


def encoded(values, fitted=None):
    values = np.asarray(values, dtype=np.float64)
    encoder = TableEncoder().fit([Column("a", values if fitted is None else np.asarray(fitted))])
    return encoder.transform([Column("a", values)])[:, 0]


def test_an_outlier_does_not_squeeze_the_rest():
    values = np.random.default_rng(4).normal(size=200)
    before = encoded(values)
    values[17] = 1e9
    after = encoded(values)
    assert np.abs(np.delete(after - before, 17)).max() < 0.1
    assert after[17] == CLIP
    assert np.std(np.delete(after, 17)) > 0.5


@given(fitted=st.lists(moderate, min_size=1, max_size=30), values=st.lists(any_number, min_size=1, max_size=30))
def test_encoded_values_are_bounded_and_in_order(fitted, values):
    code = encoded(np.sort(values), fitted)
    assert np.abs(code).max() <= CLIP
    assert (np.diff(code) >= -1e-12).all()


@given(fitted=st.lists(any_number, min_size=1, max_size=30))
def test_numbers_of_any_size_can_be_fitted(fitted):
    code = encoded(np.sort(fitted))
    assert np.isfinite(code).all()
    assert (np.diff(code) >= -1e-12).all()


rows = st.lists(
    st.tuples(moderate, st.one_of(moderate, st.none()), st.sampled_from(["a", "b", None]), st.integers(1, 4)),
    min_size=1, max_size=20,
)  # fmt: skip


@given(rows=rows)
def test_integer_weights_equal_repeated_rows_in_the_encoder(rows):
    *values, weight = (list(column) for column in zip(*rows, strict=True))
    columns = [
        Column("a", np.array(values[0])),
        Column("b", np.array([0.0 if value is None else value for value in values[1]])),
        Column("c", np.array(["always", *values[2]][1:], dtype=object), "category"),
    ]
    if any(value is not None for value in values[1]):
        columns[1] = Column("b", np.array(values[1], dtype=np.float64))
    if all(value is None for value in values[2]):
        columns.pop()
    weight = np.array(weight)
    repeated = [column._replace(values=np.repeat(column.values, weight)) for column in columns]
    weighted, plain = TableEncoder().fit(columns, weight.astype(np.float64)), TableEncoder().fit(repeated)
    for name in ("center_", "rate_", "range_", "missing_"):
        np.testing.assert_array_equal(getattr(weighted, name), getattr(plain, name))
    assert weighted.n_levels_ == plain.n_levels_


@pytest.mark.parametrize("loss", REGRESSION_LOSSES)
@given(rows=st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(1, 4)), min_size=1, max_size=20))
def test_integer_weights_equal_repeated_rows_in_the_target(loss, rows):
    y, weight = (np.array(column) for column in zip(*rows, strict=True))
    y = np.abs(y)[:, None] if loss in LOG_LINK else y[:, None]
    weighted = TargetScaler(loss, 0.3).fit(y, weight.astype(np.float64))
    repeated = np.repeat(y, weight, axis=0)
    plain = TargetScaler(loss, 0.3).fit(repeated, np.ones(len(repeated)))
    np.testing.assert_array_equal(weighted.center_, plain.center_)
    np.testing.assert_array_equal(weighted.scale_, plain.scale_)


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1.0, 1e12, 1e300])
@pytest.mark.parametrize("loss", [loss for loss in REGRESSION_LOSSES if loss not in LOG_LINK])
def test_targets_of_any_size_are_learned_on_the_same_scale(loss, scale):
    y = np.random.default_rng(5).normal(size=(50, 2))
    reference = TargetScaler(loss, 0.3).fit(y, np.ones(50)).transform(y)
    scaler = TargetScaler(loss, 0.3).fit(scale * y, np.ones(50))
    np.testing.assert_allclose(scaler.transform(scale * y), reference, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(scaler.inverse_transform(reference), scale * y, rtol=1e-9, atol=1e-9 * scale)
