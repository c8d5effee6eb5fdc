"""Looking into a fitted model."""

from ._edges import EdgeFunctionDisplay
from ._spectrum import SpectrumDisplay

__all__ = ["EdgeFunctionDisplay", "SpectrumDisplay"]
