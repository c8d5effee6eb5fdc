"""Losses and outputs of a net over rows, and copies of its state."""

import torch

from ..network._holdings import remembered
from ._rows import Batches

EVALUATION_ROWS = 4096
MOST_OUTPUTS = 4_194_304  # of all members for the rows of one step: 400 classes of 16 members take 655 rows


def batches_of(rows, module):
    """Rows in order, in steps of a size that memory allows."""
    return Batches(rows, min(EVALUATION_ROWS, max(1, MOST_OUTPUTS // module.n_outputs)))


@torch.no_grad()
def objective(net, rows):
    """What a phase minimises."""
    return mean_loss(net, rows, training=True) + float(net.penalty())


@torch.no_grad()
def mean_loss(net, rows, training=False):
    """Mean loss over rows, of members by themselves as in training, or as predictions have it."""
    net.module_.eval()
    batches = batches_of(rows, net.module_)
    total = sum(net.get_loss(net.raw(X), target, training=training).item() * len(X) for X, target in batches)
    return total / len(rows)


@torch.no_grad()
def held_out_parts(net, rows):
    """For some rows after others: raw outputs (n, k), targets and weights (n, 1); of members (n, members, k), with
    weights (n, members) of those that hold a row out.
    """
    net.module_.eval()
    for X, (y, weight) in batches_of(rows.to(net.device, next(net.module_.parameters()).dtype), net.module_):
        raw = net.raw(X)
        yield raw, y, weight.expand(raw.shape[:2]) if raw.ndim == 3 else weight


def held_out_outputs(net, rows):
    """`held_out_parts` of all rows at once."""
    return [torch.cat(tensors) for tensors in zip(*held_out_parts(net, rows), strict=True)]


@remembered
def state_of(module):
    return module.state_dict(keep_vars=True)


@torch.no_grad()
def snapshot(module):
    return {name: tensor.clone() for name, tensor in state_of(module).items()}


def is_finite(module):
    return all(p.isfinite().all() for p in module.parameters())
