"""A network as the compiled library takes it: the parameters of each member as one run of numbers."""

from functools import cached_property
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch.nn.utils.parametrize import is_parametrized

from .._compat import is_hooked, parameters_of
from ..bases import BSpline
from ..kernels.cpu import _network as compiled
from ..kernels.cpu import _predict as prediction
from ..kernels.cpu._library import MAX_KNOTS, SUFFIXES, has_library
from ._branches import branches_of
from ._kan import KAN
from ._layer import KANLayer
from ._layout import ORDER, Layout, padded
from ._lookup import EMBEDDING_DIM
from ._norms import LayerNorm, NoNorm


def can_be_packed(module):
    """Whether the compiled library takes a network: some layers of B-splines of degree 1 to 3, without constraints."""
    if type(module) is not KAN or not has_library() or len(module.layers) > compiled.MAX_LAYERS:
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
    return all(is_packable_basis(basis, is_first) for basis, _ in layer.basis.parts(layer.n_units))


def is_packable_basis(basis, is_first):
    is_small = type(basis) is BSpline and 1 <= basis.degree <= 3 and basis.n_knots <= MAX_KNOTS
    return is_small and (is_first or has_even_knots(basis))


def has_even_knots(basis):
    """As `is_even`, which is asked before every pass and changes with the polynomials only."""
    if basis.found_even is None:
        basis.found_even = is_even(basis.knots)
    return basis.found_even


def is_even(knots):
    """Whether knots are evenly spaced, and the same in all rows, to their last digits."""
    gaps = knots.diff(dim=1)
    return bool(((gaps - gaps.mean()).abs() <= 4 * torch.finfo(knots.dtype).eps).all() and (knots == knots[:1]).all())


