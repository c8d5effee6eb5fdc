"""Kernels and solvers of Gaussian processes, against finite differences, SciPy and each other."""

import numpy as np
import pytest
import torch
from scipy.linalg import toeplitz
from scipy.stats import multivariate_normal

from sklearn_kan.gp import SpectralMixture
from sklearn_kan.gp._spectrum import false_alarm, frequency_grid, periodogram
from sklearn_kan.gp.covariance._density import peak
from sklearn_kan.gp.covariance._mixture import SMOOTHNESS
from sklearn_kan.gp.covariance._product import ProductMixture
from sklearn_kan.gp.inference import _toeplitz
from sklearn_kan.gp.inference._dense import Dense, DensePosterior
from sklearn_kan.gp.inference._evidence import NotPositiveDefiniteError, factorise
from sklearn_kan.gp.inference._fourier import Fourier
from sklearn_kan.gp.inference._gaps import Gaps
from sklearn_kan.gp.inference._inducing import Inducing
from sklearn_kan.gp.inference._kronecker import Kronecker
from sklearn_kan.gp.inference._points import Data
from sklearn_kan.gp.inference._toeplitz import Toeplitz

RNG = np.random.default_rng(0)
START = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def same_numbers_in_any_order():
    RNG.bit_generator.state = START


SHAPES = [("gaussian", 1.5), *(("student_t", nu) for nu in SMOOTHNESS)]
ONE = SpectralMixture([1, 0.5, 0.3], [[2.0], [1.0], [4.0]], [[0], [0.3], [0.2]], 0.1)
TWO = SpectralMixture([1, 0.5, 0.3], [[2.0, 3], [1.5, 1.6], [2, 2.5]], [[0, 0], [0.3, 0], [0.2, 0.4]], 0.1)
FACTORS = [SpectralMixture([1, 0.5], [[2.0], [3.0]], [[0], [f]]) for f in (0.3, 0.1, 0.2)]


def data(X, n_outputs=2):
    X, n = X - X.mean(0), len(X)
    H = 3 * np.concatenate([np.ones((n, 1)), X[:, :1] / np.abs(X[:, :1]).max()], 1)
    return Data(X, RNG.normal(size=(n, n_outputs)), np.full(n, 2.0), np.zeros(n), np.full(n, 0.7), H)


def cases():
    line, plane = np.arange(60.0)[:, None] * 0.1, RNG.uniform(0, 10, (50, 2))
    for spectrum, nu in SHAPES:
        yield Dense(data(plane)), TWO.replaced(spectrum=spectrum, nu=nu)
        yield Dense(data(np.sort(plane[:, :1], 0))), ONE.replaced(spectrum=spectrum, nu=nu)
        yield Toeplitz(data(line)), ONE.replaced(spectrum=spectrum, nu=nu)
    for axes in ([np.arange(7.0), np.sort(RNG.uniform(0, 8, 9))], [np.arange(4.0), np.arange(5.0), np.arange(3.0)]):
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))
        yield Kronecker(data(grid)), ProductMixture(FACTORS[: len(axes)], 0.1)
        yield Gaps(data(grid)), ProductMixture(FACTORS[: len(axes)], 0.1)


CASES = list(cases())


@pytest.mark.parametrize(("solver", "kernel"), CASES)
def test_gradients_equal_finite_differences(solver, kernel):
    theta, gradient = kernel.theta, solver.evidence(kernel).gradient
    numeric = []
    for step in 1e-5 * np.eye(len(theta)):
        low, high = (solver.evidence(kernel.with_theta(theta + sign * step)).value for sign in (-1, 1))
        numeric.append((high - low) / 2e-5)
    np.testing.assert_allclose(gradient, numeric, atol=1e-6 * np.abs(gradient).max())


@pytest.mark.parametrize(("solver", "kernel"), CASES)
def test_solvers_equal_the_normal_density(solver, kernel):
    points, noise = solver.data, solver.data.noise(kernel.noise)
    X = torch.from_numpy(points.X)
    covariance = kernel(X, X).numpy() + np.diag(noise) + points.H @ points.H.T
    normal = multivariate_normal(np.zeros(len(X)), covariance)
    expected = normal.logpdf(points.y.T).sum() + points.replicates(kernel.noise)[0]
    np.testing.assert_allclose(solver.evidence(kernel).value, expected, rtol=1e-9)


