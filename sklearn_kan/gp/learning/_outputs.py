"""Variance and noise of each of several outputs, which share the rest of a kernel."""

import math

import numpy as np
from scipy.optimize import minimize

from ..inference._evidence import NotPositiveDefiniteError
from ._fit import IMPOSSIBLE, LOG_NOISE_STD, NOISE_MEDIAN, NOISE_RANGE

MOST_OUTPUTS = 16  # that get their own
LEAST_VARIANCE = 1e-30  # of an output: below, it is constant, and has the factors of the others
RANGE = 1e4  # of the factor of weights, either way
STEPS = 20


def own_factors(solvers, degree, kernel):
    """Factors of the weights and of the noise for each output, at the maximum of its likelihood; ``(n_outputs, 2)``.

    None for a single output, for very many, and for products over the axes of a grid.
    """
    n_outputs = solvers.data.y.shape[1]
    if n_outputs == 1 or n_outputs > MOST_OUTPUTS or solvers.kind.has_factors:
        return None
    return np.array([factors_of(solvers.of_output(k)(degree), kernel) for k in range(n_outputs)])


def factors_of(solver, kernel):
    """Factors for the only output of a solver."""
    n_weights = len(kernel.weights)
    variance = float(np.average(solver.data.y[:, 0] ** 2, weights=solver.data.weight))
    if variance < LEAST_VARIANCE:
        return np.ones(2)
    bounds = [(-math.log(RANGE), math.log(RANGE)), tuple(np.log(np.multiply(NOISE_RANGE, variance) / kernel.noise))]
    center = math.log(NOISE_MEDIAN * variance / kernel.noise)

    def objective(z):
        try:
            evidence = solver.evidence(scaled(kernel, np.exp(z)))
        except NotPositiveDefiniteError:
            return IMPOSSIBLE, np.zeros(2)
        away = (z[1] - center) / LOG_NOISE_STD**2
        slopes = np.array([evidence.gradient[:n_weights].sum(), evidence.gradient[-1] - away])
        return 0.5 * away * (z[1] - center) - evidence.value, -slopes

    start = np.clip(np.zeros(2), *np.transpose(bounds))
    return np.exp(minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS}).x)


def scaled(kernel, factors):
    """A mixture with its weights and its noise times factors."""
    return kernel.replaced(weights=kernel.weights * factors[0], noise=kernel.noise * factors[1])
