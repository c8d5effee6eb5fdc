"""Equations on grids."""

import pickle
import warnings

import numpy as np
import pytest
from scipy.linalg import solve_sylvester

from sklearn_kan import GPEquationSolver
from sklearn_kan.equations._families import families
from sklearn_kan.equations._kronecker_sum import kronecker_sum_solver

RNG = np.random.default_rng(0)
SQUARE = RNG.uniform(size=(500, 2))


def error(solver, solution, X=SQUARE):
    true = solution(X)
    return np.linalg.norm(solver.predict(X) - true) / np.linalg.norm(true)


def product(X):
    return np.sin(40 * X[:, 0]) * np.cos(25 * X[:, 1])


def smooth(X):
    return np.exp(X[:, 0] * X[:, 1])


def poisson(x, u):
    return u[0, 0] + u[1, 1] + (40**2 + 25**2) * product(x)


def cubic(x, u):
    return u[0, 0] + u[1, 1] + u * (u**2 - 1) + (40**2 + 25**2 + 1) * product(x) - product(x) ** 3


def variable(x, u):
    x0, x1 = x[:, 0], x[:, 1]
    f = smooth(x) * ((1 + x0) * x1**2 + x0**2 + x1**2 + 1 + x0 * x1)
    return (1 + x0) * u[0, 0] + u[1, 1] + x1 * u[0] + u[0, 1] - f


def heat(x, u):
    return u[1] - 0.04 * u[0, 0]


def cooling(X):
    return np.sin(5 * X[:, 0]) * np.exp(-X[:, 1])


def advection(x, u):
    return u[1] + 30 * u[0]


def travelling(X):
    return np.sin(2 * X[:, 0] - 60 * X[:, 1])


def burgers(x, u):
    return u[1] + u * u[0] - 0.1 * u[0, 0]


def front(X):
    return 1 / (1 + np.exp((X[:, 0] - 0.5 * X[:, 1]) / 0.2))


