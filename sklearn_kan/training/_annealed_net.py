"""A net whose learning rate follows a schedule, and whose weights are averaged over steps where the rate is high."""

from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from ..network._norms import BatchNorm
from ._averaging import WeightAverage
from ._fused import FusedAdamW
from ._schedule import Schedule
from ._scored_net import ScoredNet


class AnnealedNet(ScoredNet):
    """What a net does about the learning rate of its phase.

    Attributes
    ----------
    schedule : Schedule
        Once training has begun.
    average : WeightAverage or None
        Of the weights, where it is not the compiled library that takes it.
    """

    phase: Any
    schedule: Schedule
    average: WeightAverage | None = None

    def begin_schedule(self, n_batches):
        """Begin training with so many steps a pass."""
        self.schedule = Schedule(self.phase.max_iter, n_batches)
        if not self.can_average:
            return
        if isinstance(self.optimizer_, FusedAdamW):
            self.optimizer_.average_over(n_batches)
        else:
            self.average = WeightAverage(self.module_.parameters(), n_batches)

    @property
    def has_decay(self):
        """Whether coefficients are shrunk outside of the objective."""
        return "weight_decay" in self.phase.params

    @property
    def is_annealed(self):
        """Whether the learning rate rises and falls, and validation rows show which pass was best."""
        return self.phase.schedule == "cosine" and self.has_decay and self.validation is not None

    @property
    def can_anneal(self):
        """Whether training may end early by letting the learning rate fall."""
        return self.is_annealed and not self.schedule.is_falling

    @property
    def can_average(self):
        """Whether weights are averaged; statistics that batches leave would not be those of the average."""
        return self.is_annealed and not any(isinstance(part, BatchNorm) for part in self.module_.modules())

    @contextmanager
    def averaged(self):
        """A pass over training rows that leaves averaged weights. What it yields is called after each step."""
        if self.average is None:
            yield lambda: None
            return
        self.average.begin()
        yield self.average.step
        self.average.end()

    def place(self):
        """Where training is, apart from the module."""
        return self.optimizer_state(), self.schedule.latest

    def optimizer_state(self):
        """A copy of the optimizer's state."""
        state = self.optimizer_.state_dict()
        return state if isinstance(self.optimizer_, FusedAdamW) else deepcopy(state)

    def anneal(self, place, n_passes):
        """Go on from a place with a learning rate that falls to zero in some passes, then end."""
        state, share = place
        self.optimizer_.load_state_dict(state)
        self.schedule.anneal(share, n_passes)
