"""Layer normalisation of groups of units, each by itself."""

import torch
import torch.nn.functional as F

from ._norms import SIGNAL_STD, Norm


class GroupedNorm(Norm):
    """Layer normalisation of each group's free units by themselves; units with a direction are scaled and shifted.

    Parameters
    ----------
    units : Units
        Of one member.
    n_members : int, optional
        Members of an ensemble, each normalised by itself: the shape is ``(n_samples, n_members, size)`` then.
    """

    group: torch.Tensor
    share: torch.Tensor

    def __init__(self, units, n_members=None, eps=1e-5):
        n_groups, group, free = units.member.shape[1], units.member.argmax(1), units.direction == 0
        counts = torch.bincount(group[free], minlength=n_groups)[group].float()
        share = torch.where(free & (counts > 1), 1 / counts.clamp(min=1), 0.0)  # one unit alone would be constant
        weight = torch.where(share > 0, torch.full_like(share, SIGNAL_STD), 1.0)
        super().__init__(weight if n_members is None else weight.repeat(n_members, 1))
        self.eps, self.n_groups = eps, n_groups
        self.is_free = bool((share > 0).all())
        self.register_buffer("group", group, persistent=False)
        self.register_buffer("share", share, persistent=False)

    def mean(self, x):
        """Over the free units of a unit's group."""
        sums = x.new_zeros(*x.shape[:-1], self.n_groups).index_add(-1, self.group, x * self.share)
        return sums.index_select(-1, self.group)

    def forward(self, x, sample_weight=None):
        if self.is_free:  # groups are blocks of equal size
            normal = F.layer_norm(x.unflatten(-1, (self.n_groups, -1)), (x.shape[-1] // self.n_groups,), eps=self.eps)
            return normal.flatten(-2) * self.weight + self.bias
        centered = x - self.mean(x)
        normal = centered * (self.mean(centered.square()) + self.eps).rsqrt()
        return torch.where(self.share > 0, normal, x) * self.weight + self.bias