PROBLEMS = {
    "poisson": (poisson, product, 60, 1e-8), "cubic": (cubic, product, 70, 1e-5),
    "variable": (variable, smooth, 30, 1e-9), "heat": (heat, cooling, 30, 1e-6),
    "advection": (advection, travelling, 60, 1e-8), "burgers": (burgers, front, 40, 1e-5),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_manufactured_solutions_are_found(name):
    residual, solution, n, most = PROBLEMS[name]
    axis = np.linspace(0, 1, n)
    solver = GPEquationSolver(residual).fit_grid((axis, axis), boundary=solution)
    assert error(solver, solution) < most
    _, std = solver.predict(SQUARE, return_std=True)
    assert 0.5 * error(solver, solution) < solver.relative_error_ < 30 * error(solver, solution) + 1e-12
    assert std.shape == (500,)
    assert np.mean(np.abs(solver.predict(SQUARE) - solution(SQUARE)) < 1.96 * std + 1e-12) > 0.9


@pytest.mark.parametrize(("residual", "solution"), [(heat, cooling), (advection, travelling)])
def test_the_end_of_time_needs_no_values(residual, solution):
    def boundary(X):
        last = (X[:, 1] == 1) & (X[:, 0] > 0) & (X[:, 0] < 1)
        return np.where(last, np.nan, solution(X))

    axis = np.linspace(0, 1, 50)
    solver = GPEquationSolver(residual).fit_grid((axis, axis), boundary=boundary)
    assert error(solver, solution) < 1e-5


def test_time_and_two_axes_of_space():
    def solution(X):
        return np.sin(3 * X[:, 0]) * np.cos(4 * X[:, 1]) * np.exp(-X[:, 2])

    axes = [np.linspace(0, 1, n) for n in (18, 19, 20)]
    solver = GPEquationSolver(lambda x, u: u[2] - 0.04 * (u[0, 0] + u[1, 1])).fit_grid(axes, boundary=solution)
    assert error(solver, solution, RNG.uniform(size=(300, 3))) < 1e-4


def test_boundary_values_are_met():
    axes = np.linspace(0, 1, 70), np.linspace(0, 1, 75)
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    values = product(grid.reshape(-1, 2)).reshape(70, 75)
    solver = GPEquationSolver(poisson).fit_grid(axes, boundary=values)
    found = solver.predict(grid.reshape(-1, 2)).reshape(70, 75)
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        np.testing.assert_allclose(found[edge], values[edge], atol=1e-9)


def test_derivatives_and_residuals_are_those_of_the_solution():
    axis = np.linspace(0, 1, 50)
    solver = pickle.loads(pickle.dumps(GPEquationSolver(poisson).fit_grid((axis, axis), boundary=product)))
    mixed = solver.predict(SQUARE, derivative=(0, 1))
    np.testing.assert_allclose(
        mixed, -1000 * np.cos(40 * SQUARE[:, 0]) * np.sin(25 * SQUARE[:, 1]), atol=1e-4 * 1000
    )  # fmt: skip
    assert np.abs(solver.residuals(SQUARE)).max() < 1e-3 * 2225


def test_a_grid_too_coarse_is_warned_of():
    axis = np.linspace(0, 1, 12)
    with pytest.warns(UserWarning, match="uncertain"):
        GPEquationSolver(poisson).fit_grid((axis, axis), boundary=product)


@pytest.mark.parametrize(("axes", "boundary", "message"), [
    ((np.zeros(5), np.arange(5.0)), 0.0, r"axes\[0\]"),
    (np.arange(5.0), 0.0, r"\(x,\) for one axis"),
    (np.meshgrid(np.arange(5.0), np.arange(5.0)), 0.0, "no meshgrid"),
    ((np.arange(5.0), np.arange(6.0)), "periodic", "{0: 'periodic'}"),
    ((np.arange(5.0), np.arange(6.0)), np.zeros((5, 5)), "boundary has shape"),
    ((np.arange(5.0), np.arange(6.0)), lambda X: np.zeros(3), "boundary returned shape"),
    ((np.arange(5.0), np.arange(6.0)), lambda X: np.where(X[:, 0] + X[:, 1] < 3, np.nan, 0), "NaN at some points"),
])  # fmt: skip
def test_grids_that_cannot_be_used_are_refused(axes, boundary, message):
    with pytest.raises(ValueError, match=message):
        GPEquationSolver(poisson).fit_grid(axes, boundary=boundary)


@pytest.mark.parametrize("order", [0, 1, 2, 4])
def test_families_differentiate_themselves(order):
    points = np.linspace(0, 2, 60)
    at, step = np.linspace(0.2, 1.8, 9), 1e-4
    for family in families(points)[:2] + families(points)[-1:]:
        grown = family.with_peak(np.array([9.0]))
        if order == 0:
            assert grown.columns(at).shape == (9, grown.n_columns)
            continue
        slope = (grown.columns(at + step, order - 1) - grown.columns(at - step, order - 1)) / (2 * step)
        np.testing.assert_allclose(grown.columns(at, order), slope, atol=1e-4 * np.abs(slope).max())


def test_kronecker_sums_are_solved():
    A, B, C = (np.diag(-np.arange(1.0, n + 1)) + 0.3 * RNG.normal(size=(n, n)) for n in (4, 5, 6))
    R = RNG.normal(size=(4, 5))
    np.testing.assert_allclose(kronecker_sum_solver([A, B])(R), solve_sylvester(A, B.T, R))
    R = RNG.normal(size=(4, 5, 6))
    V = kronecker_sum_solver([A, B, C])(R)
    back = np.einsum("ai,ijk->ajk", A, V) + np.einsum("bj,ijk->ibk", B, V) + np.einsum("ck,ijk->ijc", C, V)
    np.testing.assert_allclose(back, R, atol=1e-9)


@pytest.mark.parametrize("level", [0.0, 3.0])
@pytest.mark.parametrize("n_axes", [1, 2])
def test_constants_solve_laplaces_equation(level, n_axes):
    def laplace(x, u):
        return sum(u[d, d] for d in range(n_axes))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solver = GPEquationSolver(laplace).fit_grid([np.linspace(0, 1, 30)] * n_axes, boundary=level)
    np.testing.assert_allclose(solver.predict(SQUARE[:9, :n_axes]), level, atol=1e-9)


def test_edges_that_no_smooth_function_has_are_warned_of():
    axis = np.linspace(0, 1, 30)
    with pytest.warns(UserWarning, match="uncertain"):
        GPEquationSolver(lambda x, u: u[0, 0] + u[1, 1]).fit_grid((axis, axis), lambda X: X[:, 1] == 1)
