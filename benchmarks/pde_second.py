"""Six equations more, written down before any was run: other domains, sides, terms, and noise in the source.

Sources come from the solutions by sympy.
"""

from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from benchmarks.pde_problems import Problem, even

x, y = sp.symbols("x y")


class Known(NamedTuple):
    """A solution with its derivatives, as functions of points, by axes."""

    expression: Any
    n_axes: int

    def __call__(self, points, *axes):
        symbols = (x, y)[: self.n_axes]
        found = self.expression
        for axis in axes:
            found = sp.diff(found, symbols[axis])
        return sp.lambdify(symbols, found, "numpy")(*np.asarray(points).T) + np.zeros(len(points))


class Exact:
    """A solution in the form of a residual's argument: its value, and derivatives by index."""

    def __init__(self, known, points):
        self.known, self.points = known, np.asarray(points)
        self.value = known(points)

    def __getitem__(self, axes):
        return self.known(self.points, *np.atleast_1d(axes))


def solved_by(known, operator):
    """The residual of an operator whose source comes from a solution: ``operator(x, value, u)``."""

    def residual(points, u):
        exact = Exact(known, points)
        return operator(points, u, u) - operator(np.asarray(points), exact.value, exact)

    return residual


def scattered(known, operator, share, n, n_edge):
    """Rows at random in a square with noise in the source, and exact values on its edges."""

    def rows(rng):
        inside, s = rng.uniform(size=(n, 2)), np.linspace(0, 1, n_edge)
        edges = np.vstack([np.c_[s, 0 * s], np.c_[s, 0 * s + 1], np.c_[0 * s[1:-1], s[1:-1]],
                           np.c_[0 * s[1:-1] + 1, s[1:-1]]])  # fmt: skip
        exact = Exact(known, inside)
        source = operator(inside, exact.value, exact)
        source = source + share * np.sqrt(np.mean(source**2)) * rng.normal(size=n)
        return np.r_[inside, edges], np.r_[source, known(edges)], ["equation"] * n + ["value"] * len(edges)

    return rows


def started(known, operator, share, axis):
    """Rows of one axis with noise in the source, the value and the slope at its start."""

    def slope(points, u):
        return u[0]

    def rows(rng):
        points, start = axis[:, None], axis[:1, None]
        exact = Exact(known, points)
        source = operator(points, exact.value, exact)
        source = source + share * np.sqrt(np.mean(source**2)) * rng.normal(size=len(axis))
        return (np.r_[points, start, start], np.r_[source, known(start), known(start, 0)],
                ["equation"] * len(axis) + ["value", slope])  # fmt: skip

    return rows


def second():
    """One axis with variable coefficients, a sine of the solution, and a start with noise; two with a flow, an
    exponential, and noise.
    """
    on_interval = Known(x * sp.exp(-x) * sp.sin(18 * x), 1)
    swinging = Known(sp.cos(9 * x) + sp.Rational(3, 10) * x, 1)
    ringing = Known(sp.sin(14 * x) * sp.exp(-x / 2), 1)
    flow = Known(sp.sin(9 * x) * sp.exp(-y) + y**2, 2)
    hot = Known(sp.cos(7 * x) * sp.sin(4 * y) / 2, 2)
    damped = Known(sp.sin(10 * x) * sp.cos(6 * y) + x * y, 2)

    def stretched(X, v, u):
        return (1 + X[:, 0] ** 2) * u[0, 0] + 2 * X[:, 0] * u[0] + 40 * v

    def pendulum(X, v, u):
        return u[0, 0] + 5 * np.sin(v)

    def oscillator(X, v, u):
        return u[0, 0] + 2 * u[0] + 50 * v

    def carried(X, v, u):
        return u[0, 0] + u[1, 1] - 8 * u[0] + 3 * X[:, 1] * u[1]

    def burning(X, v, u):
        return u[0, 0] + u[1, 1] + np.exp(v)

    def screened(X, v, u):
        return u[0, 0] + u[1, 1] - 30 * v

    axis = even(0, 3, 200)
    return [
        Problem("((1 + x²) u')' + 40u, x exp(-x) sin 18x on [1, 3]", solved_by(on_interval, stretched), on_interval,
                (even(1, 3, 140),),
                sides={(0, 0): on_interval, (0, -1): lambda X, u: u[0] - on_interval(X, 0)}),
        Problem("u″ + 5 sin u, a slope at the left, cos 9x + .3x on [-1, 1]", solved_by(swinging, pendulum), swinging,
                (even(-1, 1, 90),),
                sides={(0, 0): lambda X, u: u[0] - swinging(X, 0), (0, -1): swinging}),
        Problem("3 % of noise in the source, u″ + 2u' + 50u from the start, sin 14x exp(-x/2) on [0, 3]",
                lambda X, u: oscillator(X, u, u), ringing, (axis,), rows=started(ringing, oscillator, 0.03, axis)),
        Problem("a flow, u_xx + u_yy - 8u_x + 3y u_y, a mixture at one side, sin 9x exp(-y) + y²",
                solved_by(flow, carried), flow, (even(0, 1, 50), even(0, 2, 50)),
                sides={(0, 0): flow, (0, -1): lambda X, u: u[0] + 2 * u - flow(X, 0) - 2 * flow(X), 1: flow}),
        Problem("u_xx + u_yy + exp u, cos 7x sin 4y / 2 on [-1, 1] x [0, 1]", solved_by(hot, burning), hot,
                (even(-1, 1, 60), even(0, 1, 40))),
        Problem("3 % of noise in the source, u_xx + u_yy - 30u, sin 10x cos 6y + xy, 400 random points",
                lambda X, u: screened(X, u, u), damped, (np.array([0.0, 1.0]), np.array([0.0, 1.0])),
                rows=scattered(damped, screened, 0.03, 400, 25)),
    ]  # fmt: skip
