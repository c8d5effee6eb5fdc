"""Univariate bases: what is applied to each input before a layer's linear map."""

from ._base import BASES, Basis, get_basis, make_basis
from ._bspline import BSpline
from ._truncated_power import TruncatedPower

__all__ = ["BASES", "BSpline", "Basis", "TruncatedPower", "get_basis", "make_basis"]