class Packed:
    """The parameters of a network of the library's kind; see `can_be_packed` and `can_be_packed_as_sum`.

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
    nets : list of the same
        With it, those of a sum's parts.
    prepared : Tensor or None
        What prediction by all members reads, once it is asked for, of a network with one hidden layer.
    """

    prepared = None
    reader: tuple = None, None  # an encoder, and how the library reads it
    weights: tuple = None, None  # of members, as bytes, and as shares

    def __init__(self, module):
        first, last = module.layers[0], module.layers[-1]
        self.n_members = module.n_members or 1
        self.n_outputs = last.out_features
        parts = first.basis.parts(first.n_units)
        self.n_coarse = parts[0][1] // first.out_features
        self.everybody = torch.arange(self.n_members, device="cpu")
        self.dtype = next(module.parameters()).dtype
        self.paired: tuple[list, list] = [], []  # where a module's numbers are, and views of them next to places here
        self.splines, self.pieces = {}, {}  # of layers and kinds of members, as they were described to the library
        own, others = branches_of(module)
        self.part_nets = (compiled.Network * len(others))()
        self.net = net = compiled.Network()
        self.nets = [net, *self.part_nets]
        self.branches = [own, *others]
        self.layout = layout = Layout(is_sum=bool(others))
        layout.describe_columns(net, module)
        for to, branch in zip(self.nets, self.branches, strict=True):
            if branch is not None:
                layout.lay_out(to, branch, is_part=to is not net)
        self.slots, self.stride = layout.slots, layout.stride
        self.parameters, self.scaled = self.zeros(), self.zeros()
        self.tables = torch.zeros(self.n_members, layout.table_stride, dtype=self.dtype, device="cpu")
        n_rows = sum(len(e) for e in module.lookup.embeddings) if module.lookup is not None else 0
        self.embeddings = torch.zeros(padded(n_rows * EMBEDDING_DIM), dtype=self.dtype, device="cpu")
        for to in self.nets:
            to.n_members, to.n_outputs, to.stride = self.n_members, self.n_outputs, self.stride
            to.n_fine, to.n_dim, to.table_stride = self.n_members - self.n_coarse, EMBEDDING_DIM, layout.table_stride
            to.parameters, to.scaled, to.tables = map(compiled.address, (self.parameters, self.scaled, self.tables))
        net.embeddings, net.n_embeddings = compiled.address(self.embeddings), n_rows
        net.n_parts, net.parts = len(others), compiled.address_of(self.part_nets)
        self.load(module)

    def zeros(self):
        """One number for each parameter."""
        return torch.zeros(self.n_members, self.stride, dtype=self.dtype, device="cpu")

    def spline(self, basis, n_rows):
        """A basis as the library reads it, its polynomials padded to the library's order; parts of a sum share it."""
        if self.splines.get(id(basis), (None,))[0] is not basis.pieces:
            order, keep = basis.degree + 1, self.layout.keep
            pieces = F.pad(basis.pieces.unflatten(1, (order, order)), (0, ORDER - order, 0, ORDER - order))
            tensors = basis.knots, pieces, basis.origin, basis.rate, basis.first
            spline = compiled.Spline(*map(keep, tensors), basis.n_knots, n_rows)
            self.splines[id(basis)] = basis.pieces, spline
        return self.splines[id(basis)][1]

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
                for axis, (first, n) in enumerate(zip(slot.at, used, strict=True), 1):
                    part, theirs = part.narrow(axis, 0, n), theirs.narrow(axis, first, n)
                yield part, theirs
        start = 0
        for name, tensor in tensors.items():
            if name.startswith("lookup.embeddings."):
                yield embeddings[start : start + tensor.numel()].view_as(tensor), tensor
                start += tensor.numel()

    def load(self, module):
        """Take over a module's parameters, and its knots where they have moved."""
        for place, branch in enumerate(self.branches):
            for number, layer in enumerate((branch or self.branches[1]).module.layers):
                bases = [basis for basis, _ in layer.basis.parts(layer.n_units)]
                n_rows = self.layout.n_padded(bases)
                for kind, basis in enumerate([bases[0], bases[-1]]):
                    if self.pieces.get((place, number, kind)) is not basis.pieces:
                        self.pieces[place, number, kind] = basis.pieces
                        self.nets[place].layers[number].spline[kind] = self.spline(basis, n_rows[-kind])
        with torch.no_grad():
            for part, theirs in self.own_pairs(module):
                part.copy_(theirs)
        for slot in self.slots:
            if slot.is_absolute:
                self.parameters[:, slot.start : slot.start + slot.sizes[0]].abs_()

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
        layers = [layer for net in self.nets for layer in net.layers[: net.n_layers]]
        return ORDER * sum(int(layer.n_inputs) * (int(layer.n_outputs) + 8) for layer in layers)

    def outputs(self, X, rows=None, members=None):
        """Outputs of some members for rows of a table of this dtype: ``(n_rows, n_chosen, n_outputs)``."""
        if rows is None and members is None and self.prepared is not None:
            return self.predict(prediction.encoded_table(X := X.contiguous()), len(X))
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
        if rows is None and members is None and self.prepared is not None:
            return self.predict(prediction.encoded_table(X := X.contiguous()), len(X), weights, what)
        members = self.everybody if members is None else members
        return compiled.outputs(self.net, X.contiguous(), rows, members, self.work, weights, compiled.AVERAGES[what])

    def shares(self, weights):
        """Weights of members, an ndarray, as a tensor with sum one."""
        key = weights.tobytes()
        if self.weights[0] != key:
            self.weights = key, torch.from_numpy(weights / weights.sum()).to(self.dtype)
        return self.weights[1]

    def table(self, encoder, numbers, codes):
        """Rows of a table that an encoder encodes; see `kernels.cpu._predict.table_of`."""
        if self.reader[0] is not encoder:
            self.reader = encoder, prediction.Reader(
                center=encoder.center_, rate=encoder.rate_, bound=encoder.bound, n_categories=len(encoder.levels_),
                bends=encoder.bends_, atoms=encoder.atoms_, missing=encoder.missing_, places=encoder.places_,
            )  # fmt: skip
            if self.reader[1].n_columns != self.net.n_columns:
                raise ValueError("This encoder is not that of the network: it gives another number of columns.")
        return prediction.table_of(self.reader[1], numbers, codes)

    def predict(self, table, n, weights=None, what=None):
        """As `outputs` and `average`, of all members of a prepared network for the n rows of a table."""
        return prediction.predict(self.net, table, n, self.dtype, self.work, weights, what)

    def expand(self):
        """Bring what the library computes from the parameters up to date with them."""
        compiled.expand(self.net, self.dtype)

    def prepare(self):
        """Bring what prediction by all members reads up to date with the parameters."""
        self.expand()
        self.prepared = prediction.prepare(self.net, self.dtype)


def of_members(name, tensor, n_members):
    """A view of a parameter with an axis for members first, and units of one member last."""
    kind = name.removesuffix(".original").rsplit(".", 1)[-1]  # without what computes it
    if kind == "edge_weight":
        return tensor.unflatten(2, (n_members, -1)).permute(2, 0, 1, 3)
    if kind in ("base_weight", "mixing"):
        return tensor.unflatten(0, (n_members, -1)).transpose(1, 2)
    if kind == "table":
        return tensor.unflatten(1, (n_members, -1)).transpose(0, 1)
    return tensor.T if kind == "scale" else tensor.reshape(n_members, -1)
