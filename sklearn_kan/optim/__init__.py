"""Optimizers that know what a layer of edge functions is: a basis, and a linear map behind it."""

from ._evidence import EvidenceGaussNewton
from ._fisher import constant_root, cross_entropy_root, mse_root
from ._gauss_newton import GaussNewton
from ._kfac import KFAC
from ._maps import ElementwiseMap, LinearMap

__all__ = [
    "KFAC", "ElementwiseMap", "EvidenceGaussNewton", "GaussNewton", "LinearMap", "constant_root", "cross_entropy_root",
    "mse_root",
]  # fmt: skip
