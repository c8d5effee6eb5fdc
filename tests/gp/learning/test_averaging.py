"""What predictions of Gaussian processes average over: theorems, closed forms, and refits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from sklearn_kan import GPSpectralRegressor
from sklearn_kan.gp import SpectralMixture
from sklearn_kan.gp._ranks import Ranks
from sklearn_kan.gp._trend import Trend
from sklearn_kan.gp.inference._choice import Solvers
from sklearn_kan.gp.inference._dense import Dense
from sklearn_kan.gp.inference._points import Data, merged
from sklearn_kan.gp.learning._averaging import PRIOR_ROWS, Average, Model, stacked
from sklearn_kan.gp.learning._fit import Objective, scales_of
from sklearn_kan.gp.learning._laplace import hessian, laplace
from sklearn_kan.gp.learning._models import Candidate

KERNEL_2D = SpectralMixture([1.0], [[0.5, 2.0]], [[0, 0]], 0.1)
KERNEL = SpectralMixture([1, 0.5], [[2.0], [4.0]], [[0], [0.3]], 0.1)


def data(n=40, n_outputs=2, seed=0):
    rng = np.random.default_rng(seed)
    X = np.sort(rng.uniform(-5, 5, (n, 1)), 0)
    weight, extra = rng.uniform(0.5, 2, n), rng.uniform(0, 0.1, n)
    return Data(X, rng.normal(size=(n, n_outputs)), weight, extra, np.zeros(n), Trend(1, X, 1.0)(X))


def test_left_out_rows_are_predicted_as_by_a_refit_without_them():
    points = data()
    closed = Dense(points).posterior(KERNEL).left_out()
    for i in range(0, 40, 7):
        rest = Data(*(np.delete(field, i, axis=0) for field in points))
        mean, variance = Dense(rest).posterior(KERNEL).predict(points.X[[i]], points.H[[i]], "variance")
        std = np.sqrt(variance + points.noise(KERNEL.noise)[i])
        np.testing.assert_allclose(closed[i], norm.logpdf(points.y[i], mean[0], std).sum(), rtol=1e-8)


def test_left_out_densities_multiply_to_the_likelihood_without_dependence():
    points = data()._replace(H=np.empty((40, 0)))
    white = SpectralMixture([1e-12], [[1.0]], [[0.0]], 0.3)
    ours = Dense(points).posterior(white).left_out()
    np.testing.assert_allclose(ours, norm.logpdf(points.y.T, 0, np.sqrt(points.noise(0.3))).sum(0), rtol=1e-8)


class Quadratic:
    """Minus the log of a normal density, unnormalised, at whose mode the third parameter lies on a bound."""

    P = np.array([[6.0, 2, 1], [2, 4, 1], [1, 1, 9.0]])
    start, limits = np.array([1.0, -2.0, 0.0]), np.array([[-50, -50, 0.0], [50, 50, 50.0]])

    def __call__(self, z):
        gradient = self.P @ (z - self.start)
        return 7 + 0.5 * (z - self.start) @ gradient, gradient

    def kernel_at(self, z):
        return z


def test_laplace_is_exact_for_a_normal_density():
    P, approximation = Quadratic.P[:2, :2], laplace(Quadratic())
    np.testing.assert_array_equal(approximation.free, [True, True, False])
    draws = np.array(approximation.kernels(Quadratic(), 100_000))
    np.testing.assert_allclose(draws.mean(0), Quadratic.start, atol=1e-12)
    np.testing.assert_allclose(np.cov(draws[:, :2].T), np.linalg.inv(P), atol=0.01)
    assert np.all(draws[:, 2] == 0)
    assert approximation.kernels(Quadratic(), 3)[0].tolist() == draws[0].tolist()  # the same in each call


def test_what_the_data_say_nothing_of_varies_by_one_unit():
    class Flat(Quadratic):
        P = np.diag([0.0, -1.0, 4.0])

    np.testing.assert_allclose(laplace(Flat()).root, np.eye(2))


def test_hessian_equals_second_differences_of_the_likelihood():
    points = data(n_outputs=1)
    objective = Objective(Dense(points), KERNEL, scales_of(points.X, 1.0))
    z, step = objective.start, 1e-3
    for i, row in enumerate(hessian(objective, z, np.ones(len(z), bool))):
        for j, slope in enumerate(row):
            a, b = step * np.eye(len(z))[[i, j]]
            corners = [objective(z + s * a + t * b)[0] * s * t for s in (1, -1) for t in (1, -1)]
            np.testing.assert_allclose(slope, sum(corners) / (4 * step**2), atol=1e-4 * max(1, abs(row).max()))


def test_lengths_of_features_that_do_not_matter_may_be_long():
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(80, 4))
    y = np.sin(6 * X[:, 0]) + 0.1 * rng.normal(size=80)
    points = Data(X, y[:, None], np.ones(80), np.zeros(80), np.zeros(80), np.empty((80, 0)))
    kernel = SpectralMixture([1.0], [[0.5] * 4], [[0.0] * 4], 0.1)
    lengths = Objective(Dense(points), kernel, scales_of(X, 1.0)).fit(50).kernel.length_scales[0]
    assert lengths[0] < 1
    assert (lengths[1:] > 10).all()


def test_average_obeys_the_law_of_total_variance():
    points = data()
    draws = [[KERNEL, KERNEL.replaced(noise=0.3)], [KERNEL.replaced(weights=2 * KERNEL.weights)]]
    models = [Model(1, KERNEL, 0.7, draws[0]), Model(0, KERNEL, 0.3, draws[1])]
    average = Average(models, Solvers(Dense, points, 1.0, "cpu"))
    trends = {degree: Trend(degree, points.X, 1.0) for degree in (0, 1)}
    solvers = {degree: Dense(points._replace(H=trend(points.X))) for degree, trend in trends.items()}
    new = np.linspace(-6, 6, 9)[:, None]
    parts = [
        solvers[degree].posterior(kernel).predict(new, trends[degree](new), "variance") + (kernel.noise,)
        for degree, kernel in [(1, draws[0][0]), (1, draws[0][1]), (0, draws[1][0])]
    ]
    p = np.array([0.35, 0.35, 0.3])
    means, within = np.array([m for m, _, _ in parts]), p @ np.array([v + noise for _, v, noise in parts])
    between = np.tensordot(p, np.square(means - np.tensordot(p, means, 1)), 1)
    mean, variance = average.moments(new, "variance")
    np.testing.assert_allclose(mean, np.tensordot(p, means, 1))
    np.testing.assert_allclose(variance, within[:, None] + between)
    np.testing.assert_allclose(average.moments(new)[0], mean)
    _, covariance = average.moments(new, "covariance")
    np.testing.assert_allclose(np.diagonal(covariance).T, variance)
    assert np.linalg.eigvalsh(covariance[:, :, 0]).min() > 0


@given(st.integers(2, 5), st.integers(1, 60), st.integers(0, 1000))
def test_stacked_weights_are_the_best(n_models, n, seed):
    rng = np.random.default_rng(seed)
    log_density = rng.normal(size=(n_models, n))

    def value(w):
        return np.log(w @ np.exp(log_density)).sum() + PRIOR_ROWS / n_models * np.log(w).sum()

    weights = stacked(log_density)
    np.testing.assert_allclose(weights.sum(), 1)
    assert all(value(weights) >= value(w) - 1e-9 for w in rng.dirichlet(np.ones(n_models), size=50))
    np.testing.assert_allclose(stacked(log_density + 1e4), weights)


def test_stacked_weights_without_and_with_evidence():
    np.testing.assert_allclose(stacked(np.zeros((4, 30))), 0.25)
    far = np.stack([np.zeros(80), np.full(80, -1e5)])
    np.testing.assert_allclose(stacked(far), [85 / 90, 5 / 90])  # 80 rows and half of the prior's 10


def test_tables_are_stacked_by_left_out_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 5))
    y = np.sin(2 * X[:, 0]) + 0.1 * rng.normal(size=80)
    model = GPSpectralRegressor(max_iter=20).fit(X, y)
    solvers = [model._process.solvers.suited(each) for each in model.models_]
    pairs = zip(solvers, model.models_, strict=True)
    expected = stacked(np.array([its(each.degree).posterior(each.kernel).left_out() for its, each in pairs]))
    np.testing.assert_allclose([each.probability for each in model.models_], expected, rtol=1e-6)
    assert all(len(each.draws) > 1 for each in model.models_)
    assert {each.is_ranked for each in model.models_} == {False, True}
    (plain,) = GPSpectralRegressor(max_iter=20, spectrum="gaussian", trend_degree=0).fit(X, y).models_
    assert [draw.theta.tolist() for draw in plain.draws] == [plain.kernel.theta.tolist()]


def test_models_of_ranks_see_no_monotone_change_of_a_feature():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    y = np.sin(2 * X[:, 0]) + X[:, 1] + 0.1 * rng.normal(size=40)
    shape = Candidate(0, ("gaussian", 1.5), is_ranked=True)
    plain, changed = (
        Solvers(Dense, merged(points, y[:, None], np.ones(40), np.zeros(40)), 1.0, "cpu").suited(shape)
        for points in (X, np.column_stack([np.exp(X[:, 0]), X[:, 1] ** 3]))
    )
    assert plain(1).evidence(KERNEL_2D).value == changed(1).evidence(KERNEL_2D).value
    counted = np.array([[0.0], [1], [1], [2], [3], [9]])
    np.testing.assert_allclose(Ranks(counted, np.ones(6))(counted)[:, 0] * 12, [1, 4, 4, 7, 9, 11])
    few = counted[:4]
    np.testing.assert_array_equal(Ranks(few, np.ones(4))(few), few)


def test_outputs_have_a_noise_of_their_own():
    rng, t = np.random.default_rng(0), np.arange(100.0)[:, None]
    noise = 0.02, 1.0
    Y = np.stack([np.sin(t[:, 0] / 3) + noise[0] * rng.normal(size=100), noise[1] * rng.normal(size=100)], 1)
    model = GPSpectralRegressor(max_iter=50).fit(t, Y)
    new = t[::10] + 0.5
    _, std = model.predict(new, return_std=True)
    np.testing.assert_allclose(std, np.tile(noise, (10, 1)), rtol=0.2)
    _, cov = model.predict(new, return_cov=True)
    np.testing.assert_allclose(np.sqrt(np.diagonal(cov).T), std, rtol=1e-6)
    np.testing.assert_allclose(model.sample_y(new, 2000).std(2), std, rtol=0.1)
