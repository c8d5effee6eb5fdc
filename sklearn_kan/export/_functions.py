"""Steps for the functions of a basis: features of inputs, and the coefficients that go with them.

Features of a table (..., in) are (..., in, n_features). A layer's coefficients (in, n_basis, units) are turned into
those of the features, so that one product of matrices sums all edge functions.
"""

import math
from collections.abc import Callable
from copy import deepcopy
from typing import NamedTuple

import numpy as np
import torch

from ..bases import (
    RBF,
    Activation,
    BSpline,
    Chebyshev,
    Fourier,
    Jacobi,
    Rational,
    ReLU,
    Sine,
    TruncatedPower,
    Wavelet,
)
from ..bases._base import damping
from ..bases._fourier import frequencies
from ..bases._pieces import piece_table, polynomials_of
from ..bases._wavelet import MORLET_FREQUENCY
from ._splines import Ramps, numbers, part_weights, ramps, spline_parts

POINTS, MOST_CANCELLED = 65, 30.0
DOUBLE = "relu", "silu", "softplus", "sigmoid"  # whose operators runtimes have in double precision
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


class Features(NamedTuple):
    """Features of a basis.

    Parameters
    ----------
    table : str
        (..., in, n_features), or with these axes exchanged.
    weights : callable
        From a layer's coefficients (in, n_basis, units) to those of features, (in, n_features, units) or with the same
        axes exchanged, and what is added to all rows (units,).
    """

    table: str
    weights: Callable


def features_of(do, basis, x):
    """The features of a table `x` of inputs (..., in).

    Raises
    ------
    TypeError
        If the basis is not one of the package's.
    """
    kind = type(basis)
    if kind not in FUNCTIONS:
        raise TypeError(
            f"basis={kind.__name__} is not one of the package's, and steps for it are not known. Choose one of "
            f"{', '.join(repr(family.__name__) for family in FUNCTIONS)}, or use pickle."
        )
    return FUNCTIONS[kind](do, basis, x)


def as_it_is(weight):
    return weight, np.zeros(weight.shape[2])


def plain(do, table):
    return Features(table, as_it_is)


def splines(do, basis, x):
    """Piecewise polynomials: powers of the places on all intervals, clipped to [0, 1], add up to the function."""
    knots = basis.current_knots() if isinstance(basis, TruncatedPower) else basis.knots
    table, degree = piece_table(knots.detach().cpu().double(), basis.degree), basis.degree
    grid = ramps(table, degree)
    axis = -2 if degree else -1  # along inputs, ONNX Runtime takes half the time
    turned = Ramps(*(part.T for part in grid)) if degree else grid
    parts = spline_parts(do, do.expanded(x, axis), turned, degree)
    index = numbers(table.first).astype(int)[:, None] + np.arange(degree + 1)
    polynomials = numbers(polynomials_of(table))

    def weights(weight):
        n_inputs, n_rows = len(weight), len(index) // max(1, len(weight))
        chosen = weight[np.arange(n_inputs)[:, None, None], index.reshape(n_inputs, n_rows, -1)]
        local = np.einsum("irpk,irku->irpu", polynomials.reshape(n_inputs, n_rows, degree + 1, -1), chosen)
        of_parts, start = part_weights(local, grid, degree)
        of_features = np.concatenate(of_parts, 1)
        return of_features.transpose(1, 0, 2) if degree else of_features, start.sum(0)

    return Features(do("Concat", *parts, axis=axis), weights)


def continued(do, basis, x, inner):
    """Functions between the ends of a basis, and its tangents outside, which are two more features."""
    low, high = basis.ends
    inside = do.clipped(x, low, high)
    outside = do.expanded(do("Sub", x, inside), -1)
    table, change = inner(do.expanded(inside, -1))
    slopes = end_slopes(basis)
    parts = [table, do("Min", outside, np.float64(0)), do("Max", outside, np.float64(0))]

    def weights(weight):
        tangents = np.einsum("eik,iku->ieu", slopes, weight)
        return np.concatenate([change(weight), tangents], 1), np.zeros(weight.shape[2])

    return Features(do("Concat", *parts, axis=-1), weights)


@torch.no_grad()
def end_slopes(basis):
    """Slopes of the functions at both ends: (2, in, n_basis)."""
    exact = deepcopy(basis).cpu().double()
    ends = torch.tensor(basis.ends, dtype=torch.float64)
    return numbers(exact.slope(ends[:, None].expand(2, basis.in_features)))


def unchanged(weight):
    return weight


