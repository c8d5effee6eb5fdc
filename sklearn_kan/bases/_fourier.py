"""Fourier series, as in FourierKAN (Xu et al., 2024)."""

import math
from typing import ClassVar

import torch

from ._base import Basis, check_least


class Fourier(Basis, name="fourier"):
    """The first `n_knots` of ``cos(pi x), sin(pi x), cos(2 pi x), sin(2 pi x), ...``.

    Orthogonal on [-1, 1], with period 2, and so bounded everywhere. A function that is not periodic leaves its
    straight part to the layer's smooth branch.

    Parameters
    ----------
    in_features : int
    n_knots : int, default=8
        Number of functions, two for each frequency; at least 1.

    Raises
    ------
    ValueError
        If `n_knots` is below 1.

    Notes
    -----
    Shape: ``(n_samples, in_features) -> (n_samples, in_features, n_knots)``. The constant is the layer's bias.

    References
    ----------
    Xu et al. (2024), *FourierKAN-GCF*, arXiv:2406.01034, eq. 8.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.bases import Fourier
    >>> Fourier(1, n_knots=3)(torch.tensor([[0.5]])).squeeze().round(decimals=4).abs()
    tensor([0., 1., 1.])
    """

    search_space: ClassVar = {"n_knots": (4, 32)}

    def __init__(self, in_features, *, n_knots=8):
        check_least(1, "fourier", n_knots=n_knots)
        super().__init__(in_features, n_basis=n_knots)

    def forward(self, x):
        angle = math.pi * x[..., None] * torch.arange(1, (self.n_basis + 1) // 2 + 1, dtype=x.dtype, device=x.device)
        return torch.stack([angle.cos(), angle.sin()], -1).flatten(-2)[..., : self.n_basis]
