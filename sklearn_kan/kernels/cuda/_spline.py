"""Sums of spline edge functions on CUDA, by Triton kernels that never write the expanded basis to memory."""

import torch

from .._eager import check_inputs
from .._plain import gradients_of_gradients
from ._launch import ACCUMULATORS, Tile, cdiv, contiguous, launch


def spline_contract(x, coef, table, degree, differentiable):
    """Sum of spline edge functions, as on the CPU.

    Parameters
    ----------
    x : Tensor of shape (n, in)
    coef : Tensor of shape (out, in, n_basis)
    table : tuple of Tensor
        Knots (in, n_knots), and pieces, origin, rate, first as `piece_table` gives them; without gradients.
    degree : int
    differentiable : callable
        The same sum ``(x, coef) -> y`` in plain torch, for gradients of gradients.

    Returns
    -------
    y : Tensor of shape (n, out)

    Raises
    ------
    ValueError
        If the shapes do not belong together.
    """
    check_inputs(x, coef.shape[1])
    return SplineContract.apply(x, coef, degree, differentiable, *table)


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
            return *gradients_of_gradients(ctx.differentiable, (x, coef), grad), *[None] * (2 + len(table))
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
