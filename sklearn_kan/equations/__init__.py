"""Differential equations solved by Gaussian processes whose frequencies are found in the source."""

from ._solver import GPEquationSolver

__all__ = ["GPEquationSolver"]
