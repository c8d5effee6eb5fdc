"""What a user of types writes: `mypy` checks it strictly, and nothing in it calls what has no types."""

import numpy as np
import torch
from sklearn.pipeline import make_pipeline
from torch import nn

from sklearn_kan import (
    KAN,
    GPEquationSolver,
    GPSpectralRegressor,
    KANClassifier,
    KANRegressor,
    KANSearchCV,
    load,
    save,
)
from sklearn_kan.bases import BSpline
from sklearn_kan.export import to_json, to_numpy, to_onnx, to_sql
from sklearn_kan.inspection import (
    EffectDisplay,
    Effects,
    Explanation,
    ExplanationDisplay,
    ForecastDisplay,
    ImportanceDisplay,
    NetworkDisplay,
    effects,
    explain,
    monotonize,
    prune,
    report,
    taylor_expansion,
)
from sklearn_kan.optim import KFAC
from sklearn_kan.symbolic import KANSymbolicClassifier, KANSymbolicRegressor, term_formulas, to_sympy


def tables(X: np.ndarray, y: np.ndarray) -> float:
    model: KANRegressor = KANRegressor((8,), n_members=2, random_state=0).fit(X, y, sample_weight=np.ones(len(y)))
    mean, std = model.predict(X, return_std=True)
    classes: KANClassifier = KANClassifier().partial_fit(X, y > 0, classes=[False, True])
    probability: np.ndarray = classes.predict_proba(X)
    search: KANSearchCV = KANSearchCV(make_pipeline(model), n_trials=3).fit(X, y)
    save(model, "model.kan")
    return float(mean.sum() + std.sum() + probability.sum() + load("model.kan").score(X, y) + search.best_score_)


def reading(model: KANRegressor, X: np.ndarray, y: np.ndarray) -> str:
    explanation: Explanation = explain(model, X)
    found: Effects = effects(model, X, [0, (0, 1)])
    display: EffectDisplay = EffectDisplay.from_estimator(model, X, [0]).plot()
    ExplanationDisplay.from_estimator(model, X[:1])
    ImportanceDisplay.from_estimator(model)
    NetworkDisplay.from_estimator(model, n_edges=10)
    near = taylor_expansion(model, X[:1], order=2)(X)
    small = prune(monotonize(model, 0), X, y)
    print(explanation.values, found.to_frame(), display.figure_, near.sum(), small, to_sql(model), to_json(model))
    print(to_numpy(model).predict(X), to_onnx(model))
    return report(model, X, y)


def processes(X: np.ndarray, y: np.ndarray) -> None:
    process: GPSpectralRegressor = GPSpectralRegressor(n_components=2).fit(X, y)
    mean, std = process.predict(X, return_std=True)
    display: ForecastDisplay = ForecastDisplay.from_estimator(process, 12)
    solver: GPEquationSolver = GPEquationSolver(lambda x, u: u[0, 0] - 1).fit_grid((X[:, 0],), boundary=0.0)
    print(process.forecast(3), mean, std, display.figure_, solver.predict(X, derivative=(0,)))


def formulas(X: np.ndarray, y: np.ndarray) -> str:
    law: KANSymbolicRegressor = KANSymbolicRegressor(max_seconds=10).fit(X, y)
    odds: KANSymbolicClassifier = KANSymbolicClassifier(max_steps=3).fit(X, y > 0)
    glass: KANRegressor = KANRegressor(interaction_cst="auto").fit(X, y)
    print(law.formula_, law.latex(), odds.predict_proba(X), term_formulas(glass), to_sympy(glass))
    code: str = law.to_python()  # a list for several classes
    return code


def networks(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    module = KAN(2, 1, hidden_layer_sizes=(4,))
    optimizer = KFAC(module, lr=0.1)
    optimizer.step(lambda: nn.functional.mse_loss(module(x), y))
    values: torch.Tensor = BSpline(2, n_knots=6)(x)
    return values
