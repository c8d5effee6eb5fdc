"""Networks in the compiled library, packed once and used as long as they stay what they are."""

import operator
from typing import NamedTuple

import torch

from .._compat import tensors_of, versions_of
from ._constrained import ConstrainedKAN
from ._kan import KAN
from ._packed import Packed, can_be_packed
from ._packed_sums import can_be_packed_as_sum

KINDS = KAN, ConstrainedKAN  # others may compute something else


class Stored(NamedTuple):
    """A network as it was packed, None if it cannot be, and what it was packed from."""

    packed: Packed | None
    tensors: list[torch.Tensor | None]
    versions: list[int]

    def is_of(self, tensors):
        are_same = len(tensors) == len(self.tensors) and all(map(operator.is_, tensors, self.tensors))
        return are_same and versions_of(tensors) == self.versions


def packed(module):
    """A network as the compiled library takes it now, ready for outputs; None if it does not take it."""
    if type(module) not in KINDS or module.is_shown:
        return freshly_packed(module)
    tensors = list(tensors_of(module))
    if module.stored is None or not module.stored.is_of(tensors):
        versions = versions_of(tensors)
        module.stored = Stored(freshly_packed(module), tensors, versions)
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
