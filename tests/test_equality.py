"""Settings are equal if their values are, whatever holds them."""

import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_kan._equality import is_equal
from sklearn_kan.bases import RBF, Sine

LONG = np.linspace(-1, 1, 5000)  # NumPy abbreviates the text of arrays above 1,000 elements
CHANGED = LONG + 1e-9 * (np.arange(5000) == 2500)

EQUAL = [
    (4, np.int64(4)),
    (1, 1.0),
    (True, np.True_),
    (0.1, np.float64(0.1)),
    (np.nan, float("nan")),
    ([1, 0, -1], np.array([1, 0, -1])),
    ((8, 4), [np.int32(8), 4]),
    ([[0.0, 1.0], [2.0, 3.0]], torch.tensor([[0.0, 1.0], [2.0, 3.0]])),
    ([np.nan, 1.0], np.array([np.nan, 1.0])),
    (LONG, LONG.copy()),
    (np.array(["a", "b"]), ["a", "b"]),
    (pd.Series([1, 2]), [1, 2]),
    ({"a": np.arange(3), "b": None}, {"b": None, "a": [0, 1, 2]}),
    ([{0, 1}, {"x", "y"}], [{1, 0}, {"y", "x"}]),
    (np.array(3), 3),
    (RBF, RBF),
    (pd.NA, pd.NA),
    ((), np.empty(0)),
]
DIFFERENT = [
    (4, 5),
    (True, 1),
    (0, False),
    (None, 0),
    (np.nan, 0.0),
    (LONG, CHANGED),
    (LONG, LONG[:-1]),
    ([1, 2], [2, 1]),
    ([[1, 2]], [1, 2]),
    (np.array([1, 2]), 1),
    ("4", 4),
    ([1, True], [1, 1]),
    ("ab", ["a", "b"]),
    ({"a": 1}, {"a": 2}),
    ({"a": 1}, {"a": 1, "b": None}),
    ({}, []),
    (RBF, Sine),
    ([{0, 1}], [{0, 2}]),
    (0.1, np.float32(0.1)),
    (object(), object()),
]


@pytest.mark.parametrize(("a", "b"), EQUAL)
def test_equal_values(a, b):
    assert is_equal(a, b) is True
    assert is_equal(b, a) is True
    assert is_equal([a], (b,)) is True
    assert is_equal({"": a}, {"": b}) is True


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_different_values(a, b):
    assert is_equal(a, b) is False
    assert is_equal(b, a) is False
    assert is_equal([a], (b,)) is False
    assert is_equal({"": a}, {"": b}) is False
