"""Watching a fit from outside, wherever in a pipeline the network stands."""

from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar

_observer: ContextVar[Callable[[float | None, int], None] | None] = ContextVar("observer", default=None)


@contextmanager
def observed_by(observer):
    """Inside, ``observer(valid_loss, n_passes)`` is called after every pass of training.

    `valid_loss` is None without validation rows; `n_passes` is the most passes that the fit will take. What the
    observer raises ends the fit, and Ctrl-C does too instead of keeping the best state so far.
    """
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)


def current_observer():
    """Whoever watches, or None."""
    return _observer.get()
