"""Univariate bases: what is applied to each input before a layer's linear map."""

from ._activation import Activation
from ._base import BASES, Basis, get_basis, make_basis
from ._bspline import BSpline
from ._chebyshev import Chebyshev
from ._continued import Continued
from ._fourier import Fourier
from ._jacobi import Jacobi
from ._rational import Rational
from ._rbf import RBF
from ._relu import ReLU
from ._sine import Sine
from ._truncated_power import TruncatedPower
from ._wavelet import Wavelet

__all__ = [
    "BASES",
    "RBF",
    "Activation",
    "BSpline",
    "Basis",
    "Chebyshev",
    "Continued",
    "Fourier",
    "Jacobi",
    "Rational",
    "ReLU",
    "Sine",
    "TruncatedPower",
    "Wavelet",
    "get_basis",
    "make_basis",
]
