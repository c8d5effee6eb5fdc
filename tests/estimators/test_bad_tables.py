"""Tables, targets and weights that cannot be used are refused before any training, with the culprit and the remedy."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sklearn_kan import KANClassifier, KANRegressor
from tests.estimators.refusals import FRAME, INFINITY, NO_NUMBERS, ONE_CLASS, Bad, N, X, at, cases, check_refused

ONLY_MISSING = "of X has only missing values. Drop it, or fill it before fitting."
ONE_TYPE = "is categorical and mixes types ['int', 'str']. Convert its values to one type, e.g. str."
COMPLETE = "Input y contains NaN or infinity in 1 places. Drop those rows before fitting."
COUNTS = (
    "loss='poisson' needs targets >= 0 that are not all zero, got a minimum of … Choose another loss, or correct y."
)


def column(values):
    return FRAME.assign(d=values)


BAD_TABLES = {
    # the table
    "1-D X": Bad("Expected 2D array, got 1D array instead:…", X=X[:, 0]),
    "pandas series": Bad("Expected a 2-dimensional container but got <class 'pandas…Series'> instead.…", X=FRAME["a"]),
    "polars series": Bad("Expected 2D array, got 1D array instead:…", X=pl.Series(X[:, 0])),
    "3-D X": Bad("Found array with dim 3, while dim <= 2 is required by ESTIMATOR.", X=X[None]),
    "no rows": Bad("Found array with 0 sample(s) (shape=(0, 3)) while a minimum of 1 is required by ESTIMATOR.",
                   X=X[:0]),
    "no rows in a frame": Bad("X has shape (0, 3). Pass at least one row and one column.", X=FRAME.iloc[:0]),
    "no columns": Bad("Found array with 0 feature(s) (shape=(20, 0)) while a minimum of 1 is required by ESTIMATOR.",
                      X=X[:, :0]),
    "no columns in a frame": Bad("X has shape (20, 0). Pass at least one row and one column.", X=FRAME[[]]),
    "repeated names": Bad("X has repeated column names. Rename those columns. …'a'…",
                          X=FRAME.set_axis(["a", "a", "b"], axis=1)),
    "NaN column": Bad(f"Column 1 {ONLY_MISSING}", X=np.column_stack([X[:, 0], np.full(N, np.nan)])),
    "NaN column in a frame": Bad(f"Column 'd' {ONLY_MISSING}", X=column(np.nan)),
    "category without level": Bad(f"Column 'd' {ONLY_MISSING}", X=column(pd.Categorical([None] * N))),
    "null column": Bad(f"Column 'd' {ONLY_MISSING}", X=pl.DataFrame({"a": X[:, 0], "d": [None] * N})),
    "NaN but for a row of weight 0": Bad(f"Column 0 {ONLY_MISSING}", X=at(np.full((N, 1), np.nan), 0, 1.0),
                                         weight=np.minimum(np.arange(N), 1)),
    "infinity": Bad(f"Column 1 {INFINITY}", X=at(X, (3, 1), np.inf)),
    "infinity in a frame": Bad(f"Column 'b' {INFINITY}", X=FRAME.assign(b=at(X[:, 1], 3, -np.inf))),
    "words in an array": Bad(f"Column 0 of X cannot be read as numbers: could not convert …. {NO_NUMBERS}",
                             X=np.array([["u", "v"]] * N)),
    "words among objects": Bad("Column 1 of X cannot be read as numbers: could not convert string to float: 'v'. "
                               f"{NO_NUMBERS}", X=np.array([[1.0, "v"]] * N, dtype=object)),
    "number too large": Bad(f"Column 0 of X cannot be read as numbers: int too large to convert to float. {NO_NUMBERS}",
                            OverflowError, X=[[10**400, 1]] * N),
    "mixed objects": Bad("Column 'd' of X has dtype object and mixes types ['int', 'str']. Convert it to numbers, or "
                         "to dtype 'category' with one type of label.", TypeError, X=column(["u", 1] * 10)),
    "mixed labels": Bad(f"Column 'd' of X {ONE_TYPE}", TypeError, X=column(pd.Categorical(["u", 1] * 10))),
    "mixed labels in an array": Bad(f"Column 0 of X {ONE_TYPE}", TypeError, {"categorical_features": [0]},
                                    X=np.array([["u", 1.0], [1, 2.0]] * 10, dtype=object)),
    "lists": Bad("Column 'd' of X has dtype List(Int64). Spread it over several columns.", TypeError,
                 X=pl.DataFrame({"a": X[:, 0], "d": [[1, 2]] * N})),
    "structs": Bad("Column 'd' of X has dtype Struct(…). Spread it over several columns.", TypeError,
                   X=pl.DataFrame({"a": X[:, 0], "d": [{"u": 1}] * N})),
    "times of day": Bad("…", TypeError, X=column([datetime.time(1, 2)] * N)),
    # the target
    "short y": Bad("X has 20 rows and y has 19. Pass one target for each row.", y=lambda y: y[:-1]),
    "no y": Bad("This estimator requires y to be passed, but the target y is None.", y=lambda y: None),
    "3-D y": Bad("y has shape (20, 1, 1). Pass (n_samples,) or (n_samples, n_outputs).", y=lambda y: y[:, None, None],
                 only=KANRegressor),
    "2-D labels": Bad("y should be a 1d array, got an array of shape (20, 2) instead.", y=lambda y: np.c_[y, y],
                      only=KANClassifier),
    "no output": Bad("y has shape (20, 0). Pass (n_samples,) or (n_samples, n_outputs).", y=np.empty((N, 0)),
                     only=KANRegressor),
    "NaN in y": Bad(COMPLETE, y=lambda y: at(y, 3, np.nan)),
    "infinity in y": Bad(COMPLETE, y=lambda y: at(y, 3, np.inf)),
    "None in y": Bad(COMPLETE, y=lambda y: at(y, 3, None)),
    "NA in y": Bad(COMPLETE, y=pd.Series([None, *[1, 2] * 9, 1], dtype="Int64")),
    "NA in labels": Bad(COMPLETE, y=pd.Series([None, *["u"] * (N - 1)], dtype="string")),
    "words for y": Bad("y cannot be read as numbers: its dtype is <U1. Convert it, or use KANClassifier.",
                       y=np.array(["u", "v"] * 10), only=KANRegressor),
    "word objects for y": Bad("y cannot be read as numbers: could not convert string to float: 'u'. Convert it, or use "
                              "KANClassifier.", y=np.array(["u", "v"] * 10, dtype=object), only=KANRegressor),
    "dates for y": Bad("y cannot be read as numbers: its dtype is datetime64[D]. Convert it, or use KANClassifier.",
                       y=np.arange(N).astype("M8[D]"), only=KANRegressor),
    "negative counts": Bad(COUNTS, params={"loss": "poisson"}, y=lambda y: -np.abs(y), only=KANRegressor),
    "amounts of zero": Bad("loss='gamma' needs targets > 0, got a minimum of 0. Choose another loss, or correct y.",
                           params={"loss": "gamma"}, y=np.minimum(np.arange(N), 1.0), only=KANRegressor),
    "no distribution": Bad("power=0.5 has no distribution. Choose 0, or a number from 1 to 3.",
                           params={"loss": "tweedie", "power": 0.5}, only=KANRegressor),
    "no counts": Bad(COUNTS, params={"loss": "poisson"}, y=np.zeros(N), only=KANRegressor),
    "no counts of positive weight": Bad(COUNTS, params={"loss": "poisson"}, y=1.0 * (np.arange(N) == 0),
                                        weight=np.minimum(np.arange(N), 1), only=KANRegressor),
    "numbers for classes": Bad("Unknown label type: continuous. …", y=X[:, 0], only=KANClassifier),
    "one class": Bad(f"y has only one class, 'u', {ONE_CLASS}", y=["u"] * N, only=KANClassifier),
    "one class of positive weight": Bad(f"y has only one class, 1, {ONE_CLASS}", weight=np.arange(N) % 2,
                                        only=KANClassifier),
    "one class of positive class_weight": Bad(f"y has only one class, 1, {ONE_CLASS}", params={"class_weight": {0: 0}},
                                              only=KANClassifier),
    # weights
    "negative weight": Bad("sample_weight has negative values (minimum -2). Make them zero or positive.",
                           weight=np.arange(N) - 2),
    "no weight": Bad("Sample weights must contain at least one non-zero number.", weight=np.zeros(N)),
    "short weight": Bad("sample_weight.shape == (19,), expected (20,)!", weight=np.ones(N - 1)),
    "2-D weight": Bad("Sample weights must be 1D array or scalar, got 2D array.…", weight=np.ones((N, 1))),
    "NaN weight": Bad("Input sample_weight contains NaN.", weight=at(np.ones(N), 0, np.nan)),
}  # fmt: skip


@pytest.mark.parametrize(("estimator", "bad"), cases(BAD_TABLES))
def test_a_bad_table_is_refused(estimator, bad, monkeypatch):
    check_refused(estimator, bad, monkeypatch)
