"""Learning rates of a phase's steps, as shares of the highest."""

import math

from ._phases import cosine


class Schedule:
    """A warm-up and half a cosine over all steps; or from some step on a fall to zero in a few passes.

    Parameters
    ----------
    n_passes, steps_a_pass : int

    Attributes
    ----------
    step : int
        How many steps were taken.
    """

    def __init__(self, n_passes, steps_a_pass):
        self.n_passes, self.steps_a_pass = n_passes, steps_a_pass
        self.step = 0
        self.fall = None  # the step it begins with, how many it takes, and the share before

    def share(self, step):
        if self.fall is None:
            return cosine(step / (self.n_passes * self.steps_a_pass))
        start, n_steps, highest = self.fall
        return highest * 0.5 * (1 + math.cos(math.pi * (step - start + 1) / n_steps))

    @property
    def latest(self):
        """The share of the last step."""
        return self.share(max(0, self.step - 1))

    def anneal(self, highest, n_passes):
        """Let the rate fall from a share to zero in some passes."""
        self.fall = self.step, n_passes * self.steps_a_pass, highest

    @property
    def n_passes_in_all(self):
        """After how many passes it is over, counted as passes that were taken and are still to be taken."""
        return self.n_passes if self.fall is None else math.ceil(sum(self.fall[:2]) / self.steps_a_pass)

    @property
    def is_falling(self):
        return self.fall is not None

    @property
    def is_over(self):
        return self.fall is not None and self.step >= sum(self.fall[:2])
