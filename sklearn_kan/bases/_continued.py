"""Families that are given between two ends and continue as straight lines outside."""

from abc import abstractmethod
from typing import ClassVar

import torch

from ..knots import HIGH, LOW
from ._base import Basis


class Continued(Basis):
    """A basis given on a range by `inner`, with derivative `slope`, and by its tangents at the ends outside.

    Values and gradients stay finite however far out `x` is, and derivatives are continuous at the ends.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.bases import Continued
    >>> class Square(Continued):
    ...     def inner(self, x):
    ...         return (x**2)[..., None]
    ...     def slope(self, x):
    ...         return (2 * x)[..., None]
    >>> Square(1, n_basis=1)(torch.tensor([[0.5], [3.0]])).flatten()
    tensor([0.2500, 5.0000])
    """

    ends: ClassVar[tuple[float, float]] = (LOW, HIGH)

    @abstractmethod
    def inner(self, x) -> torch.Tensor:
        """Values between the ends, ``(n, in) -> (n, in, n_basis)``."""

    @abstractmethod
    def slope(self, x) -> torch.Tensor:
        """Derivatives of `inner`, ``(n, in) -> (n, in, n_basis)``."""

    def forward(self, x) -> torch.Tensor:
        inside = x.clamp(*self.ends)
        outside = (x - inside)[..., None]
        below, above = self.slope(x.new_tensor(self.ends)[:, None].expand(2, x.shape[1]))
        return self.inner(inside).addcmul(outside.clamp(max=0), below).addcmul(outside.clamp(min=0), above)
