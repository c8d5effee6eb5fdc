"""Clients of other packages."""

import io
import pickle

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.client_sklearn import CLASSIFIER, LABELS, NUMBERS, REGRESSOR, SEED, Client, N, X, Y, predicts
from sklearn_kan import SKOPS_TYPES
from sklearn_kan.export import register_onnx


def imbalanced(_):
    from imblearn.ensemble import BalancedBaggingClassifier
    from imblearn.over_sampling import SMOTE
    from imblearn.pipeline import make_pipeline

    rare = np.where(np.quantile(Y, 0.8) < Y, "rare", "common")
    predicts(make_pipeline(SMOTE(random_state=SEED), CLASSIFIER), X=NUMBERS, y=rare)
    predicts(BalancedBaggingClassifier(CLASSIFIER, n_estimators=2, random_state=SEED), X=NUMBERS, y=rare)


def encoders(_):
    from category_encoders import TargetEncoder

    predicts(make_pipeline(TargetEncoder(cols=["kind"]), REGRESSOR))


def tables(_):
    from skrub import TableVectorizer, tabular_pipeline

    predicts(make_pipeline(TableVectorizer(), REGRESSOR))
    predicts(tabular_pipeline(clone(CLASSIFIER)), y=LABELS)


def shapley(_):
    import shap

    model = clone(REGRESSOR).fit(NUMBERS, Y)
    found = shap.Explainer(model.predict, NUMBERS[:20], seed=SEED)(NUMBERS[:3])
    np.testing.assert_allclose(found.values.sum(1) + found.base_values, model.predict(NUMBERS[:3]), rtol=1e-6)


def local(_):
    from lime.lime_tabular import LimeTabularExplainer

    model = clone(CLASSIFIER).fit(NUMBERS, LABELS)
    explainer = LimeTabularExplainer(NUMBERS, class_names=model.classes_, random_state=SEED)
    assert len(explainer.explain_instance(NUMBERS[0], model.predict_proba, num_samples=200).as_list()) == 3


def conformal(_):
    from mapie.regression import CrossConformalRegressor, SplitConformalRegressor

    split = SplitConformalRegressor(clone(REGRESSOR), confidence_level=0.8, prefit=False)
    _, intervals = split.fit(X[:100], Y[:100]).conformalize(X[100:], Y[100:]).predict_interval(X)
    assert (intervals[:, 1] >= intervals[:, 0]).all()
    cross = CrossConformalRegressor(clone(REGRESSOR), confidence_level=0.8, cv=2)
    assert cross.fit_conformalize(X, Y).predict_interval(X)[1].shape == (N, 2, 1)


def fairness(_):
    from fairlearn.metrics import MetricFrame
    from fairlearn.reductions import DemographicParity, ExponentiatedGradient
    from sklearn.metrics import accuracy_score

    y = (LABELS == "high").astype(int)
    fair = ExponentiatedGradient(clone(CLASSIFIER), DemographicParity(), max_iter=2)
    fair.fit(X[["a", "b", "c"]], y, sensitive_features=X["kind"])
    found = MetricFrame(metrics=accuracy_score, y_true=y, y_pred=fair.predict(X[["a", "b", "c"]], random_state=SEED),
                        sensitive_features=X["kind"])  # fmt: skip
    assert found.by_group.shape == (3,)


def exploring(_):
    import dalex

    explainer = dalex.Explainer(clone(REGRESSOR).fit(X, Y), X, Y, verbose=False)
    assert len(explainer.model_parts(B=2).result) >= 4


def causes(_):
    from econml.dml import LinearDML

    model = LinearDML(model_y=clone(REGRESSOR), model_t=clone(REGRESSOR), cv=2, random_state=SEED)
    assert model.fit(Y, NUMBERS[:, 0], X=NUMBERS[:, 1:2], W=NUMBERS[:, 2:]).effect(NUMBERS[:, 1:2]).shape == (N,)


def series():
    index = pd.date_range("2024-01-01", periods=N, freq="D")
    return pd.Series(np.sin(np.arange(N) / 5) + 0.1 * NUMBERS[:, 0], index=index, name="y")


def recursive(_):
    from skforecast.recursive import ForecasterRecursive

    forecaster = ForecasterRecursive(estimator=clone(REGRESSOR), lags=7)
    forecaster.fit(y=series())
    assert len(forecaster.predict(steps=5)) == 5


def reduced(_):
    from sktime.forecasting.compose import make_reduction

    forecaster = make_reduction(clone(REGRESSOR), window_length=7)
    assert len(forecaster.fit(series()).predict(fh=[1, 2, 3])) == 3


def dask(_):
    import joblib
    from distributed import Client as Cluster
    from distributed import LocalCluster

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster,
        Cluster(cluster),
        joblib.parallel_backend("dask"),
    ):
        search = GridSearchCV(REGRESSOR, {"n_knots": [4, 6]}, cv=2).fit(X, Y)
    alone = GridSearchCV(REGRESSOR, {"n_knots": [4, 6]}, cv=2).fit(X, Y)
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])


