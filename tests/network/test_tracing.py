"""A traced network computes what the network does, for any number of rows."""

import pytest
import torch

from sklearn_kan import KAN
from sklearn_kan.bases import BASES
from sklearn_kan.network._constrained import ConstrainedKAN

NETWORKS = {
    **{basis: lambda basis=basis: KAN(3, 2, hidden_layer_sizes=(4,), basis=basis) for basis in BASES},
    "members": lambda: KAN(3, 2, hidden_layer_sizes=(4,), n_members=4, interactions="mixed", fine_knots=12),
    "categories": lambda: KAN(2, 2, n_levels=(50,), hidden_layer_sizes=(4,), norm="batch"),
    "a fine input": lambda: KAN(2, 2, n_places=(50,), hidden_layer_sizes=(4,)),
    "many categories": lambda: KAN(0, 2, n_levels=(4, 5, 50), hidden_layer_sizes=(4,), n_members=2),
    "individual knots": lambda: KAN(3, 2, basis="truncated_power", basis_params={"individual_knots": True}),
    "monotone": lambda: ConstrainedKAN(3, 2, hidden_layer_sizes=(8,), directions=[1, 0, 0], groups=[[0, 1], [1, 2]]),
}


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("has_gradients", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_trace_is_the_network(name, has_gradients):
    network = NETWORKS[name]().eval()
    with torch.set_grad_enabled(has_gradients):
        traced = torch.jit.trace(network, torch.rand(10, 3), check_trace=False)
    for n_rows in (10, 7, 1):
        x = 3 * torch.rand(n_rows, 3)
        torch.testing.assert_close(traced(x), network(x))
