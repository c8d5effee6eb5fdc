"""Networks that are monotone in some inputs, or sums over groups of inputs, whatever their parameters."""

from itertools import combinations

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from sklearn_kan import KAN
from sklearn_kan.network._constrained import ConstrainedKAN, Edges
from tests.monotone import rises
from tests.tables import seeded


@torch.no_grad()
def shaken(net, seed, spread):
    """The network in float64 with random numbers added to all its parameters, in evaluation mode."""
    generator = seeded(seed)
    for p in net.double().parameters():
        p += spread * torch.randn(p.shape, generator=generator, dtype=p.dtype)
    return net.eval()


def grid_of(net, column, at_least=300):
    """Places of an input in and far out of the knots' range, each knot, and its neighbours in floating point."""
    knots = net.layers[0].basis.knots.reshape(-1, net.layers[0].in_features, net.layers[0].basis.n_knots)[:, column]
    knots = knots[knots.isfinite()].double()
    beside = [torch.nextafter(knots, torch.full_like(knots, side)) for side in (-torch.inf, torch.inf)]
    plain = torch.linspace(-4, 4, at_least, dtype=torch.float64)
    return torch.cat([plain, knots, *beside, torch.tensor([-1e6, -50.0, 50.0, 1e6], dtype=torch.float64)]).sort().values


@given(
    seed=st.integers(0, 10**6), spread=st.sampled_from([0.0, 0.3, 3.0]), degree=st.integers(0, 5),
    n_knots=st.integers(2, 7), sizes=st.sampled_from([(), (1,), (5,), (4, 3)]),
    norm=st.sampled_from(["layer", "batch", "none"]), directions=st.tuples(*[st.sampled_from([-1, 0, 1])] * 3),
    groups=st.sampled_from([None, [[0, 1], [1, 2, 3]], [[0], [1], [2], [3]]]),
    basis=st.sampled_from([("bspline", None), ("truncated_power", {"individual_knots": True})]),
)  # fmt: skip
def test_networks_are_monotone_whatever_their_parameters(
    seed, spread, degree, n_knots, sizes, norm, directions, groups, basis
):
    net = ConstrainedKAN(
        3, 2, hidden_layer_sizes=sizes, n_levels=[3], degree=degree, n_knots=n_knots, norm=norm, directions=directions,
        groups=groups, output_directions=[1, -1], basis=basis[0], basis_params=basis[1], generator=seeded(seed),
    )  # fmt: skip
    net = shaken(net, seed, spread)
    rows = torch.randn(3, 4, generator=seeded(seed), dtype=torch.float64)
    rows[:, 3] = torch.arange(3)
    for column, direction in enumerate(directions):
        for row in rows if direction else []:
            x = row.repeat(len(grid := grid_of(net, column)), 1)
            x[:, column] = grid
            with torch.no_grad():
                y = net(x) * torch.tensor([1.0, -1.0]) * direction
            assert rises(y)
            assert degree == 0 or (y[-1] > y[0]).all()


def test_free_columns_may_go_up_and_down():
    net = shaken(ConstrainedKAN(2, 1, hidden_layer_sizes=(8,), directions=[1, 0], generator=seeded()), 0, 1.0)
    x = torch.zeros(300, 2, dtype=torch.float64)
    x[:, 1] = torch.linspace(-1, 1, 300)
    steps = net(x).diff(dim=0)
    assert steps.min() < -1e-3
    assert steps.max() > 1e-3


def test_free_and_constrained_columns_interact():
    net = shaken(ConstrainedKAN(2, 1, hidden_layer_sizes=(8,), directions=[1, 0], generator=seeded()), 0, 1.0)
    assert mixed_difference(net, torch.zeros(1, 2, dtype=torch.float64), 0, 1).abs() > 1e-3


def mixed_difference(f, x, i, j, step=0.7):
    """``f(x + e_i + e_j) - f(x + e_i) - f(x + e_j) + f(x)``, over the largest of these or one."""

    def moved(*columns):
        places = x.clone()
        places[:, list(columns)] += step
        with torch.no_grad():
            return f(places)

    both, one, other, none = moved(i, j), moved(i), moved(j), moved()
    largest = max(value.abs().max() for value in (both, one, other, none))
    return (both - one - other + none).abs().max() / largest.clamp(min=1.0)


