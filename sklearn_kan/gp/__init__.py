"""Gaussian processes whose power spectrum is a mixture of peaks found in the data."""

from ._kernels import SpectralMixture
from ._regressor import GPSpectralRegressor

__all__ = ["GPSpectralRegressor", "SpectralMixture"]
