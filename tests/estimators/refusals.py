"""Calls of ``fit`` that have to fail, and what is true of each."""

import copy
import functools
import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from sklearn_kan import KANClassifier, KANRegressor
from tests.tables import small

N = 20
X = np.random.default_rng(0).normal(size=(N, 3))
FRAME = pd.DataFrame(X, columns=["a", "b", "c"])
TARGET = {KANRegressor: X[:, 0] + 1, KANClassifier: np.arange(N) % 2}
NO_NUMBERS = "Convert it, or name it in categorical_features."
INFINITY = "of X contains infinity. Replace it by a finite number, or by NaN if it is missing."
ONE_CLASS = (
    "among rows of positive weight. Pass rows of at least two classes; in partial_fit pass classes with all labels."
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


def cases(bad_fits):
    """Parameters of tests: each bad fit with each estimator that it concerns."""
    return [
        pytest.param(estimator, bad, id=f"{estimator.__name__}-{name}")
        for name, bad in bad_fits.items()
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


def check_refused(estimator, bad, monkeypatch):
    """The error says what is wrong, before any training, and neither a fitted nor a fresh estimator has changed."""
    model = good(estimator, **bad.params)
    before, prediction = vars(model).copy(), model.predict(X)
    monkeypatch.setattr(
        "sklearn_kan.training._attempt.train", lambda *args, **kwargs: pytest.fail("training has begun")
    )
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
