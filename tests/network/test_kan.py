"""Layers and networks: values by hand, variance at the start, categorical inputs, norms."""

import itertools
import re

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline as ScipyBSpline

from sklearn_kan import KAN, KANLayer
from sklearn_kan.bases import BASES, BSpline, Sine
from sklearn_kan.network._constrained import ConstrainedKAN
from sklearn_kan.network._norms import NORMS
from tests.tables import DEVICES, random, randomise, seeded

all_bases = pytest.mark.parametrize("basis", sorted(BASES))
all_norms = pytest.mark.parametrize("norm", sorted(NORMS))


def by_hand(layer, x):
    """A B-spline layer's outputs from scipy and numpy."""
    degree, knots = layer.basis.degree, layer.basis.knots.numpy()
    coef, bias = layer.coef.detach().numpy(), layer.bias.detach().numpy()
    y = np.tile(bias, (len(x), 1))
    for i, column in enumerate(x.T):
        reach = np.arange(1, degree + 1)
        before = knots[i, 0] - (knots[i, 1] - knots[i, 0]) * reach[::-1]
        after = knots[i, -1] + (knots[i, -1] - knots[i, -2]) * reach
        t = np.concatenate([before, knots[i], after])
        y += ScipyBSpline.design_matrix(column, t, degree) @ coef[:, i].T
        if layer.base_weight is not None:
            y += np.outer(column / (1 + np.exp(-column)), layer.base_weight.detach().numpy()[:, i])
    return y


@pytest.mark.parametrize("base", [True, False])
@pytest.mark.parametrize("degree", [0, 1, 3])
def test_a_layer_equals_its_formula(base, degree):
    layer = randomise(KANLayer(4, 3, base=base, n_knots=6, degree=degree, generator=seeded()).double())
    x = random(30, 4).clamp(-1, 1)
    np.testing.assert_allclose(layer(x).detach().numpy(), by_hand(layer, x.numpy()), rtol=0, atol=1e-12)


def test_a_network_is_its_layers_one_after_the_other():
    net = randomise(KAN(4, 2, hidden_layer_sizes=(5, 3), norm="none", generator=seeded()).double())
    x = random(10, 4)
    torch.testing.assert_close(net(x), net.layers[2](net.layers[1](net.layers[0](x))))
    assert net.widest == max(4 * 10 + 5, 5 * 10 + 3, 3 * 10 + 2)


@all_bases
@pytest.mark.parametrize("base", [True, False])
def test_edge_functions_sum_to_the_output(basis, base):
    layer = randomise(KANLayer(4, 3, basis, base=base, generator=seeded()).double())
    x = random(10, 4)
    edges = layer.edge_functions(x)
    assert edges.shape == (10, 3, 4)
    torch.testing.assert_close(edges.sum(2) + layer.bias, layer(x), rtol=1e-10, atol=1e-10)
    moved = x.clone()
    moved[:, 1] += 1.0
    unmoved = [0, 2, 3]
    torch.testing.assert_close(layer.edge_functions(moved)[..., unmoved], edges[..., unmoved])


