"""Penalties by evidence: MacKay's fixed point, and coordinates in which roughness is a sum of squares."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import ARDRegression

from sklearn_kan import KAN, KANLayer
from sklearn_kan.optim import EvidenceGaussNewton
from sklearn_kan.optim._evidence import LEAST_SQUARES, damped_inverse
from sklearn_kan.optim._frame import Frame
from sklearn_kan.optim._jacobian import OtherBlock, blocks_of
from sklearn_kan.optim._maps import maps_of
from sklearn_kan.optim._recording import recorded


def steps(model, x, y, n_steps, loss, fisher, **params):
    """The optimizer after so many steps."""
    optimizer = EvidenceGaussNewton(model, fisher, **params)

    def closure():
        optimizer.zero_grad()
        value = loss(model(x), y)
        if value.requires_grad:
            value.backward()
        return value

    for _ in range(n_steps):
        optimizer.step(closure)
    return optimizer


def half_squared(outputs, y):
    return 0.5 * (outputs - y).square().mean()


def halved(outputs):
    """Root of the curvature of half the squared error."""
    return torch.eye(outputs.shape[1], dtype=outputs.dtype).expand(len(outputs), -1, -1)


def test_linear_models_are_those_of_automatic_relevance_determination():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    y = X @ [2.0, -1.0, 0.3, 0.0, 0.0] + 0.5 * rng.normal(size=60)
    known = ARDRegression(
        fit_intercept=False, alpha_1=0, alpha_2=0, lambda_1=0, lambda_2=LEAST_SQUARES, threshold_lambda=1e12,
        max_iter=1_000, tol=1e-9,
    ).fit(X, y)  # fmt: skip
    model = torch.nn.Linear(5, 1, bias=False).double()
    x, target = torch.from_numpy(X), torch.from_numpy(y)[:, None]
    optimizer = steps(model, x, target, 100, half_squared, halved)
    np.testing.assert_allclose(model.weight.detach().numpy()[0], known.coef_, atol=2e-3)
    assert optimizer.noise == pytest.approx(1 / known.alpha_, rel=1e-2)
    np.testing.assert_allclose(optimizer.penalties.numpy(), known.lambda_, rtol=0.05)


def test_noise_is_known_and_columns_that_do_not_matter_are_shut_off():
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(400, 2, generator=generator, dtype=torch.float64) * 2 - 1
    y = torch.sin(3 * x[:, :1]) + 0.2 * torch.randn(400, 1, generator=generator, dtype=torch.float64)
    layer = KANLayer(2, 1, n_knots=12, generator=generator).double()
    optimizer = steps(layer, x, y, 40, half_squared, halved)
    assert optimizer.noise == pytest.approx(0.04, rel=0.15)
    grid = torch.linspace(-0.95, 0.95, 50, dtype=torch.float64)[:, None].repeat(1, 2)
    with torch.no_grad():
        effect = layer.edge_functions(grid)[:, 0] - layer.edge_functions(grid)[:, 0].mean(0)
    truth = torch.sin(3 * grid[:, 0]) - torch.sin(3 * grid[:, 0]).mean()
    assert (effect[:, 0] - truth).abs().max() < 0.1
    assert effect[:, 1].abs().max() < 0.05


def test_a_likelihood_needs_no_noise():
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(300, 1, generator=generator, dtype=torch.float64) * 2 - 1
    p = torch.sigmoid(4 * x[:, 0])
    y = (torch.rand(300, generator=generator, dtype=torch.float64) < p).long()
    layer = KANLayer(1, 2, n_knots=10, generator=generator).double()
    optimizer = steps(layer, x, y, 40, torch.nn.functional.cross_entropy, "cross_entropy", has_noise=False)
    assert optimizer.noise == 1.0
    with torch.no_grad():
        assert (layer(x).softmax(1)[:, 1] - p).abs().mean() < 0.05


def test_nothing_changes_where_nothing_is_finite():
    model = torch.nn.Linear(2, 1).double()
    before = model.weight.detach().clone()
    x = torch.ones(5, 2, dtype=torch.float64)
    assert steps(model, x, torch.full((5, 1), torch.inf), 1, half_squared, halved).is_stuck
    assert torch.equal(model.weight, before)


def test_a_matrix_without_an_inverse_is_damped_until_it_has_one():
    singular = torch.diag(torch.tensor([1.0, 0.0, 4.0], dtype=torch.float64))
    inverse, damping = damped_inverse(singular, 0.0)
    assert 0 < damping < 1e-9
    torch.testing.assert_close(inverse.diagonal(), 1 / (singular.diagonal() + damping))
    assert damped_inverse(torch.nan * singular, 0.0)[0] is None


def test_rough_coordinates_squared_are_the_roughness_of_splines():
    layer = KANLayer(3, 2, n_knots=8).double()
    maps = maps_of(layer)
    with recorded(layer, maps, halved) as record:
        layer(torch.zeros(4, 3, dtype=torch.float64))
    blocks = blocks_of(layer, maps)
    frame = Frame(blocks, record)
    w = torch.randn(blocks[0].size, dtype=torch.float64)
    z = frame.coordinates(w)
    torch.testing.assert_close(frame.applied(z), w)
    matrix = torch.randn(len(w), len(w), dtype=torch.float64)
    matrix = matrix + matrix.T
    torch.testing.assert_close(z @ frame.squared(matrix) @ z, w @ matrix @ w)
    edges, *_ = blocks[0].tensors(w)
    roughness = np.square(np.diff(edges.numpy(), 2, axis=1)).sum((1, 2))  # of P-splines on even knots
    sizes = [frame.group[: blocks[0].n_coefficients].eq(g) for g in range(frame.n_groups)]
    sums = [float(z[: blocks[0].n_coefficients][own].square().sum()) for own in sizes]
    for value in roughness:
        assert min(abs(s / value - 1) for s in sums) < 1e-9


def test_tables_of_levels_have_the_jacobian_of_autograd():
    torch.manual_seed(0)
    net = KAN(2, 1, hidden_layer_sizes=(3,), n_levels=(4, 6), n_places=(5,), norm="none").double()
    with torch.no_grad():
        for p in net.parameters():
            p.add_(0.3 * torch.randn_like(p))
    places = torch.rand(20, 1, dtype=torch.float64) * 4 + 1
    x = torch.cat([torch.rand(20, 2), torch.arange(20)[:, None] % torch.tensor([4, 6]), places], 1)
    maps = maps_of(net)
    with recorded(net, maps, halved) as record:
        net(x)
    table = next(block for block in blocks_of(net, maps) if block.parameters[0] is net.lookup.table)
    slow = OtherBlock(net, [net.lookup.table])
    rows = [block.rows(record, slice(None)).detach() for block in (table, slow)]
    torch.testing.assert_close(*rows)
    assert table.linear.owners == [0] * 4 + [1] * 6 + [2] * 6
