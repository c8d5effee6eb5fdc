"""Conditions on the sides of a grid: slopes, mixtures, initial values, circles."""

import warnings

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import curve_fit

from sklearn_kan import GPEquationSolver

SQUARE = np.random.default_rng(0).uniform(size=(300, 2))
X, T = np.linspace(0, 1, 26), np.linspace(0, 1, 22)
COARSE = np.linspace(0, 1, 14), np.linspace(0, 1, 12)


def product(x):
    return np.sin(9 * x[:, 0]) * np.cos(5 * x[:, 1])


def poisson(x, u):
    return u[0, 0] + u[1, 1] + 106 * product(x)


def left(x, u):
    return u[0] - 9 * np.cos(5 * x[:, 1])


def mixed(x, u):
    return u[0] + 3 * u - 9 * np.cos(5 * x[:, 1])


def top(x, u):
    return u[1] + 5 * np.sin(5) * np.sin(9 * x[:, 0])


def heat(x, u):
    return u[1] - 0.1 * u[0, 0]


def insulated(x, u):
    return u[0]


def at_rest(x, u):
    return u[1]


def cooling(x):
    return 2 + np.exp(-0.1 * np.pi**2 * x[:, 1]) * np.cos(np.pi * x[:, 0])


def string(x, u):
    return u[1, 1] - u[0, 0]


def chord(x):
    return np.sin(2 * np.pi * x[:, 0]) * np.cos(2 * np.pi * x[:, 1])


def turning(x, u):
    return u[1] + u[0]


def turned(x):
    return np.sin(4 * np.pi * (x[:, 0] - x[:, 1]))


def burgers(x, u):
    return u[1] + u * u[0] - 0.1 * u[0, 0]


def front(x):
    return 1 / (1 + np.exp((x[:, 0] - 0.5 * x[:, 1]) / 0.2))


def front_slope(x, u):
    return u[0] + 5 * front(x) * (1 - front(x))


PROBLEMS = {
    "a slope at the left": (poisson, {(0, 0): left, (0, -1): product, 1: product}, product, 1e-5),
    "a mixture at the left, a slope at the top": (
        poisson, {(0, 0): mixed, (0, -1): product(np.c_[np.ones(22), T]), (1, 0): product, (1, -1): top}, product, 1e-5
    ),
    "heat between insulated ends": (heat, {0: insulated, (1, 0): cooling}, cooling, 1e-6),
    "a string, plucked": (string, {0: 0.0, (1, 0): [chord, at_rest]}, chord, 1e-3),
    "once around": (turning, {0: "periodic", (1, 0): turned}, turned, 1e-4),
    "Burgers' equation with a slope": (burgers, {(0, 0): front, (0, -1): front_slope, (1, 0): front}, front, 1e-3),
}  # fmt: skip


@pytest.mark.parametrize("name", PROBLEMS)
def test_manufactured_solutions_are_found(name):
    residual, sides, solution, most = PROBLEMS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solver = GPEquationSolver(residual).fit_grid((X, T), sides)
    true = solution(SQUARE)
    error = np.linalg.norm(solver.predict(SQUARE) - true) / np.linalg.norm(true)
    assert error < most
    assert error < 5 * solver.relative_error_


@pytest.mark.parametrize(("sides", "solution"), [
    ({(0, 0): lambda x, u: u[0] - 6 * np.pi, (0, -1): 0.0}, lambda x: np.sin(6 * np.pi * x)),
    ({0: "periodic"}, lambda x: np.sin(6 * np.pi * x)),
])  # fmt: skip
def test_along_one_axis(sides, solution):
    wave = GPEquationSolver(lambda x, u: u[0, 0] - u + (1 + 36 * np.pi**2) * np.sin(6 * np.pi * x[:, 0]))
    x = np.linspace(0, 1, 101)
    np.testing.assert_allclose(wave.fit_grid((np.linspace(0, 1, 40),), sides).predict(x[:, None]), solution(x),
                               atol=1e-7)  # fmt: skip


def test_slopes_alone_leave_the_level_open_and_are_warned_of():
    sides = {0: lambda x, u: u[0], 1: lambda x, u: u[1]}
    with pytest.warns(UserWarning, match="uncertain"):
        GPEquationSolver(lambda x, u: u[0, 0] + u[1, 1] - np.cos(np.pi * x[:, 0])).fit_grid(COARSE, sides)


def test_a_missing_initial_velocity_is_warned_of():
    with pytest.warns(UserWarning, match="uncertain"):
        GPEquationSolver(string).fit_grid(COARSE, {0: 0.0, (1, 0): chord})