def rbf(do, basis, x):
    centers = numbers(basis.centers)

    def inner(x):
        z = do("Div", do("Sub", x, centers), np.float64(centers[1] - centers[0]))
        return do("Exp", do("Neg", do("Mul", z, z))), unchanged

    return continued(do, basis, x, inner)


def relu(do, basis, x):
    def inner(x):
        up = do("Relu", do("Sub", x, numbers(basis.start)))
        bump = do("Mul", up, do("Relu", do("Sub", numbers(basis.end), x)))
        return do("Mul", bump, bump), lambda weight: basis.scale * weight

    return continued(do, basis, x, inner)


def wavelet(do, basis, x):
    size = numbers(basis.size)[:, None]

    def inner(x):
        z = do("Mul", do("Sub", x, numbers(basis.shift)), np.exp(-numbers(basis.log_scale)))
        square = do("Mul", z, z)
        bell = do("Exp", do("Mul", square, np.float64(-0.5)))
        front = {
            "mexican_hat": lambda: do("Sub", np.float64(1), square),
            "dog": lambda: do("Neg", z),
            "morlet": lambda: do("Cos", do("Mul", z, np.float64(MORLET_FREQUENCY))),
        }[basis.wavelet]()
        return do("Mul", front, bell), lambda weight: size * weight

    return continued(do, basis, x, inner)


def polynomials(do, basis, x):
    """Chebyshev and Jacobi polynomials by their three-term recursion."""
    a, b = (-0.5, -0.5) if isinstance(basis, Chebyshev) else (basis.alpha, basis.beta)
    power = 2.0 if isinstance(basis, Chebyshev) else 1.5
    scale = numbers(damping(torch.arange(1, basis.degree + 1, dtype=torch.float64), power))[:, None]

    def inner(x):
        if isinstance(basis, Chebyshev):
            terms = [do("Add", do("Mul", x, np.float64(0)), np.float64(1)), x]
            twice = do("Mul", x, np.float64(2))
            for _ in range(2, basis.degree + 1):
                terms.append(do("Sub", do("Mul", twice, terms[-1]), terms[-2]))
        else:
            first = do("Add", do("Mul", x, np.float64((a + b + 2) / 2)), np.float64((a - b) / 2))
            terms = [do("Add", do("Mul", x, np.float64(0)), np.float64(1)), first]
            for k in range(2, basis.degree + 1):
                c = 2 * k + a + b
                shared = 2 * k * (k + a + b) * (c - 2)
                rise, shift = (c - 1) * c * (c - 2) / shared, (c - 1) * (a * a - b * b) / shared
                fall = 2 * (k + a - 1) * (k + b - 1) * c / shared
                line = do("Add", do("Mul", x, np.float64(rise)), np.float64(shift))
                terms.append(do("Sub", do("Mul", line, terms[-1]), do("Mul", terms[-2], np.float64(fall))))
        return do("Concat", *terms[1:], axis=-1), lambda weight: scale * weight

    return continued(do, basis, x, inner)


def rational(do, basis, x):
    with torch.no_grad():
        a, b = (numbers(part) for part in basis.coefficients())
    b = np.concatenate([np.zeros((len(b), 1)), b], 1)

    def polynomial(x, coef):
        value = coef[:, -1:]
        for k in reversed(range(coef.shape[1] - 1)):
            value = do("Add", do("Mul", x, value), coef[:, k : k + 1])
        return value

    def inner(x):
        below = do("Add", do("Abs", polynomial(x, b)), np.float64(1))
        return do("Div", polynomial(x, a), below), unchanged

    return continued(do, basis, x, inner)


def fourier(do, basis, x):
    frequency = numbers(frequencies(basis.n_basis))[::2]
    size = numbers(damping(torch.from_numpy(frequency)))
    angle = do("Mul", do.expanded(x, -1), frequency)
    waves = do("Concat", do("Cos", angle), do("Sin", angle), axis=-1)

    def weights(weight):
        padded = np.zeros((len(weight), 2 * len(frequency), weight.shape[2]))
        padded[:, : weight.shape[1]] = weight
        ordered = np.concatenate([padded[:, ::2], padded[:, 1::2]], 1)
        return np.tile(size, 2)[:, None] * ordered, np.zeros(weight.shape[2])

    return Features(waves, weights)


def sine(do, basis, x):
    angle = do("Add", do("Mul", do.expanded(x, -1), numbers(basis.frequency)), numbers(basis.phase))
    scale = numbers(basis.scale)[:, None]
    return Features(do("Sin", angle), lambda weight: as_it_is(scale * weight))


