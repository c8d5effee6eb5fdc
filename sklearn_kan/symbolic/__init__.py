"""Formulas: the law behind a table, and the closed form of a fitted network."""

from ._classifier import KANSymbolicClassifier
from ._closed_form import to_sympy
from ._regressor import KANSymbolicRegressor

__all__ = ["KANSymbolicClassifier", "KANSymbolicRegressor", "to_sympy"]
