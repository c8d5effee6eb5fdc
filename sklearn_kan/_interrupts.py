"""Ctrl-C in fits: told apart from callbacks that end training, and a second one in a row ends everything."""

import dis
import math
import signal
import time

SECOND_WITHIN = 2.0  # seconds

_latest = -math.inf


def is_signal(stop):
    """Whether a KeyboardInterrupt comes from outside; skorch's callbacks end training by raising one.

    A signal's handler is a function of C, which interrupts some other instruction, or one of Python that is known.
    """
    innermost = stop.__traceback__
    while innermost.tb_next is not None:
        innermost = innermost.tb_next
    code = innermost.tb_frame.f_code
    if dis.opname[code.co_code[innermost.tb_lasti]] != "RAISE_VARARGS":
        return True
    handlers = (signal.getsignal(number) for number in signal.valid_signals())
    return any(code is getattr(handler, "__code__", None) for handler in handlers)


def is_second(stop):
    """Whether this is the second signal in a row; it is remembered for the next one."""
    global _latest
    if not is_signal(stop):
        return False
    before, _latest = _latest, time.monotonic()
    return _latest - before < SECOND_WITHIN
