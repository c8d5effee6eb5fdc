"""Sums of spline edge functions on CUDA, by Triton kernels that never write the expanded basis to memory."""

import torch

from .._eager import check_inputs
from .._plain import gradients_of_gradients
from ._launch import ACCUMULATORS, Tile, cdiv, contiguous, launch


def spline_contract(x, weight, table, degree, differentiable):
    """Sum of spline edge functions, as on the CPU.

    Parameters
    ----------
    x : Tensor of shape (n, in)
    weight : Tensor of shape (in, n_basis, out)
    table : tuple of Tensor
        Knots (in, n_knots), and pieces, origin, rate, first as `piece_table` gives them; without gradients.
    degree : int
    differentiable : callable
        The same sum ``(x, weight) -> y`` in plain torch, for gradients of gradients.

    Returns
    -------
    y : Tensor of shape (n, out)

    Raises
    ------
    ValueError
        If the shapes do not belong together.
    """
    check_inputs(x, len(weight))
    return SplineContract.apply(x, weight, degree, differentiable, *table)


class SplineContract(torch.autograd.Function):
    """Saves the inputs only; backward evaluates the basis again, once for each gradient that is wanted."""

    @staticmethod
    def forward(ctx, x, weight, degree, differentiable, *table):
        ctx.save_for_backward(x, weight, *table)
        ctx.degree, ctx.differentiable = degree, differentiable
        n_inputs, n_basis, n_outputs = weight.shape
        if not x.numel() or not n_outputs:
            return x.new_zeros(len(x), n_outputs)
        x, weight, *table = contiguous(x, weight, *table)
        y = x.new_empty(len(x), n_outputs)
        sizes = len(x), n_inputs, table[0].shape[1], n_basis, n_outputs
        most = 64 if x.dtype == torch.float64 else 128
        tile = Tile(x, n_outputs, rows=most, columns=32, outputs=most)
        grid = cdiv(len(x), tile.rows), cdiv(n_outputs, tile.outputs)
        launch("spline_forward", grid, x, (x, *table, weight, y, *sizes), tile.of_spline(ctx.degree, sizes))
        return y

    @staticmethod
    def backward(ctx, grad):
        x, weight, *table = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *gradients_of_gradients(ctx.differentiable, (x, weight), grad), *[None] * (2 + len(table))
        n_inputs, n_basis, n_outputs = weight.shape
        grad_x = torch.zeros_like(x, memory_format=torch.contiguous_format) if ctx.needs_input_grad[0] else None
        grad_weight = torch.zeros_like(weight) if ctx.needs_input_grad[1] else None
        if not x.numel() or not n_outputs:
            return grad_x, grad_weight, *[None] * (2 + len(table))
        x, weight, grad, *table = contiguous(x, weight, grad, *table)
        sizes = len(x), n_inputs, table[0].shape[1], n_basis, n_outputs
        is_double = x.dtype == torch.float64
        if grad_x is not None:
            tile = Tile(x, n_outputs, rows=64 if is_double else 128, columns=32 if is_double else 64, outputs=32)
            constants = tile.of_spline(ctx.degree, sizes)
            grid = cdiv(len(x), tile.rows), cdiv(n_inputs, constants["BLOCK_I"])
            launch("spline_grad_x", grid, x, (x, *table, weight, grad, grad_x, *sizes), constants)
        if grad_weight is not None:
            tile = Tile(x, n_outputs, rows=32, columns=64, outputs=64 if is_double else 128)
            constants = tile.of_spline(ctx.degree, sizes)
            n_blocks = cdiv(n_inputs, constants["BLOCK_I"]) * cdiv(n_basis, constants["CHUNK"])
            grid, rows_of_part = tile.split(n_blocks, len(x), n_outputs)
            parts = x.new_empty(grid[2], *weight.shape, dtype=ACCUMULATORS[x.dtype])
            launch("spline_grad_weight", grid, x, (x, *table, grad, parts, *sizes, rows_of_part), constants)
            grad_weight = parts.sum(0).to(weight.dtype)
        return grad_x, grad_weight, *[None] * (2 + len(table))
