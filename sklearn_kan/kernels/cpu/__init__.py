"""Kernels on the CPU, in a small library of C++."""

from ._edges import edges_contract
from ._library import MAX_KNOTS, has_library, on_threads, takes
from ._spline import MAX_DEGREE, spline_contract

__all__ = ["MAX_DEGREE", "MAX_KNOTS", "edges_contract", "has_library", "on_threads", "spline_contract", "takes"]
