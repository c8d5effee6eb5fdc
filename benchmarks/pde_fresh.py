"""Twelve more equations, written down before any was run: sides, time, circles, and noise in the source."""

import numpy as np
from numpy import cos, exp, pi, sin, sqrt

from benchmarks.pde_problems import Problem, even, line, wave


def slope(axis, derivative):
    """A condition: the derivative along an axis."""
    return lambda x, u: u[axis] - derivative(np.asarray(x))


def damped(X):
    return cos(55 * X[:, 0]) * exp(-X[:, 0])


def damped_slope(X):
    return -(55 * sin(55 * X[:, 0]) + cos(55 * X[:, 0])) * exp(-X[:, 0])


def damped_bend(X):
    return (110 * sin(55 * X[:, 0]) - 3024 * cos(55 * X[:, 0])) * exp(-X[:, 0])


def leaning(X):
    return sin(25 * X[:, 0]) + X[:, 0]


def beam(X):
    return sin(12 * X[:, 0]) + X[:, 0] ** 2


def tiles(X):
    return sin(30 * X[:, 0]) * cos(17 * X[:, 1])


def ripples(X):
    return sin(12 * X[:, 0] + 16 * X[:, 1]) + X[:, 0] * X[:, 1]


def fading(X):
    return cos(6 * pi * X[:, 0]) * exp(-0.02 * 36 * pi**2 * X[:, 1]) + 0.5 * X[:, 0] ** 2 + 0.02 * X[:, 1]


def strings(X):
    x, t = X.T
    return sin(2 * pi * x) * cos(3 * pi * t) + 0.3 * sin(7 * pi * x) * sin(10.5 * pi * t)


def fisher(X):
    return (1 + exp((X[:, 0] - 5 * X[:, 1] / sqrt(6)) / sqrt(6))) ** -2


def on_ring(X):
    return sin(5 * X[:, 0]) * exp(X[:, 1])


def ring(rng):
    """Random points between two circles, and values on both."""
    r, t = sqrt(rng.uniform(0.25, 1, size=300)), rng.uniform(0, 2 * pi, 300)
    s = np.linspace(0, 2 * pi, 50, endpoint=False)
    inside = np.c_[r * cos(t), r * sin(t)]
    rims = np.vstack([radius * np.c_[cos(s), sin(s)] for radius in (0.5, 1.0)])
    return np.r_[inside, rims], np.r_[np.zeros(300), on_ring(rims)], ["equation"] * 300 + ["value"] * 100


def two_waves(X):
    return sin(30 * X[:, 0]) + cos(11 * X[:, 0])


def noisy(rng):
    """A source with 1 % of noise."""
    x = even(0, 2, 250)
    source = (-900 * sin(30 * x) - 121 * cos(11 * x) + 3 * (30 * cos(30 * x) - 11 * sin(11 * x))
              - 200 * two_waves(x[:, None]))  # fmt: skip
    noise = 0.01 * np.sqrt(np.mean(source**2)) * rng.normal(size=250)
    ends = two_waves(np.array([[0.0], [2.0]]))
    return np.r_[x, 0, 2][:, None], np.r_[source + noise, ends], ["equation"] * 250 + ["value"] * 2


def pulse(X):
    return exp(3 * sin(2 * pi * (X[:, 0] - X[:, 1])))


def fresh():
    """Other frequencies, domains, boundaries, coefficients; time; noise."""

    def variable(x, u):
        X = np.asarray(x)
        return (2 + sin(3 * x[:, 0])) * u[0, 0] - 10 * u - ((2 + sin(3 * X[:, 0])) * damped_bend(X) - 10 * damped(X))

    def square(x, u):
        return u[0, 0] - u**2 + 625 * sin(25 * x[:, 0]) + leaning(np.asarray(x)) ** 2

    def ring_residual(x, u):
        X = np.asarray(x)
        f = (1 + X[:, 0] ** 2) * -25 * on_ring(X) + on_ring(X) + 2 * X[:, 0] * 5 * cos(5 * X[:, 0]) * exp(X[:, 1])
        return (1 + x[:, 0] ** 2) * u[0, 0] + u[1, 1] + 2 * x[:, 0] * u[0] - f

    def helmholtz(x, u):
        X = np.asarray(x)
        return u[0, 0] + u[1, 1] + 420 * u - (20 * sin(12 * X[:, 0] + 16 * X[:, 1]) + 420 * X[:, 0] * X[:, 1])

    space, time = even(0, 1, 60), even(0, 1, 50)
    return [
        line("sin 73x on [-2, 1]", *wave(73), -2, 1, 300),
        Problem("variable coefficients, slope at the left, cos 55x exp(-x) on [0, 1.5]", variable, damped,
                (even(0, 1.5, 200),), sides={(0, 0): slope(0, damped_slope), (0, -1): damped}),
        Problem("u″ - u², a mixture at the right, sin 25x + x", square, leaning, (even(0, 1, 120),),
                sides={(0, 0): leaning,
                       (0, -1): lambda x, u: u[0] + u - (25 * cos(25) + 1 + sin(25) + 1)}),
        Problem("a clamped beam, sin 12x + x²", lambda x, u: u[0, 0, 0, 0] - 12**4 * sin(12 * x[:, 0]), beam,
                (even(0, 1, 80),),
                sides={0: [beam, slope(0, lambda X: 12 * cos(12 * X[:, 0]) + 2 * X[:, 0])]}),
        Problem("2-D, slopes on two sides, sin 30x cos 17y",
                lambda x, u: u[0, 0] + u[1, 1] + (900 + 289) * tiles(np.asarray(x)), tiles,
                (even(0, 1, 70), even(0, 2, 80)),
                sides={(0, 0): slope(0, lambda X: 30 * cos(17 * X[:, 1])), (0, -1): tiles, (1, 0): tiles,
                       (1, -1): slope(1, lambda X: -17 * sin(30 * X[:, 0]) * sin(17 * X[:, 1]))}),
        Problem("Helmholtz, k² = 420, sin(12x + 16y) + xy", helmholtz, ripples, (space, even(0, 1, 60))),
        Problem("heat between insulated ends, cos 6πx", lambda x, u: u[1] - 0.02 * u[0, 0], fading,
                (space, time), sides={0: slope(0, lambda X: X[:, 0]), (1, 0): fading}),
        Problem("two standing waves, speed 1.5", lambda x, u: u[1, 1] - 2.25 * u[0, 0], strings,
                (space, even(0, 1, 70)),
                sides={0: 0.0, (1, 0): [strings, slope(1, lambda X: 3.15 * pi * sin(7 * pi * X[:, 0]))]}),
        Problem("Fisher's travelling wave", lambda x, u: u[1] - u[0, 0] - u * (1 - u), fisher,
                (even(-5, 5, 70), even(0, 2, 40)), sides={0: fisher, (1, 0): fisher}),
        Problem("variable coefficients on a ring, 300 random points", ring_residual, on_ring,
                (np.array([0.4, 0.65]), np.array([0.4, 0.65])), rows=ring),
        Problem("1 % of noise in the source, u″ + 3u' - 200u, sin 30x + cos 11x",
                lambda x, u: u[0, 0] + 3 * u[0] - 200 * u, two_waves, (even(0, 2, 250),), rows=noisy),
        Problem("a pulse around a circle, exp(3 sin 2π(x - t))", lambda x, u: u[1] + u[0], pulse, (space, space),
                sides={0: "periodic", (1, 0): pulse}),
    ]  # fmt: skip
