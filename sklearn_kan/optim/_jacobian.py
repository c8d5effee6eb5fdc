"""Rows of the Jacobian of a model's outputs, times a root of the loss's curvature, in blocks of parameters.

Layout: a block's parameters are one vector; its rows are ``(n, size)`` for each column of the root. Linear maps have
rows in closed form, features times gradients, and so have the weights of norms. Whatever else there is, functions that
a basis learns, tables, coefficients under constraints, takes part by way of ``torch.func``, row by row.
"""

from contextlib import contextmanager
from typing import Any

import torch
from torch.func import functional_call, jacrev, jvp, vjp, vmap
from torch.nn.utils.parametrize import is_parametrized

from ._factors import CELLS
from ._maps import LinearMap, linear_maps


class MapBlock:
    """Coefficients and biases of a linear map."""

    def __init__(self, one):
        self.one, self.parameters = one, one.parameters
        self.size = sum(p.numel() for p in one.parameters)
        self.n_coefficients = self.size - (one.out_features if one.has_bias else 0)

    def vector(self, tensors):
        matrix, bias = self.one.matrix(tensors)
        return torch.cat([matrix.flatten(), *([] if bias is None else [bias])])

    def tensors(self, vector):
        coefficients, bias = vector.split([self.n_coefficients, self.size - self.n_coefficients])
        matrix = coefficients.unflatten(0, (self.one.in_features, self.one.side, self.one.out_features))
        return self.one.tensors(matrix, bias if self.one.has_bias else None)

    def calls(self, seen, column, part):
        """Features (rows, m, side) and gradients (rows, m, out) of each call, of `part` of the rows."""
        for x, g in seen.of(self.one):
            x, g = x[part], self.one.pull(x[part], g[column, part])
            features = self.one.features(x.flatten(0, -2)).flatten(1)
            yield features.unflatten(0, (len(x), -1)), g.reshape(len(g), -1, g.shape[-1])

    def rows(self, seen, column, part):
        total: Any = 0.0
        for features, g in self.calls(seen, column, part):
            row = torch.einsum("nmf,nmo->nfo", features, g).flatten(1)
            total = total + (torch.cat([row, g.sum(1)], 1) if self.one.has_bias else row)
        return total

    def times(self, seen, vector):
        return seen.effect(self.one, self.tensors(vector))

    def transposed(self, seen, u):
        total = u.new_zeros(self.size)
        for column in range(len(u)):
            for part in parts(u.shape[1], self.one.in_features * self.one.side):
                for features, g in self.calls(seen, column, part):
                    g = (g * u[column, part, None, None]).flatten(0, 1)
                    sums = [(features.flatten(0, 1).T @ g).flatten(), *([g.sum(0)] if self.one.has_bias else [])]
                    total += torch.cat(sums)
        return total


class AffineMap(LinearMap):
    """Weight and bias of a norm: ``y = w z + b``, elementwise, with z what the layer gives for w = 1 and b = 0."""

    def __init__(self, layer):
        self.layer, self.weight, self.parameters = layer, layer.weight, [layer.weight, layer.bias]

    def normed(self, x):
        state = {name: buffer.clone() for name, buffer in self.layer.named_buffers()}  # of moving averages
        state |= {"weight": torch.ones_like(self.weight), "bias": torch.zeros_like(self.weight)}
        return functional_call(self.layer, state, (x,))

    def apply(self, x, tensors):
        return self.normed(x) * tensors[0] + tensors[1]


