"""Levels of categories: rare ones, declared ones, and those that training had none of."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.data._levels import learn_levels
from sklearn_kan.data._table import Column

N = 200
rng = np.random.default_rng(0)
FREQUENT = rng.permutation(np.repeat(list("abcd"), [65, 55, 45, 35])).astype(object)
RARE = np.where(np.arange(N) % 10 == 0, [f"rare {i}" for i in range(N)], FREQUENT)
FRAME = pd.DataFrame({"k": RARE, "number": rng.normal(size=N), "q": rng.choice(list("uv"), N)})
TARGET = 1.0 * (FRAME["k"] == "a") + (FRAME["q"] == "u")


def small(estimator=KANRegressor, **params):
    return estimator((4,), **{"max_iter": 3, "n_members": 2, "random_state": 0, **params})


@pytest.mark.parametrize("missing", [False, True])
def test_rare_levels_share_one_code_and_missing_ones_keep_theirs(missing):
    values = RARE.copy()
    values[1::10] = None if missing else values[1::10]
    levels = learn_levels(Column("k", values, "category"), max_categories=4)
    counts = pd.Series(values).value_counts()
    frequent = counts.index[:3].tolist()
    assert levels.n_codes == 1 + 4 + missing
    codes = levels.encode(np.array([*frequent, "rare 0", "rare 10", counts.index[3], None, "new"], dtype=object))
    assert sorted(codes[:3]) == [1, 2, 3]
    np.testing.assert_array_equal(codes[3:], [4, 4, 4, 5 if missing else 0, 0])


@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
def test_grouping_rare_levels_equals_grouping_them_beforehand(estimator):
    grouped = FRAME.assign(k=np.where(FRAME["k"].str.startswith("rare"), "z", FRAME["k"]))
    model = small(estimator, max_categories=5).fit(FRAME, TARGET)
    np.testing.assert_array_equal(model.predict(FRAME), small(estimator).fit(grouped, TARGET).predict(grouped))
    assert model.encoder_.n_levels_ == [6, 3]
    assert small(estimator).fit(FRAME, TARGET).encoder_.n_levels_ == [1 + FRAME["k"].nunique(), 3]


def test_grouped_levels_are_drawn_with_their_common_value():
    x, y = small(max_categories=5).fit(FRAME, TARGET).model_.edge_curve(0)
    is_rare = np.array([label.startswith("rare") for label in x])
    assert is_rare.sum() == N // 10
    assert len(np.unique(y[is_rare], axis=0)) == 1
    assert len(np.unique(y, axis=0)) == 5


def test_max_categories_is_checked_and_settled():
    with pytest.raises(ValueError, match="'max_categories' parameter of KANRegressor must be"):
        small(max_categories=0).fit(FRAME, TARGET)
    model = small(max_categories=5, warm_start=True).fit(FRAME, TARGET)
    with pytest.raises(ValueError, match="max_categories=3 differs"):
        model.set_params(max_categories=3).fit(FRAME, TARGET)


CODES = pd.factorize(FRAME["q"])[0]
FOREIGN = {
    "codes for labels": lambda frame: frame.assign(q=CODES),
    "texts of numbers": lambda frame: frame.assign(q=CODES.astype(str)),
    "other labels": lambda frame: frame.assign(q="U"),
    "a category": lambda frame: frame.assign(q=pd.Categorical(["w"] * N)),
    "some missing": lambda frame: frame.assign(q=np.where(np.arange(N) < 9, None, "w")),
    "a single row": lambda frame: frame.assign(q="w").iloc[:1],
    "polars": lambda frame: pl.DataFrame(frame.assign(q="w").to_dict("list")),
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("call", ["predict", "score"])
def test_a_column_of_unknown_labels_alone_is_named_in_one_warning(kind, call):
    model = small().fit(FRAME, TARGET)
    frame = FOREIGN[kind](FRAME)
    with pytest.warns(UserWarning, match="unknown categories") as seen:
        model.predict(frame) if call == "predict" else model.score(frame, TARGET[: len(frame)])
    (warning,) = (one for one in seen if one.category is UserWarning)
    assert "only unknown categories in Column 'q'" in str(warning.message)
    assert "'k'" not in str(warning.message)


@pytest.mark.parametrize("call", ["predict", "predict_proba", "decision_function"])
def test_every_column_of_unknown_labels_is_named(call):
    model = small(KANClassifier).fit(FRAME, TARGET)
    with pytest.warns(UserWarning, match="unknown categories") as seen:
        getattr(model, call)(FRAME.assign(q=CODES, k=1.5))
    (warning,) = seen
    assert "Column 'k' (such as 1.5), Column 'q' (such as 0)" in str(warning.message)


@pytest.mark.parametrize(
    "values", [["u", "w"] * (N // 2), [None] * N, pd.Categorical(["v"] * N, categories=list("wvx"))], ids=str
)
def test_columns_with_some_known_labels_or_none_at_all_are_no_news(values):
    model = small().fit(FRAME, TARGET)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(FRAME.assign(q=pd.Series(values, dtype=None if isinstance(values, pd.Categorical) else object)))
