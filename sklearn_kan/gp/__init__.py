"""Gaussian processes whose power spectrum is a mixture of peaks found in the data."""

from ._regressor import GPSpectralRegressor
from ._sampling import sample_points
from .covariance import SpectralMixture

__all__ = ["GPSpectralRegressor", "SpectralMixture", "sample_points"]
