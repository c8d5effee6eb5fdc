"""Sums of edge functions on CUDA, by Triton kernels that never write the expanded basis to memory.

Triton comes with CUDA builds of torch. It and the device code beside this file are imported when first needed, so that
a machine without a GPU never does.
"""

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from math import prod

import torch

from ._cpu import is_plain

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


def is_available(x, *tensors):
    """Whether the kernels can take these tensors; what they cannot, plain torch does."""
    return (
        x.is_cuda
        and has_triton()
        and torch.version.cuda is not None
        and x.dtype in NUMBERS
        and all(tensor.dtype == x.dtype and tensor.device == x.device for tensor in tensors)
        and is_plain(x, *tensors)
        and torch.cuda.get_device_capability(x.device) >= LEAST_CAPABILITY
    )


def spline_contract(x, coef, table, degree, differentiable=None):
    """Sum of spline edge functions, as on the CPU.

    Parameters
    ----------
    x : Tensor of shape (n, in)
    coef : Tensor of shape (out, in, n_basis)
    table : tuple of Tensor
        Knots (in, n_knots), and pieces, origin, rate, first as `piece_table` gives them; without gradients.
    degree : int
    differentiable : callable, optional
        The same sum ``(x, coef) -> y`` in plain torch, for gradients of gradients.

    Returns
    -------
    y : Tensor of shape (n, out)

    Raises
    ------
    ValueError
        If the shapes do not belong together.
    """
    if x.ndim != 2 or coef.shape[1] != x.shape[1] or len(table[0]) != x.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)}. Pass (n_samples, {len(table[0])}).")
    return SplineContract.apply(x, coef, degree, differentiable, *table)


def rational_contract(x, weight, numerator, denominator, ends=(-float("inf"), float("inf")), differentiable=None):
    """Sum of rational edge functions ``weight[o, i] F_g(x_i)``, each group of neighbouring inputs sharing one F.

    ``F(x) = (a_0 + ... + a_5 x**5) / (1 + |b_1 x + ... + b_4 x**4|)`` (Yang & Wang, 2024, arXiv:2409.10594), continued
    by its tangents outside `ends`. Input i belongs to group ``i * groups // in``.

    Parameters
    ----------
    x : Tensor of shape (n, in)
    weight : Tensor of shape (out, in)
    numerator : Tensor of shape (groups, 6)
    denominator : Tensor of shape (groups, 4)
    ends : tuple of float, default=(-inf, inf)
    differentiable : callable, optional
        The same sum ``(x, weight, numerator, denominator) -> y`` in plain torch, for gradients of gradients.

    Returns
    -------
    y : Tensor of shape (n, out)

    Raises
    ------
    ValueError
        If the shapes do not belong together.
    """
    if x.ndim != 2 or weight.shape[1] != x.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)}. Pass (n_samples, {weight.shape[1]}).")
    if numerator.shape != (len(numerator), 6) or denominator.shape != (len(numerator), 4):
        shapes = tuple(numerator.shape), tuple(denominator.shape)
        raise ValueError(f"numerator and denominator have shapes {shapes}. Pass (groups, 6) and (groups, 4).")
    return RationalContract.apply(x, weight, numerator, denominator, ends, differentiable)


class SplineContract(torch.autograd.Function):
    """Saves the inputs only; backward evaluates the basis again, once for each gradient that is wanted."""

    @staticmethod
    def forward(ctx, x, coef, degree, differentiable, *table):
        ctx.save_for_backward(x, coef, *table)
        ctx.degree, ctx.differentiable = degree, differentiable
        n_outputs, n_inputs, n_basis = coef.shape
        if not x.numel() or not n_outputs:
            return x.new_zeros(len(x), n_outputs)
        x, slabs, *table = contiguous(x, coef.permute(1, 2, 0), *table)
        y = x.new_empty(len(x), n_outputs)
        sizes = len(x), n_inputs, table[0].shape[1], n_basis, n_outputs
        most = 64 if x.dtype == torch.float64 else 128
        tile = Tile(x, n_outputs, rows=most, columns=32, outputs=most)
        grid = cdiv(len(x), tile.rows), cdiv(n_outputs, tile.outputs)
        launch("spline_forward", grid, x, (x, *table, slabs, y, *sizes), tile.of_spline(ctx.degree, sizes))
        return y

    @staticmethod
    def backward(ctx, grad):
        x, coef, *table = ctx.saved_tensors
        if torch.is_grad_enabled():
            return gradients_again(ctx, (x, coef), grad) + (None,) * (2 + len(table))
        n_outputs, n_inputs, n_basis = coef.shape
        grad_x = torch.zeros_like(x, memory_format=torch.contiguous_format) if ctx.needs_input_grad[0] else None
        grad_coef = torch.zeros_like(coef) if ctx.needs_input_grad[1] else None
        if not x.numel() or not n_outputs:
            return grad_x, grad_coef, *[None] * (2 + len(table))
        x, slabs, grad, *table = contiguous(x, coef.permute(1, 2, 0), grad, *table)
        sizes = len(x), n_inputs, table[0].shape[1], n_basis, n_outputs
        is_double = x.dtype == torch.float64
        if grad_x is not None:
            tile = Tile(x, n_outputs, rows=64 if is_double else 128, columns=32 if is_double else 64, outputs=32)
            constants = tile.of_spline(ctx.degree, sizes)
            grid = cdiv(len(x), tile.rows), cdiv(n_inputs, constants["BLOCK_I"])
            launch("spline_grad_x", grid, x, (x, *table, slabs, grad, grad_x, *sizes), constants)
        if grad_coef is not None:
            tile = Tile(x, n_outputs, rows=32, columns=64, outputs=64 if is_double else 128)
            constants = tile.of_spline(ctx.degree, sizes)
            n_blocks = cdiv(n_inputs, constants["BLOCK_I"]) * cdiv(n_basis, constants["CHUNK"])
            grid, rows_of_part = tile.split(n_blocks, len(x), n_outputs)
            parts = x.new_empty(grid[2], *slabs.shape, dtype=ACCUMULATORS[x.dtype])
            launch("spline_grad_slabs", grid, x, (x, *table, grad, parts, *sizes, rows_of_part), constants)
            grad_coef = parts.sum(0).permute(2, 0, 1).to(coef.dtype)
        return grad_x, grad_coef, *[None] * (2 + len(table))


