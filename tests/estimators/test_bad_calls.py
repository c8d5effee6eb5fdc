"""Calls of a fitted estimator that do not go with its first fit are refused, and errors leave it as it was."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_kan import KANClassifier, KANRegressor
from tests.estimators.refusals import FRAME, INFINITY, ONE_CLASS, TARGET, N, X, at, good, matches
from tests.tables import small

LABELS = (
    "In partial_fit pass classes with all labels in the first call; with warm_start=True pass the labels of the first "
    "fit."
)
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

    monkeypatch.setattr("sklearn_kan.training._attempt.train", out_of_memory)
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
