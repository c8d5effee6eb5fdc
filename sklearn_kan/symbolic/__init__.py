"""Formulas: the law behind a table, and the closed form of a fitted network."""

from ._classifier import KANSymbolicClassifier
from ._closed_form import to_sympy
from ._regressor import KANSymbolicRegressor
from ._terms import term_formulas

__all__ = ["KANSymbolicClassifier", "KANSymbolicRegressor", "term_formulas", "to_sympy"]
