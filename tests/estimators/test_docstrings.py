"""Parameters that several estimators share are described in the same words."""

from sklearn.utils._testing import assert_docstring_consistency

from sklearn_kan import KANClassifier, KANRegressor

DIFFERENT = ["monotonic_cst", "refit", "smoothness", "solver"]  # for classes and for numbers, on purpose
OWN = ["class_weight", "loss", "quantile"]


def test_both_estimators_describe_what_they_share_in_the_same_words():
    assert_docstring_consistency(
        [KANClassifier, KANRegressor],
        include_params=True,
        exclude_params=DIFFERENT + OWN,
        include_attrs=True,
        exclude_attrs=["classes_", "solver_", "target_scaler_"],
    )
