"""Networks in the compiled library, packed once and used as long as they stay what they are."""

import operator
from itertools import chain
from typing import NamedTuple

import torch

from .._compat import holdings_of, versions_of
from ._constrained import ConstrainedKAN
from ._kan import KAN
from ._packed import Packed, can_be_packed
from ._packed_sums import can_be_packed_as_sum

KINDS = KAN, ConstrainedKAN  # others may compute something else


class Stored(NamedTuple):
    """A network as it was packed, None if it cannot be, and what it was packed from.

    Parameters
    ----------
    packed : Packed or None
    holdings : list of dict
        See `holdings_of`.
    held : list
        What they held: parameters, buffers and parts.
    tensors : list of Tensor
        Those among it.
    versions : list of int
    """

    packed: Packed | None
    holdings: list[dict]
    held: list
    tensors: list[torch.Tensor]
    versions: list[int]

    def is_current(self):
        held = list(chain.from_iterable(map(dict.values, self.holdings)))
        are_same = len(held) == len(self.held) and all(map(operator.is_, held, self.held))
        return are_same and versions_of(self.tensors) == self.versions


def packed(module):
    """A network as the compiled library takes it now, ready for outputs; None if it does not take it."""
    if type(module) not in KINDS or module.is_shown:
        return freshly_packed(module)
    if module.stored is None or not module.stored.is_current():
        holdings = list(holdings_of(module))
        held = list(chain.from_iterable(map(dict.values, holdings)))
        tensors = [each for each in held if isinstance(each, torch.Tensor)]
        versions = versions_of(tensors)
        module.stored = Stored(freshly_packed(module), holdings, held, tensors, versions)
    return module.stored.packed


def freshly_packed(module):
    if not (can_be_packed(module) or can_be_packed_as_sum(module)):
        return None
    new = Packed(module)
    new.prepare()
    return new


def shown(module):
    """A module that is given away: others may change it unnoticed, so from now on it is packed for each call."""
    if type(module) in KINDS:
        module.is_shown, module.stored = True, None
    return module
