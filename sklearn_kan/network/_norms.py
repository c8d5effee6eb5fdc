"""Normalisations of hidden activations, which keep them in the range of the knots.

Shapes: ``(n_samples, size)``, or ``(n_samples, n_members, size)`` for an ensemble whose members are normalised apart.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from ..optim import ElementwiseMap

SIGNAL_STD = 0.5  # of encoded inputs and normalised activations: the knots' range [-1, 1] is two of them either way


class Norm(nn.Module):
    """Weight and bias behind a normalisation."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(weight.shape))

    def linear_maps(self):
        """What it is linear in, for optimizers; none where constraints compute the weight."""
        return [] if is_parametrized(self) else [ElementwiseMap(self)]


class LayerNorm(Norm):
    """Layer normalisation of the last axis to the network's signal spread, with weights of each member's own."""

    def __init__(self, shape, eps=1e-5):
        super().__init__(torch.full(shape, SIGNAL_STD))
        self.eps = eps

    def forward(self, x, sample_weight=None):
        if self.weight.ndim == 1:
            return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.eps)
        return F.layer_norm(x, self.weight.shape[-1:], eps=self.eps) * self.weight + self.bias


class BatchNorm(Norm):
    """Batch normalisation in which a row of weight 2 counts as two rows; running statistics in evaluation."""

    def __init__(self, shape, momentum=0.1, eps=1e-5):
        super().__init__(torch.full(shape, SIGNAL_STD))
        self.momentum, self.eps = momentum, eps
        self.running_mean: torch.Tensor
        self.running_var: torch.Tensor
        self.register_buffer("running_mean", torch.zeros(shape))
        self.register_buffer("running_var", torch.ones(shape))

    def forward(self, x, sample_weight=None):
        mean, var = self.running_mean, self.running_var
        if self.training:
            share = x.new_ones(len(x)) if sample_weight is None else sample_weight
            share = share.reshape(*share.shape, *[1] * (x.ndim - share.ndim))  # a weight per row, or per member too
            share = share / share.sum(0)
            mean = (share * x).sum(0)
            var = (share * (x - mean).square()).sum(0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var, self.momentum)
        return (x - mean) * (var + self.eps).rsqrt() * self.weight + self.bias


class NoNorm(nn.Module):
    """Hidden activations as they are."""

    def __init__(self, shape):
        super().__init__()

    def forward(self, x, sample_weight=None):
        return x


NORMS = {"layer": LayerNorm, "batch": BatchNorm, "none": NoNorm}


def make_norm(norm, shape):
    """A normalisation by its name; a single unit is left as it is by ``"layer"``, which would make it constant."""
    return NORMS["none" if norm == "layer" and shape[-1] == 1 else norm](shape)
