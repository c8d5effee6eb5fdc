"""Losses and outputs of a net over rows, and copies of its state."""

import torch

from ..network._holdings import Remembered
from ._rows import Batches

EVALUATION_ROWS = 4096


@torch.no_grad()
def objective(net, rows):
    """What a phase minimises."""
    return mean_loss(net, rows, training=True) + float(net.penalty())


@torch.no_grad()
def mean_loss(net, rows, training=False):
    """Mean loss over rows, of members by themselves as in training, or as predictions have it."""
    net.module_.eval()
    batches = Batches(rows, EVALUATION_ROWS)
    total = sum(net.get_loss(net.raw(X), target, training=training).item() * len(X) for X, target in batches)
    return total / len(rows)


@torch.no_grad()
def held_out_outputs(net, rows):
    """Raw outputs (n, k) or (n, members, k) for rows, with targets, and weights (n,) or of those that hold them out."""
    net.module_.eval()
    batches = Batches(rows.to(net.device, next(net.module_.parameters()).dtype), EVALUATION_ROWS)
    parts = [(net.raw(X), y, weight) for X, (y, weight) in batches]
    return [torch.cat(tensors) for tensors in zip(*parts, strict=True)]


state_of = Remembered(lambda module: module.state_dict(keep_vars=True))


@torch.no_grad()
def snapshot(module):
    return {name: tensor.clone() for name, tensor in state_of(module).items()}


def is_finite(module):
    return all(p.isfinite().all() for p in module.parameters())
