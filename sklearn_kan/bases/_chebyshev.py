"""Chebyshev polynomials, as in ChebyKAN (Sidharth et al., 2024)."""

from typing import ClassVar

import torch

from ._base import check_least, damping
from ._continued import Continued


class Chebyshev(Continued, name="chebyshev"):
    """Chebyshev polynomials ``T_1(x), ..., T_k(x) / k**2, ..., T_degree(x) / degree**2``.

    They come from ``T_{k+1} = 2 x T_k - T_{k-1}``. Divided in this way, all of them have slope 1 at the right end,
    and continue with it as straight lines outside [-1, 1]; see also `damping`. The constant ``T_0`` is the layer's
    bias. Departure from the authors' code, whose ``cos(k arccos(tanh(x)))`` has no gradient where ``tanh(x)`` rounds
    to one: the recursion is a polynomial.

    Parameters
    ----------
    in_features : int
    degree : int, default=3
        At least 1.

    Raises
    ------
    ValueError
        If `degree` is below 1.

    Notes
    -----
    Shape: ``(n_samples, in_features) -> (n_samples, in_features, degree)``.

    References
    ----------
    Sidharth et al. (2024), *Chebyshev Polynomial-Based Kolmogorov-Arnold Networks*, arXiv:2405.07200.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.bases import Chebyshev
    >>> Chebyshev(1, degree=4)(torch.tensor([[0.5]])).squeeze()
    tensor([ 0.5000, -0.1250, -0.1111, -0.0312])
    """

    search_space: ClassVar = {"degree": (2, 12)}

    def __init__(self, in_features, *, degree=3) -> None:
        check_least(1, "chebyshev", degree=degree)
        super().__init__(in_features, n_basis=degree)
        self.degree = degree

    def inner(self, x) -> torch.Tensor:
        return torch.stack(recursion(x, torch.ones_like(x), x, self.degree), -1) * self.scale(x)

    def slope(self, x) -> torch.Tensor:  # T_k' = k U_{k-1}
        second_kind = recursion(x, torch.zeros_like(x), torch.ones_like(x), self.degree)
        return torch.stack([k * u for k, u in enumerate(second_kind, start=1)], -1) * self.scale(x)

    def scale(self, x) -> torch.Tensor:
        return damping(torch.arange(1, self.degree + 1, dtype=x.dtype, device=x.device))


def recursion(x, before, first, n):
    """``p_1, ..., p_n`` of ``p_{k+1} = 2 x p_k - p_{k-1}``, from ``p_0`` and ``p_1``."""
    terms = [before, first]
    while len(terms) <= n:
        terms.append(2 * x * terms[-1] - terms[-2])
    return terms[1:]
