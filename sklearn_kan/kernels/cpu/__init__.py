"""Kernels on the CPU, in a small library of C++."""

from ._edges import edges_contract
from ._library import has_library, takes
from ._spline import MAX_DEGREE, spline_contract

__all__ = ["MAX_DEGREE", "edges_contract", "has_library", "spline_contract", "takes"]