@all_bases
@pytest.mark.parametrize("norm", ["layer", "none"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_stack_keeps_the_spread_of_its_inputs(basis, norm, seed):
    net = KAN(64, 64, hidden_layer_sizes=(64, 64, 64), basis=basis, norm=norm, generator=seeded(seed))
    spread = net(0.5 * random(256, 64, dtype=torch.float32)).std().item()
    assert 0.25 < spread < 1.0


@all_bases
@pytest.mark.parametrize("base", [True, False])
def test_the_start_is_measured_on_given_inputs(basis, base):
    layer = KANLayer(64, 64, basis, base=base, generator=seeded()).double()
    x = 0.1 * random(256, 64)
    layer.reset_parameters(seeded(), x)
    assert layer(x).square().mean().sqrt().item() == pytest.approx(0.1, rel=0.3)
    assert (layer.bias == 0).all()


@all_bases
@all_norms
def test_a_generator_gives_the_same_start_and_spares_the_global_one(basis, norm):
    before = torch.get_rng_state()
    first, second, third = (
        KAN(3, 2, hidden_layer_sizes=(4,), n_levels=[3, 40], basis=basis, norm=norm, generator=seeded(seed))
        for seed in (0, 0, 1)
    )
    x = torch.cat([random(5, 3, dtype=torch.float32), torch.ones(5, 2)], 1)
    first(x)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.layers[0].coef, third.layers[0].coef)
    assert not torch.equal(first.lookup.table, third.lookup.table)


@all_bases
@all_norms
@pytest.mark.parametrize("device", DEVICES)
def test_precision_and_device_are_the_module_s(basis, norm, device):
    for dtype in (torch.float32, torch.float64):
        net = KAN(3, 2, hidden_layer_sizes=(4, 4), n_levels=[3], basis=basis, norm=norm, generator=seeded())
        net = net.to(device, dtype)
        y = net(torch.cat([random(6, 3), torch.ones(6, 1)], 1).to(device, dtype))
        y.square().sum().backward()
        assert (y.shape, y.dtype, y.device.type) == ((6, 2), dtype, device)
        used = [p for p in net.parameters() if p.numel()]
        assert all(p.grad is not None and p.grad.dtype == dtype and p.grad.isfinite().all() for p in used)


@all_bases
def test_without_hidden_layers_the_model_is_additive(basis):
    net = randomise(KAN(2, 1, hidden_layer_sizes=(), n_levels=[4], basis=basis, generator=seeded()).double())
    grid = [[-1.3, 0.2, 0.9], [-0.4, 0.6, 1.7], [0.0, 1.0, 3.0]]
    f = net(torch.tensor(list(itertools.product(*grid)), dtype=torch.float64)).detach().reshape(3, 3, 3)
    for a, b in itertools.combinations(range(3), 2):
        torch.testing.assert_close(f.diff(dim=a).diff(dim=b), torch.zeros_like(f.diff(dim=a).diff(dim=b)))


def test_hidden_layers_let_inputs_interact():
    net = randomise(KAN(2, 1, hidden_layer_sizes=(5,), generator=seeded()).double())
    grid = torch.tensor(list(itertools.product([-0.5, 0.5], repeat=2)), dtype=torch.float64)
    assert net(grid).reshape(2, 2).diff(dim=0).diff(dim=1).abs() > 1e-6


@pytest.mark.filterwarnings("error")
@all_bases
@pytest.mark.parametrize("hidden", [(), (4,)])
@pytest.mark.parametrize("knots", ["uniform", "quantile"])
def test_a_table_without_numbers_works(basis, hidden, knots):
    net = KAN(0, 2, hidden_layer_sizes=hidden, n_levels=[3, 40], basis=basis, knots=knots, generator=seeded())
    x = torch.tensor([[1.0, 2.0], [0.0, 0.0], [2.0, 39.0]])
    net.place_knots(x)
    y = net(x)
    y.square().sum().backward()
    assert y.shape == (3, 2)
    assert y.isfinite().all()
    assert net.lookup.table.grad.abs().sum() > 0
    assert (net.layers[0].bias == 0).all()


def test_individual_knots_work_without_numbers():
    params = {"individual_knots": True, "learn_knots": True}
    net = KAN(0, 2, hidden_layer_sizes=(), n_levels=[3], basis="truncated_power", basis_params=params)
    assert net(torch.ones(4, 1)).shape == (4, 2)


def test_knots_are_placed_on_the_numeric_columns_of_the_first_layer():
    net = KAN(2, 1, hidden_layer_sizes=(3,), n_levels=[5], knots="quantile", generator=seeded()).double()
    x = torch.cat([3 + random(40, 2), torch.ones(40, 1)], 1)
    net.place_knots(x)
    first, second = (layer.basis for layer in net.layers)
    torch.testing.assert_close(first.knots[:, 0], x[:, :2].amin(0))
    torch.testing.assert_close(first.knots[:, -1], x[:, :2].amax(0))
    assert second.placement == "uniform"
    assert (second.knots[:, [0, -1]] == torch.tensor([-1.0, 1.0])).all()


@all_bases
@all_norms
def test_a_row_is_predicted_by_itself(basis, norm):
    net = KAN(3, 2, hidden_layer_sizes=(4,), basis=basis, norm=norm, generator=seeded()).double().eval()
    x = random(6, 3)
    torch.testing.assert_close(net(x[2:3]), net(x)[2:3], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(net(x.flip(0)), net(x).flip(0), rtol=1e-12, atol=1e-12)


@all_bases
@all_norms
def test_outputs_and_gradients_are_finite_far_outside(basis, norm):
    net = KAN(3, 2, hidden_layer_sizes=(4, 4), basis=basis, norm=norm, generator=seeded()).eval()
    x = torch.tensor([[1e6, -1e6, 0.0], [-1e6, 1e6, 1e6]])
    y = net(x)
    y.sum().backward()
    assert y.isfinite().all()
    assert all(p.grad.isfinite().all() for p in net.parameters())


@all_bases
@all_norms
def test_loading_a_state_gives_the_values_of_its_origin(basis, norm):
    params = {"hidden_layer_sizes": (4,), "n_levels": [3, 40], "basis": basis, "knots": "quantile", "norm": norm}
    origin, target = (KAN(3, 2, generator=seeded(seed), **params) for seed in (0, 1))
    x = torch.cat([random(30, 3, dtype=torch.float32), torch.randint(3, (30, 2), generator=seeded()).float()], 1)
    origin.place_knots(x)
    origin(x)
    target.load_state_dict(origin.state_dict())
    assert torch.equal(target.eval()(x), origin.eval()(x))


@pytest.mark.parametrize("shape", [(4, 2), (4, 5), (4,), (4, 3, 1)])
def test_inputs_of_another_shape_are_refused(shape):
    for module in (KANLayer(3, 2), KANLayer(3, 2, base=False), KAN(3, 1)):
        with pytest.raises(ValueError, match=r"^x has shape .*\. Pass \(n_samples, 3\)\.$"):
            module(torch.zeros(shape))


@pytest.mark.parametrize("axes", [(2, 5), (2, 1, 3), (0, 4)])
def test_axes_before_the_last_are_kept(axes):
    layer, x = KANLayer(3, 2, generator=seeded()), random(12, 3, dtype=torch.float32).expand(2, 12, 3)
    x = x.reshape(-1, 3)[: torch.Size(axes).numel()].reshape(*axes, 3)
    assert torch.equal(layer(x), layer(x.reshape(-1, 3)).reshape(*axes, 2))


def test_each_layer_may_have_its_own_basis():
    net = KAN(3, 2, hidden_layer_sizes=(4,), basis=["bspline", Sine], basis_params=[None, {}], n_knots=5)
    assert [type(layer.basis) for layer in net.layers] == [BSpline, Sine]
    params = [{"individual_knots": True}, {"n_groups": 2}]
    net = KAN(3, 2, hidden_layer_sizes=(4,), basis=("truncated_power", "rational"), basis_params=params)
    assert net.layers[0].basis.out_features == 4
    assert len(net.layers[1].basis.a) == 2
    assert net(random(5, 3, dtype=torch.float32)).shape == (5, 2)


@pytest.mark.parametrize("name", ["basis", "basis_params"])
def test_as_many_bases_as_layers_are_needed(name):
    value = {"basis": ["bspline"], "basis_params": [None] * 3}[name]
    message = (
        f"{name}={value!r} has {len(value)} items, and the network has 2 layers. "
        "Pass one for each hidden layer and one for the last."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        KAN(3, 2, hidden_layer_sizes=(4,), **{name: value})


def test_one_hidden_layer_may_be_an_integer():
    net, twin = (KAN(3, 1, hidden_layer_sizes=sizes, generator=seeded()) for sizes in (np.int64(8), (8,)))
    x = random(5, 3, dtype=torch.float32)
    assert torch.equal(net(x), twin(x))
    constrained = ConstrainedKAN(2, 1, hidden_layer_sizes=8, directions=[1, 0])
    assert constrained.layers[0].out_features == 8
    for sizes in (0, True, (4, 0.5), "8"):
        with pytest.raises(ValueError, match=r"^hidden_layer_sizes=.* is not usable. Pass integers of at least 1, or"):
            KAN(3, 1, hidden_layer_sizes=sizes)
