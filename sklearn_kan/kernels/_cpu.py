"""Sums of spline edge functions on the CPU, by a small C++ library that never stores the expanded basis."""

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import EXTENSION_SUFFIXES
from itertools import pairwise
from pathlib import Path

import torch

from ._plain import gradients_of_gradients

PLAIN = (torch.Tensor, torch.nn.Parameter)
SUFFIXES = {torch.float32: "float32", torch.float64: "float64"}
MAX_DEGREE = 3
FEW_OUTPUTS, FEW_KNOTS = 4, 16  # up to which rows fill the vectors better than outputs do
WORK_PER_THREAD = 2**17  # multiply-adds below which another thread costs more than it gives


def load_library():
    """The compiled library, or None where the package was installed without a compiler or torch was asked for."""
    if os.environ.get("SKLEARN_KAN_KERNELS") == "torch":
        return None
    for suffix in EXTENSION_SUFFIXES:
        try:
            return ctypes.CDLL(str(Path(__file__).with_name(f"_spline{suffix}")))
        except OSError:  # not built, or built for another machine
            continue
    return None


LIBRARY = load_library()


def has_library():
    """Whether the compiled library is there and in use."""
    return LIBRARY is not None


def is_eager(x, *tensors):
    """Whether these are ordinary tensors on the CPU, of one type, under no transformation of torch's."""
    return (
        x.dtype in SUFFIXES
        and all(tensor.dtype == x.dtype and tensor.device.type == "cpu" for tensor in (x, *tensors))
        and is_plain(x, *tensors)
    )


def is_plain(*tensors):
    """Whether these are numbers in memory, and nothing of torch's is watching that a kernel would pass by."""
    return (
        all(type(tensor) in PLAIN for tensor in tensors)
        and torch._C._len_torch_dispatch_stack() == 0
        and not torch.compiler.is_compiling()
        and not torch._C._functorch.maybe_current_level()
        and torch.autograd.forward_ad._current_level < 0
    )


def is_available(degree):
    """Whether the library can take splines of this degree; those that it cannot, plain torch does."""
    return has_library() and degree <= MAX_DEGREE


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
    """
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


class Call:
    """A call of a function of the library with a structure, which it describes, and further arguments.

    It holds the tensors that the function reads and writes.
    """

    def __init__(self, name, structure, tensors, sizes, arguments):
        self.function = getattr(LIBRARY, name)
        self.kept = tensors, arguments
        self.structure = structure(*[tensor.data_ptr() for tensor in tensors], *sizes)
        self.arguments = ctypes.byref(self.structure), *map(as_argument, arguments)

    def part(self, start, stop):
        self.function(*self.arguments, ctypes.c_int64(start), ctypes.c_int64(stop))

    def in_parallel(self, length, n_multiply_adds):
        """Work on parts of ``range(length)``, one per thread."""
        n_threads = max(1, min(torch.get_num_threads(), n_multiply_adds // WORK_PER_THREAD, length))
        bounds = [length * k // n_threads for k in range(n_threads + 1)]
        # An interrupted caller leaves; the tensors stay with this call until the last thread is done.
        others = [pool().submit(self.part, *part) for part in pairwise(bounds[1:])]
        self.part(*bounds[:2])
        for other in others:
            other.result()


def as_argument(value):
    """A tensor's address, null for None, or an integer, as the library takes it."""
    if isinstance(value, int):
        return ctypes.c_int64(value)
    return ctypes.c_void_p(None if value is None else value.data_ptr())


_pool = None


def pool():
    """Threads of this process, made when first needed."""
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(max_workers=os.cpu_count(), thread_name_prefix="sklearn_kan")
    return _pool


def forget_pool():
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_pool)  # threads do not survive a fork
