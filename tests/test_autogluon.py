"""The custom model for AutoGluon, against what its interface asks of a model: the package itself is not needed."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

PATH = Path(__file__).parent.parent / "examples" / "autogluon_model.py"
FEW = {"max_iter": 2, "n_members": 2, "hidden_layer_sizes": (4,)}


class AbstractModel:
    """What autogluon.core.models.AbstractModel does around a model of one's own, as its documentation has it."""

    def __init__(self, problem_type, hyperparameters=None, metric=None, quantile_levels=None):
        self.problem_type, self.quantile_levels = problem_type, quantile_levels
        self.eval_metric = SimpleNamespace(name=metric)
        self.params, self.model = dict(hyperparameters or {}), None
        self._set_default_params()

    def _set_default_param_value(self, name, value):
        self.params.setdefault(name, value)

    def _get_default_auxiliary_params(self):
        return {}

    def _get_model_params(self):
        return dict(self.params)

    def preprocess(self, X, is_train=False):
        return X

    def fit(self, **given):
        assert self.problem_type in self.supported_problem_types()
        self._fit(time_limit=60, num_gpus=0, **given)
        return self

    def predict_proba(self, X):
        if self.problem_type in ("regression", "quantile"):
            return self.model.predict(self.preprocess(X))
        proba = self.model.predict_proba(self.preprocess(X))
        return proba[:, 1] if self.problem_type == "binary" else proba


@pytest.fixture
def kan_model(monkeypatch):
    for name in ("autogluon", "autogluon.core", "autogluon.core.models"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["autogluon.core.models"].AbstractModel = AbstractModel
    spec = importlib.util.spec_from_file_location("autogluon_model", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.KANModel


@pytest.mark.parametrize(
    ("problem", "shape"), [("binary", (80,)), ("multiclass", (80, 3)), ("regression", (80,)), ("quantile", (80, 2))]
)
def test_problems(kan_model, problem, shape):
    random = np.random.default_rng(0)
    X = pd.DataFrame({"a": random.normal(size=80), "b": pd.Categorical(random.choice(list("xyz"), 80))})
    y = X["a"] + (X["b"] == "x")
    codes = {"binary": (y > 0).astype(int), "multiclass": pd.Series(np.digitize(y, [-0.5, 0.5]))}
    threads = torch.get_num_threads()
    model = kan_model(problem, FEW, metric="mean_absolute_error", quantile_levels=[0.1, 0.9])
    own = codes.get(problem, y)
    model.fit(X=X[:60], y=own[:60], X_val=X[60:], y_val=own[60:], num_cpus=1, sample_weight=np.ones(60))
    assert model.predict_proba(X).shape == shape
    assert model.model.random_state == 0
    assert torch.get_num_threads() == threads
    if problem == "regression":
        assert model.model.loss == "absolute_error"