def ray(_):
    import joblib
    from ray.util.joblib import register_ray

    register_ray()
    with joblib.parallel_backend("ray"):
        assert GridSearchCV(REGRESSOR, {"n_knots": [4, 6]}, cv=2).fit(X, Y).best_score_ < 1


def optuna(_):
    from optuna.distributions import IntDistribution
    from optuna_integration import OptunaSearchCV

    search = OptunaSearchCV(REGRESSOR, {"n_knots": IntDistribution(4, 8)}, cv=2, n_trials=2, random_state=SEED)
    assert search.fit(X, Y).best_score_ < 1


def files(folder):
    import cloudpickle
    import joblib

    model = make_pipeline(StandardScaler(), REGRESSOR).fit(NUMBERS, Y)
    joblib.dump(model, folder / "model.joblib")
    loaded = [pickle.loads(pickle.dumps(model)), pickle.loads(cloudpickle.dumps(model)),
              joblib.load(folder / "model.joblib")]  # fmt: skip
    assert all(np.array_equal(other.predict(NUMBERS), model.predict(NUMBERS)) for other in loaded)


def skops(_):
    import skops.io

    model = make_pipeline(StandardScaler(), CLASSIFIER).fit(NUMBERS, LABELS)
    loaded = skops.io.loads(skops.io.dumps(model), trusted=SKOPS_TYPES)
    assert np.array_equal(loaded.predict_proba(NUMBERS), model.predict_proba(NUMBERS))


def mlflow(folder):
    import mlflow

    model = make_pipeline(StandardScaler(), CLASSIFIER).fit(NUMBERS, LABELS)
    path = str(folder / "model")
    mlflow.sklearn.save_model(model, path, serialization_format="skops", skops_trusted_types=SKOPS_TYPES)
    assert np.array_equal(mlflow.sklearn.load_model(path).predict_proba(NUMBERS), model.predict_proba(NUMBERS))


def onnx(_):
    import onnxruntime
    import skl2onnx

    register_onnx()
    model = make_pipeline(StandardScaler(), REGRESSOR).fit(NUMBERS, Y)
    graph = skl2onnx.to_onnx(model, NUMBERS[:1].astype(np.float32))
    session = onnxruntime.InferenceSession(io.BytesIO(graph.SerializeToString()).getvalue())
    (found,) = session.run(None, {"X": NUMBERS.astype(np.float32)})
    assert np.abs(found[:, 0] - model.predict(NUMBERS)).max() < 1e-5 * Y.std()


CLIENTS = [
    Client("imbalanced-learn", "imbalanced-learn", "SMOTE in a pipeline, BalancedBaggingClassifier", imbalanced,
           modules=("imblearn",)),
    Client("category_encoders", "category_encoders", "TargetEncoder in a pipeline", encoders,
           modules=("category_encoders",)),
    Client("skrub", "skrub", "TableVectorizer, tabular_pipeline", tables, "not needed: tables go in as they are",
           ("skrub",)),
    Client("SHAP", "shap", "Explainer", shapley, "pass the method, model.predict; explain(model, X) is faster",
           ("shap",)),
    Client("LIME", "lime", "LimeTabularExplainer", local, modules=("lime.lime_tabular",)),
    Client("MAPIE", "mapie", "SplitConformalRegressor, CrossConformalRegressor", conformal,
           "predict(return_interval=0.9) needs no further fits", ("mapie",)),
    Client("fairlearn", "fairlearn", "ExponentiatedGradient, MetricFrame", fairness, modules=("fairlearn",)),
    Client("dalex", "dalex", "Explainer.model_parts", exploring, modules=("dalex",)),
    Client("econml", "econml", "LinearDML", causes, modules=("econml.dml",)),
    Client("skforecast", "skforecast", "ForecasterRecursive", recursive, modules=("skforecast.recursive",)),
    Client("sktime", "sktime", "make_reduction", reduced, modules=("sktime",)),
    Client("dask", "distributed", "a search on its joblib backend", dask, modules=("distributed",)),
    Client("ray", "ray", "a search on its joblib backend", ray, modules=("ray",)),
    Client("OptunaSearchCV", "optuna-integration", "a flat search", optuna,
           "KANSearchCV has conditional spaces and prunes inside folds", ("optuna_integration",)),
    Client("pickle, joblib, cloudpickle", "cloudpickle", "a pipeline to a file and back", files,
           modules=("cloudpickle",)),
    Client("skops", "skops", "a pipeline to a file and back", skops, "trusted=sklearn_kan.SKOPS_TYPES", ("skops",)),
    Client("MLflow", "mlflow-skinny", "sklearn flavour with skops", mlflow,
           "skops_trusted_types=sklearn_kan.SKOPS_TYPES", ("mlflow",)),
    Client("skl2onnx", "skl2onnx", "a pipeline as ONNX graph", onnx, "call sklearn_kan.export.register_onnx() before",
           ("skl2onnx", "onnxruntime")),
]  # fmt: skip
