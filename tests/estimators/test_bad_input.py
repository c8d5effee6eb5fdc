"""What cannot be used is refused before any training, in words that name the culprit and the remedy."""

import copy
import datetime
import functools
import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_kan import KANClassifier, KANRegressor
from tests.tables import small

N = 20
X = np.random.default_rng(0).normal(size=(N, 3))
FRAME = pd.DataFrame(X, columns=["a", "b", "c"])
TARGET = {KANRegressor: X[:, 0] + 1, KANClassifier: np.arange(N) % 2}
ONLY_MISSING = "of X has only missing values. Drop it, or fill it before fitting."
NO_NUMBERS = "Convert it, or name it in categorical_features."
ONE_TYPE = "is categorical and mixes types ['int', 'str']. Convert its values to one type, e.g. str."
SIZES = "is not usable. Pass integers of at least 1, or () for an additive model."
INFINITY = "of X contains infinity. Replace it by a finite number, or by NaN if it is missing."
COMPLETE = "Input y contains NaN or infinity in 1 places. Drop those rows before fitting."
ONE_CLASS = (
    "among rows of positive weight. Pass rows of at least two classes; in partial_fit pass classes with all labels."
)
LABELS = (
    "In partial_fit pass classes with all labels in the first call; with warm_start=True pass the labels of the first "
    "fit."
)
COUNTS = (
    "loss='poisson' needs targets >= 0 that are not all zero, got a minimum of … Choose another loss, or correct y."
)


class Bad(NamedTuple):
    """A call of ``fit`` that has to fail; a message has "…" for what others write, and ESTIMATOR for the class."""

    message: str
    error: type[Exception] = ValueError
    params: dict[str, Any] = {}  # noqa: RUF012
    X: Any = X
    y: Any = None  # a function of the good target, or a target
    weight: Any = None
    only: type | None = None


def at(values, place, value):
    """A copy with another value at one place."""
    values = np.array(values, dtype=object if value is None else np.float64)
    values[place] = value
    return values


def out_of_range(message, **params):
    return Bad(message, InvalidParameterError, params)


def column(values):
    return FRAME.assign(d=values)