@pytest.mark.parametrize(("solver", "kernel"), CASES)
@pytest.mark.parametrize("moment", ["variance", "covariance"])
def test_predictions_equal_conditioning(solver, kernel, moment):
    points = solver.data
    X, new = torch.from_numpy(points.X), torch.from_numpy(RNG.uniform(-3, 3, (12, points.X.shape[1])))
    H = RNG.normal(size=(12, 2))
    C = kernel(X, X).numpy() + np.diag(points.noise(kernel.noise)) + points.H @ points.H.T
    cross = kernel(new, X).numpy() + H @ points.H.T
    covariance = kernel(new, new).numpy() + H @ H.T - cross @ np.linalg.solve(C, cross.T)
    mean, spread = solver.posterior(kernel).predict(new.numpy(), H, moment)
    np.testing.assert_allclose(mean, cross @ np.linalg.solve(C, points.y), atol=1e-8)
    np.testing.assert_allclose(spread, covariance if moment == "covariance" else np.diag(covariance), atol=1e-8)


@pytest.mark.parametrize("n_features", [1, 2])
def test_fourier_features_equal_the_dense_path(n_features):
    pytest.importorskip("finufft")
    kernel = ONE
    if n_features == 2:  # length scales up to a quarter of the range, as the solver's limits are
        kernel = SpectralMixture(
            [1, 0.5, 0.3], [[2.4, 2.3], [2.2, 2.3], [2.4, 2.3]], [[0, 0], [0.3, 0], [0.2, 0.4]], 0.1
        )
    points = data(RNG.uniform(0, 10, (200, n_features)))
    fast, dense = Fourier(points), Dense(points)
    ours, theirs = fast.evidence(kernel), dense.evidence(kernel)
    np.testing.assert_allclose(ours.value, theirs.value, rtol=1e-6)
    np.testing.assert_allclose(ours.gradient, theirs.gradient, atol=1e-6 * np.abs(theirs.gradient).max())
    new, H = RNG.uniform(-4, 4, (12, n_features)), RNG.normal(size=(12, 2))
    for moment in ("variance", "covariance"):
        both = (solver.posterior(kernel).predict(new, H, moment) for solver in (fast, dense))
        for a, b in zip(*both, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)


def test_short_length_scales_in_a_plane_lose_their_highest_frequencies_only():
    pytest.importorskip("finufft")
    points = data(RNG.uniform(0, 10, (300, 2)))
    kernel = SpectralMixture([1.0], [[0.9, 0.5]], [[0, 0]], 0.1)
    evidence = Fourier(points).evidence(kernel)  # more nodes than are counted
    assert evidence.value == pytest.approx(Dense(points).evidence(kernel).value, rel=0.05)
    assert np.isfinite(evidence.gradient).all()


@pytest.mark.parametrize(("spectrum", "nu"), SHAPES[:3:2])
def test_inducing_points_bound_the_likelihood_and_reach_it(spectrum, nu):
    kernel, points = TWO.replaced(spectrum=spectrum, nu=nu), data(RNG.uniform(0, 10, (60, 2)))
    points = points._replace(extra=RNG.uniform(0, 0.1, 60), weight=RNG.uniform(0.5, 2, 60))
    bound, dense = Inducing(points), Dense(points)
    bound.Z = torch.from_numpy(points.X[::3])
    value, gradient, _ = bound.evidence(kernel)
    assert value < dense.evidence(kernel).value
    for i, step in enumerate(1e-5 * np.eye(len(gradient))):
        low, high = (bound.evidence(kernel.with_theta(kernel.theta + sign * step)).value for sign in (-1, 1))
        np.testing.assert_allclose(gradient[i], (high - low) / 2e-5, atol=1e-6 * np.abs(gradient).max())
    bound.Z, bound.adapted_to = bound.X, kernel
    for ours, theirs in zip(bound.evidence(kernel)[:2], dense.evidence(kernel)[:2], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7)
    new, H = RNG.uniform(-4, 4, (12, 2)), RNG.normal(size=(12, 2))
    for moment in ("variance", "covariance"):
        both = (solver.posterior(kernel).predict(new, H, moment) for solver in (bound, dense))
        for ours, theirs in zip(*both, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-8)


