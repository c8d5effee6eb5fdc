"""Linear maps inside a network, each a matrix behind features that do not depend on it.

Layout: features ``(n, in, side)``, one group of `side` features for each input; coefficients and their gradients
``(in, side, out)``; biases ``(out,)``; gradients of the outputs ``(n_columns, n, ..., out)``.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrize import is_parametrized


class LinearMap:
    """The map of an :class:`torch.nn.Linear`, whose inputs are its features, one each."""

    def __init__(self, layer):
        self.layer, self.weight, self.has_bias = layer, layer.weight, layer.bias is not None
        self.parameters = [layer.weight, layer.bias] if self.has_bias else [layer.weight]
        self.in_features, self.out_features, self.side = layer.in_features, layer.out_features, 1

    @property
    def n_weights(self):
        """How many of the parameters are coefficients."""
        return len(self.parameters) - self.has_bias

    def features(self, x):
        return x[..., None]

    def pull(self, x, g):
        """Gradients of the map's outputs, from those of the layer's."""
        return g

    def matrix(self, tensors):
        """Coefficients and biases, from tensors like the parameters."""
        return tensors[0].T[:, None], tensors[1] if self.has_bias else None

    def tensors(self, matrix, bias):
        """Tensors like the parameters, from coefficients and biases."""
        weight = matrix[:, 0].T
        return [weight, bias] if self.has_bias else [weight]

    def apply(self, x, tensors):
        """The change of the layer's outputs when the parameters change by these, to first order."""
        return F.linear(x, *tensors)


class KANMap(LinearMap):
    """The map of a KANLayer: the values of its basis and its base branch are the features.

    With knots for each edge the outputs have features of their own; these count as rows.
    """

    def __init__(self, layer):
        self.layer, self.weight, self.has_bias = layer, layer.edge_weight, True
        self.has_base = layer.base_weight is not None
        self.parameters = [layer.edge_weight, *([layer.base_weight] if self.has_base else []), layer.bias]
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.side = layer.basis.n_basis + self.has_base

    def features(self, x):
        values = self.layer.basis(x)
        if values.ndim == 4:
            values, x = values.flatten(0, 1), x.repeat_interleave(self.out_features, 0)
        return torch.cat([values, F.silu(x)[..., None]], -1) if self.has_base else values

    def matrix(self, tensors):
        edges, *base, bias = tensors
        return torch.cat([edges, *(weight.T[:, None] for weight in base)], 1), bias

    def tensors(self, matrix, bias):
        edges = matrix[:, : self.side - self.has_base].contiguous()
        return [edges, matrix[:, -1].T, bias] if self.has_base else [edges, bias]

    def apply(self, x, tensors):
        edges, *base, bias = tensors
        y = self.layer.basis.contract(x.flatten(0, -2), edges).unflatten(0, x.shape[:-1])
        return y + (F.linear(F.silu(x), base[0], bias) if base else bias)


class ProductMap(LinearMap):
    """One of the two linear maps whose product a KANLayer adds; the other one scales its outputs' gradients."""

    def __init__(self, layer, weight, other):
        self.layer, self.weight, self.other, self.has_bias = layer, weight, other, False
        self.parameters = [weight]
        self.in_features, self.out_features, self.side = layer.in_features, layer.out_features, 1

    def pull(self, x, g):
        return g * F.linear(x, self.other)

    def apply(self, x, tensors):
        return F.linear(x, tensors[0]) * F.linear(x, self.other)


def linear_maps(module):
    """The maps of a module's layers with trainable parameters, in their order.

    A layer with an `edge_weight` is taken for a KANLayer.
    """
    maps = []
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            maps.append(LinearMap(layer))
        elif hasattr(layer, "edge_weight"):
            if layer.n_members is not None or layer.scale is not None or is_parametrized(layer):
                raise ValueError(
                    f"{layer} has members, factors of its inputs or constrained coefficients, and is not one linear "
                    "map. Use K-FAC on layers without them."
                )
            maps.append(KANMap(layer))
            if layer.factor is not None:
                maps += [
                    ProductMap(layer, layer.factor, layer.cofactor),
                    ProductMap(layer, layer.cofactor, layer.factor),
                ]
    return [one for one in maps if all(p.requires_grad for p in one.parameters)]
