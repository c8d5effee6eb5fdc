"""Parameters that cannot be used are refused before any training, in words that name the culprit and the remedy."""

import numpy as np
import pytest
import torch
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_kan import KANClassifier, KANRegressor
from tests.estimators.refusals import FRAME, TARGET, Bad, X, cases, check_refused
from tests.tables import small

SIZES = "is not usable. Pass integers of at least 1, or () for an additive model."


def out_of_range(message, **params):
    return Bad(message, InvalidParameterError, params)


BAD_PARAMETERS = {
    "basis": Bad("basis='splien' is unknown. Choose one of …'bspline', …, or pass a subclass of Basis.",
                 params={"basis": "splien"}),
    "basis class": Bad("basis=<class 'int'> is unknown. Choose one of …, or pass a subclass of Basis.",
                       params={"basis": int}),
    "basis_params": Bad("basis_params={'teeth': 3} has unknown keys ['teeth'] for basis='bspline'. It has no "
                        "parameters of its own.",
                        params={"basis_params": {"teeth": 3}}),
    "basis_params twice": Bad("basis_params={'degree': 9} has unknown keys ['degree'] for basis='truncated_power'. "
                              "Choose from ['individual_knots', 'learn_knots'].",
                              params={"basis": "truncated_power", "basis_params": {"degree": 9}}),
    "no size": Bad(f"hidden_layer_sizes=(0,) {SIZES}", params={"hidden_layer_sizes": (0,)}),
    "negative size": Bad(f"hidden_layer_sizes=(4, -1) {SIZES}", params={"hidden_layer_sizes": (4, -1)}),
    "size in words": Bad(f"hidden_layer_sizes=('a',) {SIZES}", params={"hidden_layer_sizes": ("a",)}),
    "half a unit": Bad(f"hidden_layer_sizes=(4.5,) {SIZES}", params={"hidden_layer_sizes": (4.5,)}),
    "nested sizes": Bad(f"hidden_layer_sizes=[[4, 4]] {SIZES}", params={"hidden_layer_sizes": [[4, 4]]}),
    "zero": out_of_range("The 'hidden_layer_sizes' parameter of ESTIMATOR must be an array-like or an int in the range "
                         "[1, inf). Got 0 instead.", hidden_layer_sizes=0),
    "text": out_of_range("The 'hidden_layer_sizes' parameter of ESTIMATOR must be an array-like or an int in the range "
                         "[1, inf). Got '64' instead.", hidden_layer_sizes="64"),
    "solver": out_of_range("The 'solver' parameter of ESTIMATOR must be a str among {…}. Got 'sgd' instead.",
                           solver="sgd"),
    "norm": out_of_range("The 'norm' parameter of ESTIMATOR must be a str among {…}. Got 'group' instead.",
                         norm="group"),
    "knots": out_of_range("The 'knots' parameter of ESTIMATOR must be a str among {…} or an array-like. Got 'random' "
                          "instead.", knots="random"),
    "knots that fall": Bad("knots has shape (3,). Pass two or more increasing ones, of shape (n_knots,) or "
                           "(n_knots, 3): a column for each numeric column.", params={"knots": [0.0, 2.0, 1.0]}),
    "knots that are one": Bad("knots has some that cannot be told apart in float32, once they are scaled as the "
                              "columns are. Spread them over the columns' ranges, or pass knots of shape (n_knots, …",
                              params={"knots": [0.0, 1e-12, 1.0], "dtype": "float32"}),
    "knots for two columns": Bad("knots has shape (2, 2). Pass two or more increasing ones, …",
                                 params={"knots": [[0.0, 1.0], [1.0, 2.0]]}),
    "adaptive knots without knots": Bad("basis=Sine has no knots to place or refine. …",
                                        params={"basis": "sine", "knots": "adaptive"}),
    "refinement without knots": Bad("basis=RBF has no knots to place or refine. …",
                                    params={"basis": ["bspline", "rbf"], "hidden_layer_sizes": (4,),
                                            "refine_knots": [12]}),
    "refine_knots": Bad("refine_knots=[0.5] is not usable. Pass integers of at least 2, such as [12, 24].",
                        params={"refine_knots": [0.5]}),
    "degree": out_of_range("The 'degree' parameter of ESTIMATOR must be an int in the range [0, inf). Got -1 instead.",
                           degree=-1),
    "degree of splines": Bad("degree=6 is out of range. Choose an integer from 0 to 5.", params={"degree": 6}),
    "too few bases": Bad("basis=['rbf'] has 1 items, and the network has 2 layers. Pass one for each hidden layer "
                         "and one for the last.", params={"basis": ["rbf"], "hidden_layer_sizes": (4,)}),
    "an unknown basis in a list": Bad("basis='splien' is unknown. Choose one of …, or pass a subclass of Basis.",
                                      params={"basis": ["rbf", "splien"], "hidden_layer_sizes": (4,)}),
    "n_knots": out_of_range("The 'n_knots' parameter of ESTIMATOR must be an int in the range [2, inf). Got 1 instead.",
                            n_knots=1),
    "alpha": out_of_range("The 'alpha' parameter of ESTIMATOR must be a float in the range [0.0, inf). Got -1 instead.",
                          alpha=-1),
    "loss": out_of_range("The 'loss' parameter of KANRegressor must be a str among {…}. Got 'mse' instead.",
                         loss="mse")._replace(only=KANRegressor),
    "quantile": out_of_range("The 'quantile' parameter of KANRegressor must be a float in the range (0.0, 1.0) "
                             "or an array-like. Got 1.5 instead.", quantile=1.5)._replace(only=KANRegressor),
    "class_weight": out_of_range("The 'class_weight' parameter of KANClassifier must be …'dict', a str among "
                                 "{'balanced'} or None. Got 'even' instead.",
                                 class_weight="even")._replace(only=KANClassifier),
    "negative class_weight": Bad("class_weight={0: -1} is not usable. Pass finite weights of at least 0, some of them "
                                 "positive.", params={"class_weight": {0: -1}}, only=KANClassifier),
    "class_weight of NaN": Bad("class_weight={0: nan} is not usable. Pass finite weights of at least 0, …",
                               params={"class_weight": {0: np.nan}}, only=KANClassifier),
    "infinite class_weight": Bad("class_weight={0: inf} is not usable. Pass finite weights of at least 0, …",
                                 params={"class_weight": {0: np.inf}}, only=KANClassifier),
    "huge class_weight": Bad("class_weight={0: 1e+300} gives rows weights above 1e+100 (maximum 1e+300). Scale "
                             "it down.",
                             params={"class_weight": {0: 1e300}}, only=KANClassifier),
    "no class_weight": Bad("class_weight={0: 0, 1: 0} is not usable. Pass finite weights of at least 0, some of them "
                           "positive.", params={"class_weight": {0: 0, 1: 0}}, only=KANClassifier),
    "device": Bad("device='gpu' is unknown. Choose 'auto', 'cpu' or 'cuda'.", params={"device": "gpu"}),
    "device of no use": Bad("device='meta' is not available here. Choose 'auto' or 'cpu'.", params={"device": "meta"}),
    "callbacks": Bad("callbacks has 3, which is not a skorch callback. Pass instances of its Callback.", TypeError,
                     params={"callbacks": [3]}),
    "early_stopping": Bad("early_stopping=True with validation_fraction=0.01 leaves no validation row of n_samples=20. "
                          "Raise validation_fraction, or set early_stopping=False.",
                          params={"early_stopping": True, "validation_fraction": 0.01}),
    "categorical_features by name": Bad(
        "categorical_features has an item value 'z' which is not a valid feature name of the training data. Observed "
        "feature names: ['a', 'b', 'c']", params={"categorical_features": ["a", "z"]}, X=FRAME),
    "categorical_features by place": Bad(
        "categorical_features set as integer indices must be in [0, n_features - 1]",
        params={"categorical_features": [0, 7]}),
    "categorical_features without names": Bad(
        "categorical_features should be passed as an array of integers or as a boolean mask when the model is fitted on"
        " data without feature names.", params={"categorical_features": ["a"]}),
    "categorical_features as a short mask": Bad(
        "categorical_features set as a boolean mask must have shape (n_features,), got: (2,)",
        params={"categorical_features": [True, False]}),
}  # fmt: skip


@pytest.mark.parametrize(("estimator", "bad"), cases(BAD_PARAMETERS))
def test_a_bad_parameter_is_refused(estimator, bad, monkeypatch):
    check_refused(estimator, bad, monkeypatch)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
@pytest.mark.parametrize("estimator", [KANRegressor, KANClassifier])
def test_an_absent_device_is_named(estimator):
    with pytest.raises(ValueError, match=r"^device='cuda' is not available here\. Choose 'auto' or 'cpu'\.$"):
        small(estimator, device="cuda").fit(X, TARGET[estimator])