BAD_FITS = {
    # parameters
    "basis": Bad("basis='splien' is unknown. Choose one of …'bspline', …, or pass a subclass of Basis.",
                 params={"basis": "splien"}),
    "basis class": Bad("basis=<class 'int'> is unknown. Choose one of …, or pass a subclass of Basis.",
                       params={"basis": int}),
    "basis_params": Bad("basis_params={'teeth': 3} has unknown keys ['teeth'] for basis='bspline'. It has no "
                        "parameters of its own.",
                        params={"basis_params": {"teeth": 3}}),
    "basis_params twice": Bad("basis_params={'degree': 9} has unknown keys ['degree'] for basis='truncated_power'. "
                              "Choose from ['individual_knots', 'learn_knots'].",
                              params={"basis": "truncated_power", "basis_params": {"degree": 9}}),
    "no size": Bad(f"hidden_layer_sizes=(0,) {SIZES}", params={"hidden_layer_sizes": (0,)}),
    "negative size": Bad(f"hidden_layer_sizes=(4, -1) {SIZES}", params={"hidden_layer_sizes": (4, -1)}),
    "size in words": Bad(f"hidden_layer_sizes=('a',) {SIZES}", params={"hidden_layer_sizes": ("a",)}),
    "half a unit": Bad(f"hidden_layer_sizes=(4.5,) {SIZES}", params={"hidden_layer_sizes": (4.5,)}),
    "nested sizes": Bad(f"hidden_layer_sizes=[[4, 4]] {SIZES}", params={"hidden_layer_sizes": [[4, 4]]}),
    "zero": out_of_range("The 'hidden_layer_sizes' parameter of ESTIMATOR must be an array-like or an int in the range "
                         "[1, inf). Got 0 instead.", hidden_layer_sizes=0),
    "text": out_of_range("The 'hidden_layer_sizes' parameter of ESTIMATOR must be an array-like or an int in the range "
                         "[1, inf). Got '64' instead.", hidden_layer_sizes="64"),
    "solver": out_of_range("The 'solver' parameter of ESTIMATOR must be a str among {…}. Got 'sgd' instead.",
                           solver="sgd"),
    "norm": out_of_range("The 'norm' parameter of ESTIMATOR must be a str among {…}. Got 'group' instead.",
                         norm="group"),
    "knots": out_of_range("The 'knots' parameter of ESTIMATOR must be a str among {…} or an array-like. Got 'random' "
                          "instead.", knots="random"),
    "knots that fall": Bad("knots has shape (3,). Pass two or more increasing ones, of shape (n_knots,) or "
                           "(n_knots, 3): a column for each numeric column.", params={"knots": [0.0, 2.0, 1.0]}),
    "knots that are one": Bad("knots has some that cannot be told apart in float32, once they are scaled as the "
                              "columns are. Spread them over the columns' ranges.",
                              params={"knots": [0.0, 1e-12, 1.0], "dtype": "float32"}),
    "knots for two columns": Bad("knots has shape (2, 2). Pass two or more increasing ones, …",
                                 params={"knots": [[0.0, 1.0], [1.0, 2.0]]}),
    "adaptive knots without knots": Bad("basis=Sine has no knots to place or refine. …",
                                        params={"basis": "sine", "knots": "adaptive"}),
    "refinement without knots": Bad("basis=RBF has no knots to place or refine. …",
                                    params={"basis": ["bspline", "rbf"], "hidden_layer_sizes": (4,),
                                            "refine_knots": [12]}),
    "refine_knots": Bad("refine_knots=[0.5] is not usable. Pass integers of at least 2, such as [12, 24].",
                        params={"refine_knots": [0.5]}),
    "degree": out_of_range("The 'degree' parameter of ESTIMATOR must be an int in the range [0, inf). Got -1 instead.",
                           degree=-1),
    "degree of splines": Bad("degree=6 is out of range. Choose an integer from 0 to 5.", params={"degree": 6}),
    "too few bases": Bad("basis=['rbf'] has 1 items, and the network has 2 layers. Pass one for each hidden layer "
                         "and one for the last.", params={"basis": ["rbf"], "hidden_layer_sizes": (4,)}),
    "an unknown basis in a list": Bad("basis='splien' is unknown. Choose one of …, or pass a subclass of Basis.",
                                      params={"basis": ["rbf", "splien"], "hidden_layer_sizes": (4,)}),
    "n_knots": out_of_range("The 'n_knots' parameter of ESTIMATOR must be an int in the range [2, inf). Got 1 instead.",
                            n_knots=1),
    "alpha": out_of_range("The 'alpha' parameter of ESTIMATOR must be a float in the range [0.0, inf). Got -1 instead.",
                          alpha=-1),
    "loss": out_of_range("The 'loss' parameter of KANRegressor must be a str among {…}. Got 'mse' instead.",
                         loss="mse")._replace(only=KANRegressor),
    "quantile": out_of_range("The 'quantile' parameter of KANRegressor must be a float in the range (0.0, 1.0) "
                             "or an array-like. Got 1.5 instead.", quantile=1.5)._replace(only=KANRegressor),
    "class_weight": out_of_range("The 'class_weight' parameter of KANClassifier must be …'dict', a str among "
                                 "{'balanced'} or None. Got 'even' instead.",
                                 class_weight="even")._replace(only=KANClassifier),
    "negative class_weight": Bad("class_weight={0: -1} is not usable. Pass finite weights of at least 0, some of them "
                                 "positive.", params={"class_weight": {0: -1}}, only=KANClassifier),
    "class_weight of NaN": Bad("class_weight={0: nan} is not usable. Pass finite weights of at least 0, …",
                               params={"class_weight": {0: np.nan}}, only=KANClassifier),
    "infinite class_weight": Bad("class_weight={0: inf} is not usable. Pass finite weights of at least 0, …",
                                 params={"class_weight": {0: np.inf}}, only=KANClassifier),
    "huge class_weight": Bad("class_weight={0: 1e+300} gives rows weights above 1e+100 (maximum 1e+300). Scale "
                             "it down.",
                             params={"class_weight": {0: 1e300}}, only=KANClassifier),
    "no class_weight": Bad("class_weight={0: 0, 1: 0} is not usable. Pass finite weights of at least 0, some of them "
                           "positive.", params={"class_weight": {0: 0, 1: 0}}, only=KANClassifier),
    "device": Bad("device='gpu' is unknown. Choose 'auto', 'cpu' or 'cuda'.", params={"device": "gpu"}),
    "device of no use": Bad("device='meta' is not available here. Choose 'auto' or 'cpu'.", params={"device": "meta"}),
    "callbacks": Bad("callbacks has 3, which is not a skorch callback. Pass instances of its Callback.", TypeError,
                     params={"callbacks": [3]}),
    "early_stopping": Bad("early_stopping=True with validation_fraction=0.01 leaves no validation row of n_samples=20. "
                          "Raise validation_fraction, or set early_stopping=False.",
                          params={"early_stopping": True, "validation_fraction": 0.01}),
    "categorical_features by name": Bad(
        "categorical_features has an item value 'z' which is not a valid feature name of the training data. Observed "
        "feature names: ['a', 'b', 'c']", params={"categorical_features": ["a", "z"]}, X=FRAME),
    "categorical_features by place": Bad(
        "categorical_features set as integer indices must be in [0, n_features - 1]",
        params={"categorical_features": [0, 7]}),
    "categorical_features without names": Bad(
        "categorical_features should be passed as an array of integers or as a boolean mask when the model is fitted on"
        " data without feature names.", params={"categorical_features": ["a"]}),
    "categorical_features as a short mask": Bad(
        "categorical_features set as a boolean mask must have shape (n_features,), got: (2,)",
        params={"categorical_features": [True, False]}),
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
CASES = [
    pytest.param(estimator, bad, id=f"{estimator.__name__}-{name}")
    for name, bad in BAD_FITS.items()
    for estimator in ((bad.only,) if bad.only else (KANRegressor, KANClassifier))
]


@functools.cache
def fitted(estimator):
    return small(estimator).fit(X, TARGET[estimator])


def good(estimator, **params):
    """A fitted estimator with other parameters since."""
    return copy.deepcopy(fitted(estimator)).set_params(**params)


def matches(error, message, estimator):
    parts = message.replace("ESTIMATOR", estimator.__name__).split("…")
    return re.fullmatch(".*".join(map(re.escape, parts)), str(error), re.DOTALL)


@pytest.mark.parametrize(("estimator", "bad"), CASES)
def test_a_bad_fit_says_what_is_wrong_and_leaves_no_trace(estimator, bad, monkeypatch):
    model = good(estimator, **bad.params)
    before, prediction = vars(model).copy(), model.predict(X)
    monkeypatch.setattr("sklearn_kan.training._plan.train", lambda *args, **kwargs: pytest.fail("training has begun"))
    target = TARGET[estimator]
    y = target if bad.y is None else bad.y(target) if callable(bad.y) else bad.y
    with pytest.raises(bad.error) as raised:
        model.fit(bad.X, y, sample_weight=bad.weight)
    assert type(raised.value) is bad.error
    assert matches(raised.value, bad.message, estimator), str(raised.value)
    assert vars(model) == before
    np.testing.assert_array_equal(model.predict(X), prediction)
    fresh = small(estimator, **bad.params)
    with pytest.raises(bad.error):
        fresh.fit(bad.X, y, sample_weight=bad.weight)
    assert not [name for name in vars(fresh) if name.endswith("_")]


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
def test_an_absent_device_is_named(estimator):
    with pytest.raises(ValueError, match=r"^device='cuda' is not available here\. Choose 'auto' or 'cpu'\.$"):
        small(estimator, device="cuda").fit(X, TARGET[estimator])


AS_FRAME = pl.DataFrame(X, schema=["a", "b", "c"])
BAD_PREDICTIONS = {
    "renamed": (FRAME.rename(columns={"a": "z"}), ValueError, "The feature names should match those that were passed "
                "during fit.\nFeature names unseen at fit time:\n- z\nFeature names seen at fit time, yet now missing:"
                "\n- a\n"),
    "reordered": (FRAME[["b", "a", "c"]], ValueError, "The feature names should match those that were passed during fit"
                  ".\nFeature names must be in the same order as they were in fit.\n"),
    "too few": (AS_FRAME[["a", "b"]], ValueError, "The feature names should match those that were passed during fit.\n"
                "Feature names seen at fit time, yet now missing:\n- c\n"),
    "words": (FRAME.assign(b="u"), ValueError, "Column 'b' of X cannot be read as numbers: could not convert string to "
              "float: 'u'. Convert it to numbers."),
    "infinity": (FRAME.assign(b=np.inf), ValueError, f"Column 'b' {INFINITY}"),
    "dates": (FRAME.assign(b=pd.Timestamp("2020-01-01")), TypeError,
              "Column 'b' of X holds dates, and the first fit had numbers. Convert it."),
    "no rows": (FRAME.iloc[:0], ValueError, "X has shape (0, 3). Pass at least one row and one column."),
}  # fmt: skip


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
@pytest.mark.parametrize("case", BAD_PREDICTIONS)
def test_a_changed_table_is_refused_at_prediction(estimator, case):
    table, error, message = BAD_PREDICTIONS[case]
    model = small(estimator).fit(FRAME, TARGET[estimator])
    with pytest.raises(error) as raised:
        model.predict(table)
    assert matches(raised.value, message, estimator), str(raised.value)


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
def test_another_number_of_columns_is_refused(estimator):
    message = f"^X has 2 features, but {estimator.__name__} is expecting 3 features as input.$"
    for call in ("predict", "fit", "partial_fit"):
        model = good(estimator, warm_start=True)
        arguments = () if call == "predict" else (TARGET[estimator],)
        with pytest.raises(ValueError, match=message):
            getattr(model, call)(X[:, :2], *arguments)
        assert model.n_features_in_ == 3


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
def test_prediction_before_fit_is_refused(estimator):
    with pytest.raises(NotFittedError, match=f"^This {estimator.__name__} instance is not fitted yet.*"):
        estimator().predict(X)


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
def test_partial_fit_needs_mini_batches(estimator):
    assert hasattr(estimator(solver="hybrid"), "partial_fit")
    assert not hasattr(estimator(solver="lbfgs"), "partial_fit")
    with pytest.raises(AttributeError) as raised:
        estimator(solver="lbfgs").partial_fit(X, TARGET[estimator])
    expected = "partial_fit trains by Adam, got solver='lbfgs'. Choose solver='adam' or 'hybrid'."
    assert str(raised.value.__cause__) == expected


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
def test_partial_fit_checks_parameters_too(estimator):
    with pytest.raises(InvalidParameterError, match="The 'n_knots' parameter"):
        estimator(n_knots=1).partial_fit(X, TARGET[estimator])


y = TARGET[KANClassifier]
BAD_CHUNKS = {
    "label unknown to earlier calls": (lambda: good(KANClassifier).partial_fit(X, y + 1),
                                       f"y has labels [2] that are not among the classes [0, 1]. {LABELS}"),
    "label not in classes": (lambda: small(KANClassifier).partial_fit(X, y, classes=[0, 2]),
                             f"y has labels [1] that are not among the classes [0, 2]. {LABELS}"),
    "classes of another type": (lambda: small(KANClassifier).partial_fit(X, y, classes=["u", "v"]),
                                f"y has labels [0, 1] that are not among the classes ['u', 'v']. {LABELS}"),
    "other classes": (lambda: good(KANClassifier).partial_fit(X, y, classes=[0, 1, 2]),
                      "classes=[0, 1, 2] differs from the first call's [0, 1]. Leave classes out after the first "
                      "call."),
    "one class at first": (lambda: small(KANClassifier).partial_fit(X, 0 * y), f"y has only one class, 0, {ONE_CLASS}"),
    "outputs in another number": (lambda: good(KANRegressor).partial_fit(X, np.c_[y, y]),
                                  "y has 2 outputs, and the first fit had 1. Pass targets of the same shape, or set "
                                  "warm_start=False."),
    "warm start with other outputs": (lambda: good(KANRegressor, warm_start=True).fit(X, np.c_[y, y]),
                                      "y has 2 outputs, and the first fit had 1. Pass targets of the same shape, or "
                                      "set warm_start=False."),
    "warm start with other labels": (lambda: good(KANClassifier, warm_start=True).fit(X, y + 1),
                                     f"y has labels [2] that are not among the classes [0, 1]. {LABELS}"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_CHUNKS)
def test_what_does_not_fit_the_first_call_is_refused(case):
    call, message = BAD_CHUNKS[case]
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()


def test_an_error_in_the_middle_of_training_leaves_the_fitted_estimator(monkeypatch):
    model = good(KANRegressor)
    prediction = model.predict(X)

    def out_of_memory(*args, **kwargs):
        raise RuntimeError("out of memory")

    monkeypatch.setattr("sklearn_kan.training._plan.train", out_of_memory)
    with pytest.raises(RuntimeError, match="out of memory"):
        model.fit(X[:, :2], 5 * X[:, 1])
    assert model.n_features_in_ == 3
    np.testing.assert_array_equal(model.predict(X), prediction)


def test_rows_of_weight_zero_may_hold_what_the_loss_forbids():
    counts = at(np.ones(N), 0, -1.0)
    model = small(KANRegressor, loss="poisson").fit(X, counts, sample_weight=np.minimum(np.arange(N), 1))
    assert (model.predict(X) > 0).all()


@pytest.mark.parametrize("fraction", [0.01, 0.5, 0.99])
def test_any_validation_fraction_leaves_rows_on_both_sides(fraction):
    x = np.random.default_rng(1).normal(size=(120, 2))
    model = small(KANRegressor, early_stopping=True, validation_fraction=fraction).fit(x, x[:, 0])
    assert len(model.validation_scores_) == 3
