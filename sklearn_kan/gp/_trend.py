"""Polynomial trends whose coefficients have a normal prior, so that they are integrated out exactly."""

import numpy as np
from numpy.polynomial.legendre import legvander

PRIOR_SCALE = 10.0  # standard deviation of a coefficient, in standard deviations of the target
FEW_FEATURES = 3  # up to which it is that of slopes too
MANY_SLOPES = 10.0  # the same of a slope in more features, shared by them


class Trend:
    """Legendre polynomials of each feature over the range of its training points, times their prior scale."""

    def __init__(self, degree, X, scale):
        low, high = X.min(0), X.max(0)
        self.degree, self.scale = degree, PRIOR_SCALE * scale
        n_features = X.shape[1]
        self.slope = self.scale if n_features <= FEW_FEATURES else MANY_SLOPES * scale / n_features
        self.center = low + (high - low) / 2
        self.half = np.where(high > low, (high - low) / 2, np.inf)

    def __call__(self, X):
        """Columns; ``(n, n_features) -> (n, n_terms)``."""
        if self.degree is None:
            return np.empty((len(X), 0))
        powers = legvander((X - self.center) / self.half, self.degree)[:, :, 1:]
        return np.column_stack([np.full(len(X), self.scale), self.slope * powers.reshape(len(X), -1)])
