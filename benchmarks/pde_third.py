"""Eleven equations more, written down before any was run: fourth and fractional order, an odd order in time, corners,
sides of every kind, coefficients that change sharply, and a source that is to be found.
"""

import numpy as np
import sympy as sp
from scipy.special import erf

from benchmarks.pde_problems import Problem, even
from benchmarks.pde_second import Exact, Known, solved_by, x, y

N_CORNER = 400  # random points in an L


def sloped(known, axis, share=0.0):
    """A condition: the derivative along an axis, and a share of the value."""
    return lambda X, u: u[axis] + share * u - (known(X, axis) + share * known(X))


def corner(known, source):
    """Rows at random in the square [-1, 1]² without its lower right quarter, and values on its edge."""

    def rows(rng):
        inside = rng.uniform(-1, 1, size=(2 * N_CORNER, 2))
        inside = inside[~((inside[:, 0] > 0) & (inside[:, 1] < 0))][:N_CORNER]
        s, half = np.linspace(-1, 1, 31), np.linspace(0, 1, 16)
        sides = [np.c_[s, 0 * s + 1], np.c_[0 * s - 1, s], np.c_[0 * half + 1, half], np.c_[-half, 0 * half - 1],
                 np.c_[half, 0 * half], np.c_[0 * half, -half]]  # fmt: skip
        edge = np.unique(np.vstack(sides), axis=0)
        return (np.r_[inside, edge], np.r_[source(inside), known(edge)],
                ["equation"] * len(inside) + ["value"] * len(edge))  # fmt: skip

    return rows


def singular(points):
    """The harmonic function with an infinite slope in the corner, r^(2/3) sin(2θ/3)."""
    X, Y = np.asarray(points).T
    angle = np.arctan2(Y, X) % (2 * np.pi)
    return np.hypot(X, Y) ** (2 / 3) * np.sin(2 / 3 * angle)


def beyond(rng):
    """Rows for a wave and its neighbourhood, where a fractional derivative looks, too."""
    inside, outside = even(0, 1, 60), np.r_[even(-0.6, -0.02, 30), even(1.02, 1.6, 30)]
    return (np.r_[inside, outside][:, None], np.r_[0 * inside, undulating(outside[:, None])],
            ["equation"] * 60 + ["value"] * 60)  # fmt: skip


def undulating(X):
    return np.sin(14 * X[:, 0]) + 0.4 * np.cos(31 * X[:, 0])


def fractional(X, u):
    """Of order .8, with a reaction."""
    t = np.asarray(X)[:, 0]
    return u.riesz(0.8) - 2 * u + (14**0.8 + 2) * np.sin(14 * t) + 0.4 * (31**0.8 + 2) * np.cos(31 * t)


def measured_value(X, u):
    return u


STRENGTH, WIDTH, CENTRE = 30.0, 0.1, 0.37


def heated(X, u, strength, centre):
    """A rod that is heated in one place."""
    return u[0, 0] + strength * np.exp(-(((X[:, 0] - centre) / WIDTH) ** 2))


def warm(points):
    """Its temperature: twice the integral of the source, zero at both ends."""

    def twice(t):
        z = (t - CENTRE) / WIDTH
        return STRENGTH * WIDTH**2 / 2 * (np.sqrt(np.pi) * z * erf(z) + np.exp(-(z**2)))

    t = np.asarray(points)[:, 0]
    return twice(0.0) + t * (twice(1.0) - twice(0.0)) - twice(t)


def warmth(rng):
    """Rows of the rod, and 25 noisy temperatures."""
    inside = rng.uniform(size=(25, 1))
    noisy = warm(inside) + 0.01 * rng.normal(size=25)
    return (np.r_[even(0, 1, 60)[:, None], [[0.0], [1.0]], inside], np.r_[np.zeros(62), noisy],
            ["equation"] * 60 + ["value"] * 2 + [measured_value] * 25)  # fmt: skip


