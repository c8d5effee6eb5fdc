"""Sums of rational edge functions on CUDA, by Triton kernels that never write their values to memory."""

from itertools import pairwise

import torch

from .._eager import check_inputs
from .._plain import gradients_of_gradients
from .._quotient import DENOMINATOR, NUMERATOR
from ._launch import ACCUMULATORS, Tile, cdiv, contiguous, launch


def rational_contract(x, weight, numerator, denominator, ends, differentiable):
    """Sum of rational edge functions ``weight[i, o] F_g(x_i)``, each group of neighbouring inputs sharing one F.

    ``F(x) = (a_0 + ... + a_5 x**5) / (1 + |b_1 x + ... + b_4 x**4|)`` (Yang & Wang, 2024, arXiv:2409.10594), continued
    by its tangents outside `ends`. Input i belongs to group ``i * groups // in``.

    Parameters
    ----------
    x : Tensor of shape (n, in)
    weight : Tensor of shape (in, out)
    numerator : Tensor of shape (groups, 6)
    denominator : Tensor of shape (groups, 4)
    ends : tuple of float
        Either may be infinite.
    differentiable : callable
        The same sum ``(x, weight, numerator, denominator) -> y`` in plain torch, for gradients of gradients.

    Returns
    -------
    y : Tensor of shape (n, out)

    Raises
    ------
    ValueError
        If the shapes do not belong together.
    """
    check_inputs(x, len(weight))
    shapes = tuple(numerator.shape), tuple(denominator.shape)
    if shapes != ((len(numerator), NUMERATOR + 1), (len(numerator), DENOMINATOR)):
        raise ValueError(
            f"numerator and denominator have shapes {shapes}. Pass (groups, {NUMERATOR + 1}) and (groups, "
            f"{DENOMINATOR})."
        )
    return RationalContract.apply(x, weight, numerator, denominator, ends, differentiable)


class RationalContract(torch.autograd.Function):
    """Saves the inputs only; backward evaluates the functions again."""

    @staticmethod
    def forward(ctx, x, weight, numerator, denominator, ends, differentiable):
        ctx.save_for_backward(x, weight, numerator, denominator)
        ctx.ends, ctx.differentiable = ends, differentiable
        n_outputs = weight.shape[1]
        if not x.numel() or not n_outputs:
            return x.new_zeros(len(x), n_outputs)
        x, weight, numerator, denominator = contiguous(x, weight, numerator, denominator)
        y = x.new_empty(len(x), n_outputs)
        most = 64 if x.dtype == torch.float64 else 128
        tile = Tile(x, n_outputs, rows=most, columns=most // 4, outputs=most)
        arguments = x, numerator, denominator, weight, y, *x.shape, n_outputs, len(numerator)
        grid = cdiv(len(x), tile.rows), cdiv(n_outputs, tile.outputs)
        launch("rational_forward", grid, x, arguments, tile.of_rational(ends))
        return y

    @staticmethod
    def backward(ctx, grad):
        tensors = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *gradients_of_gradients(ctx.differentiable, tensors, grad), None, None
        x, weight, numerator, denominator = tensors
        (n, n_inputs), n_outputs, n_groups = x.shape, weight.shape[1], len(numerator)
        if not x.numel() or not n_outputs:
            return *map(torch.zeros_like, tensors), None, None
        x, weight, numerator, denominator, grad = contiguous(*tensors, grad)
        sizes = n, n_inputs, n_outputs, n_groups

        most = 64 if x.dtype == torch.float64 else 128
        tile = Tile(x, n_outputs, rows=most, columns=most // 4, outputs=32)
        grid = cdiv(n, tile.rows), cdiv(n_inputs, tile.columns)
        grad_x = torch.empty_like(x)
        parts = x.new_empty(grid[0], NUMERATOR + 1 + DENOMINATOR, n_inputs, dtype=ACCUMULATORS[x.dtype])
        arguments = x, numerator, denominator, weight, grad, grad_x, parts, *sizes
        launch("rational_grad_x", grid, x, arguments, tile.of_rational(ctx.ends))
        starts = [cdiv(group * n_inputs, n_groups) for group in range(n_groups + 1)]
        of_groups = parts.sum(0).split([stop - start for start, stop in pairwise(starts)], 1)
        of_coefficients = torch.stack([part.sum(1) for part in of_groups]).to(x.dtype)
        grad_a, grad_b = of_coefficients.split([NUMERATOR + 1, DENOMINATOR], 1)

        tile = Tile(x, n_outputs, rows=most // 4, columns=most // 2, outputs=most)
        grid, rows_of_part = tile.split(cdiv(n_inputs, tile.columns), n, n_outputs)
        parts = x.new_empty(grid[2], n_inputs, n_outputs, dtype=ACCUMULATORS[x.dtype])
        launch("rational_grad_weight", grid, x, (x, numerator, denominator, grad, parts, *sizes, rows_of_part),
               tile.of_rational(ctx.ends))  # fmt: skip
        return grad_x, parts.sum(0).to(weight.dtype), grad_a, grad_b, None, None
