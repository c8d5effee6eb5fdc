"""Compiled kernels, each beside the plain torch code that does the same and is its oracle.

The environment variable ``SKLEARN_KAN_KERNELS`` set to ``torch`` before the first import keeps to plain torch.
"""

from . import _cpu, _triton
from ._cpu import has_library
from ._triton import describe_gpu_kernel, rational_contract

__all__ = ["describe_gpu_kernel", "has_library", "is_available", "rational_contract", "spline_contract"]


def is_available(x, *tensors):
    """Whether a kernel can take these tensors; what none can, plain torch does."""
    return (_triton if x.is_cuda else _cpu).is_available(x, *tensors)


def spline_contract(x, *arguments):
    """Sum of spline edge functions by the kernel for the device of `x`; see there."""
    return (_triton if x.is_cuda else _cpu).spline_contract(x, *arguments)
