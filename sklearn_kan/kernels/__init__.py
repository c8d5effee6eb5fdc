"""Compiled kernels, each beside the plain torch code that does the same and is its oracle.

The environment variable ``SKLEARN_KAN_KERNELS`` set to ``torch`` before the first import keeps to plain torch.
"""

from . import _cpu, _triton
from ._cpu import has_library
from ._edges import edges_contract
from ._plain import N_BUFFERS, expand_and_multiply
from ._quotient import quotient, quotient_slope, rational_values
from ._triton import describe_gpu_kernel, rational_contract

__all__ = [
    "N_BUFFERS",
    "can_contract_edges",
    "can_contract_members",
    "describe_gpu_kernel",
    "edges_contract",
    "expand_and_multiply",
    "has_library",
    "is_available",
    "is_eager",
    "quotient",
    "quotient_slope",
    "rational_contract",
    "rational_values",
    "spline_contract",
]


def is_eager(x, *tensors):
    """Whether these are ordinary tensors of one type, on a device with kernels, under no transformation of torch's."""
    return (_triton.is_available if x.is_cuda else _cpu.is_eager)(x, *tensors)


def is_available(x, degree):
    """Whether there is a kernel for splines of this degree where `x` is; `is_eager` has said yes before."""
    return x.is_cuda or _cpu.is_available(degree)


def can_contract_edges(x, *tensors):
    """Whether there is a kernel for edges with knots of their own that can take these tensors."""
    return has_library() and not x.is_cuda and is_eager(x, *tensors)


def can_contract_members(x, degree):
    """Whether there is a kernel for members with inputs of their own, shape (n, members, in), as `is_available`."""
    return not x.is_cuda and _cpu.is_available(degree)


def spline_contract(x, *arguments):
    """Sum of spline edge functions by the kernel for the device of `x`; see there."""
    return (_triton if x.is_cuda else _cpu).spline_contract(x, *arguments)
