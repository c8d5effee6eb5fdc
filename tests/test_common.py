"""scikit-learn's own checks, for all estimators, every solver, every basis, every norm, refined knots."""

import pytest
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from sklearn_kan import GPSpectralRegressor, KANClassifier, KANRegressor
from sklearn_kan.bases import BASES

SMALL = {"hidden_layer_sizes": (8,), "max_iter": 20, "learning_rate_init": 0.02}
SETTINGS = [
    {},
    *({**SMALL, "basis": basis, "max_iter": 10, "learning_rate_init": 0.05} for basis in BASES),
    {**SMALL, "solver": "lbfgs", "max_iter": 5},
    {**SMALL, "solver": "hybrid", "max_iter": 5},
    {**SMALL, "solver": "kfac"},
    {**SMALL, "norm": "batch"},
    {**SMALL, "norm": "none"},
    {**SMALL, "knots": "uniform", "degree": 1, "dtype": "float64"},
    {**SMALL, "early_stopping": True},
    {**SMALL, "knots": "adaptive", "interactions": "product"},
    {**SMALL, "basis": ["rational", "sine"]},
    {**SMALL, "hidden_layer_sizes": (), "max_iter": 60, "learning_rate_init": 0.05},
    {
        **SMALL,
        "hidden_layer_sizes": (4,),
        "basis": "truncated_power",
        "basis_params": {"individual_knots": True, "learn_knots": True},
    },
]
ESTIMATORS = [estimator(**setting) for estimator in (KANClassifier, KANRegressor) for setting in SETTINGS]
ESTIMATORS += [GPSpectralRegressor(), GPSpectralRegressor(spectrum="gaussian", trend_degree=2, normalize_y=False)]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", [KANClassifier(**SMALL), KANRegressor(**SMALL), GPSpectralRegressor()])
@pytest.mark.parametrize("check", [check_dataframe_column_names_consistency, check_param_validation])
def test_checks_outside_the_common_list(estimator, check):
    check(type(estimator).__name__, estimator)
