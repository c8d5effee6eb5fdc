"""Models that are kept, shipped and served: files without code, and predictors without torch, ONNX among them."""

from ._numpy import to_numpy
from ._onnx import to_onnx
from ._saving import load, save
from ._skops import SKOPS_TYPES

__all__ = ["SKOPS_TYPES", "load", "save", "to_numpy", "to_onnx"]