@pytest.mark.parametrize(("sides", "message"), [
    ({2: 0.0}, r"boundary has the side 2, and there are 2 axes"),
    ({(0, 1): 0.0}, r"boundary has the side \(0, 1\)"),
    ({(0, 0): "periodic"}, r"Use \{0: 'periodic'\}"),
    ({0: "open"}, r"boundary\[0\]='open' is not a condition"),
    ({(0, 0): np.zeros(7)}, r"shape \(7,\) for 22 points"),
    ({(0, 0): np.nan}, "finite number"),
    ({(0, 0): lambda x, u: u[1]}, "not across that side"),
    ({(0, 0): lambda x, u: u[0] + x[:, 1] * u}, "vary along it. Use fit"),
    ({(0, 0): lambda x, u: u[0] + u**4}, "vary along it. Use fit"),
    ({(0, 0): lambda x, u: x[:, 0]}, "not a finite function of the solution"),
    ({1: 0.0}, "2 conditions along axis 1, and the equation is of order 1"),
])  # fmt: skip
def test_sides_that_cannot_be_used_are_refused(sides, message):
    with pytest.raises(ValueError, match=message):
        GPEquationSolver(heat).fit_grid((X, T), sides)


def test_a_condition_for_all_edges_has_to_name_its_sides():
    with pytest.raises(ValueError, match="given by side"):
        GPEquationSolver(heat).fit_grid((X, T), insulated)


def cooling_rod(x, u, rate):
    return u[1] - rate * u[0, 0]


def test_a_coefficient_is_learned_from_values_and_its_uncertainty_is_the_solutions():
    rng = np.random.default_rng(1)
    places = rng.uniform(size=(20, 2))

    def solution(x, rate=0.1):
        return np.sin(np.pi * x[:, 0]) * np.exp(-rate * np.pi**2 * x[:, 1])

    values = solution(places) + 0.03 * rng.normal(size=20)
    solver = GPEquationSolver(cooling_rod, parameters={"rate": (0.05, 0.4)})
    solver.fit_grid(COARSE, {0: 0.0, (1, 0): solution}, places, values)
    low, high = solver.parameter_intervals_["rate"]
    assert low < 0.1 < high
    assert low < solver.parameters_["rate"] < high
    # least squares with an exact model: sigma² over the squared derivative by the rate
    slope = -(np.pi**2) * places[:, 1] * solution(places)
    assert high - low == pytest.approx(2 * 1.73 * solver.noise_["value"] / np.linalg.norm(slope), rel=0.1)
    _, std = solver.predict(places, return_std=True)
    np.testing.assert_allclose(std, np.abs(slope) * (high - low) / 2 / 1.73, rtol=0.1, atol=1e-4)


def test_two_coefficients_have_the_intervals_of_nonlinear_regression():
    rng = np.random.default_rng(0)
    places = rng.uniform(size=(30, 2))

    def drifting(x, speed=0.4, rate=0.02):
        return np.sin(2 * np.pi * (x[:, 0] - speed * x[:, 1])) * np.exp(-4 * np.pi**2 * rate * x[:, 1])

    solver = GPEquationSolver(
        lambda x, u, speed, rate: u[1] + speed * u[0] - rate * u[0, 0],
        parameters={"speed": (0.1, 0.9), "rate": (0.01, 0.05)},
    )
    values = drifting(places) + 0.02 * rng.normal(size=30)
    solver.fit_grid(COARSE, {0: "periodic", (1, 0): drifting}, places, values)
    best, covariance = curve_fit(drifting, places, values, p0=(0.4, 0.02))
    for k, name in enumerate(["speed", "rate"]):
        half = stats.t.ppf(0.95, 28) * np.sqrt(covariance[k, k])
        assert solver.parameters_[name] == pytest.approx(best[k], abs=0.2 * half)
        assert solver.parameter_intervals_[name] == pytest.approx((best[k] - half, best[k] + half), abs=0.2 * half)


@pytest.mark.parametrize(("parameters", "values", "message"), [
    ({"rate": (0.1, 1)}, (), "no values to learn it from"),
    ({"rate": 0.1}, (SQUARE, np.zeros(300)), "no entry of parameters is an interval"),
    ({"rate": (0.1, 1)}, (SQUARE + 1, np.zeros(300)), "outside axis 0"),
    ({"rate": (0.1, 1)}, (SQUARE[:, :1], np.zeros(300)), "X has 1 columns"),
    ({"rate": (0.1, 1)}, (SQUARE[:1], np.zeros(1)), "1 values for 1 unknown"),
    ({"rate": (1, 0.1)}, (SQUARE, np.zeros(300)), "lower end first"),
])  # fmt: skip
def test_values_that_nothing_is_learned_from_are_refused(parameters, values, message):
    with pytest.raises(ValueError, match=message):
        GPEquationSolver(cooling_rod, parameters=parameters).fit_grid((X, T), {0: 0.0, (1, 0): 0.0}, *values)
