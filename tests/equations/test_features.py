"""Waves: their covariance is the spectral mixture's, and so are its derivatives."""

import numpy as np
import pytest
import torch

from sklearn_kan.equations._features import Spectrum
from sklearn_kan.gp.covariance import SpectralMixture

RNG = np.random.default_rng(0)


def spectrum_of(n_axes, ratio=0.5):
    centres = np.array([[0.0] * n_axes, [7.0, -3.0][:n_axes]])
    return Spectrum(centres, np.array([1.0, 0.4]), ratio, np.full(n_axes, 2.0), np.zeros(n_axes))


def kernel(spectrum, tau):
    """``Σ w exp(-|τ/ℓ|² / 2) cos(μ·τ)``, of a tensor of lags."""
    ell = torch.from_numpy(spectrum.lengths)
    envelope = torch.exp(-0.5 * ((tau / ell) ** 2).sum())
    centres = torch.from_numpy(spectrum.centres)
    return (torch.from_numpy(spectrum.weights) * torch.cos(centres @ tau)).sum() * envelope


@pytest.mark.parametrize("n_axes", [1, 2])
def test_covariance_of_waves_is_the_kernel(n_axes):
    spectrum = spectrum_of(n_axes)
    waves = spectrum.waves()
    X = RNG.uniform(-1, 1, (7, n_axes))
    (columns,) = waves(X, [()])
    found = (columns * waves.amplitudes**2) @ columns.T
    expected = [[kernel(spectrum, torch.from_numpy(a - b)).item() for b in X] for a in X]
    np.testing.assert_allclose(found, expected, atol=1e-6 if n_axes == 1 else 1e-5)


def test_along_one_axis_it_is_the_regressors_kernel():
    spectrum = spectrum_of(1)
    waves = spectrum.waves()
    X = RNG.uniform(-1, 1, (7, 1))
    (columns,) = waves(X, [()])
    mixture = SpectralMixture(spectrum.weights, [spectrum.lengths] * 2, spectrum.centres / (2 * np.pi))
    expected = mixture(torch.from_numpy(X), torch.from_numpy(X)).numpy()
    np.testing.assert_allclose((columns * waves.amplitudes**2) @ columns.T, expected, atol=1e-6)


@pytest.mark.parametrize("key", [(0,), (0, 0), (0, 1), (0, 0, 1), (0, 0, 0, 0), (0, 0, 1, 1)])
def test_derivatives_are_those_of_automatic_differentiation(key):
    spectrum = spectrum_of(2)
    waves = spectrum.waves()
    a, b = RNG.uniform(-0.5, 0.5, (2, 2))
    derived, plain = waves(a[None], [key])[0], waves(b[None], [()])[0]
    point = torch.tensor(a, requires_grad=True)
    value = kernel(spectrum, point - torch.from_numpy(b))
    for axis in key:
        (gradient,) = torch.autograd.grad(value, point, create_graph=True)
        value = gradient[axis]
    found = ((derived * waves.amplitudes**2) @ plain.T).item()
    assert found == pytest.approx(value.item(), rel=1e-3, abs=1e-3 * 7.0 ** len(key))


def test_the_riesz_derivative_of_order_two_is_the_laplacian():
    waves = spectrum_of(2).waves()
    X = RNG.uniform(-1, 1, (5, 2))
    along = waves(X, [(0, 0), (1, 1)])
    np.testing.assert_allclose(waves(X, [("riesz", 2.0)])[0], along[0] + along[1], atol=1e-9)
