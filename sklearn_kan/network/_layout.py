"""Where the parameters of networks lie in a member's run of numbers, and how the compiled library is told."""

from itertools import accumulate
from typing import NamedTuple

import torch

from ..kernels.cpu import _network as compiled
from ._grouped_norm import GroupedNorm
from ._lookup import EMBEDDING_DIM
from ._norms import NoNorm

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
    at : tuple of int
        Where what fills it begins in the parameter.
    is_absolute : bool
        Whether its numbers count without their sign.
    """

    name: str
    start: int
    shapes: list[tuple[int, ...]]
    used: list[tuple[int, ...]]
    at: tuple[int, ...]
    is_absolute: bool = False

    @property
    def sizes(self):
        return [padded(int(torch.Size(shape).numel())) for shape in self.shapes]


def padded(n):
    """The next multiple of the library's vectors."""
    return -(-n // PADDING) * PADDING


class Layout:
    """Places for the parameters of a network, or of the parts of a sum, which lie one after the other.

    Parameters
    ----------
    is_sum : bool

    Attributes
    ----------
    slots : list of Slot
    stride : int
        Numbers of a member.
    table_stride : int
        Numbers of its tables of polynomials.
    kept : list of Tensor
        What structures of the library point to.
    """

    def __init__(self, is_sum):
        self.is_sum = is_sum
        self.slots, self.stride, self.table_stride = [], 0, 0
        self.kept = []

    def describe_columns(self, net, module):
        """Tell the library what columns a table has."""
        lookup, n_in = module.lookup, module.layers[0].in_features
        net.n_numbers, net.n_columns = n_in, n_in + (0 if lookup is None else len(lookup.n_levels))
        net.table = net.table_scale = net.mixing = net.layers[0].scale = NONE
        if lookup is None:
            return
        n_levels = [lookup.n_levels[i] for i in lookup.direct]
        n_vectors = [lookup.n_levels[i] for i in lookup.factored]
        net.n_codes, net.n_vectors = len(n_levels), len(n_vectors)
        net.code_columns, net.code_starts = self.columns(n_in, lookup.direct, n_levels)
        net.vector_columns, net.vector_starts = self.columns(n_in, lookup.factored, n_vectors)

    def lay_out(self, net, branch, is_part):
        """Give every parameter of a network, or of a part of a sum, its place, and describe it to the library."""
        module, before = branch.module, branch.inputs
        net.n_layers = len(module.layers)
        for number, (layer, units) in enumerate(zip(module.layers, branch.units, strict=True)):
            bases = [basis for basis, _ in layer.basis.parts(layer.n_units)]
            to, out, first = net.layers[number], len(units), units.start
            to.n_inputs, to.n_outputs = len(before), out
            to.is_narrow = (
                number > 0 and out <= compiled.NARROW_OUTPUTS and layer.basis.n_knots <= compiled.NARROW_KNOTS
            )  # fmt: skip
            to.width = width = out if to.is_narrow else padded(out)
            sizes = [(n_padded, basis.n_basis) for n_padded, basis in zip(self.n_padded(bases), bases, strict=True)]
            to.weight = self.place_rows(branch, layer, f"layers.{number}.edge_weight", before, [
                ((n_padded, width), (n_used, out), (0, first)) for n_padded, n_used in sizes
            ])  # fmt: skip
            to.base = NONE
            if layer.base_weight is not None:
                to.base = self.place_rows(
                    branch, layer, f"layers.{number}.base_weight", before, [((width,), (out,), (first,))]
                )
            is_own = number < net.n_layers - 1 or branch.has_bias
            bias = f"{branch.prefix}layers.{number}.bias"
            to.bias = self.place(bias, [(width,)], [(out,)], (first,)) if is_own else self.leave(width)
            to.scale = to.norm_weight = to.norm_bias = NONE
            if layer.scale is not None:
                to.scale = self.place(f"layers.{number}.scale", [(len(before),)], [(len(before),)], (0,))
            to.has_norm = number < net.n_layers - 1 and type(module.norms[number]) is not NoNorm
            if to.has_norm:
                self.place_norm(to, branch, number, out, first)
            if to.is_narrow:
                to.polynomials = self.table_stride
                self.table_stride += len(before) * out * ORDER * padded(bases[0].n_knots + 1)
            before = list(units)
        self.lay_out_lookup(net, branch, is_part)

    def n_padded(self, bases):
        """Rows that an input has in a layer's weights, for coarse and for fine members.

        In sums they are the same for both: inputs that are not neighbours are places of their own, which have to lie
        one after the other for either.
        """
        own = [basis.n_knots + ORDER - 2 for basis in bases]
        return [max(own)] * len(own) if self.is_sum else own

    def place_norm(self, to, branch, number, out, first):
        norm, name = branch.module.norms[number], f"{branch.prefix}norms.{number}"
        weight = parameter_name(norm, f"{name}.weight")
        to.norm_weight = self.place(weight, [(out,)], [(out,)], (first,), is_absolute=isinstance(norm, GroupedNorm))
        to.norm_bias = self.place(f"{name}.bias", [(out,)], [(out,)], (first,))

    def place_rows(self, branch, owner, name, rows, blocks):
        """Places of those rows of a parameter that a branch has; returns where the first begins.

        Blocks are padded shapes, used ones, and where these begin, without the axis of rows.
        """
        name = parameter_name(owner, branch.prefix + name)
        starts = [
            self.place(
                name, [(n, *shape) for shape, _, _ in blocks], [(n, *used) for _, used, _ in blocks],
                (first, *blocks[0][2]),
            )
            for first, n in runs(rows)
        ]  # fmt: skip
        return starts[0] if starts else self.stride

    def lay_out_lookup(self, net, branch, is_part):
        lookup, units, width = branch.module.lookup, branch.units[0], int(net.layers[0].width)
        if is_part:
            net.table = net.table_scale = net.mixing = NONE
            net.n_numbers, net.n_codes, net.n_vectors = len(branch.inputs), len(branch.codes), 0
            net.inputs, net.codes = (
                self.keep(torch.tensor(numbers, dtype=torch.int64, device="cpu"))
                for numbers in (branch.inputs, branch.codes)
            )
        if lookup is None:
            return
        n_levels = [lookup.n_levels[lookup.direct[code]] for code in branch.codes]
        if is_part:
            _, net.code_starts = self.columns(0, branch.codes, n_levels)
        rows = [int(lookup.offsets[code]) + k for code, n in zip(branch.codes, n_levels, strict=True) for k in range(n)]
        block = (width,), (len(units),), (units.start,)
        if rows:
            net.table = self.place_rows(branch, lookup, "lookup.table", rows, [block])
        if lookup.factored:
            vectors = range(len(lookup.factored) * EMBEDDING_DIM)
            net.mixing = self.place_rows(branch, lookup, "lookup.mixing", vectors, [block])
        if lookup.scale is not None:
            n = len(lookup.n_levels)
            net.table_scale = self.place("lookup.scale", [(n,)], [(n,)], (0,))

    def columns(self, n_numbers, places, sizes):
        """Addresses of the columns' numbers, and of where the rows of each begin and the last one's end."""
        starts = [0, *accumulate(sizes)]
        return self.keep(torch.tensor(places, dtype=torch.int64, device="cpu") + n_numbers), self.keep(
            torch.tensor(starts, device="cpu")
        )

    def keep(self, tensor):
        self.kept.append(tensor.contiguous())
        return compiled.address(self.kept[-1])

    def place(self, name, shapes, used, at, is_absolute=False):
        """Take the next place for a parameter; returns where it begins."""
        slot = Slot(name, self.stride, shapes, used, at, is_absolute)
        self.slots.append(slot)
        self.stride += padded(max(slot.sizes))  # vectors that begin at multiples of their size take half the time
        return slot.start

    def leave(self, n):
        """Take the next place for numbers that stay zero; returns where it begins."""
        start, self.stride = self.stride, self.stride + padded(n)
        return start


def runs(numbers):
    """Consecutive numbers as pairs: where they begin, and how many there are."""
    found: list[list[int]] = []
    for number in numbers:
        if found and sum(found[-1]) == number:
            found[-1][1] += 1
        else:
            found.append([number, 1])
    return found


def parameter_name(owner, name):
    """The full name of a parameter, which constraints may compute from another tensor."""
    prefix, _, last = name.rpartition(".")
    computed = getattr(owner, "parametrizations", {})
    return f"{prefix}.parametrizations.{last}.original" if last in computed else name
