"""Models that are kept, shipped and served: files without code, and predictors without torch, ONNX among them."""

from ._c import to_c
from ._json import to_json
from ._numpy import to_numpy
from ._onnx import to_onnx
from ._python import to_python
from ._saving import load, save
from ._skl2onnx import register_onnx
from ._skops import SKOPS_TYPES
from ._sql import to_sql

__all__ = [
    "SKOPS_TYPES",
    "load",
    "register_onnx",
    "save",
    "to_c",
    "to_json",
    "to_numpy",
    "to_onnx",
    "to_python",
    "to_sql",
]
