"""Equations do not depend on the state of torch, and rows that are no numbers are refused by name."""

import numpy as np
import pandas as pd
import pytest
import torch

from sklearn_kan import GPEquationSolver
from tests.equations.problems import wave

AXIS = np.linspace(0, 1, 40)
ENDS = 0.0, np.sin(30)
PLACES = AXIS[::7, None]


@pytest.fixture
def meta():
    with torch.device("meta"):
        yield


@pytest.fixture
def inference():
    with torch.inference_mode():
        yield


@pytest.fixture
def half():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float16)
    yield
    torch.set_default_dtype(before)


def solved_and_left():
    solver = GPEquationSolver(wave).fit_grid((AXIS,), ENDS)
    return np.concatenate([solver.predict(PLACES), solver.residuals(PLACES)])


@pytest.mark.parametrize("state", ["meta", "inference", "half"])
def test_nothing_depends_on_the_state_of_torch(state, request):
    expected = solved_and_left()
    request.getfixturevalue(state)
    np.testing.assert_array_equal(solved_and_left(), expected)


MASK = np.arange(40) == 3
ROWS = AXIS[:, None]


@pytest.mark.parametrize(("X", "y", "message"), [
    (np.ma.array(ROWS, mask=MASK[:, None]), None, "X has 1 masked"),
    (ROWS, np.ma.array(0 * AXIS, mask=MASK), "y has 1 masked"),
    ((1e6 * ROWS).astype("datetime64[s]"), None, "X has dates"),
    (pd.DataFrame({"day": pd.date_range("2020-01-01", periods=40), "x": AXIS}), None, "X has dates"),
    (1e120 * ROWS, None, r"X reaches 1e\+120"),
    (ROWS, np.where(MASK, 1e150, 0.0), r"y reaches 1e\+150"),
])  # fmt: skip
def test_rows_that_are_no_numbers_are_refused(X, y, message):
    with pytest.raises(ValueError, match=message):
        GPEquationSolver(wave).fit(X, y)


def test_grids_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match=r"axes\[0\] has 1 masked"):
        GPEquationSolver(wave).fit_grid((np.ma.array(AXIS, mask=MASK),), ENDS)
    with pytest.raises(ValueError, match="boundary has 1 masked"):
        GPEquationSolver(wave).fit_grid((AXIS,), np.ma.array(ENDS, mask=[True, False]))
    with pytest.raises(ValueError, match=r"residual reaches 1e\+150"):
        GPEquationSolver(lambda x, u: wave(x, u) + 1e150).fit_grid((AXIS,), ENDS)
