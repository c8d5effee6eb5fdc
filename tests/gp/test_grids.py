"""Grids, with and without missing cells."""

import pickle

import numpy as np
import pytest

from sklearn_kan import GPSpectralRegressor


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_grid_is_learned_along_its_axes(rng):
    a, b = np.arange(40.0), np.linspace(0, 1, 25)
    f = np.sin(2 * np.pi * a / 8)[:, None] * (1 + b)
    model = GPSpectralRegressor().fit_grid((a, b), f + 0.1 * rng.normal(size=f.shape))
    assert model.solver_ == "kronecker"
    X = np.stack(np.meshgrid(a, b, indexing="ij"), -1).reshape(-1, 2)
    mean, std = model.predict(X, return_std=True)
    assert np.sqrt(np.mean((mean - f.ravel()) ** 2)) < 0.05
    np.testing.assert_allclose(model.predict(X[::97], return_cov=True)[1].diagonal() ** 0.5, std[::97], rtol=1e-6)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), mean)
    order = rng.permutation(len(X))
    shuffled = GPSpectralRegressor().fit(X[order], model._process.solvers.data.y[:, 0][order])
    assert shuffled.solver_ == "kronecker"
    with pytest.raises(ValueError, match="Y has shape"):
        model.fit_grid((b, a), f)


def test_cells_of_a_grid_may_be_missing(rng):
    a, b = np.arange(60.0), np.linspace(0, 1, 25)
    f = np.sin(2 * np.pi * a / 8)[:, None] * (1 + b)
    Y = f + 0.1 * rng.normal(size=f.shape)
    Y[rng.uniform(size=f.shape) < 0.2] = np.nan
    Y[20:24, 5:9] = np.nan
    model = GPSpectralRegressor().fit_grid((a, b), Y)
    assert model.solver_ == "gaps"
    X = np.stack(np.meshgrid(a, b, indexing="ij"), -1)[np.isnan(Y)]
    mean, std = model.predict(X, return_std=True)
    assert np.sqrt(np.mean((mean - f[np.isnan(Y)]) ** 2)) < 0.06
    noise = model.noise_ * model._process.units.scale**2
    assert np.mean(np.abs(mean - f[np.isnan(Y)]) < 2 * np.sqrt(std**2 - noise)) > 0.85
    few = GPSpectralRegressor(n_components=0, max_iter=5).fit_grid((a[:9], b[:9]), Y[:9, :9])
    assert few.solver_ == "cholesky"
