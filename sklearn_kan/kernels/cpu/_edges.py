"""Sums of edge functions whose knots are their own, on the CPU, without storing a value per edge and row."""

import ctypes

import torch

from ._library import SUFFIXES, Call, check_sizes


def edges_contract(x, polynomials, knots, origin, rate):
    """Sum of piecewise polynomial edge functions.

    Parameters
    ----------
    x : Tensor of shape (n, in)
    polynomials : Tensor of shape (out * in * (n_knots + 1), degree + 1)
        Of each edge on each of its intervals, in powers of ``(x - origin) * rate``, outputs major.
    knots : Tensor of shape (out * in, n_knots)
        Only say which interval `x` is in.
    origin, rate : Tensor of shape (out * in * (n_knots + 1),)
        Without gradients.

    Returns
    -------
    y : Tensor of shape (n, out)

    Raises
    ------
    ValueError
        If the shapes do not belong together.
    """
    if x.ndim != 2 or x.shape[1] == 0 or len(knots) % x.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)}, which does not divide {len(knots)} rows of knots.")
    knots, n_rows = knots.detach().contiguous(), len(knots) * (knots.shape[1] + 1)
    sizes = (knots, knots.numel()), (polynomials, n_rows * polynomials.shape[1]), (origin, n_rows), (rate, n_rows)
    check_sizes(x.dtype, sizes)
    return EdgesContract.apply(x, polynomials, knots, origin, rate)


class EdgesContract(torch.autograd.Function):
    """Backward evaluates the edges again instead of having stored them."""

    @staticmethod
    def forward(ctx, x, *tables):
        columns, *ours = (tensor.contiguous() for tensor in (x.T, *tables))
        ctx.save_for_backward(columns, *ours)
        y = x.new_empty(len(x), len(ours[1]) // x.shape[1])
        call("edges_forward", columns, ours, (y,), y.shape[1])
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        columns, *tables = ctx.saved_tensors
        grad_x, grad_polynomials = torch.zeros_like(columns), torch.zeros_like(tables[0])
        call("edges_backward", columns, tables, (grad.contiguous(), grad_x, grad_polynomials), len(columns))
        return grad_x.T, grad_polynomials, None, None, None


class Edges(ctypes.Structure):
    """A layer whose edges have knots of their own, as the library sees it."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("polynomials", "knots", "origin", "rate")),
        *((name, ctypes.c_int64) for name in ("n", "n_knots", "n_inputs", "n_outputs")),
    ]  # fmt: skip


def call(name, columns, tables, others, length):
    """Run a function of the library over `length` outputs or inputs."""
    polynomials, knots, *_ = tables
    order = polynomials.shape[1]
    n_inputs, n_samples = columns.shape
    sizes = n_samples, knots.shape[1], n_inputs, len(knots) // n_inputs
    work = len(knots) * n_samples * (order + knots.shape[1])
    arguments = order, columns, *others
    Call(f"{name}_{SUFFIXES[columns.dtype]}", Edges, tables, sizes, arguments).in_parallel(length, work)