SETS = [[[0, 1], [2, 3]], [[0, 1, 2], [2, 3]], [[0], [1], [2], [3]], [[0, 3], [1, 3], [2]]]


def pairs(groups):
    """Every pair of four columns, with whether a group has both."""
    return [(i, j, any({i, j} <= set(group) for group in groups)) for i, j in combinations(range(4), 2)]


def sum_over_groups(groups, sizes, norm, basis, seed):
    net = ConstrainedKAN(3, 2, hidden_layer_sizes=sizes, n_levels=[40], norm=norm, basis=basis, groups=groups,
                         generator=seeded(seed))  # fmt: skip
    return shaken(net, seed, 0.3)


def rows_with_a_level(n, seed):
    """Three numbers and a category."""
    return torch.cat([torch.randn(n, 3, generator=seeded(seed)), torch.full((n, 1), 7.0)], 1).double()


@given(
    seed=st.integers(0, 10**6), sizes=st.sampled_from([(3,), (4, 3)]), norm=st.sampled_from(["layer", "batch", "none"]),
    basis=st.sampled_from(["bspline", "rational", "sine", "fourier"]), groups=st.sampled_from(SETS),
)  # fmt: skip
@example(seed=6435, sizes=(3,), norm="none", basis="rational", groups=[[0, 1], [2, 3]])
def test_what_is_in_no_common_group_does_not_interact(seed, sizes, norm, basis, groups):
    net, x = sum_over_groups(groups, sizes, norm, basis, seed), rows_with_a_level(1, seed)
    for i, j, is_in_a_group in pairs(groups):
        assert is_in_a_group or mixed_difference(net, x, i, j, step=1.0) < 1e-10


@pytest.mark.parametrize("basis", ["bspline", "rational", "sine", "fourier"])
@pytest.mark.parametrize("groups", SETS, ids=str)
def test_what_is_in_a_common_group_interacts_somewhere(groups, basis):
    net, x = sum_over_groups(groups, (4, 3), "layer", basis, seed=0), rows_with_a_level(50, seed=0)
    for i, j, is_in_a_group in pairs(groups):
        assert not is_in_a_group or mixed_difference(net, x, i, j, step=1.0) > 1e-3


def test_one_set_of_all_columns_is_no_constraint():
    plain = KAN(3, 2, hidden_layer_sizes=(8, 8), n_levels=[3, 40], generator=seeded()).double()
    net = ConstrainedKAN(3, 2, hidden_layer_sizes=(8, 8), n_levels=[3, 40], generator=seeded()).double()
    x = torch.randn(20, 5, generator=seeded(), dtype=torch.float64)
    x[:, 3:] = torch.randint(0, 3, (20, 2), generator=seeded())
    torch.testing.assert_close(net(x), plain(x))


@given(seed=st.integers(0, 10**6), n_basis=st.integers(1, 9))
def test_monotone_coefficients_are_taken_over_as_they_are(seed, n_basis):
    direction = torch.tensor([[1.0, -1.0, 0.0]])
    coef = torch.randn(3, n_basis, 1, generator=seeded(seed), dtype=torch.float64)
    coef[0], coef[1] = coef[0].sort(dim=0).values, coef[1].sort(dim=0, descending=True).values
    edges = Edges(torch.ones(1, 3), direction)
    torch.testing.assert_close(edges(edges.right_inverse(coef)), coef)


@pytest.mark.parametrize("knots", ["uniform", "quantile", "adaptive"])
def test_refinement_keeps_function_and_constraints(knots):
    net = ConstrainedKAN(2, 1, hidden_layer_sizes=(6,), n_knots=4, knots=knots, directions=[1, -1], generator=seeded())
    x = torch.randn(200, 2, generator=seeded(), dtype=torch.float64)
    net = shaken(net, 0, 0.1)
    net.place_knots(x)
    before = net(x)
    net.refine_knots(11, x)
    assert net.n_knots[0] > 4
    assert (net(x) - before).abs().max() < (0.05 if knots == "adaptive" else 1e-9)
    grid = torch.stack([grid_of(net, 0), torch.zeros_like(grid_of(net, 0))], 1)
    assert rises(net(grid))
