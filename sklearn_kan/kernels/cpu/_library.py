"""The compiled library: how it is found, called, and shared out over threads."""

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.machinery import EXTENSION_SUFFIXES
from itertools import pairwise
from pathlib import Path

import torch

SUFFIXES = {torch.float32: "float32", torch.float64: "float64"}  # of the library's functions
MAX_KNOTS = 2**14  # of a row, for which the library has memory
ERRORS = {  # by the number that a function gives back
    1: (MemoryError, "There is no memory for a kernel to work in."),
    2: (ValueError, "A layer has more knots, or fewer basis functions, than its kernel can take."),
    3: (ValueError, "knots decrease, or are not numbers. Pass or load knots that increase."),
}
LAYOUT = 3  # of the structures, counted up where one changes
WORK_PER_THREAD = 2**24  # multiply-adds, half a millisecond: below it another thread costs more than it gives


def load_library():
    """The compiled library, or None where the package was installed without a compiler or torch was asked for."""
    if os.environ.get("SKLEARN_KAN_KERNELS") == "torch":
        return None
    for suffix in EXTENSION_SUFFIXES:
        try:
            library = ctypes.CDLL(str(Path(__file__).with_name(f"_compiled{suffix}")))
            if library.layout_of_structures() == LAYOUT:
                return library
        except (OSError, AttributeError):  # not built, or for another machine, or from other sources
            continue
    return None


LIBRARY = load_library()


def has_library():
    """Whether the compiled library is there and in use."""
    return LIBRARY is not None


def takes(*tensors):
    """Whether these lie where the library can read them, and are of one type that it knows."""
    dtype = tensors[0].dtype
    return dtype in SUFFIXES and all(tensor.dtype == dtype and tensor.device.type == "cpu" for tensor in tensors)


def check_sizes(dtype, sizes):
    """Raise unless tensors have as many values as the library will read, of its type and one after the other.

    Parameters
    ----------
    dtype : torch.dtype
    sizes : sequence of tuple of Tensor and int
    """
    for tensor, size in sizes:
        if tensor.dtype != dtype or tensor.numel() != size or not tensor.is_contiguous():
            kind = f"{tuple(tensor.shape)} of {tensor.dtype}"
            raise ValueError(f"A table of splines has {kind} where its kernel needs {size} values of {dtype}.")


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
        check_status(self.function(*self.arguments, ctypes.c_int64(start), ctypes.c_int64(stop)))

    def in_parallel(self, length, n_multiply_adds):
        """Work on parts of ``range(length)``, one per thread."""
        # An interrupted caller leaves; the tensors stay with this call until the last thread is done.
        share_out(self.part, length, n_multiply_adds)


def check_status(status):
    """Raise what a function of the library could not do."""
    if status:
        error, message = ERRORS[status]
        raise error(message)


def share_out(part, length, n_multiply_adds):
    """Call ``part(start, stop)`` for parts of ``range(length)``, on as many threads as are allowed and worth it."""
    if n_multiply_adds < 2 * WORK_PER_THREAD:
        part(0, length)
        return
    allowed = _allowed_threads.get() or torch.get_num_threads()
    n_threads = max(1, min(allowed, n_multiply_adds // WORK_PER_THREAD, length))
    bounds = [length * k // n_threads for k in range(n_threads + 1)]
    others = [pool().submit(part, *some) for some in pairwise(bounds[1:])]
    part(*bounds[:2])
    for other in others:
        other.result()


def as_argument(value):
    """A tensor's address, null for None, or an integer, as the library takes it."""
    if isinstance(value, int):
        return ctypes.c_int64(value)
    return ctypes.c_void_p(None if value is None else value.data_ptr())


_allowed_threads: ContextVar[int | None] = ContextVar("_allowed_threads", default=None)


@contextmanager
def on_threads(n_threads):
    """Context in which kernels share their work out over at most so many threads, however many torch has."""
    token = _allowed_threads.set(n_threads)
    try:
        yield
    finally:
        _allowed_threads.reset(token)


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