def third():
    """Plates, fractions, sound, flows, sides, corners, layers, and a hidden source."""
    plate = Known(sp.sin(7 * x) * sp.cos(5 * y) + x**2 * y, 2)
    sound = Known(sp.sin(36 * x + 48 * y) + sp.Rational(1, 2) * sp.cos(60 * x), 2)
    stream = Known(sp.tanh(6 * (x - sp.Rational(1, 2))) + sp.sin(20 * x) / 5, 1)
    mixed = Known(sp.exp(x) * sp.sin(11 * y) + sp.cos(8 * x), 2)
    tile = Known(sp.exp(sp.sin(2 * sp.pi * x)) * sp.cos(6 * sp.pi * y), 2)
    bent = Known(sp.exp(x) * sp.cos(5 * y), 2)
    layered = Known(sp.sin(10 * x) + x, 1)
    conductivity = Known(1 + 9 / (1 + sp.exp(20 - 40 * x)), 1)
    ripple = Known(sp.sin(4 * sp.pi * x + (4 * sp.pi) ** 3 * y) + sp.cos(2 * sp.pi * x + (2 * sp.pi) ** 3 * y) / 3, 2)

    def biharmonic(X, v, u):
        return u[0, 0, 0, 0] + 2 * u[0, 0, 1, 1] + u[1, 1, 1, 1]

    def helmholtz(X, v, u):
        return u[0, 0] + u[1, 1] + 3600 * v

    def viscous(X, v, u):
        return 0.05 * u[0, 0] - v * u[0]

    def poisson(X, v, u):
        return u[0, 0] + u[1, 1]

    def screened(X, v, u):
        return u[0, 0] + u[1, 1] - 10 * v

    def layers(X, v, u):
        return conductivity(np.asarray(X)) * u[0, 0] + conductivity(np.asarray(X), 0) * u[0]

    left_half = np.array([-1.0, 0.0]), np.array([-1.0, 1.0])
    return [
        Problem("a clamped plate, sin 7x cos 5y + x²y on [0, 1]²", solved_by(plate, biharmonic), plate,
                (even(0, 1, 40), even(0, 1, 40)),
                sides={0: [plate, sloped(plate, 0)], 1: [plate, sloped(plate, 1)]}),
        Problem("Riesz, order .8, sin 14x + .4 cos 31x", fractional, undulating, (even(0, 1, 60),), rows=beyond),
        Problem("Helmholtz, k = 60, no source", lambda X, u: helmholtz(X, u, u), sound,
                (even(0, 1, 90), even(0, 1, 90))),
        Problem("u″ / 20 - u u', tanh 6(x - ½) + sin 20x / 5", solved_by(stream, viscous), stream, (even(0, 1, 120),)),
        Problem("Poisson, slopes, mixtures and values, exp x sin 11y + cos 8x", solved_by(mixed, poisson), mixed,
                (even(0, 1, 50), even(-1, 1, 60)),
                sides={(0, 0): sloped(mixed, 0, -1.0), (0, -1): sloped(mixed, 0, 2.0),
                       (1, 0): mixed, (1, -1): sloped(mixed, 1)}),
        Problem("on a torus, exp sin 2πx cos 6πy", solved_by(tile, screened), tile, (even(0, 1, 50), even(0, 1, 50)),
                sides={0: "periodic", 1: "periodic"}),
        Problem("an L, 400 random points, exp x cos 5y", lambda X, u: poisson(X, u, u), bent, left_half,
                rows=corner(bent, lambda X: poisson(X, None, Exact(bent, X)))),
        Problem("an L with an infinite slope in its corner, r^⅔ sin ⅔θ", lambda X, u: poisson(X, u, u), singular,
                left_half, rows=corner(singular, lambda X: np.zeros(len(X)))),
        Problem("(a u')' with a layer, a from 1 to 10 within .1, sin 10x + x", solved_by(layered, layers), layered,
                (even(0, 1, 120),)),
        Problem("a source to be found, its place and strength, from 25 values with noise", heated, warm,
                (even(0, 1, 60),), rows=warmth, parameters={"strength": (5.0, 100.0), "centre": (0.1, 0.9)}),
        Problem("u_t + u_xxx on a circle, two waves", lambda X, u: u[1] + u[0, 0, 0], ripple,
                (even(0, 1, 40), even(0, 0.01, 60)), sides={0: "periodic", (1, 0): ripple}),
    ]  # fmt: skip
