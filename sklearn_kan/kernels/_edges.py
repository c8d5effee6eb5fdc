"""Sums of edge functions whose knots are their own, on the CPU, without storing a value per edge and row."""

import ctypes
import os
from importlib.machinery import EXTENSION_SUFFIXES
from itertools import pairwise
from pathlib import Path

import torch

from ._cpu import SUFFIXES, WORK_PER_THREAD, is_available, pool


def load_library():
    """The compiled library, or None where there is none or torch was asked for."""
    if os.environ.get("SKLEARN_KAN_KERNELS") == "torch":
        return None
    paths = (Path(__file__).with_name(f"_edge_library{suffix}") for suffix in EXTENSION_SUFFIXES)
    return next((ctypes.CDLL(str(path)) for path in paths if path.exists()), None)


LIBRARY = load_library()


def can_contract(x, *tensors):
    """Whether the library is there and can take these tensors; what it cannot, plain torch does."""
    return LIBRARY is not None and is_available(x, *tensors)


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
    return EdgesContract.apply(x, polynomials, knots.detach().contiguous(), origin, rate)


class EdgesContract(torch.autograd.Function):
    """Backward evaluates the edges again instead of having stored them."""

    @staticmethod
    def forward(ctx, x, *tables):
        columns, *ours = (tensor.contiguous() for tensor in (x.T, *tables))
        ctx.save_for_backward(columns, *ours)
        y = x.new_zeros(len(ours[1]) // x.shape[1], len(x))
        call("edges_forward", columns, ours, [y], len(y))
        return y.T

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        columns, *tables = ctx.saved_tensors
        polynomials, _, origin, rate = tables
        grad_x, grad_polynomials = torch.zeros_like(columns), torch.zeros_like(polynomials)
        grad_origin = torch.zeros_like(origin) if ctx.needs_input_grad[3] else origin.new_empty(0)
        grad_rate = torch.zeros_like(rate) if ctx.needs_input_grad[4] else rate.new_empty(0)
        gradients = [grad_x, grad_polynomials, grad_origin, grad_rate]
        call("edges_backward", columns, tables, [grad.T.contiguous(), *gradients], len(columns))
        return grad_x.T, grad_polynomials, None, *(g if g.numel() else None for g in (grad_origin, grad_rate))


def call(name, columns, tables, others, length):
    """Run a function of the library over parts of `length` outputs or inputs, one per thread."""
    polynomials, knots, *_ = tables
    order = polynomials.shape[1]
    n_inputs, n_samples = columns.shape
    function = getattr(LIBRARY, f"{name}_{SUFFIXES[columns.dtype]}")
    tensors = (columns, *tables, *others)
    sizes = n_samples, knots.shape[1], n_inputs, len(knots) // n_inputs, order
    arguments = [ctypes.c_void_p(t.data_ptr()) for t in tensors] + [ctypes.c_int64(size) for size in sizes]
    work = len(knots) * n_samples * (order + knots.shape[1])
    n_threads = max(1, min(torch.get_num_threads(), work // WORK_PER_THREAD, length))

    def part(start, stop, kept=tensors):  # an interrupted caller leaves; the tensors stay until the last thread is done
        function(*arguments, ctypes.c_int64(start), ctypes.c_int64(stop))

    first, *rest = pairwise(length * k // n_threads for k in range(n_threads + 1))
    others = [pool().submit(part, *bounds) for bounds in rest]
    part(*first)
    for other in others:
        other.result()