def test_inducing_points_are_where_variance_is_left():
    kernel, points = TWO.replaced(frequencies=0 * TWO.frequencies), data(RNG.uniform(0, 10, (300, 2)))
    solver = Inducing(points)
    solver.adapt(kernel)
    X = torch.from_numpy(points.X)
    explained = kernel(X, solver.Z) @ torch.linalg.solve(kernel(solver.Z, solver.Z), kernel(solver.Z, X))
    assert len(solver.Z) < 300
    np.testing.assert_allclose(explained.diagonal(), kernel.weights.sum(), rtol=1e-6)


def test_missing_cells_are_left_out_exactly():
    grid = np.stack(np.meshgrid(np.arange(7.0), np.arange(9.0) ** 1.1, indexing="ij"), -1).reshape(-1, 2)
    points, rows = data(grid), RNG.permutation(63)[:50]
    points = Data(*(field[rows] for field in points))
    kernel, new, H = ProductMixture(FACTORS[:2], 0.1), RNG.uniform(-4, 4, (12, 2)), RNG.normal(size=(12, 2))
    gaps = Gaps(points)
    for moment in ("variance", "covariance"):
        both = (
            solver.posterior(k).predict(new, H, moment)
            for solver, k in ((gaps, kernel), (Dense(points), kernel.expanded))
        )
        for ours, theirs in zip(*both, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-8)
    theta, gradient = kernel.theta, gaps.evidence(kernel).gradient
    for i, step in enumerate(1e-5 * np.eye(len(theta))):
        low, high = (gaps.evidence(kernel.with_theta(theta + sign * step)).value for sign in (-1, 1))
        np.testing.assert_allclose(gradient[i], (high - low) / 2e-5, atol=1e-6 * np.abs(gradient).max())


def test_score_is_the_slope_of_the_likelihood_by_power():
    for solver in (Dense(data(np.sort(RNG.uniform(0, 10, (50, 1)), 0))), Toeplitz(data(np.arange(50.0)[:, None]))):
        frequency, small = 0.37, 1e-5
        power, norm = solver.score(ONE, np.array([[frequency]]))
        bigger = [solver.evidence(ONE.with_component(w, [1e9], [frequency])).value for w in (small, 2 * small)]
        slope = (4 * bigger[0] - bigger[1] - 3 * solver.evidence(ONE).value) / (2 * small)
        np.testing.assert_allclose(slope, (power - norm)[0], rtol=1e-3)  # half of it for each of two outputs


def test_gpytorch_agrees():
    gpytorch = pytest.importorskip("gpytorch")
    points = data(RNG.uniform(0, 10, (40, 1)), n_outputs=1)._replace(H=np.empty((40, 0)), weight=np.ones(40))
    points = points._replace(spread=np.zeros(40))
    kernel = gpytorch.kernels.SpectralMixtureKernel(num_mixtures=3).double()
    kernel.mixture_weights = torch.from_numpy(ONE.weights)
    kernel.mixture_means = torch.from_numpy(ONE.frequencies)[:, None]
    kernel.mixture_scales = torch.from_numpy(1 / (2 * np.pi * ONE.length_scales))[:, None]
    X, y = torch.from_numpy(points.X), torch.from_numpy(points.y[:, 0])
    K = kernel(X, X).to_dense().detach()
    np.testing.assert_allclose(ONE(X, X), K, atol=1e-8)
    exact = torch.distributions.MultivariateNormal(torch.zeros(40).double(), K + 0.1 * torch.eye(40)).log_prob(y)
    np.testing.assert_allclose(Dense(points).evidence(ONE).value, exact.item(), atol=1e-8)


@pytest.mark.parametrize(("spectrum", "nu"), SHAPES)
def test_density_is_the_transform_of_the_covariance(spectrum, nu):
    f = np.linspace(-400, 400, 800_001)
    values = peak(f, 1.3, spectrum, nu)
    for tau in (0.0, 0.4, 2.0):
        expected = SpectralMixture([1.0], [[1.3]], [[0.0]], spectrum=spectrum, nu=nu).at_lags(np.array([tau]))[0][0]
        transform = np.sum(values * np.cos(2 * np.pi * f * tau)) * (f[1] - f[0])
        np.testing.assert_allclose(transform, expected, atol=2e-3 if nu == 0.5 else 1e-5)


