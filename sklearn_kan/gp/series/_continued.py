"""Predictions of a process that, after the end of its series, are averaged with models of how it goes on."""

import numpy as np

from ._innovations import Series

MOST_STEPS = 10_000  # after it, beyond which only the process is asked
DISTINCT = 1e-6  # of a step
FREEDOM = 2.0  # degrees of freedom that the scale of the target takes


class Continued:
    """An average of processes, continued; it offers what `Average` does.

    Parameters
    ----------
    average : Average
    models : list of Innovations
    data : Data
        Of a series at even steps, with one output.
    """

    def __init__(self, average, models, data):
        self.average, self.models, self.jitter = average, models, average.jitter
        x, y = data.X[:, 0], data.y[:, 0]
        self.last, self.step = x[-1], (x[-1] - x[0]) / (len(x) - 1)
        self.series, self.widening = Series.of(y), 1 + FREEDOM / len(y)
        self.shares = np.array([model.probability for model in models])

    @property
    def parts(self):
        """Models of the process."""
        return self.average.parts

    def steps_of(self, X):
        """Steps after the last point, and which points are after it and near enough."""
        steps = (X[:, 0] - self.last) / self.step
        return steps, (steps > DISTINCT) & (steps <= MOST_STEPS)

    def is_after(self, X):
        """Which points are after the last one, however far."""
        return self.steps_of(X)[0] > DISTINCT

    def ahead(self, steps):
        """Of each model the mean, variance and what gives covariances; all linear between steps."""
        low = np.floor(steps + DISTINCT).astype(int)
        part = np.clip(steps - low, 0, 1)
        at_last = [each[0, 0] for each in self.average.moments(np.array([[self.last]]), "variance")]
        for model in self.models:
            ahead = self.series.ahead(model, int(low.max()) + 1)
            told = ahead.mean, self.widening * ahead.variance
            joined = (np.append(first, after) for first, after in zip(at_last, told, strict=True))
            mean, variance = ((1 - part) * values[low] + part * values[low + 1] for values in joined)
            yield mean, variance, (ahead, low, part)

    def moments(self, X, moment=None):
        """Mean, and variance or covariance of observations if asked for; with an axis of outputs at the end."""
        mean, spread = self.average.moments(X, moment)
        steps, after = self.steps_of(X)
        if not after.any():
            return mean, spread
        told = list(self.ahead(steps[after]))
        means = np.array([mean[after, 0], *(each for each, _, _ in told)])
        shares = np.array([1 - self.shares.sum(), *self.shares])
        mean = mean.copy()
        mean[after, 0] = shares @ means
        if moment is None:
            return mean, None
        away = means - mean[after, 0]
        spread = spread.copy()
        if moment == "variance":
            variances = np.array([spread[after, 0], *(each for _, each, _ in told)])
            spread[after, 0] = shares @ (variances + np.square(away))
            return mean, spread
        covs = [self.covariance(variance, *parts) for _, variance, parts in told]
        total = shares[0] * spread[np.ix_(after, after)][..., 0]
        total += sum(share * cov for share, cov in zip(self.shares, covs, strict=True)) + (shares * away.T) @ away
        # models of innovations say nothing of how observations before and after the end differ together
        spread[np.ix_(after, ~after)] *= shares[0]
        spread[np.ix_(~after, after)] *= shares[0]
        spread[np.ix_(after, after)] = total[..., None]
        return mean, spread

    def covariance(self, variance, ahead, low, part):
        """Between points, from that of steps, with a variance that is linear between them."""
        n = int(low.max()) + 1
        between = np.zeros((len(low), n))
        rows = np.arange(len(low))
        between[rows, low] = part
        between[rows[low > 0], low[low > 0] - 1] = 1 - part[low > 0]
        cov = self.widening * between @ ahead.covariance(n) @ between.T
        cov[rows, rows] = np.maximum(variance, np.diag(cov))
        return cov

    def sample(self, X, n_samples, random_state):
        """Draws of observations, ``(n, n_outputs, n_samples)``."""
        steps, after = self.steps_of(X)
        if not after.any():
            return self.average.sample(X, n_samples, random_state)
        n_own, *counts = random_state.multinomial(n_samples, [1 - self.shares.sum(), *self.shares])
        draws = [self.average.sample(X, n_own, random_state)] if n_own else []
        for count, (mean, variance, parts) in zip(counts, self.ahead(steps[after]), strict=True):
            if count:
                values = np.empty((len(X), 1, count))
                if not after.all():
                    values[~after] = self.average.sample(X[~after], count, random_state)
                root = np.linalg.cholesky(self.covariance(variance, *parts) + 1e-12 * np.diag(variance))
                values[after, 0] = mean[:, None] + root @ random_state.normal(size=(len(mean), count))
                draws.append(values)
        return np.concatenate(draws, axis=-1)