class RationalContract(torch.autograd.Function):
    """Saves the inputs only; backward evaluates the functions again."""

    @staticmethod
    def forward(ctx, x, weight, numerator, denominator, ends, differentiable):
        ctx.save_for_backward(x, weight, numerator, denominator)
        ctx.ends, ctx.differentiable = ends, differentiable
        if not x.numel() or not len(weight):
            return x.new_zeros(len(x), len(weight))
        x, weight, numerator, denominator = contiguous(x, weight, numerator, denominator)
        y = x.new_empty(len(x), len(weight))
        most = 64 if x.dtype == torch.float64 else 128
        tile = Tile(x, len(weight), rows=most, columns=most // 4, outputs=most)
        arguments = x, numerator, denominator, weight, y, len(x), x.shape[1], len(weight), len(numerator)
        grid = cdiv(len(x), tile.rows), cdiv(len(weight), tile.outputs)
        launch("rational_forward", grid, x, arguments, tile.of_rational(ends))
        return y

    @staticmethod
    def backward(ctx, grad):
        tensors = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *gradients_again(ctx, tensors, grad), None, None
        x, weight, numerator, denominator = tensors
        (n, n_inputs), n_outputs, n_groups = x.shape, len(weight), len(numerator)
        if not x.numel() or not n_outputs:
            return *map(torch.zeros_like, tensors), None, None
        x, weight, numerator, denominator, grad = contiguous(*tensors, grad)
        sizes = n, n_inputs, n_outputs, n_groups

        most = 64 if x.dtype == torch.float64 else 128
        tile = Tile(x, n_outputs, rows=most, columns=most // 4, outputs=32)
        grid = cdiv(n, tile.rows), cdiv(n_inputs, tile.columns)
        grad_x = torch.empty_like(x)
        parts = x.new_empty(grid[0], 10, n_inputs, dtype=ACCUMULATORS[x.dtype])
        arguments = x, numerator, denominator, weight, grad, grad_x, parts, *sizes
        launch("rational_grad_x", grid, x, arguments, tile.of_rational(ctx.ends))
        starts = [cdiv(group * n_inputs, n_groups) for group in range(n_groups + 1)]
        of_groups = parts.sum(0).split([stop - start for start, stop in pairwise(starts)], 1)
        grad_a, grad_b = torch.stack([part.sum(1) for part in of_groups]).to(x.dtype).split([6, 4], 1)

        tile = Tile(x, n_outputs, rows=most // 4, columns=most // 2, outputs=most)
        grid, rows_of_part = tile.split(cdiv(n_inputs, tile.columns), n, n_outputs)
        parts = x.new_empty(grid[2], n_inputs, n_outputs, dtype=ACCUMULATORS[x.dtype])
        launch("rational_grad_weight", grid, x, (x, numerator, denominator, grad, parts, *sizes, rows_of_part),
               tile.of_rational(ctx.ends))  # fmt: skip
        return grad_x, parts.sum(0).T.to(weight.dtype), grad_a, grad_b, None, None


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
        blocks = {"BLOCK_N": self.rows, "BLOCK_I": self.columns, "BLOCK_O": self.outputs}
        return {"LOW": float(ends[0]), "HIGH": float(ends[1]), **blocks}

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
    return import_module(f"._triton_{family}", __package__)


def gradients_again(ctx, tensors, grad):
    """Gradients that can be differentiated in their turn, by plain torch."""
    if ctx.differentiable is None:
        raise RuntimeError("create_graph=True needs plain torch. Set SKLEARN_KAN_KERNELS=torch before the import.")
    wanted = [tensor for tensor in tensors if tensor.requires_grad]
    found = iter(torch.autograd.grad(ctx.differentiable(*tensors), wanted, grad, create_graph=True))
    return tuple(next(found) if tensor.requires_grad else None for tensor in tensors)


def contiguous(*tensors):
    return [tensor.contiguous() for tensor in tensors]


def fitting(size, most):
    """The power of two, at least 16 as `tl.dot` wants it and at most `most`, that holds `size`."""
    return min(most, max(16, 1 << (size - 1).bit_length()))


def cdiv(a, b):
    return -(-a // b)
