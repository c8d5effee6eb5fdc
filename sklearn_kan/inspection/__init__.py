"""Looking into a fitted model or search."""

from ._edges import EdgeFunctionDisplay
from ._search import SearchDisplay
from ._spectrum import SpectrumDisplay

__all__ = ["EdgeFunctionDisplay", "SearchDisplay", "SpectrumDisplay"]
