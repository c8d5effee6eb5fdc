"""An average of the weights over the latest steps, which is what is validated, kept and predicted with.

Steps at a high learning rate go to and fro around where they lead. Their average is there before the rate falls
(Polyak & Juditsky 1992; Izmailov et al. 2018), so that passes can be compared by more than their last step.
"""

from collections.abc import Sequence
from typing import Any

import torch


class WeightAverage:
    """Tensors that hold the weights of the latest step during a pass over the rows, and their average between passes.

    Steps count alike until there are as many as `horizon`, then ever less, the older they are. Whoever changes the
    tensors between passes starts another average from there.

    Parameters
    ----------
    tensors : sequence of Tensor
    horizon : int
        About how many steps count.

    Attributes
    ----------
    n_steps : int
        How many steps the average is of.
    averages : list of Tensor
    """

    def __init__(self, tensors: Sequence[Any], horizon):
        self.tensors, self.horizon = list(tensors), horizon
        self.n_steps = 0
        self.averages = [tensor.detach().clone() for tensor in self.tensors]
        self.latest = [tensor.clone() for tensor in self.averages]

    @torch.no_grad()
    def begin(self):
        """Put the weights of the latest step in place of their average."""
        if all(map(torch.equal, self.tensors, self.averages)):
            copy(self.latest, self.tensors)
        else:
            self.n_steps = 0

    @torch.no_grad()
    def step(self):
        """Take up the weights after a step."""
        self.n_steps += 1
        for average, tensor in zip(self.averages, self.tensors, strict=True):
            average.lerp_(tensor, 1 / min(self.n_steps, self.horizon))

    @torch.no_grad()
    def end(self):
        """Put the average in place of the weights of the latest step."""
        copy(self.tensors, self.latest)
        copy(self.averages, self.tensors)


def copy(here, there):
    for tensor, other in zip(here, there, strict=True):
        other.copy_(tensor)
