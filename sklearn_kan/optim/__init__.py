"""Optimizers that know what a layer of edge functions is: a basis, and a linear map behind it."""

from ._fisher import constant_root, cross_entropy_root, mse_root
from ._gauss_newton import GaussNewton
from ._kfac import KFAC

__all__ = ["KFAC", "GaussNewton", "constant_root", "cross_entropy_root", "mse_root"]
