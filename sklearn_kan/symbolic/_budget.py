"""What a search may spend, and what ends it."""

import time
from contextlib import contextmanager

from .._interrupts import is_second

MANY_STEPS = 30  # that are shared


def part_of(seconds, share):
    """A share of a limit in seconds, None if there is none."""
    return None if seconds is None else share * seconds


class Budget:
    """Time and steps that are left. A step is one formula or one network that is fitted."""

    def __init__(self, max_seconds=None, max_steps=None):
        self.max_seconds = max_seconds
        self.end = None if max_seconds is None else time.thread_time() + max_seconds
        self.max_steps, self.n_steps, self.is_interrupted = max_steps, 0, False

    def part(self, share):
        """A budget with a share of what is left; steps are shared only if there are many."""
        part = Budget(None if self.end is None else share * max(0.0, self.end - time.thread_time()))
        if self.max_steps is not None:
            left = self.max_steps - self.n_steps
            part.max_steps = int(share * left) if left >= MANY_STEPS else left
        part.is_interrupted = self.is_interrupted
        return part

    def within(self, share):
        """What tells whether a share of the time that is left now is over, or all of it."""
        if self.end is None:
            return lambda: self.is_late
        end = time.thread_time() + share * max(0.0, self.end - time.thread_time())
        return lambda: self.is_late or time.thread_time() > end

    def add(self, part):
        """Note what a part has used."""
        self.n_steps += part.n_steps
        self.is_interrupted |= part.is_interrupted

    @contextmanager
    def interruptible(self):
        """A context that Ctrl-C ends, and the search with it. A second one in a row is raised."""
        try:
            yield
        except KeyboardInterrupt as stop:
            if is_second(stop):
                raise
            self.is_interrupted = True

    def spend(self, n_steps=1):
        """Use up so many steps; returns whether there was something left."""
        if self.is_over:
            return False
        self.n_steps += n_steps
        return True

    @property
    def is_late(self):
        """Whether time is over, whatever is left of steps."""
        return self.is_interrupted or (self.end is not None and time.thread_time() > self.end)

    @property
    def is_over(self):
        return self.is_late or (self.max_steps is not None and self.n_steps >= self.max_steps)

    @property
    def share(self):
        """How much of it is used up, between 0 and 1."""
        of_steps = self.n_steps / self.max_steps if self.max_steps else 0.0
        of_time = 0.0 if self.end is None else 1 - (self.end - time.thread_time()) / self.max_seconds
        return min(1.0, max(of_steps, of_time))
