"""Parts of a network that is a sum: they add up to it, and each reads its own inputs."""

import pytest
import torch

from sklearn_kan.network._constrained import ConstrainedKAN
from sklearn_kan.network._shares import bias, group_outputs, on_grid
from tests.tables import random, randomise, seeded

GROUPS = [[0, 1], [1, 2, 3], [4]]
SETTINGS = [
    {"hidden_layer_sizes": ()}, {"hidden_layer_sizes": (10,)}, {"hidden_layer_sizes": (10, 9), "norm": "none"},
    {"hidden_layer_sizes": (10,), "n_members": 3, "fine_knots": 11},
    {"hidden_layer_sizes": (), "n_members": 2, "directions": [1, 0, 0]},
    {"hidden_layer_sizes": (8,), "n_members": 2, "directions": [1, 0, -1], "direct": True},
]  # fmt: skip


def network(groups=GROUPS, **params):
    net = ConstrainedKAN(3, 2, n_levels=[4, 40], groups=groups, generator=seeded(), **params)
    return randomise(net).double().eval()


def rows(n=20, seed=0):
    codes = torch.randint(0, 4, (n, 2), generator=seeded(seed))
    return torch.cat([random(n, 3, seed=seed), codes.double()], 1)


@pytest.mark.parametrize("params", SETTINGS)
def test_parts_and_the_bias_add_up_to_the_network(params):
    net, x = network(**params), rows()
    together = group_outputs(net, x).sum(2) + bias(net)
    torch.testing.assert_close(together, net(x).view_as(together), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("params", SETTINGS[1:])
def test_a_part_reads_its_own_inputs(params):
    net, x, others = network(**params), rows(), rows(seed=1)
    groups = GROUPS if params["hidden_layer_sizes"] else []
    groups = groups + [[i] for i in range(5)] if params.get("direct") or not groups else groups
    before = group_outputs(net, x)
    for number, group in enumerate(groups):
        changed = others.clone()
        changed[:, group] = x[:, group]
        torch.testing.assert_close(group_outputs(net, changed)[:, :, number], before[:, :, number])


@pytest.mark.parametrize("params", [*SETTINGS[1:4], {"hidden_layer_sizes": (8,), "n_members": 2, "direct": True}])
def test_parts_on_a_grid_are_those_of_its_rows(params):
    net = network([[0, 3], [0, 1], [3, 4], [2]], **params)
    first, second = torch.zeros(6, 5).double(), torch.zeros(3, 5).double()
    first[:, 0], second[:, 3] = random(6), torch.arange(3).double()
    whole = group_outputs(net, (first[:, None] + second).flatten(0, 1))[:, :, 0].unflatten(0, (6, 3))
    torch.testing.assert_close(on_grid(net, first, second, 0), whole, rtol=1e-10, atol=1e-10)


def test_members_are_networks_by_themselves():
    one, two = (network(hidden_layer_sizes=(10,), n_members=n, directions=[1, 0, 0]) for n in (1, 2))
    with torch.no_grad():
        for own, other in zip(one.parameters(), two.parameters(), strict=True):
            if own.shape != other.shape:
                axis = next(i for i, (a, b) in enumerate(zip(own.shape, other.shape, strict=True)) if a != b)
                other.copy_(torch.cat([own, own], axis))
            else:
                other.copy_(own)
    x = rows()
    torch.testing.assert_close(two(x), one(x).repeat(1, 2, 1))
