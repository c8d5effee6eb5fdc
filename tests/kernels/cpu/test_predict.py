"""Prediction in one call gives what torch gives, for every kind of network it takes and on every kind of processor."""

from copy import deepcopy

import pytest
import torch

from sklearn_kan.kernels.cpu import _library, _network
from sklearn_kan.network._kan import KAN
from sklearn_kan.network._stored import freshly_packed, packed

pytestmark = pytest.mark.skipif(not _library.has_library(), reason="there is no compiled library")

N_ROWS = 90
TOLERANCE = {torch.float32: 2e-6, torch.float64: 1e-12}  # of the largest output
CASES = {
    "default": {"n_knots": 6, "fine_knots": 16, "n_members": 6, "scaled": True},
    "many classes": {"n_outputs": 8, "n_members": 3},
    "three classes, few units": {"n_outputs": 3, "hidden_layer_sizes": (5,), "n_members": 7, "n_knots": 4},
    "one network": {"n_members": None, "hidden_layer_sizes": (48,)},
    "wide": {"hidden_layer_sizes": (70,), "n_members": 3, "fine_knots": 9},
    "categories": {"n_levels": (3, 60), "n_places": (9,), "n_members": 4, "scaled": True},
    "no norm": {"norm": "none", "n_members": 2},
    "straight pieces": {"degree": 1, "n_knots": [40, 5], "n_members": 2},
    "knots beyond a table": {"n_knots": [6, 30], "n_members": 2},
    "two knots": {"n_knots": 2, "n_members": 2},
}


def network(name, dtype):
    params = {"hidden_layer_sizes": (32,), "n_outputs": 1, **CASES[name]}
    module = KAN(3, params.pop("n_outputs"), generator=torch.Generator().manual_seed(0), **params)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return module.to(dtype)


def rows(module, n=N_ROWS):
    """Rows with codes of levels, unknown ones among them, and between places."""
    generator = torch.Generator().manual_seed(2)
    dtype = next(module.parameters()).dtype
    lookup = module.lookup
    levels = [] if lookup is None else lookup.n_levels
    codes = [torch.randint(0, size, (n, 1), generator=generator).to(dtype) for size in levels]
    for i in range(len(levels) - (0 if lookup is None else lookup.n_fine), len(levels)):
        codes[i] = (1 + (levels[i] - 2) * torch.rand(n, 1, generator=generator)).to(dtype)
    return torch.cat([1.5 * torch.randn(n, 3, generator=generator).to(dtype), *codes], 1)


def exact(module, X):
    with torch.no_grad():
        y = deepcopy(module).double()(X.double())
    return y if y.ndim == 3 else y[:, None]


@pytest.mark.usefixtures("generation")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", CASES)
def test_outputs_are_those_of_torch(name, dtype):
    module = network(name, dtype)
    X, pack = rows(module), freshly_packed(module)
    assert pack.prepared is not None
    expected = exact(module, X)
    largest = expected.abs().max()
    with torch.no_grad():
        of_torch = (module(X).view_as(expected) - expected).abs().max() / largest  # digits are lost between many knots
    assert ((pack.outputs(X) - expected).abs() <= (TOLERANCE[dtype] + 4 * of_torch) * largest).all()


@pytest.mark.usefixtures("generation")
def test_units_far_out_leave_the_table():
    module = network("default", torch.float32)
    with torch.no_grad():
        module.norms[0].weight.mul_(8.0)
    X = rows(module)
    expected = exact(module, X)
    assert ((freshly_packed(module).outputs(X) - expected).abs() <= 2e-6 * expected.abs().max()).all()
    with torch.no_grad():
        module.norms[0].bias.fill_(torch.nan)
    assert freshly_packed(module).outputs(X).isnan().all()


@pytest.mark.usefixtures("generation")
def test_a_row_is_predicted_alone_as_in_a_table_on_any_number_of_threads(monkeypatch):
    module = network("default", torch.float32)
    with torch.no_grad():
        module.norms[0].weight.mul_(2.0)  # some rows leave the tables
    X, pack = rows(module), freshly_packed(module)
    together = pack.outputs(X)
    for start, stop in [(0, 1), (3, 20), (13, 80), (89, 90)]:
        assert torch.equal(pack.outputs(X[start:stop]), together[start:stop])
    monkeypatch.setattr(_library, "WORK_PER_THREAD", 1)
    with _library.on_threads(3):
        assert torch.equal(pack.outputs(X), together)


@pytest.mark.parametrize("what", _network.AVERAGES)
def test_averages_are_those_of_members(what):
    module = network("three classes, few units", torch.float64)
    X, pack = rows(module), packed(module)
    raw, weights = pack.outputs(X), torch.arange(1.0, 8.0, dtype=torch.float64) / 28
    raw = raw.log_softmax(2) if what == "probabilities" else raw
    average = (weights[:, None] * raw).sum(1)
    if what != "outputs":
        average = torch.logsumexp(raw + weights.log()[:, None], 1)
    torch.testing.assert_close(pack.average(X, weights, what), average)
