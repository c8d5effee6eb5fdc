"""Compiled kernels, each with the plain torch code that does the same and is its oracle.

The environment variable ``SKLEARN_KAN_KERNELS`` set to ``torch`` before the first import keeps to plain torch.
"""

from ._find import find
from ._plain import N_BUFFERS
from ._quotient import DENOMINATOR, NUMERATOR, quotient, quotient_slope
from .cpu import has_library, on_threads
from .cuda import describe_gpu_kernel

__all__ = [
    "DENOMINATOR",
    "NUMERATOR",
    "N_BUFFERS",
    "describe_gpu_kernel",
    "find",
    "has_library",
    "on_threads",
    "quotient",
    "quotient_slope",
]