def test_density_gradient_equals_finite_differences():
    points = RNG.uniform(-0.5, 0.5, (20, 2))
    theta = TWO.theta
    for i, slope in enumerate(TWO.density_gradient(points)):
        step = 1e-6 * np.eye(len(theta))[i]
        low, high = (TWO.with_theta(theta + sign * step).density(points) for sign in (-1, 1))
        np.testing.assert_allclose(slope, (high - low) / 2e-6, atol=1e-6)


def test_theta_goes_there_and_back():
    for kernel in (ONE, TWO, ProductMixture(FACTORS, 0.2)):
        np.testing.assert_allclose(kernel.with_theta(kernel.theta + 0.1).theta, kernel.theta + 0.1)


def test_jitter_grows_until_the_matrix_is_positive_definite():
    v = RNG.normal(size=(20, 2))
    for shift in (0.0, 1e-8):
        L, jitter = factorise(torch.from_numpy(v @ v.T - shift * np.eye(20)))
        assert jitter > 0
        np.testing.assert_allclose(L @ L.T, v @ v.T + (jitter - shift) * np.eye(20), atol=1e-10)
    assert factorise(torch.eye(3).double())[1] == 0


def test_periodogram_is_the_share_of_variance_that_a_sine_explains():
    x, weight = np.sort(RNG.uniform(0, 10, 40)), RNG.uniform(0.5, 2, 40)
    y = RNG.normal(size=40)
    for frequency, power in zip([0.3, 1.7], periodogram(x, y, weight, np.array([0.3, 1.7])), strict=True):
        design = np.stack([np.ones(40), *(f(2 * np.pi * frequency * x) for f in (np.cos, np.sin))], 1)
        coef = np.linalg.lstsq(design * np.sqrt(weight)[:, None], y * np.sqrt(weight), rcond=None)[0]
        left = np.sum(weight * (y - design @ coef) ** 2)
        total = np.sum(weight * (y - np.average(y, weights=weight)) ** 2)
        np.testing.assert_allclose(power, 1 - left / total, rtol=1e-8)


def test_false_alarms_are_as_frequent_as_promised():
    x, alarms = np.arange(64.0), 0
    frequencies = np.arange(1, 32) / 64
    for _ in range(200):
        power = periodogram(x, RNG.normal(size=64), np.ones(64), frequencies).max()
        alarms += false_alarm(power, 64, len(frequencies)) < 0.2
    assert 20 <= alarms <= 60


def test_grid_of_frequencies_ends_at_nyquist():
    np.testing.assert_allclose(frequency_grid(np.arange(30.0)).max(), 0.5)
    assert len(frequency_grid(np.arange(3.0))) == 0


@pytest.mark.parametrize("compiled", [True, False])
def test_the_first_column_of_an_inverse_with_and_without_scipys_recursion(compiled, monkeypatch):
    if not compiled:
        monkeypatch.setattr(_toeplitz, "levinson", None)
    k = np.exp(-0.3 * np.arange(40)) + 0.5 * np.eye(1, 40)[0]
    column, log_determinant = _toeplitz.first_column(k)
    matrix = toeplitz(k)
    np.testing.assert_allclose(column, np.linalg.inv(matrix)[:, 0], rtol=1e-9, atol=1e-12)
    assert log_determinant == pytest.approx(np.linalg.slogdet(matrix)[1])
    for other in ([1.0, 2.0, 1.0], [1.0, 1.0, 1.0], [np.nan, 0.0]):
        with pytest.raises(NotPositiveDefiniteError):
            _toeplitz.first_column(np.array(other))


def test_a_series_whose_covariance_has_no_inverse_is_solved_with_jitter():
    flat, rows = SpectralMixture([1.0], [[1e6]], [[0.0]], 1e-18), data(np.arange(30.0)[:, None])
    fast, dense = Toeplitz(rows), Dense(rows)
    assert fast.evidence(flat).jitter > 0
    np.testing.assert_allclose(fast.evidence(flat).value, dense.evidence(flat).value)
    assert type(fast.posterior(flat)) is DensePosterior
    np.testing.assert_allclose(fast.score(flat, np.array([[0.1]])), dense.score(flat, np.array([[0.1]])))
