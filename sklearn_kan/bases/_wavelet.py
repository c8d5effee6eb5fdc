"""Wavelets (Wav-KAN; Bozorgasl & Chen, 2024)."""

from typing import ClassVar

import torch
from torch import nn

from ._base import as_new, check_least, damping
from ._continued import Continued

MORLET_FREQUENCY = 5.0
RELATIVE_WIDTH = 0.6  # over half the distance of a level's centres: the best conditioned of 0.5, 0.6, 0.7 and 1


def bell(z):
    return torch.exp(-0.5 * z.square())


# A wavelet and its derivative.
WAVELETS = {
    "mexican_hat": (lambda z: (1 - z.square()) * bell(z), lambda z: (z.square() - 3) * z * bell(z)),
    "dog": (lambda z: -z * bell(z), lambda z: (z.square() - 1) * bell(z)),
    "morlet": (
        lambda z: (MORLET_FREQUENCY * z).cos() * bell(z),
        lambda z: -(MORLET_FREQUENCY * (MORLET_FREQUENCY * z).sin() + z * (MORLET_FREQUENCY * z).cos()) * bell(z),
    ),
}


class Wavelet(Continued, name="wavelet"):
    """Wavelets ``4**-l_k psi((x - b_k) / a_k)`` with learnable shifts and scales.

    They start dyadically: one centred on [-1, 1], then two of half its scale, four of a quarter, and so on, which
    represents coarse and fine structure and is well conditioned. Those of level ``l_k`` are divided by the square of
    the frequency, so that second derivatives are of one size; see `damping`. Outside [-1, 1] each continues as a
    straight line.

    Parameters
    ----------
    in_features : int
    n_knots : int, default=8
        Number of wavelets of one input; at least 1.
    wavelet : {"mexican_hat", "morlet", "dog"}, default="mexican_hat"
        - ``"mexican_hat"``: ``(1 - z**2) exp(-z**2 / 2)``
        - ``"morlet"``: ``cos(5 z) exp(-z**2 / 2)``
        - ``"dog"``, derivative of Gaussian: ``-z exp(-z**2 / 2)``

    Attributes
    ----------
    shift, log_scale : Parameter of shape (in_features, n_knots)
        ``b_k`` and ``log(a_k)``.
    size : Tensor of shape (n_knots,)
        ``4**-l_k``.

    Raises
    ------
    ValueError
        If `n_knots` is below 1 or `wavelet` is unknown.

    Notes
    -----
    Shape: ``(n_samples, in_features) -> (n_samples, in_features, n_knots)``. Departure from the paper, in which each
    edge has its own wavelet: here shifts and scales belong to an input, and an edge mixes several.

    References
    ----------
    Bozorgasl & Chen (2024), *Wav-KAN: Wavelet Kolmogorov-Arnold Networks*, arXiv:2405.12832, table 1.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.bases import Wavelet
    >>> Wavelet(2, n_knots=7, wavelet="dog")(torch.zeros(10, 2)).shape
    torch.Size([10, 2, 7])
    """

    search_space: ClassVar = {"n_knots": (4, 32), "wavelet": list(WAVELETS)}

    size: torch.Tensor

    def __init__(self, in_features, *, n_knots=8, wavelet="mexican_hat") -> None:
        check_least(1, "wavelet", n_knots=n_knots)
        if wavelet not in WAVELETS:
            raise ValueError(f"wavelet={wavelet!r} is unknown. Choose one of {', '.join(map(repr, WAVELETS))}.")
        super().__init__(in_features, n_basis=n_knots)
        self.wavelet = wavelet
        k = torch.arange(1, n_knots + 1, device="cpu")
        level = torch.floor(torch.log2(k.double()))
        half_distance = 2.0**-level
        center = (2 * (k - 2**level) + 1) * half_distance - 1
        self.register_buffer("size", as_new(damping(2**level)))
        self.shift = nn.Parameter(as_new(center).repeat(in_features, 1))
        self.log_scale = nn.Parameter(as_new((RELATIVE_WIDTH * half_distance).log()).repeat(in_features, 1))

    def scaled(self, x) -> tuple[torch.Tensor, torch.Tensor]:
        rate = torch.exp(-self.log_scale)
        return (x[..., None] - self.shift) * rate, rate

    def inner(self, x) -> torch.Tensor:
        z, _ = self.scaled(x)
        return WAVELETS[self.wavelet][0](z) * self.size

    def slope(self, x) -> torch.Tensor:
        z, rate = self.scaled(x)
        return WAVELETS[self.wavelet][1](z) * (rate * self.size)
