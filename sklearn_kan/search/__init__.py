"""Hyperparameter search over bases, knots and what belongs to them, by Optuna."""

from ._pruning import FoldPruner
from ._search import KANSearchCV

__all__ = ["FoldPruner", "KANSearchCV"]
