"""Predictions averaged over models, since no trend is true, and which is best the likelihood hardly knows."""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import softmax

from ..covariance._mixture import SpectralMixture
from ..covariance._product import ProductMixture
from ..inference._evidence import factorise
from ._laplace import laplace

COARSENESS = 20.0  # rows up to which the likelihood is believed
PRIOR_ROWS = 20.0  # that equal weights count as, when models are stacked
LEAST_PROBABILITY = 1e-2  # of a model that predictions are averaged over
N_PAIRS = 8  # of draws of parameters for all models, and at least one for each
MAX_ROUNDS = 300
FREEDOM = 2.0  # degrees of freedom that the scale of the target takes


class Model(NamedTuple):
    """One trend with the kernel that was learned along with it, and the kernels that its predictions average over."""

    degree: int | None
    kernel: SpectralMixture | ProductMixture
    probability: float
    draws: list
    widening: float = 1.0  # of variances, as of a Student-t distribution, since few rows do not tell the scale

    def __repr__(self):
        return f"Model(degree={self.degree}, probability={self.probability:.2g}, kernel={self.kernel})"

    def times(self, factor):
        """The model of targets with `factor` times the variance."""
        return self._replace(kernel=self.kernel.times(factor), draws=[kernel.times(factor) for kernel in self.draws])


def weighed(degrees, fits, objectives, is_plain=False):
    """Models with their probabilities, the most probable first.

    Where every model is wrong, probabilities under the likelihood are overconfident of one of them. Along a single
    feature the likelihood is therefore raised to a power that falls with the number of rows (the coarsened posterior,
    Miller & Dunson 2019, eq. 2.4), so that the variance of the average contains how far the models are apart. Models
    of several features are stacked, and averaged over their parameters. A plain one is the Gaussian process of its kernel.
    """
    n, n_features = objectives[0].solver.data.X.shape
    is_table = n_features > 1 and len(fits) > 1
    if is_table:
        posteriors = [objective.solver.posterior(objective.kernel) for objective in objectives]
        probabilities = stacked(np.array([posterior.left_out() for posterior in posteriors]))
    else:
        probabilities = softmax(np.array([fit.criterion for fit in fits]) / (1 + n / COARSENESS))
    probabilities[probabilities < LEAST_PROBABILITY] = 0
    widening = 1.0 if is_plain else 1 + FREEDOM / float(objectives[0].solver.data.weight.sum())
    models = []
    for degree, objective, share in zip(degrees, objectives, probabilities / probabilities.sum(), strict=True):
        if share:
            n_pairs = math.ceil(N_PAIRS * share)
            draws = laplace(objective).kernels(objective, n_pairs) if is_table else [objective.kernel]
            models.append(Model(degree, objective.kernel, float(share), draws, widening))
    return sorted(models, key=lambda model: -model.probability)


def stacked(log_density):
    """Weights with which a mixture of models predicts left-out rows best; ``(n_models, n) -> (n_models,)``.

    Stacking of predictive distributions (Yao, Vehtari, Simpson & Gelman 2018, eq. 4) with a Dirichlet prior, by
    expectation maximisation. It needs no model to be true. The marginal likelihood does not compare trends of many
    coefficients: there it is about their prior.
    """
    density = np.exp(log_density - log_density.max(0))
    prior = np.full(len(density), 1 / len(density))
    weights = prior
    for _ in range(MAX_ROUNDS):
        joint = weights[:, None] * density
        weights = (joint / joint.sum(0)).sum(1) + PRIOR_ROWS * prior
        weights /= weights.sum()
    return weights


class Average:
    """Predictions averaged over models and over draws of their parameters.

    Parameters
    ----------
    models : list of Model
    solvers : Solvers
    """

    def __init__(self, models, solvers):
        self.parts = [
            (kernel.noise, solvers(model.degree).posterior(kernel), solvers.trend(model.degree))
            for model in models
            for kernel in model.draws
        ]
        self.probabilities = np.repeat(
            [model.probability / len(model.draws) for model in models], [len(model.draws) for model in models]
        )
        self.widening = max(model.widening for model in models)
        self.jitter = max(posterior.jitter for _, posterior, _ in self.parts)

    def moments(self, X, moment=None):
        """Mean, and variance or covariance of observations if asked for; with an axis of outputs at the end."""
        mean, square = np.zeros(1), np.zeros(1)
        for probability, (noise, posterior, trend) in zip(self.probabilities, self.parts, strict=True):
            each, spread = posterior.predict(X, trend(X), moment)
            mean = mean + probability * each
            if moment == "variance":
                square = square + probability * ((spread + noise)[:, None] + np.square(each))
            elif moment == "covariance":
                noisy = spread + noise * np.eye(len(X))
                square = square + probability * (noisy[:, :, None] + each[:, None] * each)
        if moment is None:
            return mean, None
        if moment == "variance":
            return mean, self.widening * np.maximum(square - np.square(mean), 0)
        return mean, self.widening * (square - mean[:, None] * mean)

    def sample(self, X, n_samples, random_state):
        """Draws of observations, ``(n, n_outputs, n_samples)``."""
        counts, draws = random_state.multinomial(n_samples, self.probabilities), []
        for (noise, posterior, trend), count in zip(self.parts, counts, strict=True):
            if count:
                mean, cov = posterior.predict(X, trend(X), "covariance")
                L, _ = factorise(torch.from_numpy(self.widening * (cov + noise * np.eye(len(X)))))
                normal = random_state.normal(size=(len(X), mean.shape[1] * count))
                draws.append(mean[:, :, None] + (L.numpy() @ normal).reshape(*mean.shape, count))
        return np.concatenate(draws, axis=-1)
