"""Networks that rise, fall and keep inputs apart by construction: constraints on coefficients, not on the loss.

Every input and every unit has groups that it belongs to, and a direction. A unit reads inputs of its own group alone;
outputs sum over groups. A unit without a direction is free: its edges are arbitrary, and it reads nothing that has a
direction. A unit with a direction, +1, may read everything of its group: inputs without a direction through arbitrary
edges, others through monotone ones, rising or falling as the directions say. Sums and compositions of these are
monotone, whatever the coefficients (min-max and lattice networks rest on the same closure; Daniels & Velikova 2010).
"""

import math
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrize

from ..bases import BSpline, get_basis
from ._grouped_norm import GroupedNorm
from ._kan import KAN, for_layers, layer_sizes
from ._layer import KANLayer
from ._lookup import EMBEDDING_DIM, LookupLayer
from ._norms import SIGNAL_STD

LEAST_UNITS = 8  # of a group in a hidden layer
MAX_EDGES = 2**20  # of a layer, those that constraints keep at zero included
LEAST_STEP = 1e-12  # between neighbouring coefficients that are taken over: at zero a square has no gradient


class Constraints(NamedTuple):
    """What a `ConstrainedKAN` keeps to; its fields are arguments of that class."""

    directions: list[int]
    groups: list[list[int]]
    output_directions: list[int] | None = None
    direct: bool = False


class Units(NamedTuple):
    """What constraints say on the inputs of a network, on the units of a layer, or on the outputs.

    Parameters
    ----------
    member : Tensor of shape (n_units, n_groups)
        1 for the groups of a unit, else 0.
    direction : Tensor of shape (n_units,)
        1 or -1 for units in which the network rises or falls, 0 for others.
    """

    member: torch.Tensor
    direction: torch.Tensor


def edges_between(inputs, outputs):
    """Which edges there are, and their directions: two tensors of shape (n_outputs, n_inputs)."""
    together = outputs.member @ inputs.member.T > 0
    allowed = together & ((inputs.direction == 0) | (outputs.direction != 0)[:, None])
    return allowed, outputs.direction[:, None] * inputs.direction * allowed


def hidden_units(inputs, counts, size):
    """Units of a hidden layer: `size` for each group, half of them with a direction if some of its inputs have one.

    Only inputs in `counts`, bool of shape (n_inputs,), ask for free units.
    """
    groups = []
    for number, member in enumerate(inputs.member.T):
        directed = inputs.direction[(member > 0) & counts] != 0
        n_directed = size if directed.all() else math.ceil(size / 2) if directed.any() else 0
        direction = (torch.arange(size) < n_directed).float()
        groups.append((torch.full((size,), number), direction))
    numbers, directions = (torch.cat(parts) for parts in zip(*groups, strict=True))
    return Units(F.one_hot(numbers, inputs.member.shape[1]).float(), directions)


class Edges(nn.Module):
    """Coefficients of a layer's edges from unconstrained numbers, both of shape (in_features, n_basis, out_features).

    A spline with non-decreasing coefficients is non-decreasing, as is its linear continuation (de Boor 1978, ch. XI).
    Those of a rising edge are ``c_k = r_0 + s_k - mean(s)`` with ``s_k = r_1**2 + ... + r_k**2``; for a falling edge
    s has the other sign. Squares, unlike softplus, let decay of r shrink a rise to nothing.
    """

    allowed: torch.Tensor
    direction: torch.Tensor

    def __init__(self, allowed, direction):
        super().__init__()
        # contiguous, and with them the numbers behind the coefficients: L-BFGS views these as one vector
        self.register_buffer("allowed", allowed.T[:, None].float().contiguous(), persistent=False)
        self.register_buffer("direction", direction.T[:, None].float().contiguous(), persistent=False)

    def forward(self, raw):
        if not self.direction.any():
            return raw * self.allowed
        level, steps = raw[:, :1], raw[:, 1:]
        rise = F.pad(steps.square().cumsum(1), (0, 0, 1, 0))
        monotone = level + self.direction * (rise - rise.mean(1, keepdim=True))
        return torch.where(self.direction == 0, raw * self.allowed, monotone)

    def right_inverse(self, coef):
        rising = (coef * self.direction).cummax(1).values
        steps = rising.diff(dim=1).clamp(min=LEAST_STEP).sqrt()
        raw = torch.cat([coef.mean(1, keepdim=True), steps], 1)
        return torch.where(self.direction == 0, coef * self.allowed, raw)


