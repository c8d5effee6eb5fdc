"""Losses, their links, and the scale on which a target is learned.

A loss maps raw network outputs and targets, both on the learned scale, to one value per row.
"""

import math
from functools import partial

import torch
import torch.nn.functional as F

from ..optim import constant_root, cross_entropy_root

HUBER_DELTA = 1.35  # in robust standard deviations of the target, as in sklearn.linear_model.HuberRegressor
HUBER_INFORMATION = 1 / (1 + 2 * math.exp(-0.5 * HUBER_DELTA**2)
                         / (HUBER_DELTA * math.sqrt(2 * math.pi) * math.erf(HUBER_DELTA / math.sqrt(2))))  # fmt: skip
ROWS_AT_ONCE = 512  # of the outputs of all members, which are large where there are many classes
MAX_LOG_MEAN = 30.0  # of a mean over the target's average: exp stays finite in float32


def squared_error(raw, y):
    """Half the squared error, ``(n, k), (n, k) -> (n,)``, averaged over outputs."""
    return 0.5 * (raw - y).square().mean(1)


def absolute_error(raw, y):
    """Absolute error, ``(n, k), (n, k) -> (n,)``."""
    return (raw - y).abs().mean(1)


def huber(raw, y):
    """Huber's loss (1964): quadratic up to 1.35 robust standard deviations, linear beyond."""
    return F.huber_loss(raw, y, delta=HUBER_DELTA, reduction="none").mean(1)


def poisson(raw, y):
    """Half the Poisson deviance without its constant; the raw output is the log of the mean."""
    log_mean = raw.clamp(max=MAX_LOG_MEAN)
    return (log_mean.exp() - y * log_mean).mean(1)


class Tweedie:
    """Half the unit deviance of Tweedie's distributions; the raw output is the log of the mean.

    The variance is the mean to the power `power`: 1 is Poisson's distribution, above 1 and below 2 a sum of gamma
    variables as many as a Poisson variable says, 2 the gamma distribution, 3 the inverse Gaussian (Jorgensen 1987).
    """

    def __init__(self, power):
        self.power = power
        self.max_log_mean = MAX_LOG_MEAN / max(1.0, power - 1)

    def __call__(self, raw, y):
        log_mean, p = self.log_mean(raw), self.power
        positive = y.clamp(min=torch.finfo(raw.dtype).tiny)
        if p == 2:
            return (y * (-log_mean).exp() - 1 + log_mean - positive.log()).mean(1)
        at_best = (y if p < 2 else positive) ** (2 - p) / ((1 - p) * (2 - p))
        return (((2 - p) * log_mean).exp() / (2 - p) - y * ((1 - p) * log_mean).exp() / (1 - p) + at_best).mean(1)

    def log_mean(self, raw):
        return raw.clamp(-self.max_log_mean, self.max_log_mean)

    def fisher_root(self, raw):
        """Root of the Fisher information of the log of the mean, ``mean^(2 - power)``."""
        return ((2 - self.power) * self.log_mean(raw)).exp().div(raw.shape[1]).sqrt().diag_embed()


class Pinball:
    """Pinball loss of the quantile at `level` (Koenker & Bassett, 1978), or its mean over a tuple of levels.

    With several levels there is one raw output for each, and one target. Outputs that cross are sorted afterwards,
    which raises the loss of no row: swapping two of them changes it by the difference of their levels, times how far
    they crossed (Chernozhukov, Fernandez-Val & Galichon 2010).
    """

    def __init__(self, level):
        self.level = level

    def levels(self, raw):
        """The level, or levels as a tensor."""
        return raw.new_tensor(self.level) if has_levels(self) else self.level

    def __call__(self, raw, y):
        level, error = self.levels(raw), y - raw
        return torch.maximum(level * error, (level - 1) * error).mean(1)

    def fisher_root(self, raw):
        """Root of the information of the asymmetric Laplace density's location."""
        level = self.levels(raw)
        return mean_root(raw, level * (1 - level))


def cross_entropy(raw, y):
    """Cross-entropy of class indices, ``(n, n_classes), (n,) -> (n,)``."""
    return F.cross_entropy(raw, y, reduction="none")


def has_levels(loss):
    """Whether several quantiles of one target are learned."""
    return isinstance(loss, Pinball) and isinstance(loss.level, tuple)


def is_logarithmic(loss):
    """Whether raw outputs are logarithms of what is predicted."""
    return loss is cross_entropy or has_log_link(loss)


def has_log_link(loss):
    """Whether a loss of regression learns the logarithm of a mean."""
    return loss is poisson or isinstance(loss, Tweedie)


