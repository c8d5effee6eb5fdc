"""Differential equations solved by Gaussian processes whose frequencies are found in the source."""

from ._display import EquationDisplay
from ._solver import GPEquationSolver
from ._spline_collocation import spline_collocation

__all__ = ["EquationDisplay", "GPEquationSolver", "spline_collocation"]