class Masked(nn.Module):
    """A tensor with zeros where a mask has them."""

    mask: torch.Tensor

    def __init__(self, mask):
        super().__init__()
        self.register_buffer("mask", mask.float().contiguous(), persistent=False)

    def forward(self, raw):
        return raw * self.mask

    def right_inverse(self, value):
        return value * self.mask


class Absolute(nn.Module):
    """A tensor without its signs."""

    def forward(self, raw):
        return raw.abs()

    def right_inverse(self, value):
        return value.abs()


class ConstrainedKAN(KAN):
    """A Kolmogorov-Arnold network that is monotone in some inputs, or a sum over groups of inputs.

    Parameters
    ----------
    in_features, out_features, hidden_layer_sizes, n_levels, norm, n_members, generator, **params
        As in `KAN`. Hidden units are shared out evenly among the groups, at least eight for each.
    directions : sequence of int, optional
        For each numeric input 1, 0 or -1: outputs rise, are free, or fall in it.
    groups : sequence of sets of int, optional
        Inputs that may interact, numbered as the columns of `x`; a set may share members with others. By default one
        group of all.
    output_directions : sequence of int, optional
        1 for an output to which `directions` apply, -1 for one to which they apply with the other sign; by default 1.
    direct : bool, default=False
        Whether outputs have a function of each input in addition, by edges past the hidden layers.

    Raises
    ------
    ValueError
        If a layer would have more than a million edges.

    Notes
    -----
    Shape: ``(n_samples, in_features + len(n_levels)) -> (n_samples, out_features)``, with members
    ``-> (n_samples, n_members, out_features)``.

    References
    ----------
    Daniels & Velikova (2010), *Monotone and Partially Monotone Neural Networks*, IEEE Trans. Neural Networks 21.

    Agarwal et al. (2021), *Neural Additive Models*, arXiv:2004.13912: sums of networks, one for each group.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.network._constrained import ConstrainedKAN
    >>> net = ConstrainedKAN(2, 1, directions=[1, 0])
    >>> x = torch.tensor([[-1.0, 0.3], [0.0, 0.3], [5.0, 0.3]])
    >>> bool((net(x).diff(dim=0) >= 0).all())
    True
    """

    def __init__(self, in_features, out_features, *, hidden_layer_sizes=(64,), n_levels=(), norm="layer",
                 n_members=None, directions=None, groups=None, output_directions=None, direct=False, generator=None,
                 **params):  # fmt: skip
        n_columns = in_features + len(n_levels)
        groups = [range(n_columns)] if groups is None else groups
        inputs_of_groups = [sorted(group) for group in groups]
        member = torch.zeros(n_columns, len(groups))
        for number, group in enumerate(groups):
            member[sorted(group), number] = 1.0
        direction = torch.zeros(n_columns)
        direction[:in_features] = torch.as_tensor([0] * in_features if directions is None else directions).float()
        columns = Units(member, direction)
        sizes = units_of_groups(hidden_layer_sizes, len(groups))
        if direction.any():
            check_monotone(params, len(sizes) + 1)
        check_edges([n_columns, *(size * len(groups) for size in sizes)], len(groups))
        super().__init__(
            in_features, out_features, hidden_layer_sizes=[size * len(groups) for size in sizes], n_levels=n_levels,
            norm=norm, n_members=n_members, generator=generator, **params,
        )  # fmt: skip
        self.groups = inputs_of_groups
        counts = torch.tensor([True] * in_features + [n > 2 for n in n_levels])  # not a mark of missing values
        signs = torch.as_tensor([1] * out_features if output_directions is None else output_directions).float()
        layers = [hidden_units(columns, counts, size) for size in sizes] + [
            Units(torch.ones(out_features, len(groups)), signs)
        ]
        inputs = [Units(member[:in_features], direction[:in_features]), *layers]
        for i, layer in enumerate(cast(Iterable[KANLayer], self.layers)):
            edges = (of_all(edge, n_members) for edge in edges_between(inputs[i], layers[i]))
            constrain(layer, *edges, is_first=i == 0, generator=generator)
        if self.lookup is not None:
            levels = Units(member[in_features:], torch.zeros(len(n_levels)))
            constrain_lookup(self.lookup, of_all(edges_between(levels, layers[0])[0], n_members))
        for i, units in enumerate(layers[:-1]):
            if norm == "layer":
                self.norms[i] = GroupedNorm(units, n_members)
            if norm != "none":
                parametrize.register_parametrization(self.norms[i], "weight", Absolute())
        self.direct = None
        if direct:
            own = {name: first_of(value) for name, value in params.items()}
            self.direct = ConstrainedKAN(
                in_features, out_features, hidden_layer_sizes=(), n_levels=n_levels, norm=norm, n_members=n_members,
                directions=directions, output_directions=output_directions, generator=generator, **own,
            )  # fmt: skip

    def sums(self, x, sample_weight=None, depth=None):
        """What the groups add to the outputs, and the last layer's bias; or what a layer is given."""
        return super().forward(x, sample_weight, depth)

    def forward(self, x, sample_weight=None, depth=None):
        h = self.sums(x, sample_weight, depth)
        return h if self.direct is None or depth is not None else h + self.direct(x)

    def place_knots(self, x, sample_weight=None):
        super().place_knots(x, sample_weight)
        if self.direct is not None:
            self.direct.place_knots(x, sample_weight)

    def refine_knots(self, n_knots, x=None, sample_weight=None):
        super().refine_knots(n_knots, x, sample_weight)
        if self.direct is not None:
            self.direct.refine_knots(n_knots, x, sample_weight)


