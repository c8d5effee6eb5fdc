"""A KAN of two layers of cubic splines with products, one output, and Gauss-Newton steps for it in NumPy.

The network of `KAN(d, 1, hidden_layer_sizes=(h,), norm="none", interactions="product")`, from the same start, and the
steps of `GaussNewton`. A search fits dozens of networks of some hundred parameters to a thousand rows. Columns do not
change during a fit, so that their splines are computed once, and the whole Jacobian is one product of columns.
"""

from typing import NamedTuple

import numpy as np
import torch
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.blas import dsyrk
from scipy.special import expit

from ..network._kan import KAN
from ..optim._gauss_newton import N_ATTEMPTS, N_JITTERS, adapted
from ._losses import SQUARES

DAMPING = 1e-3
LARGEST_PLACE = 1e6  # in units between knots: beyond, a network has diverged


class Shape(NamedTuple):
    """Numbers of columns, hidden units, and splines of a column."""

    n_columns: int
    n_units: int
    n_basis: int

    @property
    def sizes(self):
        """Of the parts of a vector of parameters, in the order of `parts_of`."""
        d, h, k = self
        return d * k * h, d * h, d * h, d * h, h, h * k, h, h, h, 1


class Parts(NamedTuple):
    """The parameters of both layers; columns or units before basis functions before outputs."""

    edge1: np.ndarray
    base1: np.ndarray
    factor1: np.ndarray
    cofactor1: np.ndarray
    bias1: np.ndarray
    edge2: np.ndarray
    base2: np.ndarray
    factor2: np.ndarray
    cofactor2: np.ndarray
    bias2: np.ndarray


class Inputs(NamedTuple):
    """Rows of columns with what does not change during a fit: ``[splines, silu, 1]`` of them."""

    x: np.ndarray
    features: np.ndarray


class Hidden(NamedTuple):
    """What a row does to the second layer."""

    p: np.ndarray  # sums of the first layer's products
    q: np.ndarray
    h: np.ndarray
    splines: np.ndarray
    p2: np.ndarray
    q2: np.ndarray
    slope: np.ndarray  # of the output by h


def starting_parameters(shape, seed):
    """Those of a new KAN as one vector."""
    generator = torch.Generator().manual_seed(seed)
    d, h, k = shape
    net = KAN(d, 1, hidden_layer_sizes=(h,), n_knots=k - 2, norm="none", interactions="product",
              generator=generator).double()  # fmt: skip
    return from_network(net)


def from_network(net):
    """The parameters of a KAN as one vector."""
    parts = []
    for layer in net.layers:
        parts += [layer.edge_weight, layer.base_weight.T, layer.factor.T, layer.cofactor.T, layer.bias]
    return np.concatenate([part.detach().numpy().ravel() for part in parts])


def parts_of(shape, theta):
    d, h, k = shape
    shapes = (d * k, h), (d, h), (d, h), (d, h), (h,), (h, k), (h,), (h,), (h,), ()
    ends = np.cumsum(shape.sizes)[:-1]
    return Parts(*[part.reshape(s) for part, s in zip(np.split(theta, ends), shapes, strict=True)])


def splines(x, n_basis, slopes=False):
    """Cubic B-splines on uniform knots on [-1, 1], linear beyond: ``(n, m) -> (n, m, n_basis)``; with slopes a pair."""
    n_cells = n_basis - 3
    u = np.clip((x + 1) * (n_cells / 2), -LARGEST_PLACE, LARGEST_PLACE)
    cell = np.clip(np.floor(u), 0, n_cells - 1)
    u -= cell
    t = np.clip(u, 0, 1)
    u -= t  # what is beyond the last knot
    s, square = 1 - t, t * t
    four, rates = np.empty((*x.shape, 4)), np.empty((*x.shape, 4))
    rates[..., 0], rates[..., 3], rates[..., 1] = -0.5 * s * s, 0.5 * square, 1.5 * square - 2 * t
    rates[..., 2] = -rates[..., 0] - rates[..., 1] - rates[..., 3]
    four[..., 0], four[..., 3], four[..., 1] = s * s * s / 6, square * t / 6, (0.5 * t - 1) * square + 2 / 3
    four[..., 2] = 1 - four[..., 0] - four[..., 1] - four[..., 3]
    if u.any():
        four += rates * u[..., None]
    places = (np.arange(x.size) * n_basis + cell.ravel().astype(int))[:, None] + np.arange(4)

    def placed(values):
        table = np.zeros(x.size * n_basis)
        table[places] = values.reshape(-1, 4)
        return table.reshape(*x.shape, n_basis)

    return (placed(four), placed(rates * (n_cells / 2))) if slopes else placed(four)


def inputs_of(x, n_basis):
    n = len(x)
    features = np.concatenate([splines(x, n_basis).reshape(n, -1), x * expit(x), np.ones((n, 1))], 1)
    return Inputs(np.asfortranarray(x), np.asfortranarray(features))


def silu_slope(x):
    share = expit(x)
    return share * (1 + x * (1 - share))


def hidden(parts, inputs):
    """The first layer: both factors of its products, and its outputs."""
    p, q = inputs.x @ parts.factor1, inputs.x @ parts.cofactor1
    weight = np.concatenate([parts.edge1, parts.base1, parts.bias1[None]])
    return p, q, inputs.features @ weight + p * q


def outputs(shape, theta, inputs):
    """The network's values at rows, shape (n,)."""
    parts = parts_of(shape, theta)
    _, _, h = hidden(parts, inputs)
    return from_hidden(shape, parts, h, splines(h, shape.n_basis))


