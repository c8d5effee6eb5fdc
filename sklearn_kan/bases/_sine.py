"""Sines of learned frequency (SineKAN; Reinhardt et al., 2024)."""

import math
from typing import ClassVar

import torch
from torch import nn

from ._base import Basis, check_least


class Sine(Basis, name="sine"):
    """Sines ``sin(omega_k x + psi_ik)`` with learned frequencies, shared by all inputs, and fixed phases.

    Phases follow the paper's rule, ``k / (g + 1) + pi i / (in - 1)`` for function k of g and input i, and are turned
    by ``(k + 1) pi / 2``; frequencies start at ``k pi / 2``. Without the quarter turns, sines of half-integer
    frequencies are nearly dependent on [-1, 1] (condition number of the Gram matrix 1e8 and more for 8 functions,
    9e13 with the published frequencies of hidden layers); with them it stays below 4 for any number.

    Parameters
    ----------
    in_features : int
    n_knots : int, default=8
        Number of sines g; at least 1.

    Attributes
    ----------
    frequency : Parameter of shape (n_knots,)
    phase : Tensor of shape (in_features, n_knots)

    Raises
    ------
    ValueError
        If `n_knots` is below 1.

    Notes
    -----
    Shape: ``(n_samples, in_features) -> (n_samples, in_features, n_knots)``. Bounded everywhere. Departures from
    the paper, besides the above: the start's variance is set by the layer, on the basis as it is, instead of by
    factors fitted to g; amplitudes are not divided by k.

    References
    ----------
    Reinhardt, Ramakrishnan, Gleyzer (2024), *SineKAN*, arXiv:2407.04149, sec. 2.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.bases import Sine
    >>> Sine(3, n_knots=5)(torch.zeros(10, 3)).shape
    torch.Size([10, 3, 5])
    """

    search_space: ClassVar = {"n_knots": (4, 32)}

    phase: torch.Tensor

    def __init__(self, in_features, *, n_knots=8):
        check_least(1, "sine", n_knots=n_knots)
        super().__init__(in_features, n_basis=n_knots)
        k = torch.arange(1, n_knots + 1, dtype=torch.get_default_dtype())
        place = torch.arange(in_features) / max(1, in_features - 1)
        self.frequency = nn.Parameter(math.pi / 2 * k)
        self.register_buffer("phase", (k + 1) * math.pi / 2 + k / (n_knots + 1) + math.pi * place[:, None])

    def forward(self, x):
        return torch.sin(self.frequency * x[..., None] + self.phase)
