"""Rational functions shared by groups of inputs (GR-KAN of KAT; Yang & Wang, 2024)."""

from functools import cache
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

from .. import kernels
from ..kernels import DENOMINATOR, NUMERATOR
from ..knots import HIGH, LOW
from ._base import as_new, check_least
from ._continued import Continued


class Rational(Continued, name="rational"):
    """One safe Pade function per group of inputs, ``F(x) = (a_0 + … + a_5 x**5) / (1 + |b_1 x + … + b_4 x**4|)``.

    An edge is ``w F(x)``, so a layer has hardly more parameters than a linear one. F has no poles. It starts as the
    identity in a network's first layer, and elsewhere as Swish in the network's units, ``x / (1 + exp(-2 x))``,
    fitted to the very form that is evaluated. Edges do not have an extra smooth branch, because F is smooth. Outside
    [-2, 2], four standard deviations of a normalised activation, F continues as a straight line.

    Parameters
    ----------
    in_features : int
    n_groups : int, default=8
        Neighbouring inputs share a function; at most one group per input is used.
    is_first : bool, default=False
        Whether to start as the identity. A network sets it for its first layer.

    Attributes
    ----------
    a : Parameter of shape (n_groups, 6)
    b : Parameter of shape (n_groups, 4)

    Raises
    ------
    ValueError
        If `n_groups` is below 1.

    Notes
    -----
    Shape: ``(n_samples, in_features) -> (n_samples, in_features, 1)``. The identity is written as
    ``x (1 + Q(x)) / (1 + Q(x))`` with Swish's Q: at ``b = 0`` the absolute value would have no gradient.

    References
    ----------
    Yang & Wang (2024), *Kolmogorov-Arnold Transformer*, arXiv:2409.10594, eq. 9 to 12.

    Molina, Schramowski, Kersting (2020), *Pade Activation Units*, arXiv:1907.06732: the safe form.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.bases import Rational
    >>> Rational(2, is_first=True)(torch.tensor([[0.5, -1.5]])).detach().flatten()
    tensor([ 0.5000, -1.5000])
    """

    search_space: ClassVar = {"n_groups": [1, 2, 4, 8]}
    has_base: ClassVar = False
    ends: ClassVar = (2 * LOW, 2 * HIGH)

    group: torch.Tensor

    def __init__(self, in_features, *, n_groups=8, is_first=False) -> None:
        check_least(1, "rational", n_groups=n_groups)
        super().__init__(in_features, n_basis=1)
        n_groups = max(1, min(n_groups, in_features))
        a, b = (torch.tensor(found, dtype=torch.float64, device="cpu") for found in near_swish(*self.ends))
        if is_first:
            a = F.pad(b, (2, 0)).index_fill(0, torch.tensor(1, device="cpu"), 1.0)
        self.a = nn.Parameter(as_new(a).repeat(n_groups, 1))
        self.b = nn.Parameter(as_new(b).repeat(n_groups, 1))
        self.register_buffer("group", torch.arange(in_features) * n_groups // max(1, in_features), persistent=False)

    def forward(self, x) -> torch.Tensor:
        a, b = self.coefficients()
        kernel = kernels.find("rational_values", x, a, b)
        return kernel(x, a, b, self.ends)[..., None] if kernel else super().forward(x)

    def contract(self, x, weight) -> torch.Tensor:
        kernel = kernels.find("rational_sums", x, weight, self.a, self.b)
        if kernel is None:
            return super().contract(x, weight)
        return kernel(x, weight[:, 0], self.a, self.b, self.ends, self.contract_with)

    def contract_with(self, x, weight, a, b) -> torch.Tensor:
        """The same for other coefficients, in plain torch: `weight` (in, out), and those of the functions."""
        return functional_call(self, {"a": a, "b": b}, (x,)).flatten(1) @ weight

    def coefficients(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Of numerator and inner part of the denominator for each input, lowest power first, ``(in, 6), (in, 4)``."""
        return self.a.index_select(0, self.group), self.b.index_select(0, self.group)

    def inner(self, x) -> torch.Tensor:
        return kernels.quotient(x, *self.coefficients())[..., None]

    def slope(self, x) -> torch.Tensor:
        return kernels.quotient_slope(x, *self.coefficients())[..., None]


@cache
def near_swish(low, high):
    """Coefficients of the function closest to Swish, as numbers: tensors would belong to the first caller's modes."""
    a, b = safe_pade(lambda x: x * torch.sigmoid(2 * x), low, high)
    return a.tolist(), b.tolist()


def safe_pade(f, low, high, n_points=400, n_rounds=10):
    """Coefficients ``a, b`` of ``P / (1 + Q)`` closest to `f` on a range, by reweighted linear least squares.

    ``P - f Q = f`` is solved with weights ``1 / (1 + Q)`` of the round before (Sanathanan & Koerner, 1963). Q has
    even powers only; where they come out positive, as for Swish, it is its own absolute value.
    """
    x = torch.linspace(low, high, n_points, dtype=torch.float64, device="cpu")
    y, weight = f(x), torch.ones_like(x)
    powers = x[:, None] ** torch.arange(NUMERATOR + 1, device="cpu")
    even = x[:, None] ** torch.arange(2, DENOMINATOR + 1, 2, device="cpu")
    for _ in range(n_rounds):
        system = torch.cat([powers, -y[:, None] * even], 1) * weight[:, None]
        solution = torch.linalg.lstsq(system, (y * weight)[:, None]).solution[:, 0]
        a, b_even = solution[: NUMERATOR + 1], solution[NUMERATOR + 1 :]
        weight = 1 / (1 + even @ b_even)
    b = torch.zeros(DENOMINATOR, dtype=torch.float64, device="cpu")
    b[1::2] = b_even
    return a, b