def from_hidden(shape, parts, h, values):
    sums = values.reshape(len(h), -1) @ parts.edge2.ravel()
    return sums + (h * expit(h)) @ parts.base2 + (h @ parts.factor2) * (h @ parts.cofactor2) + parts.bias2


def at_hidden(shape, parts, inputs):
    p, q, h = hidden(parts, inputs)
    p2, q2 = h @ parts.factor2, h @ parts.cofactor2
    values, slopes = splines(h, shape.n_basis, slopes=True)
    slope = np.einsum("nhk,hk->nh", slopes, parts.edge2)
    slope += silu_slope(h) * parts.base2 + np.outer(q2, parts.factor2) + np.outer(p2, parts.cofactor2)
    return Hidden(p, q, h, values, p2, q2, slope)


def jacobian(shape, parts, inputs, at):
    """Derivatives by all parameters, ``(n_parameters, n)``: parameters first, so that columns are written in a row."""
    n, (d, h, k) = len(inputs.x), shape
    J = np.empty((sum(shape.sizes), n))
    pieces = np.split(J, np.cumsum(shape.sizes)[:-1])
    n_first, x, slope = d * k, inputs.x.T, np.ascontiguousarray(at.slope.T)
    features = inputs.features.T
    for piece, left, right in (
        (pieces[0], features[:n_first], slope),
        (pieces[1], features[n_first:-1], slope),
        (pieces[2], x, slope * at.q.T),
        (pieces[3], x, slope * at.p.T),
    ):
        np.multiply(left[:, None], right[None], out=piece.reshape(len(left), h, n))
    pieces[4][:], pieces[5][:], pieces[6][:] = slope, at.splines.reshape(n, -1).T, (at.h * expit(at.h)).T
    pieces[7][:], pieces[8][:], pieces[9][:] = at.h.T * at.q2, at.h.T * at.p2, 1.0
    return J


def gradients(shape, theta, inputs):
    """Derivatives by columns, ``(n, n_columns)``."""
    parts = parts_of(shape, theta)
    at, x = at_hidden(shape, parts, inputs), inputs.x
    edge = parts.edge1.reshape(shape.n_columns, shape.n_basis, shape.n_units)
    _, slopes = splines(x, shape.n_basis, slopes=True)
    own = np.einsum("ndk,dkh,nh->nd", slopes, edge, at.slope, optimize=True)
    own += silu_slope(x) * (at.slope @ parts.base1.T)
    return own + (at.slope * at.q) @ parts.factor1.T + (at.slope * at.p) @ parts.cofactor1.T


class Steps:
    """Gauss-Newton steps regularised by the gradient's norm (Semenov, Jaggi & Doikov, 2025).

    Parameters
    ----------
    shape : Shape
    inputs : Inputs
    y, weight : ndarray of shape (n,)
    penalty : float
        Of squared coefficients.
    loss : Squares or Deviance
    """

    def __init__(self, shape, inputs, y, weight, penalty, loss=SQUARES):
        self.shape, self.inputs, self.y, self.weight, self.of_rows = shape, inputs, y, weight, loss
        is_bias = np.repeat([name.startswith("bias") for name in Parts._fields], shape.sizes)
        self.ridge = np.where(is_bias, 0.0, penalty)
        self.gamma, self.is_stuck = None, False

    def loss(self, theta):
        return self.at(outputs(self.shape, theta, self.inputs), theta)

    def at(self, found, theta):
        """The loss of outputs."""
        misses = self.of_rows.residuals(found, self.y, 1.0)
        return 0.5 * np.mean(self.weight * misses**2) + 0.5 * np.sum(self.ridge * theta**2)

    def step(self, theta):
        """The parameters after a step, which are the same if none is better."""
        parts, n = parts_of(self.shape, theta), len(self.y)
        at = at_hidden(self.shape, parts, self.inputs)
        found = from_hidden(self.shape, parts, at.h, at.splines)
        before, working = self.at(found, theta), self.of_rows.working(found, self.y, 1.0)
        J = jacobian(self.shape, parts, self.inputs, at)
        gradient = J @ (self.weight * working.gradient) / n + self.ridge * theta
        norm = float(np.linalg.norm(gradient))
        if norm == 0 or not np.isfinite(norm) or not np.isfinite(before):
            self.is_stuck = True
            return theta
        self.gamma = norm / DAMPING if self.gamma is None else self.gamma
        J *= np.sqrt(self.weight * working.curvature)
        matrix = dsyrk(1.0 / n, J.T, trans=1, lower=1)
        matrix[np.diag_indices_from(matrix)] += self.ridge
        for _ in range(N_ATTEMPTS):
            damping = norm / self.gamma
            h = solution(matrix, gradient, damping)
            if h is None:
                self.is_stuck = True
                return theta
            # B h = -(g + damping h), which makes the model's reduction a matter of two products
            reduction = -0.5 * float(gradient @ h) + 0.5 * damping * float(h @ h)
            with np.errstate(all="ignore"):
                after = self.loss(theta + h)
            share = (before - after) / reduction if reduction > 0 and np.isfinite(after) else -np.inf
            self.gamma = adapted(self.gamma, share)
            if share > 0:
                return theta + h
        return theta


def solution(matrix, gradient, damping):
    """``-(B + damping)^-1 g``, with more damping where rounding asks for it; None if that is not enough."""
    jitter = damping
    for _ in range(N_JITTERS):
        damped = matrix.copy(order="F")
        damped[np.diag_indices_from(damped)] += jitter
        try:
            factor = cho_factor(damped, lower=True, overwrite_a=True, check_finite=False)
            return -cho_solve(factor, gradient, check_finite=False)
        except (np.linalg.LinAlgError, ValueError):
            jitter = max(10 * jitter, np.finfo(float).eps * float(np.diag(matrix).mean()))
    return None
