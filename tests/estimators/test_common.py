"""scikit-learn's own checks, for all estimators, every solver, every basis, every norm, refined knots."""

import pytest
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from sklearn_kan import GPSpectralRegressor, KANClassifier, KANRegressor
from sklearn_kan.bases import BASES

# What a check asks for, as an accuracy of 0.83 or a score of 0.5, takes a few dozen steps; the first setting is the
# default, which users run.
SMALL = {"hidden_layer_sizes": (8,), "n_members": 4, "max_iter": 8, "learning_rate_init": 0.05, "batch_size": 64}
SETTINGS = [
    {},
    *({**SMALL, "basis": basis} for basis in BASES),
    {**SMALL, "solver": "lbfgs", "max_iter": 2},
    {**SMALL, "solver": "hybrid", "max_iter": 2},
    {**SMALL, "solver": "kfac", "batch_size": "auto"},
    {**SMALL, "solver": "layerwise"},
    {**SMALL, "refit": "last_layer"},
    {**SMALL, "solver": "gauss_newton", "hidden_layer_sizes": (4,), "max_iter": 5},
    {**SMALL, "solver": "auto"},
    {**SMALL, "norm": "batch"},
    {**SMALL, "norm": "none"},
    {**SMALL, "knots": "uniform", "degree": 1, "dtype": "float64"},
    {**SMALL, "early_stopping": True, "max_iter": 20},
    {**SMALL, "knots": "adaptive", "interactions": "product"},
    {**SMALL, "interaction_cst": "pairwise", "max_iter": 10, "learning_rate_init": 0.05},
    {**SMALL, "basis": ["rational", "sine"]},
    {**SMALL, "hidden_layer_sizes": (), "max_iter": 12, "learning_rate_init": 0.1},
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
