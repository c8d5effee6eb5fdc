"""The network of formula searches is the package's, with its derivatives."""

import numpy as np
import torch

from sklearn_kan import KAN
from sklearn_kan.symbolic._surrogate import fit_surrogate
from sklearn_kan.symbolic._two_layers import (
    Shape,
    at_hidden,
    from_network,
    gradients,
    inputs_of,
    jacobian,
    outputs,
    parts_of,
)

RNG = np.random.default_rng(0)
SHAPE = Shape(n_columns=3, n_units=4, n_basis=7)


def network():
    net = KAN(3, 1, hidden_layer_sizes=(4,), n_knots=5, norm="none", interactions="product").double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.from_numpy(0.4 * RNG.standard_normal(parameter.shape)))
    return net


def test_values_and_derivatives_are_those_of_the_network():
    net, x = network(), RNG.uniform(-1.2, 1.2, (40, 3))  # beyond the knots, too
    theta, inputs = from_network(net), inputs_of(x, SHAPE.n_basis)
    z = torch.from_numpy(x).requires_grad_(True)
    values = net(z)[:, 0]
    np.testing.assert_allclose(outputs(SHAPE, theta, inputs), values.detach(), atol=1e-12)
    (slopes,) = torch.autograd.grad(values.sum(), z, retain_graph=True)
    np.testing.assert_allclose(gradients(SHAPE, theta, inputs), slopes, atol=1e-11)
    parts = parts_of(SHAPE, theta)
    J = jacobian(SHAPE, parts, inputs, at_hidden(SHAPE, parts, inputs))
    for row in (0, 7):
        of_row = torch.autograd.grad(values[row], list(net.parameters()), retain_graph=True)
        ordered = []
        for layer in range(2):
            edge, base, factor, cofactor, bias = (
                of_row[[name for name, _ in net.named_parameters()].index(f"layers.{layer}.{part}")]
                for part in ("edge_weight", "base_weight", "factor", "cofactor", "bias")
            )
            ordered += [edge.ravel(), base.T.ravel(), factor.T.ravel(), cofactor.T.ravel(), bias.ravel()]
        np.testing.assert_allclose(J[:, row], torch.cat(ordered), atol=1e-11)


def test_a_smooth_law_is_learned_to_four_digits():
    X = RNG.uniform(1, 2, (200, 2))
    fit = fit_surrogate(X, X[:, 0] * X[:, 1], np.ones(200), n_units=4, n_knots=4)
    fresh = RNG.uniform(1, 2, (50, 2))
    np.testing.assert_allclose(fit.values(fresh), fresh[:, 0] * fresh[:, 1], rtol=1e-3)
    np.testing.assert_allclose(fit.gradients(fresh), fresh[:, ::-1], rtol=2e-2)


def test_a_network_ends_when_time_is_over():
    X = np.random.default_rng(0).uniform(1, 3, (100, 2))
    y = X[:, 0] * np.sin(X[:, 1])
    one_step = fit_surrogate(X, y, np.ones(100), n_steps=1)
    ended = fit_surrogate(X, y, np.ones(100), is_over=lambda: True)
    np.testing.assert_array_equal(ended.theta, one_step.theta)
