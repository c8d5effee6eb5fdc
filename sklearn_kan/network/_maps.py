"""What optimizers need to know of layers of edge functions and of tables: the linear maps that they are made of."""

import torch
import torch.nn.functional as F

from ..bases import BSpline
from ..knots import second_differences
from ..optim import LinearMap


class EdgeMap(LinearMap):
    """The map of a KANLayer: the values of its basis and its base branch are the features.

    With knots for each edge the outputs have features of their own; these count as rows.
    """

    def __init__(self, layer):
        self.has_base = layer.base_weight is not None
        weights = [layer.edge_weight, *([layer.base_weight] if self.has_base else [])]
        super().__init__(layer, weights, layer.bias, layer.basis.n_basis + self.has_base)
        with torch.no_grad():
            self.has_shared_features = layer.basis(layer.edge_weight.new_zeros(1, layer.in_features)).ndim == 3

    def features(self, x):
        values = self.layer.basis(x)
        if not self.has_shared_features:
            values, x = values.flatten(0, 1), x.repeat_interleave(self.out_features, 0)
        return torch.cat([values, F.silu(x)[..., None]], -1) if self.has_base else values

    def bends(self):
        basis = self.layer.basis
        if not isinstance(basis, BSpline):
            return super().bends()
        D = second_differences(basis.knots, basis.degree)
        return F.pad(D.expand(self.in_features, -1, -1), (0, int(self.has_base)))

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
        super().__init__(layer, [weight])
        self.other = other

    def pull(self, x, g):
        return g * F.linear(x, self.other)

    def apply(self, x, tensors):
        return F.linear(x, tensors[0]) * F.linear(x, self.other)


class TableMap(LinearMap):
    """The map of a LookupLayer's table, behind a feature for each of its rows."""

    def __init__(self, layer):
        self.layer, self.coefficients, self.bias, self.side = layer, [layer.table], None, 1
        self.parameters, self.owners = [layer.table], layer.owner.tolist()
        self.in_features, self.out_features = layer.table.shape

    def features(self, x):
        return self.layer.chosen(x)[..., None]

    def matrix(self, tensors):
        return tensors[0][:, None], None

    def tensors(self, matrix, bias):
        return [matrix[:, 0]]

    def apply(self, x, tensors):
        return self.layer.chosen(x) @ tensors[0]
