"""Clients within scikit-learn, and the frames that tables come in."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
import sklearn
import torch
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import AdaBoostRegressor, BaggingRegressor, StackingClassifier, VotingRegressor
from sklearn.feature_selection import RFE, SelectFromModel, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import make_scorer, mean_squared_error
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputRegressor, RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_kan import KANClassifier, KANRegressor

SEED, N = 0, 160
FEW = {"n_members": 2, "hidden_layer_sizes": (8,), "max_iter": 4, "random_state": SEED}


class Client(NamedTuple):
    """A use of an estimator.

    Parameters
    ----------
    name, package, use : str
        What it is, what has to be installed for it, and what is done.
    run : callable
        Gets an empty folder; raises if something is not as it should be.
    note : str
        What users have to know.
    modules : tuple of str
        To be imported.
    """

    name: str
    package: str
    use: str
    run: Callable
    note: str = ""
    modules: tuple = ()


def table():
    """Numbers, labels, a number to predict, and two classes."""
    random = np.random.default_rng(SEED)
    X = pd.DataFrame(random.normal(size=(N, 3)), columns=["a", "b", "c"])
    X["kind"] = random.choice(["x", "y", "z"], N)
    y = X["a"] ** 2 + X["b"] * (X["kind"] == "x")
    return X, y.to_numpy(), np.where(y > y.median(), "high", "low")


X, Y, LABELS = table()
NUMBERS = X[["a", "b", "c"]].to_numpy()
REGRESSOR, CLASSIFIER = KANRegressor(**FEW), KANClassifier(**FEW)


def predicts(model, X=X, y=Y):
    """Fit and predict; as many predictions as there are rows."""
    found = clone(model).fit(X, y).predict(X)
    assert np.shape(found)[0] == len(y)
    return found


def pipelines(_):
    columns = ColumnTransformer([("labels", OneHotEncoder(sparse_output=False), ["kind"])], remainder=StandardScaler())
    predicts(make_pipeline(columns, REGRESSOR))
    predicts(make_pipeline(columns.set_output(transform="pandas"), CLASSIFIER), y=LABELS)


def searches(_):
    grid = {"n_knots": [4, 6], "basis": ["bspline", "rbf"]}
    assert GridSearchCV(REGRESSOR, grid, cv=2).fit(X, Y).best_score_ < 1
    assert RandomizedSearchCV(CLASSIFIER, grid, n_iter=2, cv=2, random_state=SEED).fit(X, LABELS).n_features_in_ == 4


def validation(_):
    assert cross_val_predict(CLASSIFIER, X, LABELS, cv=2, method="predict_proba").shape == (N, 2)
    assert len(cross_validate(REGRESSOR, X, Y, cv=2, scoring=["r2", "neg_mean_absolute_error"])["test_r2"]) == 2
    assert learning_curve(REGRESSOR, X, Y, cv=2, train_sizes=[0.5, 1.0])[1].shape == (2, 2)


def calibration(_):
    proba = CalibratedClassifierCV(CLASSIFIER, cv=2).fit(X, LABELS).predict_proba(X)
    frozen = FrozenEstimator(clone(CLASSIFIER).fit(X, LABELS))
    assert CalibratedClassifierCV(frozen).fit(X, LABELS).predict_proba(X).shape == proba.shape


def thresholds(_):
    predicts(TunedThresholdClassifierCV(CLASSIFIER, cv=2), y=(LABELS == "high").astype(int))
    predicts(FixedThresholdClassifier(CLASSIFIER, threshold=0.3), y=(LABELS == "high").astype(int))


def stacks(_):
    encoded = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    predicts(StackingClassifier([("kan", CLASSIFIER), ("linear", encoded)], cv=2), y=LABELS)
    predicts(VotingRegressor([("kan", REGRESSOR), ("ridge", Ridge())]), X=NUMBERS)
    predicts(TransformedTargetRegressor(REGRESSOR, func=np.log1p, inverse_func=np.expm1), y=np.abs(Y))


def chains(_):
    two = np.stack([LABELS == "high", Y > 0], 1).astype(int)
    predicts(ClassifierChain(CLASSIFIER, order=[1, 0]), X=NUMBERS, y=two)
    predicts(RegressorChain(REGRESSOR), X=NUMBERS, y=np.stack([Y, -Y], 1))
    predicts(MultiOutputRegressor(REGRESSOR), y=np.stack([Y, -Y], 1))
    predicts(OneVsRestClassifier(CLASSIFIER), y=X["kind"].to_numpy())


def bags(_):
    codes = X.assign(kind=OrdinalEncoder().fit_transform(X[["kind"]])).to_numpy()
    by_place = clone(REGRESSOR).set_params(categorical_features=[3])
    predicts(BaggingRegressor(by_place, n_estimators=2, random_state=SEED), X=codes)
    predicts(AdaBoostRegressor(by_place, n_estimators=2, random_state=SEED), X=codes)


def selection(_):
    assert SelectFromModel(REGRESSOR, threshold="median").fit(X, Y).get_support().sum() >= 2
    assert RFE(REGRESSOR, n_features_to_select=2).fit(NUMBERS, Y).support_.sum() == 2
    assert SequentialFeatureSelector(REGRESSOR, n_features_to_select=1, cv=2).fit(NUMBERS, Y).get_support().sum() == 1


def inspection(_):
    model = clone(CLASSIFIER).fit(X, LABELS)
    assert permutation_importance(model, X, LABELS, n_repeats=2, random_state=SEED).importances.shape == (4, 2)
    dependence = partial_dependence(model, X, ["a", "kind"], categorical_features=["kind"], grid_resolution=5)
    assert dependence["average"].shape == (1, 5, 3)


def routing(_):
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = make_scorer(mean_squared_error, greater_is_better=False).set_score_request(sample_weight=True)
        model = clone(REGRESSOR).set_fit_request(sample_weight=True, groups=False)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        search = GridSearchCV(make_pipeline(scaler, model), {"kanregressor__n_knots": [4]}, cv=2, scoring=scorer)
        assert search.fit(NUMBERS, Y, sample_weight=np.linspace(0, 1, N)).best_score_ < 0


def half_labelled(_):
    predicts(
        SelfTrainingClassifier(CLASSIFIER, max_iter=2), X=NUMBERS, y=np.where(np.arange(N) % 2, LABELS == "high", -1)
    )


def dispatch(_):
    with sklearn.config_context(array_api_dispatch=True):
        tensors = torch.from_numpy(NUMBERS)
        predicts(make_pipeline(StandardScaler(), REGRESSOR), X=tensors, y=torch.from_numpy(Y))


def frame(make, _):
    given = make(X)
    found = clone(REGRESSOR).fit(given, Y).predict(given)
    np.testing.assert_allclose(found, predicts(REGRESSOR), rtol=1e-9)


def polars(X, lazy=False):
    import polars as pl

    made = pl.from_pandas(X).with_columns(pl.col("kind").cast(pl.Categorical))
    return made.lazy() if lazy else made


def arrow(X, batch=False):
    import pyarrow as pa

    return (pa.RecordBatch if batch else pa.Table).from_pandas(X)


def narwhals(X):
    import narwhals as nw

    return nw.from_native(polars(X))


def own(name, use, run, note="", package="scikit-learn"):
    return Client(name, package, use, run, note)


CLIENTS = [
    own("pipelines", "Pipeline, ColumnTransformer, set_output", pipelines),
    own("searches", "GridSearchCV, RandomizedSearchCV", searches),
    own("validation", "cross_val_predict, cross_validate, learning_curve", validation),
    own("calibration", "CalibratedClassifierCV, FrozenEstimator", calibration),
    own("thresholds", "TunedThresholdClassifierCV, FixedThresholdClassifier", thresholds),
    own("stacks", "StackingClassifier, VotingRegressor, TransformedTargetRegressor", stacks),
    own("chains", "ClassifierChain, RegressorChain, MultiOutputRegressor, OneVsRestClassifier", chains),
    own("bags", "BaggingRegressor, AdaBoostRegressor", bags, "they hand on arrays: name categories by their places"),
    own("selection", "SelectFromModel, RFE, SequentialFeatureSelector", selection, "the last two take numbers only"),
    own("inspection", "permutation_importance, partial_dependence", inspection),
    own("metadata routing", "weights through a search of a pipeline", routing),
    own("unlabelled rows", "SelfTrainingClassifier", half_labelled),
    own("array-API dispatch", "torch tensors", dispatch, "predictions are NumPy arrays"),
    own("pandas", "DataFrame", partial(frame, pd.DataFrame), package="pandas"),
    own("polars", "DataFrame", partial(frame, polars), package="polars"),
    own("polars, lazy", "LazyFrame", partial(frame, partial(polars, lazy=True)), "computed by fit and by predict",
        "polars"),
    own("pyarrow", "Table", partial(frame, arrow), package="pyarrow"),
    own("pyarrow, batch", "RecordBatch", partial(frame, partial(arrow, batch=True)), package="pyarrow"),
    own("narwhals", "DataFrame with categories", partial(frame, narwhals),
        "scikit-learn's cross-validation cannot take rows of it: pass the native frame there", "narwhals"),
]  # fmt: skip
