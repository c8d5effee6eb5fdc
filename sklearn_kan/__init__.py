"""Kolmogorov-Arnold networks for tabular data, as scikit-learn estimators."""

from importlib import import_module

from ._show_versions import show_versions
from .equations import GPEquationSolver
from .estimators._classifier import KANClassifier
from .estimators._regressor import KANRegressor
from .export import SKOPS_TYPES, load, save
from .gp import GPSpectralRegressor
from .network._kan import KAN
from .network._layer import KANLayer
from .training._parallel import data_parallel

__version__ = "0.1.0"

__all__ = [
    "KAN",
    "SKOPS_TYPES",
    "GPEquationSolver",
    "GPSpectralRegressor",
    "KANClassifier",
    "KANLayer",
    "KANRegressor",
    "KANSearchCV",
    "__version__",
    "data_parallel",
    "load",
    "save",
    "show_versions",
]


def __getattr__(name):
    """`KANSearchCV` when it is first asked for: Optuna takes its time to import."""
    if name == "KANSearchCV":
        return import_module(".search", __name__).KANSearchCV
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
