"""What a law is read off: a small smooth network, fitted by Gauss-Newton and stopped on held-out rows."""

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from ..network._kan import KAN
from ..optim import GaussNewton

LOG_RANGE = 9.0
LEAST_GAIN = 1e-3
DONE = 1e-24  # mean squared error in which nothing is left to learn
SHARE_HELD_OUT = 0.2


class Surrogate(NamedTuple):
    """A fitted network from columns to a target.

    Parameters
    ----------
    net : KAN
    low, span : ndarray of shape (n_columns,)
        Of the columns, on a log scale where `is_log`.
    center, scale : float
        Of the target.
    error : float
        Root mean squared error at held-out rows, in units of `scale`.
    """

    net: KAN
    is_log: np.ndarray
    low: np.ndarray
    span: np.ndarray
    center: float
    scale: float
    error: float

    def inputs(self, X):
        return torch.from_numpy(2 * (on_scale(X, self.is_log) - self.low) / self.span - 1)

    def values(self, X):
        """Predictions at rows."""
        with torch.no_grad():
            return self.center + self.scale * self.net(self.inputs(X))[:, 0].numpy()

    def gradients(self, X):
        """Derivatives by columns, ``(n, n_columns)``."""
        with torch.enable_grad():
            x = self.inputs(X).requires_grad_(True)
            (gradient,) = torch.autograd.grad(self.net(x).sum(), x)
        return self.scale * gradient.numpy() * 2 / self.span / np.where(self.is_log, X, 1.0)


def on_scale(X, is_log):
    with np.errstate(all="ignore"):
        return np.where(is_log, np.log(np.abs(X)), X)


def split(n_samples, seed, share=SHARE_HELD_OUT):
    """Rows to learn from and rows held out."""
    order = np.random.default_rng(seed).permutation(n_samples)
    n_held_out = max(1, int(share * n_samples))
    return order[n_held_out:], order[:n_held_out]


def fit_surrogate(X, y, weight, *, n_units=8, n_knots=5, n_steps=24, penalty=0.0, patience=7, seed=0):
    """Fit a network with products of sums (``interactions="product"``) to rows."""
    is_log = (X.min(0) > 0) & (X.max(0) > LOG_RANGE * X.min(0))
    low, high = on_scale(X.min(0), is_log), on_scale(X.max(0), is_log)
    span = np.where(high > low, high - low, 1.0)
    train, held_out = split(len(y), seed)
    center = float(np.average(y, weights=weight))
    scale = float(np.sqrt(np.average(np.square(y - center), weights=weight))) + 1e-300
    generator = torch.Generator().manual_seed(seed)
    net = KAN(
        X.shape[1], 1, hidden_layer_sizes=(n_units,), n_knots=n_knots, norm="none", interactions="product",
        generator=generator,
    ).double()  # fmt: skip
    fit = Surrogate(net, is_log, low, span, center, scale, np.inf)
    learned, other = [(fit.inputs(X[rows]), torch.from_numpy((y[rows] - center) / scale)[:, None],
              torch.from_numpy(weight[rows] / weight[rows].mean())) for rows in (train, held_out)]  # fmt: skip
    return fit._replace(error=trained(net, learned, other, n_steps, penalty, patience))


def trained(net, learned, held_out, n_steps, penalty, patience):
    """Train a network and leave it as it was best at held-out rows; returns the root mean squared error there."""
    x, y, weight = learned
    optimizer = GaussNewton(net, "mse", penalty=penalty)
    penalised = [p for name, p in net.named_parameters() if not name.endswith("bias")]

    def closure():
        optimizer.zero_grad()
        loss = 0.5 * (weight * F.mse_loss(net(x), y, reduction="none")[:, 0]).mean()
        if penalty:
            loss = loss + 0.5 * penalty * sum(p.square().sum() for p in penalised)
        if loss.requires_grad:
            loss.backward()
        return loss

    def error():
        with torch.no_grad():
            return float((held_out[2] * (net(held_out[0]) - held_out[1])[:, 0].square()).mean())

    best, state, since = np.inf, {name: value.clone() for name, value in net.state_dict().items()}, 0
    for _ in range(n_steps):
        optimizer.step(closure, weight)
        now = error()
        since = 0 if now < best * (1 - LEAST_GAIN) else since + 1
        if now < best:
            best, state = now, {name: value.clone() for name, value in net.state_dict().items()}
        if since >= patience or best < DONE or optimizer.is_stuck:
            break
    net.load_state_dict(state)
    net.requires_grad_(False)
    return float(np.sqrt(best))