class AffineBlock:
    """Weight and bias of a norm."""

    n_coefficients = 0

    def __init__(self, layer):
        self.one = AffineMap(layer)
        self.parameters, self.size = self.one.parameters, 2 * layer.weight.numel()

    def vector(self, tensors):
        return torch.cat([tensor.flatten() for tensor in tensors])

    def tensors(self, vector):
        return [half.reshape(self.one.weight.shape) for half in vector.chunk(2)]

    def rows(self, seen, column, part):
        total: Any = 0.0
        for x, g in seen.of(self.one):
            sums = [(g[column] * self.one.normed(x))[part], g[column, part]]
            total = total + torch.cat([s.reshape(len(s), -1, self.one.weight.numel()).sum(1) for s in sums], 1)
        return total

    def times(self, seen, vector):
        return seen.effect(self.one, self.tensors(vector))

    def transposed(self, seen, u):
        return sum(u[column] @ self.rows(seen, column, slice(None)) for column in range(len(u)))


class OtherBlock:
    """All other parameters, by derivatives of the model as a function of them."""

    n_coefficients = 0

    def __init__(self, model, parameters):
        known = {id(p) for p in parameters}
        named = {name: p for name, p in model.named_parameters() if id(p) in known}
        self.model, self.names, self.parameters = model, list(named), list(named.values())
        self.size = sum(p.numel() for p in self.parameters)

    def vector(self, tensors):
        return torch.cat([tensor.flatten() for tensor in tensors])

    def tensors(self, vector):
        sizes = [p.numel() for p in self.parameters]
        return [v.reshape(p.shape) for v, p in zip(vector.split(sizes), self.parameters, strict=True)]

    def outputs(self, x):
        """The model's outputs for rows x, as a function of the parameters."""

        def function(tensors):
            with torch.enable_grad(), evaluating(self.model):
                return functional_call(self.model, dict(zip(self.names, tensors, strict=True)), (x,))

        return function

    def rows(self, seen, column, part):
        def one_row(tensors, row):
            return self.outputs(row[None])(tensors)[0]

        values = tuple(p.detach() for p in self.parameters)
        jacobian = vmap(jacrev(one_row), (None, 0))(values, seen.x[part])
        jacobian = torch.cat([part_of.flatten(2) for part_of in jacobian], 2)
        return torch.einsum("nk,nkp->np", seen.columns[column, part], jacobian)

    def times(self, seen, vector):
        values = tuple(p.detach() for p in self.parameters)
        change = jvp(self.outputs(seen.x), (values,), (tuple(self.tensors(vector)),))[1]
        return (seen.columns * change).sum(2)

    def transposed(self, seen, u):
        pull = vjp(self.outputs(seen.x), tuple(p.detach() for p in self.parameters))[1]
        return self.vector(pull((seen.columns * u[..., None]).sum(0))[0])


def blocks_of(model):
    """All trainable parameters of a model, in blocks."""
    blocks: list = []
    for layer in model.modules():
        own = dict(layer.named_parameters(recurse=False))
        if list(own) == ["weight", "bias"] and own["weight"].shape == own["bias"].shape and not any(layer.children()):
            blocks.append(AffineBlock(layer))
        elif isinstance(layer, torch.nn.Linear) or (hasattr(layer, "basis") and is_one_map(layer)):
            blocks += [MapBlock(one) for one in linear_maps(layer) if one.layer is layer]
    blocks = [block for block in blocks if all(p.requires_grad for p in block.parameters)]
    known = {id(p) for block in blocks for p in block.parameters}
    others = [p for p in model.parameters() if p.requires_grad and p.numel() and id(p) not in known]
    return [*blocks, *([OtherBlock(model, others)] if others else [])]


def is_one_map(layer):
    """Whether a KANLayer's features are the same for all outputs, and its parameters the coefficients themselves."""
    weight = layer.edge_weight
    if is_parametrized(layer) or layer.scale is not None:
        return False
    with torch.no_grad():
        return layer.basis(torch.zeros(1, layer.in_features, dtype=weight.dtype, device=weight.device)).ndim == 3


def parts(n_rows, width):
    """Slices of rows that hold no more than so many cells of this width."""
    step = max(1, CELLS // max(1, width))
    return [slice(start, start + step) for start in range(0, n_rows, step)]


@contextmanager
def evaluating(model):
    """A model in evaluation, where rows do not depend on each other."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training
