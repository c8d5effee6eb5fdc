"""Which sums over groups of inputs the compiled library can take steps on."""

from typing import Any, cast

import torch
from torch.nn.utils.parametrize import is_parametrized

from .._compat import is_hooked
from ..kernels.cpu import _network as compiled
from ..kernels.cpu._library import SUFFIXES, has_library
from ._constrained import Absolute, ConstrainedKAN, Edges, Masked
from ._grouped_norm import GroupedNorm
from ._layer import KANLayer
from ._norms import NoNorm
from ._packed import is_packable_basis

OWN_KINDS = {"edge_weight": Edges, "base_weight": Masked, "table": Masked, "mixing": Masked, "weight": Absolute}


def can_be_packed_as_sum(module):
    """Whether the compiled library takes a network with constraints: without directions and embedded levels.

    Edges past the hidden layers have to share the knots of the first layer.
    """
    if type(module) is not ConstrainedKAN or not has_library():
        return False
    parameter = next(module.parameters())
    if parameter.device.type != "cpu" or parameter.dtype not in SUFFIXES or is_hooked(module):
        return False
    if not is_packable_part(module):
        return False
    direct, layers = module.direct, cast(list[Any], module.layers)
    if len(layers) == 1:
        return bool(layers[0].parametrizations.edge_weight[0].allowed.all())
    if direct is None:
        return True
    return is_packable_part(direct) and have_same_knots(module.layers[0], direct.layers[0])


def is_packable_part(module):
    return (
        len(module.layers) <= compiled.MAX_LAYERS and all(map(is_packable_norm, module.norms))
        and all(is_packable_layer(layer, is_first=number == 0) for number, layer in enumerate(module.layers))
        and (module.lookup is None or (not module.lookup.factored and has_own_masks(module.lookup)))
    )  # fmt: skip


def is_packable_norm(norm):
    return type(norm) is NoNorm or (isinstance(norm, GroupedNorm) and norm.is_free and norm.eps == 1e-5)


def is_packable_layer(layer, is_first):
    is_known = isinstance(layer, KANLayer) and layer.factor is None and has_own_masks(layer)
    bases = [basis for basis, _ in layer.basis.parts(layer.n_units)]
    if not (is_known and all(is_packable_basis(basis, is_first) for basis in bases)):
        return False
    return not layer.parametrizations.edge_weight[0].direction.any()


def have_same_knots(layer, other):
    pairs = zip(layer.basis.parts(layer.n_units), other.basis.parts(other.n_units), strict=True)
    return all(a.degree == b.degree and torch.equal(a.knots, b.knots) for (a, _), (b, _) in pairs)


def has_own_masks(module):
    """Whether parameters are computed as constraints do it, and in no other way."""
    if not is_parametrized(module):
        return False
    return all(
        len(maps) == 1 and type(maps[0]) is OWN_KINDS.get(name) for name, maps in module.parametrizations.items()
    )
