"""Equations with noise in the source or in the boundary values: do intervals of 90 % hold 90 % of the points?"""

from typing import Any, NamedTuple

import numpy as np
from numpy import cos, exp, pi, sin, sqrt

from sklearn_kan import GPEquationSolver

N_RUNS, N_RUNS_PLANE = 40, 16


class Noisy(NamedTuple):
    """An equation, its rows, its solution and where it is asked for."""

    residual: Any
    rows: tuple
    solution: Any
    points: np.ndarray


def flux(x, u):
    """The derivative along the first axis."""
    return u[0]


def line(residual, solution, source, n, end, noise, conditions, rng):
    """Rows on [0, end] with noise in the source, and conditions (place, kind, value)."""
    x = np.linspace(0, end, n)
    values = source(x)
    values = values + noise * sqrt(np.mean(values**2)) * rng.normal(size=n)
    places, kinds, given = zip(*conditions, strict=True)
    rows = np.r_[x, places][:, None], np.r_[values, given], ["equation"] * n + list(kinds)
    return Noisy(residual, rows, lambda X: solution(X[:, 0]), np.linspace(0, end, 401)[:, None])


def screened(rng):
    """u″ - 400u."""
    return line(lambda x, u: u[0, 0] - 400 * u, lambda x: sin(40 * x), lambda x: -2000 * sin(40 * x), 300, 2, 0.01,
                [(0, "value", 0), (2, "value", sin(80))], rng)  # fmt: skip


def hidden(rng):
    """u″, whose noise hides a slow part."""
    return line(lambda x, u: u[0, 0], lambda x: sin(20 * x) + x**3, lambda x: -400 * sin(20 * x) + 6 * x, 150, 1, 0.05,
                [(0, "value", 0), (1, "value", sin(20) + 1)], rng)  # fmt: skip


def decay(rng):
    """First order."""
    return line(lambda x, u: u[0] + 3 * u, lambda x: sin(4 * x) * exp(-x),
                lambda x: (4 * cos(4 * x) + 2 * sin(4 * x)) * exp(-x), 100, 2, 0.05,
                [(0, "value", 0)], rng)  # fmt: skip


def with_flux(rng):
    """u″, a slope at one end."""
    return line(lambda x, u: u[0, 0], lambda x: sin(30 * x), lambda x: -900 * sin(30 * x), 100, 1, 0.02,
                [(0, flux, 30.0), (1, "value", sin(30))], rng)  # fmt: skip


def variable(rng):
    """Variable coefficients."""
    return line(lambda x, u: u[0, 0] + (1 + x[:, 0]) * u[0] - 5 * u, lambda x: cos(3 * x),
                lambda x: -14 * cos(3 * x) - 3 * (1 + x) * sin(3 * x), 80, 2, 0.02,
                [(0, "value", 1), (2, "value", cos(6))], rng)  # fmt: skip


def cubic(rng):
    """A nonlinear initial-value problem."""

    def solution(x):
        return sin(8 * x) + x

    return line(lambda x, u: u[0, 0] + u**3, solution, lambda x: -64 * sin(8 * x) + solution(x) ** 3, 120, 2, 0.03,
                [(0, "value", 0), (0, flux, 9.0)], rng)  # fmt: skip


def disc(rng):
    """Noise in the source and on the rim."""
    r, t = sqrt(rng.uniform(size=200)), rng.uniform(0, 2 * pi, 200)
    s = np.linspace(0, 2 * pi, 50, endpoint=False)
    inside, rim = np.c_[r * cos(t), r * sin(t)], np.c_[cos(s), sin(s)]

    def solution(X):
        return exp(X[:, 0]) * sin(3 * X[:, 1])

    source = -8 * solution(inside)
    y = np.r_[
        source + 0.05 * sqrt(np.mean(source**2)) * rng.normal(size=200), solution(rim) + 0.02 * rng.normal(size=50)
    ]
    return Noisy(lambda x, u: u[0, 0] + u[1, 1], (np.r_[inside, rim], y, ["equation"] * 200 + ["value"] * 50), solution,
                 0.95 * inside)  # fmt: skip


def transport(rng):
    """Two waves, noisy where they enter."""
    s = np.linspace(0, 1, 40)
    edges = np.r_[np.c_[s, 0 * s], np.c_[0 * s, s]]

    def solution(X):
        phase = X[:, 0] - 0.5 * X[:, 1]
        return sin(6 * phase) + 0.3 * cos(17 * phase)

    rows = (np.r_[rng.uniform(size=(80, 2)), edges], np.r_[np.zeros(80), solution(edges) + 0.05 * rng.normal(size=80)],
            ["equation"] * 80 + ["value"] * 80)  # fmt: skip
    return Noisy(lambda x, u: u[1] + 0.5 * u[0], rows, solution, rng.uniform(size=(400, 2)))


PROBLEMS = {
    "u″ - 400u, 1 %": screened, "u' + 3u, 5 %": decay, "u″ with a slope, 2 %": with_flux,
    "variable coefficients, 2 %": variable, "u″ + u³ from the start, 3 %": cubic,
    "u″, 5 %, hides x³": hidden, "disc, 5 % and on the rim": disc, "transport, noisy entry": transport,
}  # fmt: skip


def covered():
    """Problems, one after the other, each with noise of its own in every run."""
    rows = []
    for name, problem in PROBLEMS.items():
        n_runs = N_RUNS_PLANE if problem in (disc, transport) else N_RUNS
        runs = [measured(problem(np.random.default_rng(seed))) for seed in range(n_runs)]
        rows.append({"problem": name, **{key: [run[key] for run in runs] for key in runs[0]}})
        print(name, np.mean(rows[-1]["covered"]), flush=True)
        yield rows


def measured(problem):
    """Share of points within intervals of 90 %, error, and the solver's own expectation."""
    solver = GPEquationSolver(problem.residual).fit(*problem.rows)
    mean, std = solver.predict(problem.points, return_std=True)
    true = problem.solution(problem.points)
    inside = np.abs(mean - true) <= 1.645 * std + 1e-12
    return {"covered": float(inside.mean()), "error": float(np.linalg.norm(mean - true) / np.linalg.norm(true)),
            "expected": float(solver.relative_error_)}  # fmt: skip
