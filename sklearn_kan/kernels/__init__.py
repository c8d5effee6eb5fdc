"""Compiled kernels, each beside the plain torch code that does the same and is its oracle.

The environment variable ``SKLEARN_KAN_KERNELS`` set to ``torch`` before the first import keeps to plain torch.
"""

from ._cpu import has_library, is_available, is_eager, spline_contract
from ._plain import N_BUFFERS, expand_and_multiply

__all__ = ["N_BUFFERS", "expand_and_multiply", "has_library", "is_available", "is_eager", "spline_contract"]
