"""Gaussian radial basis functions (Broomhead & Lowe, 1988), as in FastKAN (Li, 2024)."""

from typing import ClassVar

import torch

from ..knots import HIGH, LOW
from ._base import check_least
from ._continued import Continued


class RBF(Continued, name="rbf"):
    """Gaussian bumps ``exp(-((x - c_k) / h)**2)``, whose width ``h`` is the spacing of their centres.

    There is one centre beyond each end of [-1, 1], as with cubic B-splines, which covers the ends as well as the
    middle. A wider bump is smoother, and nearer to its neighbours' span: at twice the variance the Gram matrix is a
    hundred times worse conditioned. Outside [-1, 1] each function continues as a straight line.

    Parameters
    ----------
    in_features : int
    n_knots : int, default=8
        Number of centres, equally spaced, the second and the last but one at -1 and 1; at least 4.

    Raises
    ------
    ValueError
        If `n_knots` is below 4.

    Notes
    -----
    Shape: ``(n_samples, in_features) -> (n_samples, in_features, n_knots)``.

    References
    ----------
    Li (2024), *Kolmogorov-Arnold Networks are Radial Basis Function Networks*, arXiv:2405.06721, eq. 4.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.bases import RBF
    >>> RBF(1, n_knots=5)(torch.zeros(1, 1)).squeeze()
    tensor([0.0183, 0.3679, 1.0000, 0.3679, 0.0183])
    """

    search_space: ClassVar = {"n_knots": (4, 32)}

    centers: torch.Tensor

    def __init__(self, in_features, *, n_knots=8) -> None:
        check_least(4, "rbf", n_knots=n_knots)
        super().__init__(in_features, n_basis=n_knots)
        h = (HIGH - LOW) / (n_knots - 3)
        self.register_buffer("centers", torch.linspace(LOW - h, HIGH + h, n_knots))

    def scaled(self, x) -> tuple[torch.Tensor, torch.Tensor]:
        h = self.centers[1] - self.centers[0]
        return (x[..., None] - self.centers) / h, h

    def inner(self, x) -> torch.Tensor:
        z, _ = self.scaled(x)
        return torch.exp(-z.square())

    def slope(self, x) -> torch.Tensor:
        z, h = self.scaled(x)
        return -2 * z * torch.exp(-z.square()) / h
