"""Fourier series, as in FourierKAN (Xu et al., 2024)."""

import math
from typing import ClassVar

import torch

from ._base import Basis, check_least, damping


class Fourier(Basis, name="fourier"):
    """The first `n_knots` of ``cos(w x), sin(w x), cos(2 w x) / 4, sin(2 w x) / 4, ...``, divided by ``k**2``.

    With K frequencies ``w = pi max(1/2, 1 - 2 / K)``: the period is longer than the range [-1, 1] by two of the
    shortest waves or twice as long, so that a function's ends need not meet, while the condition number of the
    undivided functions stays below 5e3 for any number of them (a Fourier extension; with a fixed period it would grow
    exponentially). Divided, functions have second derivatives of one size; see `damping`. Bounded everywhere.

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
    Shape: ``(n_samples, in_features) -> (n_samples, in_features, n_knots)``. The constant is the layer's bias. The
    paper has ``w = 1`` and divides by nothing.

    References
    ----------
    Xu et al. (2024), *FourierKAN-GCF*, arXiv:2406.01034, eq. 8.

    Adcock, Huybrechs, Martin-Vaquero (2014), *On the numerical stability of Fourier extensions*, Found. Comput. Math.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.bases import Fourier
    >>> Fourier(1, n_knots=3)(torch.tensor([[1.0]])).squeeze().round(decimals=4).abs()
    tensor([0.0000, 1.0000, 0.2500])
    """

    search_space: ClassVar = {"n_knots": (4, 32)}

    def __init__(self, in_features, *, n_knots=8) -> None:
        check_least(1, "fourier", n_knots=n_knots)
        super().__init__(in_features, n_basis=n_knots)

    def forward(self, x) -> torch.Tensor:
        frequency = frequencies(self.n_basis, x.device)[::2].to(x)
        angle = x[..., None] * frequency
        waves = torch.stack([angle.cos(), angle.sin()], -1) * damping(frequency)[:, None]
        return waves.flatten(-2)[..., : self.n_basis]


def frequencies(n_functions, device=None):
    """Frequencies of waves on [-1, 1], each of them twice, shape (n_functions,), float64."""
    n_frequencies = (n_functions + 1) // 2
    lowest = math.pi * max(1 / 2, 1 - 2 / n_frequencies)
    return lowest * (torch.arange(n_functions, dtype=torch.float64, device=device) // 2 + 1)
