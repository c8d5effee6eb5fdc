"""Differential equations with known solutions, and how `GPEquationSolver` is given each."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy import cos, exp, pi, sin


class Problem(NamedTuple):
    """An equation, its solution, and where it is solved."""

    name: str
    residual: Callable
    solution: Callable  # of points (n, D)
    axes: tuple  # of the grid, or the box of scattered points
    paper: float | None = None  # the lowest error in the authors' logs
    second: Callable | None = None  # of one variable: what classical solvers take as the source
    rows: Callable | None = None  # of a generator: X, y, kind
    sides: dict | None = None  # conditions by side; by default the solution on all edges
    parameters: dict | None = None  # coefficients to be found


def even(a, b, n):
    return np.linspace(a, b, n)


def laplace(f, cubic=False):
    """Residual of Δu (+ u³ - u) = f."""

    def residual(x, u):
        total = sum(u[d, d] for d in range(x.shape[1])) - f(x)
        return total + u * (u**2 - 1) if cubic else total

    return residual


def line(name, u, second, a, b, n, paper=None, cubic=False):
    """A problem along one axis, for its solution and second derivative."""

    def f(x):
        t = np.asarray(x)[:, 0]
        return second(t) + (u(t) ** 3 - u(t) if cubic else 0)

    return Problem(name, laplace(f, cubic), lambda X: u(X[:, 0]), (even(a, b, n),), paper, None if cubic else second)


def square(name, parts, a, b, n, paper=None, cubic=False, n_rows=None):
    """Sums of products of functions of each axis: ``parts`` has (g, g″, h, h″)."""

    def u(X):
        x, y = np.asarray(X).T
        return sum(g(x) * h(y) for g, _, h, _ in parts)

    def f(X):
        x, y = np.asarray(X).T
        value = sum(g2(x) * h(y) + g(x) * h2(y) for g, g2, h, h2 in parts)
        return value + (u(X) ** 3 - u(X) if cubic else 0)

    return Problem(name, laplace(f, cubic), u, (even(a, b, n), even(a, b, n)), paper)


def one(t):
    return np.ones_like(t)


def zero(t):
    return np.zeros_like(t)


def wave(k):
    """Sin kt and its second derivative."""
    return (lambda t: sin(k * t)), (lambda t: -(k**2) * sin(k * t))


def beat(a, b):
    """Sin at · cos bt and its second derivative."""
    return (
        lambda t: sin(a * t) * cos(b * t),
        lambda t: -0.5 * ((a + b) ** 2 * sin((a + b) * t) + (a - b) ** 2 * sin((a - b) * t)),
    )


def scales(t):
    return sin(t) + 0.1 * sin(20 * t) + 0.05 * sin(100 * t)


def scales2(t):
    return -sin(t) - 40 * sin(20 * t) - 500 * sin(100 * t)


def mixed(t):
    return sin(t) + 0.1 * sin(20 * t) + cos(100 * t)


def mixed2(t):
    return -sin(t) - 40 * sin(20 * t) - 1e4 * cos(100 * t)


def paper_problems():
    """The eleven of the paper, with the errors in its authors' logs (the best of 20 checkpoints on the test grid)."""
    s100, b = wave(100), beat(6, 100)
    c20 = beat(6, 20)
    return [
        line("sin 100x", *s100, 0, 2 * pi, 400, 4.0e-7),
        line("sin x + .1 sin 20x + .05 sin 100x", scales, scales2, 0, 1, 200, 3.5e-4),
        line("sin 6x cos 100x", *b, 0, 2 * pi, 400, 1.5e-6),
        line("x sin 200x", lambda t: t * sin(200 * t), lambda t: 400 * cos(200 * t) - 4e4 * t * sin(200 * t),
             0, 2 * pi, 900, 9.0e-7),
        line("sin 500x - 2(x - ½)²", lambda t: sin(500 * t) - 2 * (t - 0.5) ** 2, lambda t: -25e4 * sin(500 * t) - 4,
             0, 1, 200, 4.2e-4),
        square("sin 100x sin 100y", [(*s100, *s100)], 0, 2 * pi, 400, 6.5e-5),
        square("sin 6x cos 20x + sin 6y cos 20y", [(*c20, one, zero), (one, zero, *c20)], 0, 2 * pi, 200, 1.0e-3),
        line("Allen-Cahn, sin 100x", *s100, 0, 2 * pi, 400, 7.7e-7, cubic=True),
        line("Allen-Cahn, sin 6x cos 100x", *b, 0, 2 * pi, 400, 4.2e-6, cubic=True),
        square("Allen-Cahn, product of sin + .1 sin 20 + cos 100", [(mixed, mixed2, mixed, mixed2)], 0, 1, 200, 2.6e-3,
               cubic=True),
        Problem("advection, sin(x - 200t)", lambda x, u: u[1] + 200 * u[0], lambda X: sin(X[:, 0] - 200 * X[:, 1]),
                (even(0, 1, 200), even(0, 1, 200)), 1.4e-4),
    ]  # fmt: skip


def flux(x, u):
    """The derivative along the first axis."""
    return u[0]


def robin(x, u):
    """A mixture of value and derivative."""
    return u[0] + 2 * u


def ends(a, b, n, left, right):
    """Rows of an equation along one axis, with a condition at each end: (kind, value)."""
    X = np.concatenate([even(a, b, n), [a, b]])[:, None]
    return X, np.concatenate([np.zeros(n), [left[1], right[1]]]), ["equation"] * n + [left[0], right[0]]


