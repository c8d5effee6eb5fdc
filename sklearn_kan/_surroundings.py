"""Independence of torch's global state: modes, defaults, generators and cores that somebody else has set or uses."""

import sys
from contextlib import ExitStack, contextmanager, nullcontext
from threading import Lock, local
from typing import Any

import torch
from threadpoolctl import ThreadpoolController
from torch.overrides import TorchFunctionMode

from ._compat import TorchDispatchMode, has_argument, overload_of
from .kernels import on_threads

FROM_SHAPES = {
    torch.empty, torch.eye, torch.linspace, torch.logspace, torch.ones, torch.rand, torch.randn, torch.zeros,
}  # fmt: skip
FROM_VALUES = {torch.arange, torch.as_tensor, torch.full, torch.scalar_tensor, torch.tensor}
WITH_GENERATOR = {"default": "generator", "low": "low_generator"}  # overloads of what can do without


@contextmanager
def trainable():
    """Inside, tensors are made on the CPU and can be trained, whatever modes and device are set outside.

    Modes of torch belong to a thread; other threads notice nothing.
    """
    is_on_cpu = torch.get_default_device().type == "cpu"
    with torch.inference_mode(False), torch.enable_grad(), nullcontext() if is_on_cpu else torch.device("cpu"):
        yield


@contextmanager
def reproducible(seed=None):
    """Inside, tensors are made in single precision on the CPU; with a seed, random ones by a generator of its own.

    Neither the default dtype nor the default generator is touched: both belong to the process, and other threads use
    them.

    Parameters
    ----------
    seed : int, optional
        By default random tensors are those of torch's default generator.
    """
    with ExitStack() as modes:
        if torch.get_default_device().type != "cpu":  # the mode would look at every call
            modes.enter_context(torch.device("cpu"))
        if torch.get_default_dtype() != torch.float32:
            modes.enter_context(SinglePrecision())
        if seed is not None:
            modes.enter_context(OwnGenerator(seed))
        yield


_controller, _n_modules = None, 0


@contextmanager
def without_spinning():
    """Inside, torch works on one thread, and kernels on as many as torch had.

    OpenMP's threads spin while they wait for each other, after every operation: where other processes want the cores,
    that takes many times the time of the work itself. Threads of the kernels sleep, and only large work is shared out.
    """
    with torch_on_one_thread() as n_threads:
        if n_threads == 1:
            yield
            return
        with on_threads(n_threads), controller().limit(limits=1, user_api="openmp"):  # of this thread alone
            yield


@contextmanager
def on_one_thread():
    """Inside, neither torch nor BLAS shares work out: for many operations on small matrices.

    BLAS's number of threads belongs to the process. The last of several that are inside at once sets it back.
    """
    with torch_on_one_thread(), controller().limit(limits=1, user_api="openmp"), _blas:
        yield


_lock, _here = Lock(), local()
_numbers: list[int] = []  # of torch's threads, before each fit that is under way


@contextmanager
def torch_on_one_thread():
    """Inside, neither does the BLAS within torch, which heeds `torch.set_num_threads`; gives the number before.

    That number belongs to this thread, and to those that begin after it: these have what was there before any fit.
    """
    if getattr(_here, "is_inside", False):
        yield 1
        return
    with _lock:
        n_threads = torch.get_num_threads()
        if n_threads == 1 and _numbers:
            n_threads = _numbers[0]
        _numbers.append(n_threads)
        _here.is_inside = True
        torch.set_num_threads(1)
    try:
        yield n_threads
    finally:
        with _lock:
            _numbers.remove(n_threads)
            _here.is_inside = False
            torch.set_num_threads(n_threads)


def controller():
    """What sets numbers of threads, of the libraries that are loaded by now; looking for them takes a while."""
    global _controller, _n_modules
    if _controller is None or len(sys.modules) != _n_modules:
        _controller, _n_modules = ThreadpoolController(), len(sys.modules)
    return _controller


class OneThreadOfBlas:
    """A context that counts who is inside."""

    def __init__(self):
        self.lock, self.n_inside = Lock(), 0
        self.limit: Any = None

    def __enter__(self):
        with self.lock:
            if self.n_inside == 0:
                self.limit = controller().limit(limits=1, user_api="blas")
            self.n_inside += 1

    def __exit__(self, *error):
        with self.lock:
            self.n_inside -= 1
            if self.n_inside == 0:
                self.limit.restore_original_limits()


_blas = OneThreadOfBlas()


class SinglePrecision(TorchFunctionMode):
    """Functions that make tensors of floating-point numbers make them in float32, unless a dtype is given."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if kwargs.get("dtype") is None:
            if function in FROM_SHAPES:
                return function(*args, **kwargs | {"dtype": torch.float32})
            if function in FROM_VALUES and not hasattr(args[0] if args else None, "dtype"):
                made = function(*args, **kwargs)
                return function(*args, **kwargs | {"dtype": torch.float32}) if made.is_floating_point() else made
        return function(*args, **kwargs)


class OwnGenerator(TorchDispatchMode):
    """Random tensors come from a generator of its own, with the numbers that the default one would give."""

    def __init__(self, seed):
        super().__init__()
        self.generator = torch.Generator("cpu").manual_seed(seed)

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        overload = WITH_GENERATOR.get(overload_of(operation))
        if overload is not None and overload in operation.overloadpacket.overloads():
            operation = getattr(operation.overloadpacket, overload)
        if has_argument(operation, "generator"):
            kwargs = {"generator": self.generator} | {key: value for key, value in kwargs.items() if value is not None}
        return operation(*args, **kwargs)
