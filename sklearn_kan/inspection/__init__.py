"""Looking into a fitted model or search."""

from ._edges import EdgeFunctionDisplay
from ._formula import FormulaDisplay
from ._search import SearchDisplay
from ._spectrum import SpectrumDisplay

__all__ = ["EdgeFunctionDisplay", "FormulaDisplay", "SearchDisplay", "SpectrumDisplay"]
