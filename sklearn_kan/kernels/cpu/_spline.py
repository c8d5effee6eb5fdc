"""Sums of spline edge functions on the CPU, by a small C++ library that never stores the expanded basis."""

import ctypes

import torch

from .._eager import check_inputs
from .._plain import gradients_of_gradients
from ._library import SUFFIXES, Call, check_sizes

MAX_DEGREE = 3
FEW_OUTPUTS, FEW_KNOTS = 4, 16  # up to which rows fill the vectors better than outputs do


def spline_contract(x, weight, table, degree, differentiable):
    """Sum of spline edge functions.

    Parameters
    ----------
    x : Tensor of shape (n, in) or (n, members, in)
        With members, each has inputs of its own and an equal share of the outputs.
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
    check_layer(x, weight, table, degree)
    if torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad):
        return SplineContract.apply(x, weight, degree, differentiable, *table)
    return spline_sums(x, weight, degree, table)


def check_layer(x, weight, table, degree):
    """Raise unless the tensors of a layer have the sizes that the library takes for granted."""
    *numbers, first = table
    n_inputs, n_knots = len(weight), numbers[0].shape[1]
    n_rows = n_inputs * (n_knots + 1)
    check_sizes(x.dtype, zip(numbers, (n_inputs * n_knots, n_rows * (degree + 1) ** 2, n_rows, n_rows), strict=True))
    check_sizes(torch.int64, [(first, n_rows)])
    if weight.shape[2] % n_members(x):
        raise ValueError(f"weight has {weight.shape[2]} outputs, which {n_members(x)} members cannot share evenly.")


def spline_sums(x, weight, degree, table):
    """The sum, without a record for gradients."""
    x, weight = x.contiguous(), weight.contiguous()
    n, n_outputs = len(x), weight.shape[2]
    y = x.new_empty(n, n_outputs) if x.shape[-1] else x.new_zeros(n, n_outputs)
    sizes = table[0].shape[1], *weight.shape, n_members(x)
    call = Call(f"{way(*sizes)}_forward_{SUFFIXES[x.dtype]}", Layer, table, sizes, (degree, x, weight, y))
    call.in_parallel(n, work(x, weight, degree))
    return y


class SplineContract(torch.autograd.Function):
    """Forward looks up and adds rows of coefficients; backward does it again instead of having stored anything."""

    @staticmethod
    def forward(ctx, x, weight, degree, differentiable, *table):
        ctx.save_for_backward(x, weight, *table)
        ctx.degree, ctx.differentiable = degree, differentiable
        return spline_sums(x, weight, degree, table)

    @staticmethod
    def backward(ctx, grad):
        x, weight, *table = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *gradients_of_gradients(ctx.differentiable, (x, weight), grad), *[None] * (2 + len(table))
        x, weight, grad = x.contiguous(), weight.contiguous(), grad.contiguous()
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        grad_weight = torch.empty_like(weight)
        arguments = ctx.degree, x, weight, grad, grad_x, grad_weight, len(x)
        sizes = table[0].shape[1], *weight.shape, n_members(x)
        call = Call(f"{way(*sizes)}_backward_{SUFFIXES[x.dtype]}", Layer, table, sizes, arguments)
        call.in_parallel(x.shape[-1], 2 * work(x, weight, ctx.degree))
        return grad_x, grad_weight, *[None] * (2 + len(table))


def n_members(x):
    """How many share the outputs among themselves."""
    return x.shape[1] if x.ndim == 3 else 1


def way(n_knots, n_inputs, n_basis, n_units, n_members):
    """Which of the library's two ways suits a layer of this size."""
    return "few" if n_units // n_members <= FEW_OUTPUTS and n_knots <= FEW_KNOTS else "spline"


def work(x, weight, degree):
    """Multiply-adds of one pass."""
    return x.numel() * (degree + 1) * (weight.shape[2] // n_members(x) + 8)


class Layer(ctypes.Structure):
    """A layer whose edges share the knots of their input, as the library sees it."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("knots", "pieces", "origin", "rate", "first")),
        *((name, ctypes.c_int64) for name in ("n_knots", "n_inputs", "n_basis", "n_outputs", "n_members")),
    ]  # fmt: skip
