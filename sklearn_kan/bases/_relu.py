"""Products of two rectified lines (ReLU-KAN; Qiu et al., 2024)."""

from typing import ClassVar

import torch
from torch import nn

from ._base import as_new, check_least
from ._continued import Continued


class ReLU(Continued, name="relu"):
    """Bumps ``[relu(x - s_k) relu(e_k - x)]**2``, scaled to peak 1, with learnable ends ``s_k`` and ``e_k``.

    With ``g = n_knots - 1`` intervals of width ``h = 2 / g`` on [-1, 1] and order ``p = degree``, they start at
    ``s_k = -1 + (k - p) h`` and ``e_k = s_k + (p + 1) h``, ``k = 0, ..., g + p - 1``. Outside [-1, 1] each function
    continues as a straight line.

    Parameters
    ----------
    in_features : int
    n_knots : int, default=8
        At least 2.
    degree : int, default=3
        Not negative. Larger ones make bumps wider.

    Attributes
    ----------
    start, end : Parameter of shape (in_features, n_basis)
        ``s_k`` and ``e_k``.

    Raises
    ------
    ValueError
        If `n_knots` or `degree` is too small.

    Notes
    -----
    Shape: ``(n_samples, in_features) -> (n_samples, in_features, n_basis)``, ``n_basis = n_knots + degree - 1``. As
    in the paper the scale ``16 / ((p + 1) h)**4`` is that of the start and does not follow the learned ends.

    References
    ----------
    Qiu et al. (2024), *ReLU-KAN*, arXiv:2406.02075, eq. 5 to 8.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.bases import ReLU
    >>> ReLU(1, n_knots=3, degree=1)(torch.zeros(1, 1)).detach().squeeze()
    tensor([0., 1., 0.])
    """

    search_space: ClassVar = {"n_knots": (4, 32), "degree": [1, 2, 3]}

    def __init__(self, in_features, *, n_knots=8, degree=3) -> None:
        check_least(2, "relu", n_knots=n_knots)
        check_least(0, "relu", degree=degree)
        super().__init__(in_features, n_basis=n_knots + degree - 1)
        start, end = staggered(n_knots, degree)
        self.scale = 16 / (end[0] - start[0]).item() ** 4
        self.start = nn.Parameter(as_new(start).repeat(in_features, 1))
        self.end = nn.Parameter(as_new(end).repeat(in_features, 1))

    def lines(self, x) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.relu(x[..., None] - self.start), torch.relu(self.end - x[..., None])

    def inner(self, x) -> torch.Tensor:
        a, b = self.lines(x)
        return self.scale * (a * b).square()

    def slope(self, x) -> torch.Tensor:
        a, b = self.lines(x)
        return 2 * self.scale * a * b * (b - a)


def staggered(n_knots, degree):
    """Starts and ends of overlapping supports that cover [-1, 1], two tensors of shape (n_knots + degree - 1,)."""
    n_intervals = n_knots - 1
    number = torch.arange(n_intervals + degree, dtype=torch.empty(0).dtype, device="cpu")
    start = (number - degree) * 2 / n_intervals - 1
    return start, start + (degree + 1) * 2 / n_intervals
