"""Networks in the compiled library, packed once and used as long as they stay what they are."""

from typing import NamedTuple

from .._compat import versions_of
from ._constrained import ConstrainedKAN
from ._holdings import Holdings, remembered
from ._kan import KAN
from ._packed import Packed, can_be_packed, is_frozen
from ._packed_sums import can_be_packed_as_sum

KINDS = KAN, ConstrainedKAN  # others may compute something else


class Stored(NamedTuple):
    """A network as it was packed, None if it cannot be, and what it was packed from."""

    packed: Packed | None
    holdings: Holdings
    versions: list[int]

    def is_current(self):
        return self.holdings.are_current() and versions_of(self.holdings.tensors) == self.versions


def packed(module):
    """A network as the compiled library takes it now, ready for outputs; None if it does not take it."""
    if type(module) not in KINDS or module.is_shown:
        return freshly_packed(module)
    if module.stored is None or not module.stored.is_current():
        holdings = Holdings.of(module)
        versions = versions_of(holdings.tensors)
        module.stored = Stored(freshly_packed(module), holdings, versions)
    return module.stored.packed


def is_packable(module):
    """Whether the compiled library takes a network, or a sum of several."""
    return can_be_packed(module) or can_be_packed_as_sum(module)


@remembered
def can_be_trained(module):
    """Whether the compiled library takes a network, all of whose parameters are to be trained."""
    return is_packable(module) and not is_frozen(module)


def freshly_packed(module):
    if not is_packable(module):
        return None
    new = Packed(module)
    new.prepare()
    return new


def shown(module):
    """A module that is given away: others may change it unnoticed, so from now on it is packed for each call."""
    if type(module) in KINDS:
        module.is_shown, module.stored = True, None
    return module
