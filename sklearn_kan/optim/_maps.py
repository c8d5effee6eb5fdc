"""Linear maps inside a network, each a matrix behind features that do not depend on it.

Optimizers ask the layers: one with a method ``linear_maps()`` returns a list of the maps that it holds, empty if it is
not linear in its coefficients. Layers of torch are known here. Other parameters are in no map.

Layout: features ``(n, in, side)``, one group of `side` features for each input; coefficients and their gradients
``(in, side, out)``; biases ``(out,)``; gradients of the outputs ``(n_columns, n, ..., out)``.
"""

from collections import Counter

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

NORMS_OF_CHANNELS = (
    nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm,
    nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d,
)  # fmt: skip


class LinearMap:
    """The map of an :class:`torch.nn.Linear`, whose inputs are its features, one each; other layers offer subclasses.

    Parameters
    ----------
    layer : Module
        Its calls show the map's inputs, and the gradients of its outputs.
    coefficients : list of Parameter
        Together they make up the matrix.
    bias : Parameter or None, default=None
    side : int, default=1
        Features of one input.

    Attributes
    ----------
    parameters : list of Parameter
        Coefficients, then the bias.
    has_shared_features : bool
        Whether all outputs have the same features. Otherwise those of each output count as rows, which is exact for
        the features' second moment, but not for the rows of the Jacobian.
    owners : list of int or None
        The column that each input is of, if several are of one.
    """

    has_shared_features = True
    owners: list[int] | None = None

    def __init__(self, layer, coefficients, bias=None, side=1):
        self.layer, self.coefficients, self.bias, self.side = layer, coefficients, bias, side
        self.parameters = [*coefficients, *([] if bias is None else [bias])]
        self.in_features, self.out_features = layer.in_features, layer.out_features

    def features(self, x):
        return x[..., None]

    def pull(self, x, g):
        """Gradients of the map's outputs, from those of the layer's."""
        return g

    def bends(self):
        """D of each input, (in, n, side), with ``|D c|**2`` the roughness of its function, which may have no rows."""
        return torch.zeros(self.in_features, 0, self.side, dtype=torch.float64, device=self.coefficients[0].device)

    def matrix(self, tensors):
        """Coefficients and biases, from tensors like the parameters."""
        return tensors[0].T[:, None], tensors[1] if self.bias is not None else None

    def tensors(self, matrix, bias):
        """Tensors like the parameters, from coefficients and biases."""
        weight = matrix[:, 0].T
        return [weight] if self.bias is None else [weight, bias]

    def apply(self, x, tensors):
        """The change of the layer's outputs when the parameters change by these, to first order."""
        return F.linear(x, *tensors)


class ElementwiseMap:
    """Weight and bias of a norm: ``y = w z + b`` along an axis, with z what the layer gives for w = 1 and b = 0.

    Parameters
    ----------
    layer : Module
        With parameters `weight` and `bias`.
    axis : int, default=-1
        Of the layer's outputs.
    """

    def __init__(self, layer, axis=-1):
        self.layer, self.axis, self.parameters = layer, axis, [layer.weight, layer.bias]

    def normed(self, x):
        weight = self.layer.weight
        state = {name: buffer.clone() for name, buffer in self.layer.named_buffers()}  # of moving averages
        state |= {"weight": torch.ones_like(weight), "bias": torch.zeros_like(weight)}
        return functional_call(self.layer, state, (x,))

    def apply(self, x, tensors):
        """The change of the layer's outputs when the parameters change by these."""
        z = self.normed(x).movedim(self.axis, -1)
        return (z * tensors[0] + tensors[1]).movedim(-1, self.axis)


def maps_of(model):
    """The maps of a model's layers, in their order: those of trainable parameters that no other layer has too."""
    owners = Counter(p for layer in model.modules() for p in layer.parameters(recurse=False))
    maps = [linear for layer in model.modules() for linear in maps_in(layer)]
    return [linear for linear in maps if all(p.requires_grad and owners[p] == 1 for p in linear.parameters)]


def maps_in(layer):
    """What a layer says that it holds, or for one of torch, what is known about it."""
    if hasattr(layer, "linear_maps"):
        return layer.linear_maps()
    own = dict(layer.named_parameters(recurse=False))  # without weights that a parametrisation computes
    if is_like(layer, nn.Linear) and layer.weight is own.get("weight") and layer.bias is own.get("bias"):
        return [LinearMap(layer, [layer.weight], layer.bias)]
    if own.keys() != {"weight", "bias"}:
        return []
    if is_like(layer, nn.LayerNorm):
        return [ElementwiseMap(layer)]
    return [ElementwiseMap(layer, axis=1)] if any(is_like(layer, kind) for kind in NORMS_OF_CHANNELS) else []


def is_like(layer, kind):
    """Whether a layer is one of this kind, and computes what that computes."""
    return isinstance(layer, kind) and type(layer).forward is kind.forward
