"""Kernels on a GPU, in Triton."""

from ._launch import describe_gpu_kernel, takes
from ._rational import rational_contract
from ._spline import spline_contract

__all__ = ["describe_gpu_kernel", "rational_contract", "spline_contract", "takes"]
