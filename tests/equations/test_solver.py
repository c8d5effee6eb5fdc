"""Equations on rows: manufactured solutions for each operator and kind of condition, and the estimator's manners."""

import pickle
import warnings

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp
from scipy.optimize import approx_fprime, curve_fit
from sklearn.base import clone

from sklearn_kan import GPEquationSolver
from tests.equations.problems import diffusion, flux, transport, wave

FINE = np.linspace(0, 1, 401)[:, None]


def error(solver, solution, X=FINE, **asked):
    found, true = solver.predict(X, **asked), solution(X)
    return np.linalg.norm(found - true) / np.linalg.norm(true)


def line(n, *conditions, a=0.0, b=1.0):
    """Equation rows along one axis, and conditions ``(place, kind, value)``."""
    places, kinds, values = zip(*conditions, strict=True)
    X = np.concatenate([np.linspace(a, b, n), places])[:, None]
    return X, np.concatenate([np.zeros(n), values]), ["equation"] * n + list(kinds)


def robin(x, u):
    return u[0] + 2 * u


def curvature(x, u):
    return u[0, 0]


def third(x, u):
    return u[0, 0, 0]


FIRST = (lambda x, u: u[0] - np.cos(x[:, 0]) * u, lambda X: np.exp(np.sin(X[:, 0])), [(0.0, "value", 1.0)])
POISSON = (wave, lambda X: np.sin(30 * X[:, 0]), [(0.0, flux, 30.0), (1.0, "value", np.sin(30))])
ROBIN = (wave, lambda X: np.sin(30 * X[:, 0]), [(0.0, "value", 0.0), (1.0, robin, 30 * np.cos(30) + 2 * np.sin(30))])
HELMHOLTZ = (lambda x, u: u[0, 0] + 2500 * u, lambda X: np.cos(50 * X[:, 0]),
             [(0.0, "value", 1.0), (1.0, "value", np.cos(50))])  # fmt: skip
COEFFICIENTS = (
    lambda x, u: u[0, 0] + (u[0] - 20 * np.cos(20 * x[:, 0])) / (1 + x[:, 0]) + 400 * np.sin(20 * x[:, 0]),
    lambda X: np.sin(20 * X[:, 0]), [(0.0, "value", 0.0), (1.0, "value", np.sin(20))],
)  # fmt: skip
BEAM = (lambda x, u: u[0, 0, 0, 0] - 20**4 * np.sin(20 * x[:, 0]), lambda X: np.sin(20 * X[:, 0]),
        [(0.0, "value", 0.0), (1.0, "value", np.sin(20)), (0.0, flux, 20.0), (1.0, flux, 20 * np.cos(20))])  # fmt: skip
BRATU = (lambda x, u: u[0, 0] + np.exp(u), lambda X: solved_bratu(X[:, 0]), [(0.0, "value", 0.0), (1.0, "value", 0.0)])


def solved_bratu(x):
    """Lower solution of u″ + eᵘ = 0, by its constant θ = 4 / √2 cosh(θ/4)."""
    theta = 1.0
    for _ in range(100):
        theta = np.sqrt(2) * np.cosh(theta / 4)
    return -2 * np.log(np.cosh((x - 0.5) * theta / 2) / np.cosh(theta / 4))


@pytest.mark.parametrize("problem", [FIRST, POISSON, ROBIN, HELMHOLTZ, COEFFICIENTS, BEAM, BRATU])
def test_manufactured_solutions_are_found(problem):
    residual, solution, conditions = problem
    solver = GPEquationSolver(residual).fit(*line(80, *conditions))
    assert error(solver, solution) < 1e-8
    assert solver.residual_ < 1e-7


