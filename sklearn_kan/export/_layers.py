"""Steps that carry a network's layers out: members side by side, ``(n_members, n, size)``, behind the first layer."""

import numpy as np
import torch

from ..bases import TruncatedPower
from ..bases._pieces import piece_table
from ..bases._truncated_power import edge_polynomials
from ..network._constrained import GroupedNorm
from ..network._norms import BatchNorm, LayerNorm, NoNorm
from ._functions import features_of, silu
from ._splines import Ramps, numbers, part_weights, ramps, spline_parts

UNKNOWN = 0  # the code that adds nothing


@torch.no_grad()
def outputs_of(do, module, x, codes, kept=None):
    """Steps from an encoded table to raw outputs ``(n_members, n, n_raw)``.

    Parameters
    ----------
    do : Steps
    module : KAN
    x : str or None
    codes : list of Code
    kept : ndarray of bool, optional
        Which parts of a sum of networks count, as `group_outputs` has them; by default all do.
    """
    direct, last, h = getattr(module, "direct", None), len(module.layers) - 1, x
    of_last, of_direct = (kept, None) if direct is None or kept is None else np.split(kept, [len(module.groups)])
    for number, layer in enumerate(module.layers):
        members, own = layer.n_members or 1, of_last if number == last else None
        if number == 0:
            h = first_layer(do, layer, module.lookup, x, codes, own)
            h = do("Transpose", do.shaped(h, 0, members, layer.out_features), perm=[1, 0, 2])
        else:
            h = hidden_layer(do, layer, h, members, own)
        if number < last:
            h = normalised(do, module.norms[number], h)
    return h if direct is None else do("Add", h, outputs_of(do, direct, x, codes, of_direct))


def first_layer(do, layer, lookup, x, codes, kept=None):
    """Sums over edges from inputs that members share, or of those that are kept: (n, n_units)."""
    kept = np.ones(layer.in_features + len(codes)) if kept is None else kept.astype(float)
    parts = [] if lookup is None else looked_up(do, lookup, codes, kept[layer.in_features :])
    bias = numbers(layer.bias)
    if layer.in_features:
        weight, sums, start = kept[: layer.in_features, None, None] * numbers(layer.scaled_weight), [], 0
        for basis, size in layer.basis.parts(layer.n_units):
            own = weight[:, : basis.n_basis, start : start + size]
            total, constant = summed(do, basis, x, own, members=None)
            bias[start : start + size] += constant
            sums.append(total)
            start += size
        parts.append(sums[0] if len(sums) == 1 else do("Concat", *sums, axis=-1))
        if layer.base_weight is not None:
            base = kept[: layer.in_features, None] * numbers(layer.scaled(layer.base_weight.T))
            parts.append(do("MatMul", silu(do, x), base))
        if layer.factor is not None:
            f, g = (padded(numbers(part), layer.n_units).T for part in (layer.factor, layer.cofactor))
            parts.append(do("Mul", do("MatMul", x, f), do("MatMul", x, g)))
    if not parts:
        raise ValueError("The network has no inputs. Fit it to a table with columns that vary.")
    return do("Add", do.total(parts), bias)


