"""Sums of spline edge functions on the CPU, by a small C library that never stores the expanded basis."""

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import torch

PLAIN = (torch.Tensor, torch.nn.Parameter)
SUFFIXES = {torch.float32: "float32", torch.float64: "float64"}
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


def is_available(x, *tensors):
    """Whether the library can take these tensors; what it cannot, plain torch does."""
    return (
        has_library()
        and x.dtype in SUFFIXES
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


def spline_contract(x, coef, table, degree):
    """Sum of spline edge functions.

    Parameters
    ----------
    x : Tensor of shape (n, in)
    coef : Tensor of shape (out, in, n_basis)
    table : tuple of Tensor
        Knots (in, n_knots), and pieces, origin, rate, first as `piece_table` gives them; without gradients.
    degree : int

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
    return SplineContract.apply(x, coef, degree, *table)


class SplineContract(torch.autograd.Function):
    """Forward looks up and adds rows of coefficients; backward does it again instead of having stored anything."""

    @staticmethod
    def forward(ctx, x, coef, degree, *table):
        x, slabs = x.contiguous(), coef.permute(1, 2, 0).contiguous()
        ctx.save_for_backward(x, slabs, *table)
        ctx.degree = degree
        n_inputs, n_basis, n_outputs = slabs.shape
        y = x.new_zeros(len(x), n_outputs)
        sizes = n_inputs, table[0].shape[1], n_basis, n_outputs, degree
        in_parallel(f"spline_forward_{SUFFIXES[x.dtype]}", (x, *table, slabs, y), sizes, len(x), work(x, slabs, degree))
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        x, slabs, *table = ctx.saved_tensors
        n_inputs, n_basis, n_outputs = slabs.shape
        grad_x, grad_slabs = torch.zeros_like(x), torch.zeros_like(slabs)
        sizes = len(x), n_inputs, table[0].shape[1], n_basis, n_outputs, ctx.degree
        tensors = (x, *table, slabs, grad.contiguous(), grad_x, grad_slabs)
        in_parallel(f"spline_backward_{SUFFIXES[x.dtype]}", tensors, sizes, n_inputs, 2 * work(x, slabs, ctx.degree))
        return grad_x, grad_slabs.permute(2, 0, 1), *[None] * (1 + len(table))


def work(x, slabs, degree):
    """Multiply-adds of one pass."""
    return x.numel() * (degree + 1) * (slabs.shape[2] + 8)


def in_parallel(name, tensors, sizes, length, n_multiply_adds):
    """Call a function of the library on parts of ``range(length)``, one per thread."""
    function = getattr(LIBRARY, name)
    arguments = [ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors] + [ctypes.c_int64(size) for size in sizes]
    n_threads = max(1, min(torch.get_num_threads(), n_multiply_adds // WORK_PER_THREAD, length))
    bounds = [ctypes.c_int64(length * k // n_threads) for k in range(n_threads + 1)]
    if n_threads == 1:
        function(*arguments, *bounds)
        return

    def part(k, kept=tensors):  # an interrupted caller leaves; the tensors stay until the last thread is done
        function(*arguments, *bounds[k : k + 2])

    others = [pool().submit(part, k) for k in range(1, n_threads)]
    part(0)
    for other in others:
        other.result()


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
