"""Looking into a fitted model or search."""

from ._edges import EdgeFunctionDisplay
from ._effects import Effects, effects
from ._explain import Explanation, explain
from ._search import SearchDisplay
from ._spectrum import SpectrumDisplay
from ._strengths import additive_share, interaction_strengths

__all__ = [
    "EdgeFunctionDisplay",
    "Effects",
    "Explanation",
    "SearchDisplay",
    "SpectrumDisplay",
    "additive_share",
    "effects",
    "explain",
    "interaction_strengths",
]
