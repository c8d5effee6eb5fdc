"""What is expected of a whole ensemble on rows that only few of its members hold out.

An average of k members has a higher loss than one of all n, and the more so, the more members differ: what is best for
few is too cautious for all. For the squared error, the loss of k members is ``L + c / k`` on average, where c is half
the members' variance (Krogh & Vedelsby 1995, eq. 7), which k of them show.
"""

import torch

from ._losses import Tweedie, combined, cross_entropy, is_logarithmic, member_losses, predicted


def expected_total(loss, raw, y, weight, row_weight, n_members):
    """Sum over rows of the loss that an average of `n_members` is expected to have, from some of them.

    For the squared error it is without bias: the mean over all choices of k members is the loss of all. For losses of
    logarithms it is so to second order, for others where they are close to quadratic.

    Parameters
    ----------
    loss : callable
        ``(raw, y) -> (n,)``.
    raw : Tensor of shape (n, k, n_outputs)
        Outputs of some members.
    y : Tensor of shape (n,) or (n, n_targets)
    weight : Tensor of shape (n, k)
        How much they count, 0 for those that do not.
    row_weight : Tensor of shape (n,)
    n_members : int

    Returns
    -------
    total : Tensor of shape ()
    """
    share = weight / weight.sum(1, keepdim=True)
    few = share.square().sum(1)  # one over the number of members, if they count alike
    excess = torch.where(few < 1, (few - 1 / n_members) / (1 - few).clamp(min=torch.finfo(raw.dtype).eps), 0.0)
    together = loss(combined(loss, raw, weight), y)
    if is_logarithmic(loss):
        return (row_weight * (together - excess * bend(loss, raw, y, share))).sum()
    apart = (share * member_losses(loss, raw, y)).sum(1) - together
    least = (row_weight * together / (n_members * few)).sum()  # if members had nothing in common but the target
    return torch.maximum((row_weight * (together - excess * apart)).sum(), least)


def bend(loss, raw, y, share):
    """Half the variance of what is averaged times the loss's second derivative, by row.

    It is bounded where losses are not: members that are sure, and wrong, have some that say nothing of averages.
    """
    if loss is cross_entropy:
        log_mean = raw.log_softmax(2).gather(2, y[:, None, None].expand(-1, raw.shape[1], 1))
    else:
        log_mean = predicted(loss, raw).log()
    relative = (log_mean - log_mean.amax(1, keepdim=True)).exp()  # probabilities, or means, of each member
    mean = (share[..., None] * relative).sum(1, keepdim=True)
    variance = (share[..., None] * (relative / mean - 1).square()).sum(1)
    return 0.5 * (curvature(loss, (mean.log() + log_mean.amax(1, keepdim=True))[:, 0].exp(), y) * variance).mean(1)


def curvature(loss, mean, y):
    """The square of the mean times a loss's second derivative by it; of the probability for cross-entropy."""
    if loss is cross_entropy:
        return torch.ones_like(mean)
    if isinstance(loss, Tweedie):
        p = loss.power
        return (1 - p) * mean ** (2 - p) + p * y * mean ** (1 - p)
    return y