def test_a_nonlinear_oscillator_is_what_an_integrator_finds():
    solver = GPEquationSolver(lambda x, u: u[0, 0] + np.sin(u))
    solver.fit(*line(80, (0.0, "value", 1.0), (0.0, flux, 0.0), b=5.0))
    t = np.linspace(0, 5, 101)
    peer = solve_ivp(lambda t, y: [y[1], -np.sin(y[0])], (0, 5), [1, 0], t_eval=t, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(solver.predict(t[:, None]), peer.y[0], atol=1e-7)


def test_a_high_frequency_is_found_in_the_source():
    def residual(x, u):
        return u[0, 0] + 5000 * np.sin(100 * x[:, 0]) + 4

    def solution(X):
        return 0.5 * np.sin(100 * X[:, 0]) - 2 * X[:, 0] ** 2

    solver = GPEquationSolver(residual).fit_grid((np.linspace(0, 2 * np.pi, 400),), solution)
    X = np.linspace(0, 2 * np.pi, 5001)[:, None]
    assert error(solver, solution, X) < 1e-9
    assert np.abs(solver.frequencies_[:, 0] - 100 / (2 * np.pi)).min() < 0.1
    derivative = solver.predict(X, derivative=(0,))
    np.testing.assert_allclose(derivative, 50 * np.cos(100 * X[:, 0]) - 4 * X[:, 0], atol=1e-6)
    np.testing.assert_allclose(solver.residuals(X), 0, atol=1e-6)


def test_random_points_in_a_disc_and_values_on_its_rim():
    rng = np.random.default_rng(0)
    r, t, s = np.sqrt(rng.uniform(size=120)), rng.uniform(0, 2 * np.pi, 120), np.arange(40) * 2 * np.pi / 40
    inside, rim = np.c_[r * np.cos(t), r * np.sin(t)], np.c_[np.cos(s), np.sin(s)]

    def solution(X):
        return np.exp(X[:, 0]) * np.sin(3 * X[:, 1])

    def residual(x, u):
        return u[0, 0] + u[1, 1] + 8 * np.exp(x[:, 0]) * np.sin(3 * x[:, 1])

    X, y = np.r_[inside, rim], np.r_[np.zeros(120), solution(rim)]
    solver = GPEquationSolver(residual).fit(X, y, ["equation"] * 120 + ["value"] * 40)
    assert error(solver, solution, 0.9 * inside) < 1e-3
    noisy = y + np.r_[np.zeros(120), 0.05 * rng.normal(size=40)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        solver.fit(X, noisy, ["equation"] * 120 + ["value"] * 40)
    assert solver.noise_["value"] == pytest.approx(0.05, rel=0.35)
    mean, std = solver.predict(inside, return_std=True)
    assert 0.8 < np.mean(np.abs(mean - solution(inside)) < 1.96 * std) <= 1


def test_noise_in_the_source_is_learned_and_standard_deviations_hold_it():
    covered, noise = [], []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X, y, kind = line(100, (0.0, "value", 0.0), (1.0, "value", np.sin(20)))
        y[:100] = -800 * np.sin(20 * X[:100, 0]) + 8 * rng.normal(size=100)
        solver = GPEquationSolver(lambda x, u: u[0, 0] - 400 * u).fit(X, y, kind)
        mean, std = solver.predict(FINE[1:-1], return_std=True)
        covered.append(np.mean(np.abs(mean - np.sin(20 * FINE[1:-1, 0])) < 1.645 * std))
        noise.append(solver.noise_["equation"])
    assert np.mean(noise) == pytest.approx(8, rel=0.15)
    assert 0.7 < np.mean(covered) < 0.99


def test_a_missing_condition_is_warned_of():
    with pytest.warns(UserWarning, match="uncertain"):
        GPEquationSolver(wave).fit(*line(80, (0.0, "value", 0.0)))


def test_too_few_points_are_warned_of():
    with pytest.warns(UserWarning, match="uncertain"):
        GPEquationSolver(wave).fit(*line(9, (0.0, "value", 0.0), (1.0, "value", np.sin(30))))


def test_an_unknown_coefficient_has_an_interval_that_holds_it():
    rng = np.random.default_rng(0)
    inside = rng.uniform(size=20)
    X, y, kind = line(30, (0.0, "value", 0.0), (1.0, "value", 0.0))
    true = (np.sin(3 * inside) - inside * np.sin(3)) / 9 / 0.7
    y = np.r_[y, true + 0.02 * rng.normal(size=20)]
    solver = GPEquationSolver(diffusion, parameters={"rate": (0.1, 10)})
    with pytest.warns(UserWarning, match="uncertain"):  # as the coefficient is
        solver.fit(np.r_[X, inside[:, None]], y, kind + [level] * 20)
    low, high = solver.parameter_intervals_["rate"]
    assert low < solver.parameters_["rate"] < high
    assert high / low < 1.5
    assert low < 0.7 < high


def test_two_unknown_coefficients_are_as_sure_as_least_squares_says():
    rng = np.random.default_rng(0)
    inside = rng.uniform(size=12)
    X, y, kind = line(8, (0.0, "value", 0.0))
    measured = 0.5 * (1 - np.exp(-2 * inside)) + 0.005 * rng.normal(size=12)  # of u' + 2 u = 1
    solver = GPEquationSolver(decay, parameters={"rate": (0.5, 5), "inflow": (0.2, 3)})
    solver.fit(np.r_[X, inside[:, None]], np.r_[y, measured], kind + [level] * 12)

    def solution(x, rate, inflow):
        return inflow / rate * (1 - np.exp(-rate * x))

    known, covariance = curve_fit(solution, inside, measured)
    np.testing.assert_allclose([*solver.parameters_.values()], known, rtol=0.01)
    widths = np.diff([*solver.parameter_intervals_.values()])[:, 0] / 2 / np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(widths, stats.t.ppf(0.95, 10), rtol=0.1)
    later = np.array([0.3, 0.6, 1.0])
    slopes = approx_fprime(known, lambda p: solution(later, *p), 1e-6)
    spread = np.sqrt(np.einsum("ij,jk,ik->i", slopes, covariance, slopes))
    np.testing.assert_allclose(solver.predict(later[:, None], return_std=True)[1], spread, rtol=0.15)


def decay(x, u, rate, inflow):
    return u[0] + rate * u - inflow


def level(x, u):
    return u


def test_noise_of_values_does_not_hide_what_the_equation_needs():
    rng = np.random.default_rng(0)
    inside = rng.uniform(size=25)

    def solution(X):
        return np.exp(-(((X[:, 0] - 0.4) / 0.1) ** 2))

    def residual(x, u):
        return u[0, 0] - (4 * ((x[:, 0] - 0.4) / 0.1) ** 2 - 2) / 0.01 * np.exp(-(((x[:, 0] - 0.4) / 0.1) ** 2))

    X, y, kind = line(60, (0.0, "value", np.exp(-16)), (1.0, "value", np.exp(-36)))
    noisy = solution(inside[:, None]) + 0.1 * rng.normal(size=25)
    solver = GPEquationSolver(residual).fit(np.r_[X, inside[:, None]], np.r_[y, noisy], kind + [level] * 25)
    assert error(solver, solution) < 1e-4
    assert solver.noise_["level"] == pytest.approx(0.1, rel=0.3)


def test_known_parameters_are_passed_by_name():
    rng = np.random.default_rng(0)
    X = np.r_[rng.uniform(size=(60, 2)), np.c_[np.linspace(0, 1, 20), np.zeros(20)],
              np.c_[np.zeros(20), np.linspace(0, 1, 20)]]  # fmt: skip
    solver = GPEquationSolver(transport, parameters={"speed": 2.0})
    solver.fit(X, np.r_[np.zeros(60), np.sin(X[60:, 0] - 2 * X[60:, 1])], ["equation"] * 60 + ["value"] * 40)
    assert error(solver, lambda X: np.sin(X[:, 0] - 2 * X[:, 1]), rng.uniform(size=(50, 2))) < 1e-6
    assert solver.parameters_ == {"speed": 2.0}
    assert solver.parameter_intervals_ == {}


def test_it_clones_pickles_and_scores():
    solver = GPEquationSolver(wave).fit(*line(60, (0.0, "value", 0.0), (1.0, "value", np.sin(30))))
    assert solver.score(FINE, np.sin(30 * FINE[:, 0])) > 1 - 1e-12
    again = pickle.loads(pickle.dumps(solver))
    np.testing.assert_array_equal(again.predict(FINE), solver.predict(FINE))
    copy = clone(solver)
    assert copy.get_params() == {"residual": wave, "parameters": None}
    assert not hasattr(copy, "residual_")
    assert copy.set_params(parameters={"speed": 1.0}).parameters == {"speed": 1.0}


def test_refitting_gives_the_same_numbers():
    rows = line(60, (0.0, "value", 0.0), (1.0, "value", np.sin(30)))
    first, second = (GPEquationSolver(wave).fit(*rows).predict(FINE) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(("change", "message"), [
    ({"kind": "boundary"}, "kind='boundary' is unknown"),
    ({"kind": ["equation"]}, "kind has 1 entries"),
    ({"kind": None}, "kind=None is unknown"),
    ({"kind": "value"}, "No row has kind 'equation'"),
    ({"y": np.zeros(3)}, "y has shape"),
    ({"X": np.ones((10, 1))}, "same coordinate"),
])  # fmt: skip
def test_rows_that_cannot_be_used_are_refused(change, message):
    rows = {"X": np.linspace(0, 1, 10)[:, None], "y": np.zeros(10), "kind": "equation"} | change
    with pytest.raises(ValueError, match=message):
        GPEquationSolver(wave).fit(**rows)


@pytest.mark.parametrize("n_axes", [1, 2])
def test_a_residual_without_the_solution_is_refused(n_axes):
    with pytest.raises(ValueError, match="does not depend on the solution"):
        GPEquationSolver(lambda x, u: x[:, 0] ** 2).fit_grid([np.linspace(0, 1, 9)] * n_axes, 0.0)


def test_values_that_are_not_finite_are_named():
    with pytest.raises(ValueError, match="not finite at"), np.errstate(divide="ignore"):
        GPEquationSolver(lambda x, u: u[0, 0] - 1 / x[:, 0]).fit_grid((np.linspace(0, 1, 20),), 0.0)


def test_conditions_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match="contradict"):
        GPEquationSolver(wave).fit(*line(20, (0.0, "value", 0.0), (0.0, "value", 1.0)))


@pytest.mark.parametrize(("rate", "message"), [
    ((2.0, 1.0), "lower end first"), ("fast", "must be a number"), ([1, 2, 3], "must be a number"),
])  # fmt: skip
def test_parameters_are_numbers_or_intervals(rate, message):
    values = [(place, "value", 0.0) for place in np.linspace(0, 1, 5)]
    with pytest.raises(ValueError, match=message):
        GPEquationSolver(diffusion, parameters={"rate": rate}).fit(*line(20, *values))


def test_other_columns_and_derivatives_are_refused():
    solver = GPEquationSolver(wave).fit_grid((np.linspace(0, 1, 40),), [0, np.sin(30)])
    with pytest.raises(ValueError, match="2 columns"):
        solver.predict([[0.0, 1.0]])
    with pytest.raises(ValueError, match="derivative"):
        solver.predict([[0.0]], derivative=(1,))


@pytest.mark.parametrize("order", [1.3, 1.7])
def test_the_riesz_derivative_acts_on_waves_as_a_power_of_their_frequency(order):
    x, beyond = np.linspace(0, 1, 50), np.concatenate([np.linspace(-0.5, 0, 25), np.linspace(1, 1.5, 25)])
    solver = GPEquationSolver(lambda x, u: u.riesz(order) - u + (20**order + 1) * np.sin(20 * x[:, 0]))
    kind = ["equation"] * 50 + ["value"] * 50
    solver.fit(np.r_[x, beyond][:, None], np.r_[0 * x, np.sin(20 * beyond)], kind)
    assert error(solver, lambda X: np.sin(20 * X[:, 0])) < 1e-8


def test_orders_of_the_riesz_derivative_and_grids_are_refused():
    axis = np.linspace(0, 1, 10)
    with pytest.raises(ValueError, match="order=5"):
        GPEquationSolver(lambda x, u: u.riesz(5)).fit(axis[:, None])
    with pytest.raises(ValueError, match="not local"):
        GPEquationSolver(lambda x, u: u.riesz(1.5)).fit_grid((axis, axis), 0.0)


def test_a_coefficient_needs_more_values_than_conditions():
    with pytest.raises(ValueError, match="no values to learn it from"):
        GPEquationSolver(diffusion, parameters={"rate": (0.1, 10)}).fit(*line(20, (0.0, "value", 0.0)))


def test_a_grid_has_no_values_to_learn_a_coefficient_from():
    with pytest.raises(ValueError, match="Give fit_grid points"):
        GPEquationSolver(diffusion, parameters={"rate": (0.1, 10)}).fit_grid((np.linspace(0, 1, 20),), 0.0)
