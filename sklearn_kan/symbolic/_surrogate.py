"""What a law is read off: a small smooth network, fitted by Gauss-Newton and stopped on held-out rows."""

from typing import NamedTuple

import numpy as np

from ._losses import SQUARES
from ._scales import skewed
from ._two_layers import Shape, Steps, gradients, inputs_of, outputs, starting_parameters

LEAST_GAIN = 1e-3
DONE = 1e-24  # mean squared error in which nothing is left to learn
SHARE_HELD_OUT = 0.2


class Surrogate(NamedTuple):
    """A fitted network from columns to a target.

    Parameters
    ----------
    shape : Shape
    theta : ndarray of shape (n_parameters,)
    low, span : ndarray of shape (n_columns,)
        Of the columns, on a log scale where `is_log`.
    center, scale : float
        Of the target.
    error : float
        Root mean squared error at held-out rows, in units of `scale`.
    """

    shape: Shape
    theta: np.ndarray
    is_log: np.ndarray
    low: np.ndarray
    span: np.ndarray
    center: float
    scale: float
    error: float

    def inputs(self, X):
        return inputs_of(2 * (on_scale(X, self.is_log) - self.low) / self.span - 1, self.shape.n_basis)

    def values(self, X):
        """Predictions at rows."""
        return self.center + self.scale * outputs(self.shape, self.theta, self.inputs(X))

    def gradients(self, X):
        """Derivatives by columns, ``(n, n_columns)``."""
        slopes = gradients(self.shape, self.theta, self.inputs(X))
        return self.scale * slopes * 2 / self.span / np.where(self.is_log, X, 1.0)


def on_scale(X, is_log):
    with np.errstate(all="ignore"):
        return np.where(is_log, np.log(np.abs(X)), X)


def split(n_samples, seed, share=SHARE_HELD_OUT):
    """Rows to learn from and rows held out."""
    order = np.random.default_rng(seed).permutation(n_samples)
    n_held_out = max(1, int(share * n_samples))
    return order[n_held_out:], order[:n_held_out]


def fit_surrogate(X, y, weight, *, n_units=8, n_knots=5, n_steps=24, penalty=0.0, patience=7, is_log=None,
                  seed=0, start=0, loss=SQUARES, is_over=lambda: False):  # fmt: skip
    """Fit a network with products of sums (``interactions="product"``) to rows.

    `start` counts first coefficients; columns that are `is_log`, by default skewed ones, are put on a log scale. The
    network is taken as it is once `is_over`.
    """
    is_log = skewed(X) if is_log is None else is_log
    low, high = on_scale(X.min(0), is_log), on_scale(X.max(0), is_log)
    span = np.where(high > low, high - low, 1.0)
    train, held_out = split(len(y), seed)
    center, scale = 0.0, 1.0
    if loss is SQUARES:
        center = float(np.average(y, weights=weight))
        scale = float(np.sqrt(np.average(np.square(y - center), weights=weight))) + 1e-300
    shape = Shape(X.shape[1], n_units, n_knots + 2)
    fit = Surrogate(shape, starting_parameters(shape, seed + 7919 * start), is_log, low, span, center, scale, np.inf)
    learned, other = [(fit.inputs(X[rows]), (y[rows] - center) / scale, weight[rows] / weight[rows].mean())
                      for rows in (train, held_out)]  # fmt: skip
    theta, error = trained(shape, fit.theta, learned, other, n_steps, penalty, patience, loss, is_over)
    return fit._replace(theta=theta, error=error)


def trained(shape, theta, learned, held_out, n_steps, penalty, patience, loss, is_over):
    """The parameters that were best at held-out rows, and the root of the mean loss there."""
    steps = Steps(shape, learned[0], learned[1], learned[2], penalty, loss)
    inputs, y, weight = held_out
    best, kept, since = np.inf, theta, 0
    for _ in range(n_steps):
        theta = steps.step(theta)
        now = float(np.mean(weight * np.square(loss.residuals(outputs(shape, theta, inputs), y, 1.0))))
        since = 0 if now < best * (1 - LEAST_GAIN) else since + 1
        if now < best:
            best, kept = now, theta
        if since >= patience or best < DONE or steps.is_stuck or is_over():
            break
    return kept, float(np.sqrt(best))
