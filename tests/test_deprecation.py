"""Old names of parameters go on working, and say what to pass instead."""

import inspect
import warnings

import pytest

from sklearn_kan._deprecation import renamed_parameters


@renamed_parameters("0.2", "0.4", grid="n_knots", k="degree")
def spline(n_knots=8, degree=3):
    """Made of pieces."""
    return n_knots, degree


def test_old_names_mean_new_ones_and_warn_where_they_are_used():
    with pytest.warns(FutureWarning, match=r"grid is called n_knots since 0\.2.*gone in 0\.4") as caught:
        assert spline(grid=5) == (5, 3)
    assert caught[0].filename == __file__


def test_new_names_are_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert spline(5, degree=2) == (5, 2)
    assert list(inspect.signature(spline).parameters) == ["n_knots", "degree"]


def test_both_names_are_refused():
    with pytest.raises(TypeError, match="both n_knots and grid"):
        spline(n_knots=4, grid=5)
