"""A network as the compiled library takes it: the parameters of each member as one run of numbers."""

import operator
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch.nn.utils.parametrize import is_parametrized

from .._compat import is_hooked, parameters_of, tensors_of, versions_of
from ..bases import BSpline
from ..kernels.cpu import _network as compiled
from ..kernels.cpu._library import MAX_KNOTS, SUFFIXES, has_library
from ._kan import KAN
from ._layer import KANLayer
from ._lookup import EMBEDDING_DIM
from ._norms import LayerNorm, NoNorm

ORDER, PADDING, NONE = compiled.ORDER, compiled.PADDING, compiled.NONE


class Slot(NamedTuple):
    """Where a parameter lies in a member's run of numbers.

    Parameters
    ----------
    name : str
    start : int
    shapes : list of tuple of int
        Padded shape, for coarse and for fine members.
    used : list of tuple of int
        What of it the parameter fills.
    """

    name: str
    start: int
    shapes: list[tuple[int, ...]]
    used: list[tuple[int, ...]]

    @property
    def sizes(self):
        return [padded(int(torch.Size(shape).numel())) for shape in self.shapes]


def padded(n):
    """The next multiple of the library's vectors."""
    return -(-n // PADDING) * PADDING


def can_be_packed(module):
    """Whether the compiled library takes a network: layers of B-splines of degree 1 to 3, without constraints."""
    if type(module) is not KAN or not has_library() or not 1 < len(module.layers) <= compiled.MAX_LAYERS:
        return False
    parameter = next(parameters_of(module))
    if parameter.device.type != "cpu" or parameter.dtype not in SUFFIXES or is_hooked(module):
        return False
    return all(map(is_packable_norm, module.norms)) and all(
        is_packable_layer(layer, is_first=layer is module.layers[0]) for layer in module.layers
    )


def is_frozen(module):
    """Whether some parameter is not to be trained."""
    return not all(parameter.requires_grad for parameter in parameters_of(module))


def is_packable_norm(norm):
    return type(norm) is NoNorm or (type(norm) is LayerNorm and norm.eps == 1e-5 and not is_parametrized(norm))


def is_packable_layer(layer, is_first):
    if type(layer) is not KANLayer or is_parametrized(layer) or layer.factor is not None:
        return False
    bases = [basis for basis, _ in layer.basis.parts(layer.n_units)]
    return all(
        type(basis) is BSpline and 1 <= basis.degree <= 3 and basis.n_knots <= MAX_KNOTS
        and (is_first or has_even_knots(basis))
        for basis in bases
    )  # fmt: skip


EVEN: WeakKeyDictionary = WeakKeyDictionary()  # of a basis: its polynomials, and whether their knots are even


def has_even_knots(basis):
    """As `is_even`, which is asked before every pass and changes with the polynomials only."""
    pieces, answer = EVEN.get(basis, (None, False))
    if pieces is not basis.pieces:
        answer = is_even(basis.knots)
        EVEN[basis] = basis.pieces, answer
    return answer


def is_even(knots):
    """Whether knots are evenly spaced, and the same in all rows, to their last digits."""
    gaps = knots.diff(dim=1)
    return bool(((gaps - gaps.mean()).abs() <= 4 * torch.finfo(knots.dtype).eps).all() and (knots == knots[:1]).all())


class Packed:
    """The parameters of a network of the library's kind; see `can_be_packed`.

    Parameters
    ----------
    module : KAN

    Attributes
    ----------
    parameters : Tensor of shape (n_members, stride)
    embeddings : Tensor of shape (n_rows, EMBEDDING_DIM)
        Vectors of levels, which members share.
    net : kernels.cpu._network.Network
        The structure that the library reads.
    """

    def __init__(self, module):
        first, *_, last = module.layers
        self.n_members = module.n_members or 1
        self.n_outputs = last.out_features
        parts = first.basis.parts(first.n_units)
        self.n_coarse = parts[0][1] // first.out_features
        self.everybody = torch.arange(self.n_members, device="cpu")
        self.dtype = next(module.parameters()).dtype
        self.kept = []  # tensors that the structure points to
        self.paired: tuple[list, list] = [], []  # where a module's numbers are, and views of them next to places here
        self.pieces = {}  # of each layer and kind of members, as they were described to the library
        self.net = net = compiled.Network()
        self.slots, self.stride = [], 0
        self.lay_out(module, [basis for basis, _ in parts])
        self.parameters, self.scaled = self.zeros(), self.zeros()
        self.tables = torch.zeros(self.n_members, net.table_stride, dtype=self.dtype, device="cpu")
        n_rows = sum(len(e) for e in module.lookup.embeddings) if module.lookup is not None else 0
        self.embeddings = torch.zeros(padded(n_rows * EMBEDDING_DIM), dtype=self.dtype, device="cpu")
        net.n_members, net.n_layers, net.stride = self.n_members, len(module.layers), self.stride
        net.n_fine, net.n_embeddings, net.n_dim = self.n_members - self.n_coarse, n_rows, EMBEDDING_DIM
        net.parameters, net.scaled, net.tables = map(compiled.address, (self.parameters, self.scaled, self.tables))
        net.embeddings = compiled.address(self.embeddings)
        self.load(module)

    def zeros(self):
        """One number for each parameter."""
        return torch.zeros(self.n_members, self.stride, dtype=self.dtype, device="cpu")

    def lay_out(self, module, first_bases):
        """Give every parameter its place, and describe it to the library."""
        net, n_layers = self.net, len(module.layers)
        net.table_stride = 0
        for number, layer in enumerate(module.layers):
            bases = first_bases if number == 0 else [layer.basis]
            to = net.layers[number]
            to.n_inputs, to.n_outputs = layer.in_features, layer.out_features
            to.is_narrow = (
                number > 0 and layer.out_features <= compiled.NARROW_OUTPUTS
                and layer.basis.n_knots <= compiled.NARROW_KNOTS
            )  # fmt: skip
            to.width = width = layer.out_features if to.is_narrow else padded(layer.out_features)
            out, n_in, name = layer.out_features, layer.in_features, f"layers.{number}"
            n_basis = [basis.n_knots + ORDER - 2 for basis in bases]
            to.weight = self.place(
                f"{name}.edge_weight", [(n_in, n, width) for n in n_basis], [(n_in, b.n_basis, out) for b in bases]
            )
            has_base = layer.base_weight is not None
            to.base = self.place(f"{name}.base_weight", [(n_in, width)], [(n_in, out)]) if has_base else NONE
            to.bias = self.place(f"{name}.bias", [(width,)], [(out,)])
            to.scale = NONE if layer.scale is None else self.place(f"{name}.scale", [(n_in,)], [(n_in,)])
            to.has_norm = number < n_layers - 1 and type(module.norms[number]) is LayerNorm
            to.norm_weight = self.place(f"norms.{number}.weight", [(out,)], [(out,)]) if to.has_norm else NONE
            to.norm_bias = self.place(f"norms.{number}.bias", [(out,)], [(out,)]) if to.has_norm else NONE
            if to.is_narrow:
                to.polynomials = net.table_stride
                net.table_stride += n_in * out * ORDER * padded(bases[0].n_knots + 1)
        self.lay_out_lookup(module)

    def lay_out_lookup(self, module):
        net, lookup, first = self.net, module.lookup, module.layers[0]
        n_in, out, width = first.in_features, first.out_features, int(self.net.layers[0].width)
        net.n_numbers, net.n_columns = n_in, n_in + (0 if lookup is None else len(lookup.n_levels))
        net.table = net.table_scale = net.mixing = NONE
        if lookup is None:
            return
        n_levels = [lookup.n_levels[i] for i in lookup.direct]
        n_vectors = [lookup.n_levels[i] for i in lookup.factored]
        net.n_codes, net.n_vectors = len(n_levels), len(n_vectors)
        net.code_columns, net.code_starts = self.columns(n_in, lookup.direct, n_levels)
        net.vector_columns, net.vector_starts = self.columns(n_in, lookup.factored, n_vectors)
        if n_levels:
            net.table = self.place("lookup.table", [(sum(n_levels), width)], [(sum(n_levels), out)])
        if n_vectors:
            n = len(n_vectors) * EMBEDDING_DIM
            net.mixing = self.place("lookup.mixing", [(n, width)], [(n, out)])
        if lookup.scale is not None:
            net.table_scale = self.place("lookup.scale", [(len(lookup.n_levels),)], [(len(lookup.n_levels),)])

    def columns(self, n_numbers, places, sizes):
        """Addresses of the columns' numbers, and of where the rows of each begin and the last one's end."""
        starts = [0, *accumulate(sizes)]
        return self.keep(torch.tensor(places, dtype=torch.int64, device="cpu") + n_numbers), self.keep(
            torch.tensor(starts, device="cpu")
        )

    def keep(self, tensor):
        self.kept.append(tensor.contiguous())
        return compiled.address(self.kept[-1])

    def spline(self, basis):
        """A basis as the library reads it, its polynomials padded to the library's order."""
        order = basis.degree + 1
        pieces = F.pad(basis.pieces.unflatten(1, (order, order)), (0, ORDER - order, 0, ORDER - order))
        tensors = basis.knots, pieces, basis.origin, basis.rate, basis.first
        return compiled.Spline(*map(self.keep, tensors), basis.n_knots, basis.n_knots + ORDER - 2)

    def place(self, name, shapes, used):
        """Take the next place for a parameter; returns where it begins."""
        slot = Slot(name, self.stride, shapes, used)
        self.slots.append(slot)
        self.stride += padded(max(slot.sizes))  # vectors that begin at multiples of their size take half the time
        return slot.start

    def pairs(self, flat, embeddings, tensors):
        """Parts of tensors of all parameters, each with the part of a parameter, by name, that it stands for."""
        bounds = [0, self.n_coarse, self.n_members]
        for slot in self.slots:
            by_member = of_members(slot.name, tensors[slot.name], self.n_members)
            for kind, (start, stop) in enumerate(pairwise(bounds)):
                if start == stop:
                    continue
                shape, used = slot.shapes[min(kind, len(slot.shapes) - 1)], slot.used[min(kind, len(slot.used) - 1)]
                size = int(torch.Size(shape).numel())
                part = flat[start:stop, slot.start : slot.start + size].unflatten(1, shape)
                theirs = by_member[start:stop]
                for axis, n in enumerate(used, 1):
                    part, theirs = part.narrow(axis, 0, n), theirs.narrow(axis, 0, n)
                yield part, theirs
        start = 0
        for name, tensor in tensors.items():
            if name.startswith("lookup.embeddings."):
                yield embeddings[start : start + tensor.numel()].view_as(tensor), tensor
                start += tensor.numel()

    def load(self, module):
        """Take over a module's parameters, and its knots where they have moved."""
        for number, layer in enumerate(module.layers):
            bases = [basis for basis, _ in layer.basis.parts(layer.n_units)]
            for kind, basis in enumerate([bases[0], bases[-1]]):
                if self.pieces.get((number, kind)) is not basis.pieces:
                    self.pieces[number, kind] = basis.pieces
                    self.net.layers[number].spline[kind] = self.spline(basis)
        with torch.no_grad():
            for part, theirs in self.own_pairs(module):
                part.copy_(theirs)

    @torch.no_grad()
    def store(self, module):
        """Give a module these parameters."""
        for part, theirs in self.own_pairs(module):
            theirs.copy_(part)

    def own_pairs(self, module):
        """Pairs for a module's parameters: views, which stay good as long as those are the same tensors."""
        places = [(tensor.data_ptr(), tensor.dtype) for tensor in parameters_of(module)]
        if places != self.paired[0]:  # another dtype leaves tensors as they are, and moves their numbers
            parameters = dict(module.named_parameters())
            with torch.no_grad():
                self.paired = places, list(self.pairs(self.parameters, self.embeddings, parameters))
        return self.paired[1]

    @cached_property
    def work(self):
        """Multiply-adds of one member on one row, about."""
        layers = self.net.layers[: self.net.n_layers]
        return ORDER * sum(int(layer.n_inputs) * (int(layer.n_outputs) + 8) for layer in layers)

    def outputs(self, X, rows=None, members=None):
        """Outputs of some members for rows of a table of this dtype: ``(n_rows, n_chosen, n_outputs)``."""
        members = self.everybody if members is None else members
        return compiled.outputs(self.net, X.contiguous(), rows, members, self.work)

    def average(self, X, weights, what, rows=None, members=None):
        """The members' weighted average, ``(n_rows, n_outputs)``.

        Parameters
        ----------
        X : Tensor of shape (n, n_columns)
        weights : Tensor of shape (n_chosen,)
            They sum to one.
        what : {"outputs", "exponentials", "probabilities"}
            What is averaged; of the latter two the logarithm is given.
        rows : LongTensor of shape (n_rows,), optional
        members : LongTensor of shape (n_chosen,), optional
        """
        members = self.everybody if members is None else members
        return compiled.outputs(self.net, X.contiguous(), rows, members, self.work, weights, compiled.AVERAGES[what])

    def expand(self):
        """Bring what the library computes from the parameters up to date with them."""
        compiled.expand(self.net, self.dtype)


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
    if type(module) is not KAN or module.is_shown:
        return freshly_packed(module)
    tensors = list(tensors_of(module))
    if module.stored is None or not module.stored.is_of(tensors):
        versions = versions_of(tensors)
        module.stored = Stored(freshly_packed(module), tensors, versions)
    return module.stored.packed


def freshly_packed(module):
    if not can_be_packed(module):
        return None
    new = Packed(module)
    new.expand()
    return new


def shown(module):
    """A module that is given away: others may change it unnoticed, so from now on it is packed for each call."""
    if type(module) is KAN:
        module.is_shown, module.stored = True, None
    return module


def of_members(name, tensor, n_members):
    """A view of a parameter with an axis for members first, and units of one member last."""
    kind = name.rsplit(".", 1)[-1]
    if kind == "edge_weight":
        return tensor.unflatten(2, (n_members, -1)).permute(2, 0, 1, 3)
    if kind in ("base_weight", "mixing"):
        return tensor.unflatten(0, (n_members, -1)).transpose(1, 2)
    if kind == "table":
        return tensor.unflatten(1, (n_members, -1)).transpose(0, 1)
    return tensor.T if kind == "scale" else tensor.reshape(n_members, -1)
