"""Constraints that cannot be held to are refused by name, among them all that gradient boosting refuses."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from sklearn_kan import KANClassifier
from tests.monotone import falling
from tests.tables import small

REFUSED = [
    ({"monotonic_cst": [1, 2, 0, 0]}, r"monotonic_cst must be an array-like of -1, 0 or 1\. Observed values: \[2\]"),
    ({"monotonic_cst": [1, 0]}, r"monotonic_cst has shape \(2,\) but the input data X has 4 features"),
    ({"monotonic_cst": {"z": 1}}, r"monotonic_cst contains 1 unexpected feature names: \['z'\]"),
    ({"monotonic_cst": {"a": 3}}, r"monotonic_cst\['a'\] must be either -1, 0 or 1\. Got 3"),
    ({"monotonic_cst": {"kind": 1}}, r"Column 'kind' of X is categorical and cannot have a monotonic constraint\. Set"),
    ({"interaction_cst": [{0, 4}]}, r"interaction_cst holds 4, which is not a feature\. Pass integers from 0 to 3"),
    ({"interaction_cst": [0, 1]}, r"interaction_cst holds 0\. Pass a sequence of sets, lists or tuples"),
]  # fmt: skip


@pytest.mark.parametrize(("params", "message"), REFUSED, ids=str)
def test_what_gradient_boosting_refuses_is_refused(params, message):
    X, y = falling()
    with pytest.raises(ValueError, match=message):
        small(**params).fit(X, y)
    with pytest.raises(ValueError, match=r"."):
        HistGradientBoostingRegressor(**params).fit(X, y)


def test_more_than_two_classes_have_no_monotone_probabilities():
    X, y = falling()
    labels = np.digitize(y, [-1, 1])
    with pytest.raises(ValueError, match=r"^monotonic_cst=\{'a': 1\} has constraints, and y has 3 classes.* Choose"):
        small(KANClassifier, monotonic_cst={"a": 1}).fit(X, labels)
    with pytest.raises(ValueError, match="multiclass"):
        HistGradientBoostingClassifier(monotonic_cst={"a": 1}).fit(X, labels)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"monotonic_cst": [[1, 0, 0, 0]]}, r"^monotonic_cst has shape \(1, 4\)\. Pass one of -1, 0 and 1 for each"),
        ({"interaction_cst": [["a", "z"]]}, r"^interaction_cst holds 'z', which is not a feature.*names among \['a', "),
        ({"interaction_cst": ["ab"]}, r"^interaction_cst holds 'ab'\. Pass a sequence of sets"),
        ({"interaction_cst": [[["a", "b"]]]}, r"^interaction_cst holds \['a', 'b'\], which is not a feature"),
        ({"interaction_cst": [[]]}, r"^interaction_cst holds \[\]\. Pass a sequence of sets"),
        ({"monotonic_cst": {"a": 1}, "basis": "sine"}, r"^basis='sine' cannot be held monotone.*Choose 'bspline' or"),
        ({"monotonic_cst": {"a": 1}, "basis": ["bspline", "rbf"]}, r"^basis='rbf' cannot be held monotone"),
        ({"monotonic_cst": {"a": 1}, "interactions": "product"}, r"^interactions='product' multiplies columns"),
        ({"interaction_cst": "pairwise", "interactions": "product"}, r"^interactions='product' multiplies columns"),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_held_to_is_refused(params, message):
    X, y = falling()
    with pytest.raises(ValueError, match=message):
        small(**params).fit(X, y)


def test_too_many_pairs_are_refused():
    X = np.random.default_rng(0).normal(size=(20, 80))
    with pytest.raises(ValueError, match=r"^interaction_cst has 3160 groups.*'no_interactions' or a single hidden"):
        small(interaction_cst="pairwise").fit(X, X[:, 0])
