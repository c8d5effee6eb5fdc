"""What held-out rows correct after training: how much members count, and how sure probabilities are."""

import math

import numpy as np
import torch
from scipy.optimize import minimize_scalar

from ._losses import ROWS_AT_ONCE, combined, cross_entropy, poisson

LOG_TEMPERATURES = -2.0, 2.0  # the lowest and the highest
LOG_TEMPERATURE_STD = 0.5  # beforehand: few rows without an error would ask for none at all
EQUAL_SHARES_ROWS = 1.0  # how many rows' worth of logarithms speak for equal shares beforehand


def best_temperature(raw, y, weight):
    """The most probable divisor of logits (n, k), by their weighted cross-entropy (Guo et al. 2017, sec. 4.2)."""

    def loss(log_temperature):
        fit = float((cross_entropy(raw / math.exp(log_temperature), y) * weight).sum())
        return fit + 0.5 * (log_temperature / LOG_TEMPERATURE_STD) ** 2

    return math.exp(minimize_scalar(loss, bounds=LOG_TEMPERATURES, method="bounded").x)


def member_weights(loss, parts, sizes):
    """Weights of members that are of two kinds, equal within a kind, or of one; their average is one.

    The average of both kinds is scored on rows that members of both hold out: by their mean loss if it is a negative
    log-likelihood, else by its logarithm, times their number. A weak prior keeps either from nothing (stacking; Wolpert
    1992, Breiman 1996).

    Parameters
    ----------
    loss : callable
    parts : iterable of tuple
        For some rows after others: raw outputs (n, members, k), targets, and weights (n, members), positive where a
        member holds a row out.
    sizes : sequence of int
        How many members are of each kind, in their order.

    Returns
    -------
    weights : ndarray of shape (members,)
    """
    if len(sizes) == 1:
        return np.ones(sum(sizes))
    known = [of_kinds(loss, raw, y, weight.double(), sizes) for raw, y, weight in parts]
    kinds, y, row_weight = (torch.cat(tensors) for tensors in zip(*known, strict=True))
    if not len(y):
        return np.ones(sum(sizes))

    def losses(shares):
        if loss is cross_entropy:
            return -torch.logsumexp(kinds[:, :, 0] + shares.log(), 1)
        return loss(combined(loss, kinds, shares.expand(len(y), 2)), y)

    def objective(share):
        mean = float((losses(kinds.new_tensor([1 - share, share])) * row_weight).sum() / row_weight.sum())
        likelihood = mean if loss in (cross_entropy, poisson) else math.log(max(mean, np.finfo(float).tiny))
        return len(y) * likelihood - EQUAL_SHARES_ROWS * math.log(share * (1 - share))

    share = minimize_scalar(objective, bounds=(0, 1), method="bounded").x
    each = [(1 - share) / sizes[0], share / sizes[1]]
    return sum(sizes) * np.repeat(each, sizes)


def of_kinds(loss, raw, y, weight, sizes):
    """The averages (n, kinds, k) of each kind over rows that all of them hold out, with targets and weights (n,).

    Of classes, of which there may be hundreds, only the logarithm of the true one's probability is kept.
    """
    rows = torch.stack([part.any(1) for part in weight.split(sizes, 1)]).all(0).nonzero()[:, 0]
    y, weight = y[rows], weight[rows]
    kinds = []
    for part, target, some in zip(*(tensor.split(ROWS_AT_ONCE) for tensor in (rows, y, weight)), strict=True):
        pairs = zip(raw[part].split(sizes, 1), some.split(sizes, 1), strict=True)
        averages = torch.stack([combined(loss, outputs.double(), own) for outputs, own in pairs], 1)
        if loss is cross_entropy:
            places = target[:, None, None].expand(-1, len(sizes), 1)
            averages = averages.log_softmax(2).gather(2, places)
        kinds.append(averages)
    return torch.cat(kinds), y, weight.amax(1)
