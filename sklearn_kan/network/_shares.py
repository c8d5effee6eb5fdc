"""What each group of inputs adds to the outputs of a network that is a sum over groups."""

import torch
import torch.nn.functional as F


def group_outputs(module, x):
    """The parts that a sum of networks has, one for each group; with the last layer's bias they add up to its outputs.

    Parameters
    ----------
    module : ConstrainedKAN
    x : Tensor of shape (n_samples, n_columns)
        As the network takes it.

    Returns
    -------
    Tensor of shape (n_samples, n_members or 1, n_groups, out_features)
        Without hidden layers there is one part for each input, whatever the groups: edges of an input are a part. So
        are edges past the hidden layers, whose parts come last.
    """
    if len(module.layers) == 1:
        return of_inputs(module, x)
    parts = of_units(module, x)
    return parts if module.direct is None else torch.cat([parts, of_inputs(module.direct, x)], 2)


def inputs_of_parts(module, n_inputs):
    """The inputs that each part reads: a list of lists."""
    single = [[i] for i in range(n_inputs)]
    if len(module.layers) == 1:
        return single
    return module.groups if module.direct is None else module.groups + single


def bias(module):
    """What the network adds to its parts: Tensor of shape (n_members or 1, out_features)."""
    last = module.layers[-1]
    own = last.bias.view(-1, last.out_features)
    return own if getattr(module, "direct", None) is None else own + bias(module.direct)


def of_units(module, x):
    """Parts of the last layer's edges, whose inputs are units, group after group."""
    last, n_groups = module.layers[-1], len(module.groups)
    h = module(x, depth=len(module.layers) - 1)
    h = h[:, None] if last.n_members is None else h
    edges = last.basis.edge_functions_of_members(h, last.scaled_weight)
    if last.base_weight is not None:
        edges = edges + F.silu(h)[:, :, None] * last.base_weight.unflatten(0, (h.shape[1], -1))
    return edges.unflatten(3, (n_groups, -1)).sum(4).transpose(2, 3)


def of_inputs(module, x):
    """Parts of a single layer's edges, and of the tables of its categorical inputs."""
    layer, lookup = module.layers[0], module.lookup
    members = layer.n_members or 1
    numeric, codes = x.tensor_split([layer.in_features], 1)
    edges = layer.edge_functions(numeric).unflatten(1, (members, -1)).permute(0, 1, 3, 2)
    if lookup is None:
        return edges
    own = torch.eye(codes.shape[1], dtype=codes.dtype, device=codes.device)
    tables = [lookup(codes * mask).unflatten(1, (members, 1, -1)) for mask in own]
    return torch.cat([edges, *tables], 2)


def on_grid(module, first, second, part):
    """One part of a network with hidden layers, for all pairs of rows from two tables that fill different columns.

    All groups are run on the pairs, which is fast, and what other ones add is taken off: no other one reads columns of
    both tables, so that rows by themselves tell.

    Parameters
    ----------
    module : ConstrainedKAN
    first, second : Tensor of shape (n_rows, n_columns)
        Zero in each other's columns.
    part : int
        Number of the group that has columns of both.

    Returns
    -------
    Tensor of shape (n_first, n_second, n_members or 1, out_features)
    """
    total = module.sums((first[:, None] + second).flatten(0, 1))
    own_bias = module.layers[-1].bias.view(-1, total.shape[-1])
    total = total.view(len(first), len(second), -1, total.shape[-1]) - own_bias
    alone = of_units(module, first), of_units(module, second)
    filled = set(first.any(0).nonzero()[:, 0].tolist())
    for number, group in enumerate(module.groups):
        if number != part:
            reads_first = not filled.isdisjoint(group)
            total = total - (alone[0][:, None, :, number] if reads_first else alone[1][None, :, :, number])
    return total
