"""Predictions averaged over models, since no trend is true, and which is best the likelihood hardly knows."""

from typing import NamedTuple

import numpy as np
import torch

from ._inference import factorise
from ._kernels import SpectralMixture
from ._kronecker import ProductMixture

COARSENESS = 20.0  # rows up to which the likelihood is believed
LEAST_PROBABILITY = 1e-2  # of a model that predictions are averaged over


class Model(NamedTuple):
    """One trend with the kernel that was learned beside it."""

    degree: int | None
    kernel: SpectralMixture | ProductMixture
    probability: float


def weighed(degrees, fits, n_samples, n_features):
    """Models with their probabilities, the most probable first.

    Where every model is wrong, probabilities under the likelihood are too sure of one of them. The likelihood is
    therefore raised to a power that falls with the number of rows (the coarsened posterior, Miller & Dunson 2019,
    eq. 2.4), so that the variance of the average contains how far the models are apart. Models of several features
    count equally: their trends have so many coefficients that the likelihood is about their prior.
    """
    criteria = np.array([fit.criterion for fit in fits])
    power = 1 / (1 + n_samples / COARSENESS) if n_features == 1 else 0.0
    probabilities = np.exp(power * (criteria - criteria.max()))
    probabilities[probabilities < LEAST_PROBABILITY * probabilities.sum()] = 0
    models = [
        Model(degree, fit.kernel, float(probability))
        for degree, fit, probability in zip(degrees, fits, probabilities / probabilities.sum(), strict=True)
        if probability
    ]
    return sorted(models, key=lambda model: -model.probability)


class Average:
    """Predictions averaged over models.

    Parameters
    ----------
    models : list of Model
    posteriors : list
        Of each model, with ``predict(X, H, moment)``.
    trends : list of Trend
        Of each model.
    """

    def __init__(self, models, posteriors, trends):
        self.models, self.posteriors, self.trends = models, posteriors, trends
        self.probabilities = [model.probability for model in models]
        self.jitter = max(posterior.jitter for posterior in posteriors)

    def moments(self, X, moment=None):
        """Mean, and variance or covariance of observations if asked for; with an axis of outputs at the end."""
        means, spreads = [], []
        for model, posterior, trend in zip(self.models, self.posteriors, self.trends, strict=True):
            mean, spread = posterior.predict(X, trend(X), moment)
            means.append(mean)
            if moment == "variance":
                spreads.append((spread + model.kernel.noise)[:, None] + np.square(mean))
            elif moment == "covariance":
                noisy = spread + model.kernel.noise * np.eye(len(X))
                spreads.append(noisy[:, :, None] + mean[:, None] * mean)
        mean = np.tensordot(self.probabilities, means, 1)
        if moment is None:
            return mean, None
        outer = np.square(mean) if moment == "variance" else mean[:, None] * mean
        return mean, np.tensordot(self.probabilities, spreads, 1) - outer

    def sample(self, X, n_samples, random_state):
        """Draws of observations, ``(n, n_outputs, n_samples)``."""
        counts, draws = random_state.multinomial(n_samples, self.probabilities), []
        for model, posterior, trend, count in zip(self.models, self.posteriors, self.trends, counts, strict=True):
            mean, cov = posterior.predict(X, trend(X), "covariance")
            L, _ = factorise(torch.from_numpy(cov + model.kernel.noise * np.eye(len(X))))
            normal = random_state.normal(size=(len(X), mean.shape[1] * count))
            draws.append(mean[:, :, None] + (L.numpy() @ normal).reshape(*mean.shape, count))
        return np.concatenate(draws, axis=-1)
