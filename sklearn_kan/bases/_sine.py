"""Sines of learned frequency (SineKAN; Reinhardt et al., 2024)."""

import math
from typing import ClassVar

import torch
from torch import nn

from ._base import Basis, as_new, check_least, damping
from ._fourier import frequencies


class Sine(Basis, name="sine"):
    """Sines ``sin(omega_k x + psi_ik) / m_k**2`` with learned frequencies, shared by all inputs, and fixed phases.

    Phases follow the paper's rule, ``k / (g + 1) + pi i / (in - 1)`` for function k of g and input i, and are turned
    by ``(k + 1) pi / 2``; frequencies start in pairs, each with two phases: ``omega_k = m_k w`` with
    ``m_k = ceil(k / 2)`` and the w of `Fourier`. One phase for each frequency would not do for functions that are
    neither even nor odd, and sines of the published frequencies are nearly dependent on [-1, 1]: the condition number
    of their Gram matrix is 9e13 in hidden layers, here it is below 1e4 for any number. Sines are divided by
    ``m_k**2``, as the paper divides amplitudes by k; see `damping`.

    Parameters
    ----------
    in_features : int
    n_knots : int, default=8
        Number of sines g; at least 1.

    Attributes
    ----------
    frequency : Parameter of shape (n_knots,)
    phase : Tensor of shape (in_features, n_knots)
    scale : Tensor of shape (n_knots,)
        ``1 / m_k**2``.

    Raises
    ------
    ValueError
        If `n_knots` is below 1.

    Notes
    -----
    Shape: ``(n_samples, in_features) -> (n_samples, in_features, n_knots)``. Bounded everywhere. Departures from
    the paper, besides the above: the start's variance is set by the layer, on the basis as it is, instead of by
    factors fitted to g.

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
    scale: torch.Tensor

    def __init__(self, in_features, *, n_knots=8) -> None:
        check_least(1, "sine", n_knots=n_knots)
        super().__init__(in_features, n_basis=n_knots)
        k = as_new(torch.arange(1, n_knots + 1))
        place = as_new(torch.arange(in_features)) / max(1, in_features - 1)
        self.frequency = nn.Parameter(as_new(frequencies(n_knots)))
        self.register_buffer("scale", as_new(damping(frequencies(n_knots))))
        self.register_buffer("phase", (k + 1) * math.pi / 2 + k / (n_knots + 1) + math.pi * place[:, None])

    def forward(self, x) -> torch.Tensor:
        return self.scale * self.sines(x)

    def contract(self, x, weight) -> torch.Tensor:
        return self.sines(x).flatten(1) @ (self.scale[:, None] * weight).flatten(0, 1)

    def sines(self, x) -> torch.Tensor:
        angle = x[..., None] @ self.frequency[None]  # a product, because its gradients then are products too
        return angle.add_(self.phase).sin()
