"""Triton kernels on a GPU: whether there are any, how work is divided among programs, and how they are launched.

Triton comes with CUDA builds of torch. It and the device code next to this file are imported when first needed, so that
a machine without a GPU never does.
"""

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from math import prod

import torch

from .._quotient import DENOMINATOR, NUMERATOR

# What a kernel calculates and adds up in, by the type of what it is given; names of Triton's language.
NUMBERS = {torch.float32: "float32", torch.float64: "float64", torch.bfloat16: "float32"}
ACCUMULATORS = {torch.float32: torch.float32, torch.float64: torch.float64, torch.bfloat16: torch.float32}
ENOUGH_PROGRAMS = 512  # what keeps the largest GPUs busy; fewer tiles than that are split along the rows
LEAST_CAPABILITY = (8, 0)  # of the GPU: the first with tensor cores for tf32, bf16 and float64


@cache
def has_triton():
    """Whether Triton is there and in use."""
    return os.environ.get("SKLEARN_KAN_KERNELS") != "torch" and find_spec("triton") is not None


def describe_gpu_kernel():
    """What sums spline edges on a GPU, in words."""
    return f"Triton {import_module('triton').__version__}" if has_triton() else "plain torch"


def takes(x, *tensors):
    """Whether these lie where the kernels can read them, and are of one type that they know."""
    return (
        x.is_cuda
        and has_triton()
        and torch.version.cuda is not None
        and x.dtype in NUMBERS
        and all(tensor.dtype == x.dtype and tensor.device == x.device for tensor in tensors)
        and torch.cuda.get_device_capability(x.device) >= LEAST_CAPABILITY
    )


class Tile:
    """What one program works on: `rows`, `columns` of the expanded inputs, and `outputs`; powers of two from 16."""

    def __init__(self, x, n_outputs, *, rows, columns, outputs):
        self.rows, self.columns, self.outputs = fitting(len(x), rows), columns, fitting(n_outputs, outputs)

    def of_spline(self, degree, sizes):
        """Constants of a spline kernel: columns are some functions of some inputs, few of them beyond the last."""
        _, _, n_knots, n_basis, _ = sizes
        chunk = next((size for size in (16, 8) if cdiv(n_basis, size) * size <= 1.25 * n_basis), 4)
        blocks = {"BLOCK_N": self.rows, "BLOCK_I": self.columns // chunk, "CHUNK": chunk, "BLOCK_O": self.outputs}
        return {"ORDER": degree + 1, "STEPS": n_knots.bit_length(), **blocks}

    def of_rational(self, ends):
        """Constants of a rational kernel."""
        blocks = {"BLOCK_N": self.rows, "BLOCK_I": self.columns, "BLOCK_O": self.outputs}
        degrees = {"NUMERATOR": NUMERATOR, "DENOMINATOR": DENOMINATOR}
        return {"LOW": float(ends[0]), "HIGH": float(ends[1]), **degrees, **blocks}

    def split(self, n_blocks, n, n_outputs):
        """Grid of a sum over rows, its last axis parts of the rows, and how many rows a part has."""
        n_tiles = n_blocks * cdiv(n_outputs, self.outputs)
        n_parts = max(1, min(ENOUGH_PROGRAMS // n_tiles, cdiv(n, 8 * self.rows)))
        rows_of_part = cdiv(cdiv(n, n_parts), self.rows) * self.rows
        return (n_blocks, cdiv(n_outputs, self.outputs), cdiv(n, rows_of_part)), rows_of_part


def launch(name, grid, x, arguments, constants):
    """Run a kernel of the device code on the device of `x`."""
    kernel = getattr(device_code(name.partition("_")[0]), name)
    may_round = x.dtype == torch.float32 and torch.backends.cuda.matmul.allow_tf32
    number = getattr(import_module("triton.language"), NUMBERS[x.dtype])
    sides = constants["BLOCK_N"], constants["BLOCK_I"] * constants.get("CHUNK", 1), constants["BLOCK_O"]
    n_warps = 8 if prod(sides) // min(sides) >= 64 * 64 else 4  # by the largest tile: with fewer, registers spill
    with torch.cuda.device_of(x):
        kernel[grid](*arguments, **constants, NUMBER=number, PRECISION="tf32" if may_round else "ieee",
                     num_warps=n_warps)  # fmt: skip


@cache
def device_code(family):
    return import_module(f"._{family}_device", __package__)


def contiguous(*tensors):
    return [tensor.contiguous() for tensor in tensors]


def fitting(size, most):
    """The power of two, at least 16 as `tl.dot` wants it and at most `most`, that holds `size`."""
    return min(most, max(16, 1 << (size - 1).bit_length()))


def cdiv(a, b):
    return -(-a // b)
