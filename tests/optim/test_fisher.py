"""Roots of the Fisher information against the densities and second derivatives that define them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.integrate import quad

from sklearn_kan.optim import cross_entropy_root, mse_root
from sklearn_kan.optim._fisher import probes
from sklearn_kan.training._losses import HUBER_DELTA, HUBER_INFORMATION, fisher_root, poisson, regression_loss


def information(score, density):
    mass, _ = quad(density, -60, 60, points=[-HUBER_DELTA, 0, HUBER_DELTA], limit=200)
    square, _ = quad(lambda e: score(e) ** 2 * density(e), -60, 60, points=[-HUBER_DELTA, 0, HUBER_DELTA], limit=200)
    return square / mass


@pytest.mark.parametrize(
    ("name", "level"), [("squared_error", 0), ("absolute_error", 0), ("huber", 0), ("quantile", 0.2)]
)
def test_the_information_of_a_loss_is_that_of_its_density(name, level):
    loss = regression_loss(name, level)

    def value(e):
        return float(loss(torch.full((1, 1), e, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)))

    expected = information(lambda e: (value(e + 1e-6) - value(e - 1e-6)) / 2e-6, lambda e: np.exp(-value(e)))
    root = fisher_root(loss)(torch.zeros(3, 2, dtype=torch.float64))
    assert root.shape == (3, 2, 2)
    np.testing.assert_allclose((root @ root.mT)[1], np.eye(2) * expected / 2, rtol=1e-5)
    assert 0.5 < HUBER_INFORMATION < 1


@pytest.mark.parametrize(
    ("root", "loss"),
    [
        (mse_root, lambda z, y: F.mse_loss(z, y)),
        (fisher_root(regression_loss("squared_error", 0)), lambda z, y: 0.5 * F.mse_loss(z, y)),
        (fisher_root(poisson), lambda z, y: poisson(z, y).mean()),
        (cross_entropy_root, lambda z, y: F.cross_entropy(z, y.softmax(1))),
    ],
)
@pytest.mark.parametrize("n_outputs", [2, 3])
def test_roots_of_the_second_derivative(root, loss, n_outputs):
    z, y = torch.randn(2, 1, n_outputs, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    hessian = torch.func.hessian(loss)(z, y)[0, :, 0]
    torch.testing.assert_close((root(z) @ root(z).mT)[0], hessian)


def test_random_probes_have_the_curvature_as_their_mean():
    root = cross_entropy_root(torch.tensor([[0.3, -1.0, 0.5]], dtype=torch.float64)).expand(20_000, -1, -1)
    found = probes(root, 2, torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        torch.einsum("cni,cnj->ij", found, found) / 20_000, root[0] @ root[0].T, atol=5e-3, rtol=0
    )