def member_losses(loss, raw, y):
    """A loss for each row and member of an ensemble: ``(n, members, k), (n, ...) -> (n, members)``."""
    n_members = raw.shape[1]
    return loss(raw.flatten(0, 1), y.repeat_interleave(n_members, 0)).unflatten(0, (-1, n_members))


def what_is_averaged(loss):
    """What of members' outputs is averaged: themselves, what they are logarithms of, or probabilities of classes."""
    if loss is cross_entropy:
        return "probabilities"
    return "exponentials" if has_log_link(loss) else "outputs"


def combined(loss, raw, weight=None, *, is_sum=False):
    """One output for those of several members: what they predict, averaged.

    Parameters
    ----------
    loss : callable
    raw : Tensor of shape (n, members, k)
    weight : Tensor of shape (n, members), optional
        Which members count, and how much.
    is_sum : bool, default=False
        Whether outputs themselves are averaged, whatever they mean: an average of sums over terms is one, too.

    Returns
    -------
    raw : Tensor of shape (n, k)
        For logarithmic losses the logarithm of the average, for classes of the average probability.
    """
    share = raw.new_ones(raw.shape[:2]) if weight is None else weight
    share = (share / share.sum(1, keepdim=True))[..., None]
    if is_sum or not is_logarithmic(loss):
        return (share * raw).sum(1)
    parts = zip(raw.split(ROWS_AT_ONCE), share.split(ROWS_AT_ONCE), strict=True)
    return torch.cat([
        torch.logsumexp((part.log_softmax(2) if loss is cross_entropy else part) + some.log(), 1)
        for part, some in parts
    ])  # fmt: skip


def averaged(loss, raw, member_weights, weight=1.0, *, is_sum=False):
    """What members predict together, each counting as it should: ``(n, members, k) -> (n, k)``.

    Parameters
    ----------
    loss : callable
    raw : Tensor of shape (n, members, k)
    member_weights : ndarray of shape (members,)
    weight : Tensor of shape (n, members), optional
        Which members count for a row.
    is_sum : bool, default=False
        As of `combined`.
    """
    weights = torch.from_numpy(member_weights).to(raw) * weight
    return combined(loss, raw, weights.expand(raw.shape[:2]), is_sum=is_sum)


def within_reach(loss, raw):
    """Raw outputs as a loss sees them: logarithms of means up to where the mean is still a number."""
    if loss is poisson:
        return raw.clamp(max=MAX_LOG_MEAN)
    return loss.log_mean(raw) if isinstance(loss, Tweedie) else raw


def predicted(loss, raw):
    """What raw outputs of a regression mean, on the scale that is learned."""
    return within_reach(loss, raw).exp() if has_log_link(loss) else raw


def poisson_root(raw):
    """Root of the Fisher information of the Poisson distribution, its mean."""
    return (raw.clamp(max=MAX_LOG_MEAN).exp() / raw.shape[1]).sqrt().diag_embed()


def fisher_root(loss):
    """Root of the Fisher information of the density whose negative logarithm a loss is.

    It maps raw outputs (n, k) to (n, k, n_columns).

    For absolute errors, pinball and Huber's loss the second derivative is zero in places or everywhere, but the
    information of a location, ``E[loss'**2]``, is a positive constant: 1 for Laplace's density, ``q (1 - q)`` for the
    asymmetric one, ``P(|e| < delta)`` under Huber's.
    """
    if loss is cross_entropy:
        return cross_entropy_root
    if loss is poisson:
        return poisson_root
    if isinstance(loss, Tweedie | Pinball):
        return loss.fisher_root
    information = {squared_error: 1.0, absolute_error: 1.0, huber: HUBER_INFORMATION}[loss]
    return partial(mean_root, information=information)


def mean_root(raw, information):
    """Root of the same information for each output, of losses that are means over outputs."""
    return constant_root(raw, information / raw.shape[1])


REGRESSION_LOSSES = ("squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma", "tweedie")
OF_POWER = {0.0: "squared_error", 1.0: "poisson", 2.0: "gamma"}  # Tweedie's losses that have a name of their own


def regression_loss(name, quantile=0.5, power=1.5):
    """The loss function of this name."""
    functions = {"squared_error": squared_error, "absolute_error": absolute_error, "huber": huber, "poisson": poisson}
    if name in ("gamma", "tweedie"):
        return Tweedie(2.0 if name == "gamma" else power)
    return Pinball(quantile) if name == "quantile" else functions[name]
