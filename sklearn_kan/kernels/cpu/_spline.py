"""Sums of spline edge functions on the CPU, by a small C++ library that never stores the expanded basis."""

import ctypes

import torch

from .._eager import check_inputs
from .._plain import gradients_of_gradients
from ._library import SUFFIXES, Call

MAX_DEGREE = 3
FEW_OUTPUTS, FEW_KNOTS = 4, 16  # up to which rows fill the vectors better than outputs do


def spline_contract(x, coef, table, degree, differentiable):
    """Sum of spline edge functions.

    Parameters
    ----------
    x : Tensor of shape (n, in) or (n, members, in)
        With members, each has inputs of its own and an equal share of the outputs.
    coef : Tensor of shape (out, in, n_basis)
        Read without a copy if it lies in memory as (in, n_basis, out).
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
    if torch.is_grad_enabled() and (x.requires_grad or coef.requires_grad):
        return SplineContract.apply(x, coef, degree, differentiable, *table)
    return spline_sums(x, coef, degree, table)


def spline_sums(x, coef, degree, table):
    """The sum, without a record for gradients."""
    x, slabs = x.contiguous(), coef.permute(1, 2, 0).contiguous()
    y = x.new_empty(len(x), len(coef)) if x.shape[-1] else x.new_zeros(len(x), len(coef))
    sizes = table[0].shape[1], *slabs.shape, n_members(x)
    call = Call(f"{way(*sizes)}_forward_{SUFFIXES[x.dtype]}", Layer, table, sizes, (degree, x, slabs, y))
    call.in_parallel(len(x), work(x, slabs, degree))
    return y


class SplineContract(torch.autograd.Function):
    """Forward looks up and adds rows of coefficients; backward does it again instead of having stored anything."""

    @staticmethod
    def forward(ctx, x, coef, degree, differentiable, *table):
        ctx.save_for_backward(x, coef, *table)
        ctx.degree, ctx.differentiable = degree, differentiable
        return spline_sums(x, coef, degree, table)

    @staticmethod
    def backward(ctx, grad):
        x, coef, *table = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *gradients_of_gradients(ctx.differentiable, (x, coef), grad), *[None] * (2 + len(table))
        x, slabs, grad = x.contiguous(), coef.permute(1, 2, 0).contiguous(), grad.contiguous()
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        grad_slabs = torch.empty_like(slabs)
        arguments = ctx.degree, x, slabs, grad, grad_x, grad_slabs, len(x)
        sizes = table[0].shape[1], *slabs.shape, n_members(x)
        call = Call(f"{way(*sizes)}_backward_{SUFFIXES[x.dtype]}", Layer, table, sizes, arguments)
        call.in_parallel(x.shape[-1], 2 * work(x, slabs, ctx.degree))
        return grad_x, grad_slabs.permute(2, 0, 1), *[None] * (2 + len(table))


def n_members(x):
    """How many share the outputs among themselves."""
    return x.shape[1] if x.ndim == 3 else 1


def way(n_knots, n_inputs, n_basis, n_units, n_members):
    """Which of the library's two ways suits a layer of this size."""
    return "few" if n_units // n_members <= FEW_OUTPUTS and n_knots <= FEW_KNOTS else "spline"


def work(x, slabs, degree):
    """Multiply-adds of one pass."""
    return x.numel() * (degree + 1) * (slabs.shape[2] // n_members(x) + 8)


class Layer(ctypes.Structure):
    """A layer whose edges share the knots of their input, as the library sees it."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("knots", "pieces", "origin", "rate", "first")),
        *((name, ctypes.c_int64) for name in ("n_knots", "n_inputs", "n_basis", "n_outputs", "n_members")),
    ]  # fmt: skip