def first_of(parameter):
    """A parameter's value for the first layer."""
    return parameter[0] if isinstance(parameter, list | tuple) else parameter


def of_all(edges, n_members):
    """Rows of one member's outputs, for the outputs of all members."""
    return edges.repeat(n_members or 1, 1)


def check_monotone(params, n_layers):
    """Raise if a family's coefficients do not tell whether a function is monotone."""
    for basis in for_layers(n_layers, basis=params.get("basis", "bspline")):
        if not issubclass(get_basis(basis), BSpline):
            raise ValueError(
                f"basis={basis!r} cannot be held monotone, and monotonic_cst has constraints. Choose 'bspline' or "
                "'truncated_power' for all layers, or set monotonic_cst=None."
            )


def units_of_groups(hidden_layer_sizes, n_groups):
    """Units that each group has in the hidden layers."""
    sizes = layer_sizes(hidden_layer_sizes)
    return [max(LEAST_UNITS, math.ceil(size / n_groups)) for size in sizes] if n_groups > 1 else list(sizes)


def edges_of_layers(architecture, n_groups):
    """Edges of each layer of one member, those that constraints keep at zero included."""
    hidden = [n_groups * size for size in units_of_groups(architecture.hidden_layer_sizes, n_groups)]
    n_columns = architecture.in_features + len(architecture.n_levels)
    return [a * b for a, b in pairwise([n_columns, *hidden, architecture.out_features])]


def check_edges(sizes, n_groups):
    """Raise if a layer would be too large."""
    n_edges = max([a * b for a, b in pairwise(sizes)], default=0)
    if n_edges > MAX_EDGES:
        raise ValueError(
            f"interaction_cst has {n_groups} groups, for which a layer would have {n_edges} edges, more than "
            f"{MAX_EDGES}. Name fewer sets of features, or choose 'no_interactions' or a single hidden layer."
        )


@torch.no_grad()
def constrain(layer, allowed, direction, *, is_first=False, generator=None):
    """Hold a layer's edges to what is allowed, and start them afresh.

    The rise of monotone edges starts such that outputs keep the signal's spread: for independent inputs in a first
    layer, and for hidden ones as if they all moved together, which units with a direction nearly do.
    """
    normal = torch.empty_like(layer.edge_weight).normal_(generator=generator)
    scale = (layer.in_features / allowed.sum(1).clamp(min=1).float()).sqrt()  # fewer inputs than the start counted on
    parametrize.register_parametrization(layer, "edge_weight", Edges(allowed, direction))
    original = layer.parametrizations.edge_weight.original
    n_directed = (direction != 0).sum(1).clamp(min=1).float()
    total = math.sqrt(12) * SIGNAL_STD / (n_directed.sqrt() if is_first else n_directed)
    steps = normal * (total / max(1, layer.basis.n_basis - 1)).sqrt()
    steps[:, 0] = 0.0
    original.copy_(torch.where((direction != 0).T[:, None], steps, original * scale))
    if layer.base_weight is not None:
        parametrize.register_parametrization(layer, "base_weight", Masked(allowed & (direction == 0)))
        layer.parametrizations.base_weight.original.mul_(scale[:, None])


def constrain_lookup(lookup: LookupLayer, allowed):
    """Hold the tables of categorical inputs to the edges that are allowed, shape (out_features, n_inputs)."""
    rows = torch.tensor([lookup.n_levels[i] for i in lookup.direct], dtype=torch.long)
    mask = allowed[:, lookup.direct].T.repeat_interleave(rows, dim=0)
    parametrize.register_parametrization(lookup, "table", Masked(mask))
    mask = allowed[:, lookup.factored].repeat_interleave(EMBEDDING_DIM, dim=1)
    parametrize.register_parametrization(lookup, "mixing", Masked(mask))
