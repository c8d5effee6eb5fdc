"""What a mixture of spectral peaks says of the covariance between points."""

from ._mixture import SpectralMixture
from ._product import ProductMixture

__all__ = ["ProductMixture", "SpectralMixture"]