def hidden_layer(do, layer, h, members, kept=None):
    """Sums over edges from inputs of each member's own, or of groups that are kept: (n_members, n, out_features)."""
    ((basis, _),) = layer.basis.parts(layer.n_units)
    own = np.ones(layer.in_features) if kept is None else kept.repeat(layer.in_features // len(kept)).astype(float)
    total, constant = summed(do, basis, h, own[:, None, None] * numbers(layer.scaled_weight), members)
    parts, bias = [total], by_member(numbers(layer.bias) + constant, members)
    if layer.base_weight is not None:
        base = own[:, None] * numbers(layer.scaled(layer.base_weight.T))
        parts.append(do("MatMul", silu(do, h), of_members(base, members)))
    if layer.factor is not None:
        f, g = (of_members(padded(numbers(part), layer.n_units).T, members) for part in (layer.factor, layer.cofactor))
        parts.append(do("Mul", do("MatMul", h, f), do("MatMul", h, g)))
    return do("Add", do.total(parts), bias)


def padded(weight, n_units):
    """Products belong to the last units; those of others are zero."""
    return np.concatenate([np.zeros((n_units - len(weight), weight.shape[1])), weight])


def by_member(vector, members):
    """(n_units,) -> (n_members, 1, out_features)."""
    return vector.reshape(members, 1, -1)


def of_members(weight, members):
    """(in, n_units) -> (n_members, in, out_features)."""
    return weight.reshape(len(weight), members, -1).transpose(1, 0, 2)


def summed(do, basis, x, weight, members):
    """Sums of the edge functions of a basis, and what is to be added to all rows (n_units,)."""
    if isinstance(basis, TruncatedPower) and basis.out_features is not None:
        return of_individual_knots(do, basis, x, weight, members)
    features = features_of(do, basis, x)
    weight, constant = features.weights(weight)
    flat = weight.reshape(-1, weight.shape[2])
    if members is None:
        return do("MatMul", do.shaped(features.table, 0, len(flat)), flat), constant
    return do("MatMul", do.shaped(features.table, 0, 0, len(flat)), of_members(flat, members)), constant


def of_individual_knots(do, basis, x, weight, members):
    """The same where each edge has knots of its own."""
    n_inputs, _, n_units = weight.shape
    table, degree = piece_table(basis.current_knots().cpu().double(), basis.degree), basis.degree
    local = numbers(edge_polynomials(table, torch.from_numpy(weight)))
    local = local.reshape(n_units * n_inputs, -1, degree + 1, 1)
    grid = ramps(table, degree)
    weights, start = part_weights(local, grid, degree)
    shape = (n_units, n_inputs) if members is None else (members, 1, n_units // members, n_inputs)
    grid = Ramps(*(part.reshape(*shape, -1) for part in grid))
    x = do.expanded(x, 1, 3) if members is None else do.expanded(x, 2, 4)  # (..., 1, in, 1)
    axes = (-2, -1)
    sums = [
        do.reduced("ReduceSum", do("Mul", part, own.reshape(*shape, -1)), *axes, keepdims=0)
        for part, own in zip(spline_parts(do, x, grid, degree), weights, strict=True)
    ]
    return do.total(sums), start.reshape(n_units, n_inputs).sum(1)


def normalised(do, norm, h):
    """A normalisation of the last axis, in evaluation."""
    if isinstance(norm, NoNorm):
        return h
    weight, bias = (last_but_rows(numbers(part)) for part in (norm.weight, norm.bias))
    if isinstance(norm, BatchNorm):
        mean, var = (last_but_rows(numbers(part)) for part in (norm.running_mean, norm.running_var))
        rate = weight / np.sqrt(var + norm.eps)
        return do("Add", do("Mul", do("Sub", h, mean), rate), bias)
    normal = grouped(do, norm, h) if isinstance(norm, GroupedNorm) else layer_norm(do, norm, h)
    return do("Add", do("Mul", normal, weight), bias)


def layer_norm(do, norm: LayerNorm, h):
    centered = do("Sub", h, do.reduced("ReduceMean", h, -1))
    variance = do.reduced("ReduceMean", do("Mul", centered, centered), -1)
    return do("Div", centered, do("Sqrt", do("Add", variance, np.float64(norm.eps))))


def grouped(do, norm, h):
    """`GroupedNorm`: means over the free units of a unit's group are products with a matrix."""
    share, group = numbers(norm.share), norm.group.cpu().numpy()
    mean = share[:, None] * (group[:, None] == group)
    centered = do("Sub", h, do("MatMul", h, mean))
    variance = do("MatMul", do("Mul", centered, centered), mean)
    normal = do("Div", centered, do("Sqrt", do("Add", variance, np.float64(norm.eps))))
    free = (share > 0).astype(float)
    if free.all():
        return normal
    return do("Add", do("Mul", normal, free), do("Mul", h, 1 - free))


def last_but_rows(array):
    """Parameters (size,) or (n_members, size), for tables (n_members, n, size)."""
    return array if array.ndim == 1 else array[:, None]


def looked_up(do, lookup, codes, kept):
    """Tables of the codes, each (n, n_units); zero for those that are not kept."""
    table = numbers(lookup.scaled(lookup.table, lookup.owner))
    found = []
    for i, start in zip(lookup.direct, lookup.offsets.tolist(), strict=True):
        own = kept[i] * table[start : start + lookup.n_levels[i]]
        own[UNKNOWN] = 0.0
        found.append(chosen(do, codes[i], own))
    if lookup.factored:
        vectors = []
        for i, embedding in zip(lookup.factored, lookup.embeddings, strict=True):
            own = kept[i] * numbers(embedding)
            own[UNKNOWN] = 0.0
            vectors.append(chosen(do, codes[i], own))
        owner = torch.tensor(lookup.factored).repeat_interleave(lookup.embeddings[0].shape[1])
        mixing = numbers(lookup.scaled(lookup.mixing.T, owner))
        found.append(do("MatMul", do("Concat", *vectors, axis=-1), mixing))
    return found


def chosen(do, code, table):
    """Rows of a table that a code column asks for."""
    if code.kind == "hot":
        return do("MatMul", code.table, table[1:])
    if code.kind == "code":
        return do("Gather", table, code.table, axis=0)
    whole = do("Floor", code.table)
    share = do("Kept", do("Sub", code.table, whole))
    below = do("Squeeze", do("Whole", whole), np.array([1]))
    beyond = do("Min", do("Add", below, np.int64(1)), np.int64(len(table) - 1))
    low, high = (do("Gather", table, place, axis=0) for place in (below, beyond))
    return do("Add", low, do("Mul", do("Sub", high, low), share))
