"""Predictions averaged over models, since no trend is true, and which is best the likelihood hardly knows."""

import math
from typing import NamedTuple

import numpy as np
import torch
from scipy.special import softmax

from .._ranks import Ranks
from .._trend import Trend
from ..covariance._mixture import SpectralMixture
from ..covariance._product import ProductMixture
from ..inference._evidence import factorise
from ._laplace import laplace
from ._outputs import scaled

COARSENESS = 20.0  # rows up to which the likelihood is believed
PRIOR_ROWS = 10.0  # that equal weights count as, when models are stacked
LEAST_PROBABILITY = 1e-2  # of a model that predictions are averaged over
N_PAIRS = 8  # of draws of parameters for all models, and at least one for each
OPEN_ROWS = 150  # up to which several features leave parameters so open that draws of them matter
MAX_ROUNDS = 300
FREEDOM = 2.0  # degrees of freedom that the scale of the target takes


class Model(NamedTuple):
    """One trend with the kernel that was learned along with it, and the kernels that its predictions average over."""

    degree: int | None
    kernel: SpectralMixture | ProductMixture
    probability: float
    draws: list
    factors: np.ndarray | None = None  # of weights and of noise, for each of several outputs
    widening: float = 1.0  # of variances, as of a Student-t distribution, since few rows do not tell the scale
    is_ranked: bool = False  # whether it is a model of the ranks of features

    def __repr__(self):
        by_rank = ", is_ranked=True" * self.is_ranked
        return f"Model(degree={self.degree}, probability={self.probability:.2g}, kernel={self.kernel}{by_rank})"

    def times(self, factor):
        """The model of targets with `factor` times the variance."""
        return self._replace(kernel=self.kernel.times(factor), draws=[kernel.times(factor) for kernel in self.draws])


def weighed(candidates, fits, objectives, is_plain=False):
    """Models with their probabilities, the most probable first.

    Where every model is wrong, probabilities under the likelihood are overconfident of one of them. Along a single
    feature the likelihood is therefore raised to a power that falls with the number of rows (the coarsened posterior,
    Miller & Dunson 2019, eq. 2.4), so that the variance of the average contains how far the models are apart. Models
    of several features are stacked, and averaged over their parameters. A plain one
    is the Gaussian process of its kernel.
    """
    n, n_features = objectives[0].solver.data.X.shape
    is_table = n_features > 1 and len(fits) > 1
    if is_table:
        probabilities = stacked(np.array([objective.solver.left_out(objective.kernel) for objective in objectives]))
    else:
        probabilities = softmax(np.array([fit.criterion for fit in fits]) / (1 + n / COARSENESS))
    probabilities[probabilities < LEAST_PROBABILITY] = 0
    n_observations = max(1.0, float(objectives[0].solver.data.weight.sum()))  # weights below a row tell no less
    widening = 1.0 if is_plain else 1 + FREEDOM / n_observations
    models = []
    shares, is_open = probabilities / probabilities.sum(), is_table and n <= OPEN_ROWS
    for (degree, _, is_ranked), objective, share in zip(candidates, objectives, shares, strict=True):
        if share:
            n_pairs = math.ceil(N_PAIRS * share)
            draws = laplace(objective).kernels(objective, n_pairs) if is_open else [objective.kernel]
            models.append(Model(degree, objective.kernel, float(share), draws, None, widening, is_ranked))
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


class Part(NamedTuple):
    """One model with one draw of its parameters.

    Parameters
    ----------
    noises : list of float
        Of all outputs together, or of each.
    posteriors : list of Posterior
        As many.
    trend : Trend
    ranks : Ranks or None
        Of features, if it is a model of these.
    """

    noises: list
    posteriors: list
    trend: Trend
    ranks: Ranks | None

    @classmethod
    def of(cls, model, kernel, solvers):
        ranks, solvers = solvers.ranks if model.is_ranked else None, solvers.suited(model)
        trend = solvers.trend(model.degree)
        if model.factors is None:
            return cls([kernel.noise], [solvers(model.degree).posterior(kernel)], trend, ranks)
        kernels = [scaled(kernel, factors) for factors in model.factors]
        posteriors = [solvers.of_output(k)(model.degree).posterior(own) for k, own in enumerate(kernels)]
        return cls([own.noise for own in kernels], posteriors, trend, ranks)

    def predict(self, X, moment):
        """Mean ``(n, n_outputs)``; variance or covariance of observations, with an axis of one or all outputs."""
        X = self.ranks(X) if self.ranks else X
        H = self.trend(X)
        means, spreads = zip(*(posterior.predict(X, H, moment) for posterior in self.posteriors), strict=True)
        mean = np.concatenate(means, axis=1)
        if moment is None:
            return mean, None
        noise = np.array(self.noises)
        return mean, np.stack(spreads, -1) + (noise if moment == "variance" else np.eye(len(X))[:, :, None] * noise)


class Average:
    """Predictions averaged over models and over draws of their parameters.

    Parameters
    ----------
    models : list of Model
    solvers : Solvers
    """

    def __init__(self, models, solvers):
        self.parts = [Part.of(model, kernel, solvers) for model in models for kernel in model.draws]
        self.probabilities = np.repeat(
            [model.probability / len(model.draws) for model in models], [len(model.draws) for model in models]
        )
        self.widening = max(model.widening for model in models)
        self.jitter = max(posterior.jitter for part in self.parts for posterior in part.posteriors)

    def moments(self, X, moment=None):
        """Mean, and variance or covariance of observations if asked for; with an axis of outputs at the end."""
        mean, square = np.zeros(1), np.zeros(1)
        for probability, part in zip(self.probabilities, self.parts, strict=True):
            each, spread = part.predict(X, moment)
            mean = mean + probability * each
            if moment == "variance":
                square = square + probability * (spread + np.square(each))
            elif moment == "covariance":
                square = square + probability * (spread + each[:, None] * each)
        if moment is None:
            return mean, None
        if moment == "variance":
            return mean, self.widening * np.maximum(square - np.square(mean), 0)
        return mean, self.widening * (square - mean[:, None] * mean)

    def sample(self, X, n_samples, random_state):
        """Draws of observations, ``(n, n_outputs, n_samples)``."""
        counts, draws = random_state.multinomial(n_samples, self.probabilities), []
        for part, count in zip(self.parts, counts, strict=True):
            if count:
                mean, cov = part.predict(X, "covariance")
                factors = [root_of(self.widening * each) for each in cov.transpose(2, 0, 1)]
                normal = random_state.normal(size=(len(X), mean.shape[1] * count)).reshape(*mean.shape, count)
                roots = factors if len(factors) > 1 else factors * mean.shape[1]
                waves = np.stack([root @ normal[:, k] for k, root in enumerate(roots)], 1)
                draws.append(mean[:, :, None] + waves)
        return np.concatenate(draws, axis=-1)


def root_of(cov):
    """Lower Cholesky factor of a covariance."""
    return factorise(torch.from_numpy(np.ascontiguousarray(cov)))[0].numpy()
