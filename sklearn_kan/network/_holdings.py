"""What a module holds, and whether it still holds the same: asked before every pass and prediction."""

import operator
from functools import wraps
from itertools import chain
from typing import NamedTuple

import torch
from torch import nn

from .._compat import are_hooked, holdings_of


class Holdings(NamedTuple):
    """Parameters, buffers and parts of a module, and of its parts.

    Parameters
    ----------
    places : list of dict
        Where they are held.
    held : list
        What was held there.
    tensors : list of Tensor
    parts : list of Module
        Those among it.
    """

    places: list[dict]
    held: list
    tensors: list[torch.Tensor]
    parts: list[nn.Module]

    @classmethod
    def of(cls, module):
        places = list(holdings_of(module))
        held = list(chain.from_iterable(map(dict.values, places)))
        tensors = [each for each in held if isinstance(each, torch.Tensor)]
        return cls(places, held, tensors, [each for each in held if isinstance(each, nn.Module)])

    def are_of(self, module):
        """Whether these are a module's own, and not those of one that it was copied from."""
        return self.places[0] is module._parameters

    def are_current(self):
        """Whether the same objects are held, whatever they are now."""
        held = list(chain.from_iterable(map(dict.values, self.places)))
        return len(held) == len(self.held) and all(map(operator.is_, held, self.held))


def remembered(function):
    """A function of what modules hold, with what it last found for each.

    It is kept in the module, and goes with it. Python calls back when what a `WeakKeyDictionary` refers to goes, and
    swallows the exception of a signal that arrives meanwhile.

    Parameters
    ----------
    function : callable
        ``(module) -> value``, the same as long as a module holds the same objects of the same types and devices, and
        nobody has hooks on them.
    """
    name = function.__qualname__

    @wraps(function)
    def latest(module):
        memory = vars(module).setdefault("remembered", {})
        holdings, kinds, value = memory.get(name, (None, None, None))
        if (
            holdings is None or not holdings.are_of(module) or not holdings.are_current()
            or kinds != kinds_of(holdings.tensors) or are_hooked([module, *holdings.parts], holdings.tensors)
        ):  # fmt: skip
            holdings = Holdings.of(module)
            value = function(module)
            memory[name] = holdings, kinds_of(holdings.tensors), value
        return value

    return latest


def kinds_of(tensors):
    return [(tensor.dtype, tensor.requires_grad, tensor.device) for tensor in tensors]
