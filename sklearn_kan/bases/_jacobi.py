"""Jacobi polynomials, Legendre's among them (Aghaei, 2024)."""

from typing import ClassVar

import torch

from ._base import check_least, damping
from ._continued import Continued


class Jacobi(Continued, name="jacobi"):
    """Jacobi polynomials ``P_k / k**1.5``, k = 1 to `degree`, with exponents `alpha` and `beta`; by default Legendre's.

    Legendre's have a root mean square near ``k**-0.5`` by themselves; for the rest see `damping`. They are orthogonal
    under the weight ``(1 - x)**alpha (1 + x)**beta``. The constant ``P_0`` is the layer's bias. Outside [-1, 1] each
    polynomial continues as a straight line, with ``P_k' = (k + alpha + beta + 1) / 2 * P_{k-1}`` of exponents
    ``alpha + 1, beta + 1``.

    Parameters
    ----------
    in_features : int
    degree : int, default=3
        At least 1.
    alpha, beta : float, default=0.0
        Above -1. Both 0: Legendre; both -1/2: Chebyshev, up to a factor.

    Raises
    ------
    ValueError
        If `degree` is below 1, or an exponent is not above -1.

    Notes
    -----
    Shape: ``(n_samples, in_features) -> (n_samples, in_features, degree)``. Values of ``P_k`` are those of
    :func:`scipy.special.eval_jacobi`.

    References
    ----------
    Aghaei (2024), *fKAN: Fractional Kolmogorov-Arnold Networks with trainable Jacobi basis functions*,
    arXiv:2406.07456.

    NIST Digital Library of Mathematical Functions, sec. 18.9, eq. 18.9.1 and 18.9.15.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.bases import Jacobi
    >>> Jacobi(1, degree=3)(torch.tensor([[0.5]])).squeeze()
    tensor([ 0.5000, -0.0442, -0.0842])
    """

    search_space: ClassVar = {"degree": (2, 12), "alpha": (-0.5, 2.0), "beta": (-0.5, 2.0)}

    def __init__(self, in_features, *, degree=3, alpha=0.0, beta=0.0) -> None:
        check_least(1, "jacobi", degree=degree)
        for name, exponent in (("alpha", alpha), ("beta", beta)):
            if not exponent > -1:
                raise ValueError(f"{name}={exponent} is too small for basis='jacobi'. Choose a number above -1.")
        super().__init__(in_features, n_basis=degree)
        self.degree, self.alpha, self.beta = degree, alpha, beta

    def inner(self, x) -> torch.Tensor:
        return torch.stack(polynomials(x, self.alpha, self.beta, self.degree)[1:], -1) * self.scale(x)

    def slope(self, x) -> torch.Tensor:
        a, b = self.alpha, self.beta
        raised = polynomials(x, a + 1, b + 1, self.degree - 1)
        return torch.stack([(k + a + b + 1) / 2 * p for k, p in enumerate(raised, start=1)], -1) * self.scale(x)

    def scale(self, x) -> torch.Tensor:
        return damping(torch.arange(1, self.degree + 1, dtype=x.dtype, device=x.device), power=1.5)


def polynomials(x, a, b, degree):
    """``P_0, ..., P_degree`` with exponents `a`, `b`, by their three-term recursion."""
    terms = [torch.ones_like(x), (a - b) / 2 + (a + b + 2) / 2 * x]
    for k in range(2, degree + 1):
        c = 2 * k + a + b
        shared = 2 * k * (k + a + b) * (c - 2)
        rise = (c - 1) * c * (c - 2) / shared
        shift = (c - 1) * (a * a - b * b) / shared
        fall = 2 * (k + a - 1) * (k + b - 1) * c / shared
        terms.append((rise * x + shift) * terms[-1] - fall * terms[-2])
    return terms[: degree + 1]
