"""Tables that formulas cannot have are refused by the name of a column, before a search."""

import numpy as np
import pandas as pd
import pytest

from sklearn_kan.symbolic import KANSymbolicClassifier, KANSymbolicRegressor

X = np.random.default_rng(0).normal(size=(40, 2))
DAYS = pd.DataFrame({"when": pd.date_range("2020-01-01", periods=40), "x": X[:, 0]})
OBJECTS = X.astype(object)
OBJECTS[3, 1] = None
REFUSED = {
    r"Column 'when' of X holds dates": DAYS,
    r"Column 'x0' of X holds dates": DAYS[["when"]].to_numpy().astype("datetime64[s]"),
    r"Input X contains NaN": np.ma.array(X, mask=X > 1.5),
    r"Column 'x1' of X contains NaN in 1 rows": OBJECTS,
    r"Column 'x0' of X has values of 2e\+60": X * [1e60, 1.0],
    r"Column 'x1' of X has values of 2e-60": X * [1.0, 1e-60],
}
KINDS = {KANSymbolicRegressor: X[:, 0], KANSymbolicClassifier: X[:, 0] > 0}


@pytest.mark.parametrize("message", REFUSED)
@pytest.mark.parametrize("kind", KINDS)
def test_tables_that_cannot_be_numbers(kind, message):
    with pytest.raises((ValueError, TypeError), match=message):
        kind(max_steps=1).fit(REFUSED[message], KINDS[kind])


@pytest.mark.parametrize("size", [1e60, 1e-60])
def test_targets_whose_squares_are_no_floats(size):
    with pytest.raises(ValueError, match=r"y has values of 2e.60, and formulas are computed with sizes from 1e-50"):
        KANSymbolicRegressor(max_steps=1).fit(X, size * X[:, 0])


def test_new_tables_are_read_as_the_first_one():
    model = KANSymbolicRegressor(max_seconds=None, max_steps=20).fit(DAYS[["x"]], 2 * X[:, 0])
    np.testing.assert_allclose(model.predict(DAYS[["x"]].astype(object)), 2 * X[:, 0])
    with pytest.raises(TypeError, match="Column 'x' of X holds dates, and the first fit had numbers"):
        model.predict(DAYS[["when"]].set_axis(["x"], axis=1))
    with pytest.raises(ValueError, match="NaN"):
        model.predict(np.ma.array(X[:, :1], mask=X[:, :1] > 0))


def test_columns_that_do_not_vary_leave_the_mean():
    y = np.arange(16.0)
    model = KANSymbolicRegressor(max_steps=1).fit(np.ones((16, 2)), y)
    mean, std = model.predict(np.zeros((1, 2)), return_std=True)
    np.testing.assert_allclose(mean, y.mean())
    np.testing.assert_allclose(std, y.std() * np.sqrt(1 + 1 / 16))
    assert model.constants_["standard_error"].item() == pytest.approx(y.std() / 4)
    classifier = KANSymbolicClassifier(max_steps=1).fit(np.ones((16, 2)), y < 4)
    np.testing.assert_allclose(classifier.predict_proba(np.zeros((1, 2)))[0, 1], 0.25, atol=0.05)


def test_a_class_of_huge_weight():
    weight = np.where(X[:, 0] > 0, 1e100, 1.0)
    model = KANSymbolicClassifier(max_seconds=None, max_steps=2).fit(X, X[:, 0] > 0, sample_weight=weight)
    assert np.isfinite(model.predict_proba(X)).all()
