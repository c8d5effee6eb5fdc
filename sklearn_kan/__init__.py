"""Kolmogorov-Arnold networks for tabular data, as scikit-learn estimators."""

from ._show_versions import show_versions
from .estimators._classifier import KANClassifier
from .estimators._regressor import KANRegressor
from .gp import GPSpectralRegressor
from .network._kan import KAN
from .network._layer import KANLayer
from .search import KANSearchCV
from .training._parallel import data_parallel

__version__ = "0.1.0.dev0"

__all__ = [
    "KAN",
    "GPSpectralRegressor",
    "KANClassifier",
    "KANLayer",
    "KANRegressor",
    "KANSearchCV",
    "__version__",
    "data_parallel",
    "show_versions",
]