def activation(do, basis, x):
    start, end, rate = (numbers(part) for part in (basis.start, basis.end, basis.rate))
    change = numbers(basis.change)

    def sigma(z):
        return SIGMAS[basis.activation](do, z)

    def inner(x):
        a = sigma(do("Mul", do("Sub", x, start), rate))
        b = sigma(do("Mul", do("Sub", end, x), rate))
        values = COMBINATIONS[basis.combination](do, a, b)
        return values, lambda weight: np.einsum("jk,iku->iju", change, weight)

    def precise(x):
        values, _ = inner(do("Precise", x))
        return do("Real", do("MatMul", values, change)), unchanged

    if basis.pool_weight is not None:
        return pooled(do, basis, x, inner, change)
    return continued(do, basis, x, precise if cancels(basis, change) else inner)


@torch.no_grad()
def cancels(basis, change):
    """Whether functions are small differences of large values, which single precision does not have the digits for."""
    if basis.activation not in DOUBLE:
        return False
    low, high = basis.ends
    x = torch.linspace(low, high, POINTS, dtype=torch.float64)
    exact = deepcopy(basis).cpu().double()
    functions = numbers(exact(x[:, None].expand(POINTS, basis.in_features)))[:, 0]
    summands = np.linalg.lstsq(change.T, functions.T, rcond=None)[0].T
    return (np.abs(summands) @ np.abs(change)).max() > MOST_CANCELLED * np.abs(functions).max()


def pooled(do, basis, x, inner, change):
    """Functions of an input pooled to one."""
    low, high = basis.ends
    inside = do.clipped(x, low, high)
    outside = do.expanded(do("Sub", x, inside), -1)
    below, above = end_slopes(basis)
    values = do("Mul", inner(do.expanded(inside, -1))[0], change)
    values = do.total([values, do("Mul", do("Min", outside, np.float64(0)), below),
                       do("Mul", do("Max", outside, np.float64(0)), above)])  # fmt: skip
    v = numbers(basis.pool_weight)
    if basis.attention is None:
        return plain(do, do.reduced("ReduceSum", do("Mul", values, v), -1))
    logit = do("Add", do("MatMul", values, numbers(basis.attention).T), v)
    weight = do("Exp", do("Sub", logit, do.reduced("ReduceMax", logit, -1)))
    total = do.reduced("ReduceSum", do("Mul", weight, values), -1)
    return plain(do, do("Div", total, do.reduced("ReduceSum", weight, -1)))


def gelu(do, z):
    share = do("Add", do("Erf", do("Mul", z, np.float64(math.sqrt(0.5)))), np.float64(1))
    return do("Mul", z, do("Mul", share, np.float64(0.5)))


def selu(do, z):
    fall = do("Sub", do("Exp", do("Min", z, np.float64(0))), np.float64(1))
    positive = do("Max", z, np.float64(0))
    return do("Mul", do("Add", positive, do("Mul", fall, np.float64(SELU_ALPHA))), np.float64(SELU_SCALE))


def silu(do, z):
    return do("Mul", z, do("Sigmoid", z))


SIGMAS = {
    "relu": lambda do, z: do("Relu", z), "silu": silu, "gelu": gelu, "selu": selu,
    "softplus": lambda do, z: do("Softplus", z), "sigmoid": lambda do, z: do("Sigmoid", z),
}  # fmt: skip


def cubed(do, z):
    return do("Mul", z, do("Mul", z, z))


COMBINATIONS = {
    "quad1": lambda do, a, b: squared(do, do("Mul", a, b)),
    "quad2": lambda do, a, b: do.total([do("Mul", a, b), squared(do, a), squared(do, b)]),
    "sum": lambda do, a, b: do("Add", a, b),
    "prod": lambda do, a, b: do("Mul", a, b),
    "sum_prod": lambda do, a, b: do.total([a, b, do("Mul", a, b)]),
    "cubic1": lambda do, a, b: do("Mul", do("Add", a, b), do("Add", squared(do, a), squared(do, b))),
    "cubic2": lambda do, a, b: cubed(do, do("Mul", a, b)),
}


def squared(do, z):
    return do("Mul", z, z)


FUNCTIONS: dict[type, Callable] = {
    BSpline: splines, TruncatedPower: splines, Chebyshev: polynomials, Jacobi: polynomials, RBF: rbf, ReLU: relu,
    Wavelet: wavelet, Rational: rational, Fourier: fourier, Sine: sine, Activation: activation,
}  # fmt: skip
