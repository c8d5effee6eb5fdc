"""A Gaussian process that was learned, in the units of a user's features and targets."""

import numpy as np

from .learning._averaging import Average

ROWS_AT_ONCE = 4096  # of predictions


class Process:
    """Predictions, draws and evidence.

    Parameters
    ----------
    units : Units
    solvers : Solvers
    models : list of Model
        The most probable first.
    """

    def __init__(self, units, solvers, models):
        self.units, self.solvers, self.models = units, solvers, models
        self.average = Average(models, solvers)

    def predict(self, X, moment=None):
        """Mean, and the "variance" or "covariance" of observations if asked for."""
        X, (_, shift, scale, is_flat) = X - self.units.center, self.units
        step = len(X) if moment == "covariance" else ROWS_AT_ONCE
        parts = [self.average.moments(X[start : start + step], moment) for start in range(0, len(X), step)]
        mean = np.concatenate([mean for mean, _ in parts]) * scale + shift
        mean = mean[:, 0] if is_flat else mean
        if moment is None:
            return mean, None
        spread = np.concatenate([spread for _, spread in parts]) * np.square(scale)
        return mean, spread[..., 0] if is_flat else spread

    def sample(self, X, n_samples, random_state):
        """Draws of observations, ``(n, n_samples)`` or ``(n, n_outputs, n_samples)``."""
        center, shift, scale, is_flat = self.units
        y = self.average.sample(X - center, n_samples, random_state) * scale[:, None] + shift[:, None]
        return y[:, 0] if is_flat else y

    def evidence(self, kernel):
        """Of normalised targets, beside the most probable trend."""
        return self.solvers(self.models[0].degree).evidence(kernel)

    def __getstate__(self):
        return {"units": self.units, "solvers": self.solvers, "models": self.models}

    def __setstate__(self, state):
        self.units, self.solvers, self.models = state["units"], state["solvers"], state["models"]
        self.average = Average(self.models, self.solvers)
