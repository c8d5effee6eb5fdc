"""Compiled kernels, each beside the plain torch code that does the same and is its oracle.

The environment variable ``SKLEARN_KAN_KERNELS`` set to ``torch`` before the first import keeps to plain torch.
"""

from ._cpu import has_library, is_available, spline_contract
from ._edges import can_contract, edges_contract

__all__ = ["can_contract", "edges_contract", "has_library", "is_available", "spline_contract"]
