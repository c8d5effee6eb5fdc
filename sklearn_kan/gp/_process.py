"""A Gaussian process that was learned, in the units of a user's features and targets."""

import math

import numpy as np

from ._units import power_of_two
from .learning._averaging import Average
from .series._continued import Continued

ROWS_AT_ONCE = 4096  # of predictions
# With 4 degrees of freedom intervals of 95 % are as wide as normal ones, and those of 50 % are narrower by a fifth.
FREEDOM = 4.0
FARTHEST = 1e12  # in ranges of the points that were learned from


class Process:
    """Predictions, draws and evidence.

    Parameters
    ----------
    units : Units
    solvers : Solvers
    learned : list of Model
        On the scale that is learned on, the most probable first.
    continuation : list of Innovations
        How a series goes on after its end, besides; none by default.

    Attributes
    ----------
    models : list of Model
        The same on the scale that users see.
    jitter : float
        Variance on the diagonal, on that scale.
    """

    def __init__(self, units, solvers, learned, continuation=()):
        self.units, self.solvers, self.learned, self.continuation = units, solvers, learned, list(continuation)
        own = Average(learned, solvers)
        self.average = Continued(own, self.continuation, solvers.data) if self.continuation else own
        self.models = [model.times(units.kernel_scale**2) for model in learned]
        self.jitter = self.average.jitter * units.kernel_scale**2

    def freedom(self, X):
        """Degrees of freedom of each row's quantiles: after a series' end no model says how long it stays true."""
        if not isinstance(self.average, Continued):
            return np.full(len(X), math.inf)
        return np.where(self.average.is_after(self.within_reach(X)), FREEDOM, math.inf)

    def predict(self, X, moment=None):
        """Mean, and standard deviation ("variance") or "covariance" of observations if asked for."""
        _, _, shift, scale, _, is_flat = self.units
        X = self.within_reach(X)
        step = len(X) if moment == "covariance" else ROWS_AT_ONCE
        parts = [self.average.moments(X[start : start + step], moment) for start in range(0, len(X), step)]
        mean = self.in_units(np.concatenate([mean for mean, _ in parts]), shift)
        mean = mean[:, 0] if is_flat else mean
        if moment is None:
            return mean, None
        spread = np.concatenate([spread for _, spread in parts])
        if moment == "variance":
            spread = self.in_units(np.sqrt(spread))
            return mean, spread[..., 0] if is_flat else spread
        unit = power_of_two(scale)
        with np.errstate(over="ignore"):
            spread = spread * np.square(scale / unit) * unit * unit
        if not np.isfinite(spread).all():
            raise ValueError(
                f"return_cov=True gives covariances beyond float64 for targets of a scale of {scale.max():.0e}. Scale "
                "y down, or take return_std=True."
            )
        return mean, spread[..., 0] if is_flat else spread

    def in_units(self, values, shift=0.0):
        """Learned values with the outputs' axis at the end, in the units of targets."""
        with np.errstate(over="ignore"):
            values = values * self.units.scale + shift
        if not np.isfinite(values).all():
            raise ValueError(
                "X has rows so far from those of fit that a trend leads beyond float64, for targets of a scale of "
                f"{self.units.scale.max():.0e}. Scale y down, or pass trend_degree=0."
            )
        return values

    def within_reach(self, X):
        """Points on the learned scale, not so far out that their distances are no floats."""
        reach = np.abs(self.solvers.data.X).max(0)
        with np.errstate(over="ignore"):
            farthest = FARTHEST * np.where(reach > 0, reach, 1.0)
            return (X - self.units.center).clip(-farthest, farthest)

    def sample(self, X, n_samples, random_state):
        """Draws of observations, ``(n, n_samples)`` or ``(n, n_outputs, n_samples)``."""
        draws = self.average.sample(self.within_reach(X), n_samples, random_state)
        y = self.in_units(draws.swapaxes(1, 2), self.units.shift).swapaxes(1, 2)
        return y[:, 0] if self.units.is_flat else y

    def evidence(self, kernel):
        """Evidence of a kernel that users see, beside the most probable trend."""
        scale, data, best = self.units.kernel_scale, self.solvers.data, self.learned[0]
        evidence = self.solvers.suited(best)(best.degree).evidence(kernel.times(scale**-2))
        n_observations = float(data.weight.sum()) * data.y.shape[1]
        return evidence._replace(value=evidence.value - n_observations * math.log(scale))

    def __getstate__(self):
        names = "units", "solvers", "learned", "continuation"
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state):
        Process.__init__(self, **state)