def disc(rng, u):
    """Random points in the unit disc, and values on the circle."""
    r, t = np.sqrt(rng.uniform(size=300)), rng.uniform(0, 2 * pi, 300)
    s = np.linspace(0, 2 * pi, 60, endpoint=False)
    inside, rim = np.c_[r * cos(t), r * sin(t)], np.c_[cos(s), sin(s)]
    return np.r_[inside, rim], np.r_[np.zeros(300), u(rim)], ["equation"] * 300 + ["value"] * 60


def on_disc(X):
    return exp(X[:, 0]) * sin(4 * X[:, 1])


def with_variable_coefficients(X):
    return sin(8 * X[:, 0]) * exp(-X[:, 1])


def variants():
    """Problems that nothing was chosen on: frequencies, domains, boundaries, coefficients, points, noise."""
    w37, w50, b90 = wave(37), wave(50), beat(5, 90)
    noisy = np.random.default_rng(1).normal(size=300)
    x300 = even(0, 2, 300)
    c13 = beat(2, 13)

    def variable_residual(x, u):
        X = np.asarray(x)
        v = with_variable_coefficients(X)
        f = -64 * (1 + X[:, 0] * X[:, 1]) * v + 2 * v - 8 * cos(8 * X[:, 0]) * exp(-X[:, 1])
        return (1 + x[:, 0] * x[:, 1]) * u[0, 0] + 2 * u[1, 1] + u[0, 1] - f

    def chirp(t):
        return sin(15 * t**2)

    return [
        line("sin 37x on [-1, 3]", *w37, -1, 3, 250),
        line("sin 3x + .2 sin 61x + .02 cos 170x on [0, 2]",
             lambda t: sin(3 * t) + 0.2 * sin(61 * t) + 0.02 * cos(170 * t),
             lambda t: -9 * sin(3 * t) - 744.2 * sin(61 * t) - 578 * cos(170 * t), 0, 2, 300),
        line("chirp sin 15x² on [0, 2]", chirp, lambda t: 30 * cos(15 * t**2) - 900 * t**2 * chirp(t), 0, 2, 250),
        Problem("flux at the left, sin 50x", laplace(lambda x: -2500 * sin(50 * x[:, 0])), lambda X: w50[0](X[:, 0]),
                (even(0, 1, 150),), rows=lambda rng: ends(0, 1, 150, (flux, 50.0), ("value", sin(50)))),
        Problem("Robin at the right, cos 30x", laplace(lambda x: -900 * cos(30 * x[:, 0])), lambda X: cos(30 * X[:, 0]),
                (even(0, 1, 120),), rows=lambda rng: ends(0, 1, 120, ("value", 1.0),
                                                          (robin, -30 * sin(30) + 2 * cos(30)))),
        Problem("variable coefficients, sin 40x on [0, 2]",
                lambda x, u: (1 + x[:, 0] ** 2) * u[0, 0] + x[:, 0] * u[0] - 5 * u
                - (-1600 * (1 + x[:, 0] ** 2) * sin(40 * x[:, 0]) + 40 * x[:, 0] * cos(40 * x[:, 0])
                   - 5 * sin(40 * x[:, 0])), lambda X: sin(40 * X[:, 0]), (even(0, 2, 200),)),
        Problem("1 % of noise in the source, u″ - 400u, sin 40x on [0, 2]",
                lambda x, u: u[0, 0] - 400 * u, lambda X: sin(40 * X[:, 0]), (x300,),
                rows=lambda rng: (np.r_[x300, 0, 2][:, None],
                                  np.r_[-2000 * sin(40 * x300) + 20 * noisy, 0, sin(80)],
                                  ["equation"] * 300 + ["value"] * 2)),
        line("Allen-Cahn, sin 5x cos 90x on [0, 3]", *b90, 0, 3, 250, cubic=True),
        square("2-D, sin 2x cos 13x + the same in y on [-1, 1]", [(*c13, one, zero), (one, zero, *c13)], -1, 1, 60),
        Problem("2-D, variable coefficients and a mixed derivative", variable_residual, with_variable_coefficients,
                (even(0, 1, 40), even(0, 2, 40))),
        Problem("disc, 300 random points", laplace(lambda x: -15 * exp(x[:, 0]) * sin(4 * x[:, 1])), on_disc,
                (np.array([-0.7, 0.7]), np.array([-0.7, 0.7])), rows=lambda rng: disc(rng, on_disc)),
        Problem("Burgers, viscosity 0.1", lambda x, u: u[1] + u * u[0] - 0.1 * u[0, 0],
                lambda X: 1 / (1 + exp((X[:, 0] - 0.5 * X[:, 1]) / 0.2)), (even(-1, 1, 60), even(0, 1, 40))),
    ]  # fmt: skip


def unsolvable():
    """Problems that cannot be solved as they are given: a warning is the right answer."""
    return [
        line("too few points for sin 100x", *wave(100), 0, 2 * pi, 120),
        Problem("a condition is missing", laplace(lambda x: -900 * sin(30 * x[:, 0])), lambda X: sin(30 * X[:, 0]),
                (even(0, 1, 100),), rows=lambda rng: (np.r_[even(0, 1, 100), 0][:, None], np.zeros(101),
                                                      ["equation"] * 100 + ["value"])),
    ]  # fmt: skip
