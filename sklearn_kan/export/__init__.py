"""Models that are kept, shipped and served: files without code, and predictors without torch."""

from ._numpy import to_numpy
from ._saving import load, save

__all__ = ["load", "save", "to_numpy"]
