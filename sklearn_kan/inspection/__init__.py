"""Looking into a fitted model or search."""

from ._edges import EdgeFunctionDisplay
from ._editing import monotonize, remove_terms, round_terms, set_term
from ._search import SearchDisplay
from ._spectrum import SpectrumDisplay

__all__ = [
    "EdgeFunctionDisplay",
    "SearchDisplay",
    "SpectrumDisplay",
    "monotonize",
    "remove_terms",
    "round_terms",
    "set_term",
]
