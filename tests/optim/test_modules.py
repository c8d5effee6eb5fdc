"""KFAC and GaussNewton on modules that they have not been made for: all their parameters learn."""

import pytest
import torch
from torch import nn

from sklearn_kan import KAN, KANLayer
from sklearn_kan.network._constrained import ConstrainedKAN
from sklearn_kan.network._norms import BatchNorm, LayerNorm
from sklearn_kan.optim import KFAC, ElementwiseMap, GaussNewton
from sklearn_kan.optim._gauss_newton import Dense, Products, vector_of
from sklearn_kan.optim._jacobian import blocks_of
from sklearn_kan.optim._maps import maps_of
from sklearn_kan.optim._recording import recorded
from tests.optim.foreign import MODULES, made
from tests.optim.problems import closure_for, rows

OPTIMIZERS = [KFAC, GaussNewton]
REFUSED_BY_KFAC = {"weight norm of a KANLayer"}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", MODULES)
def test_the_matrix_of_gauss_newton_is_that_of_backward_passes(name):
    model, (x, _) = made(name), rows(15)
    optimizer = GaussNewton(model)
    with recorded(model, optimizer.maps, optimizer.root) as record:
        outputs = model(x)
    blocks = blocks_of(model, [linear for linear in optimizer.maps if record.has(linear)])
    parameters = list(model.parameters())
    gradients = [
        torch.autograd.grad(z, parameters, retain_graph=True, materialize_grads=True) for z in model(x).flatten()
    ]
    J = torch.stack([vector_of(blocks, dict(zip(parameters, g, strict=True))) for g in gradients])
    expected = 2 / outputs.shape[1] * J.T @ J / len(x)
    free = torch.ones(J.shape[1], dtype=torch.float64)
    assert J.shape[1] == sum(p.numel() for p in parameters)
    with torch.no_grad():
        dense, products = (kind(blocks, record, free, 0 * free, None) for kind in (Dense, Products))
        torch.testing.assert_close(dense.matrix, expected, rtol=1e-8, atol=1e-10)
        for vector in J[:3]:
            torch.testing.assert_close(products.times(vector), expected @ vector, rtol=1e-8, atol=1e-10)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_all_parameters_learn(name, kind):
    model, (x, y) = made(name), rows()
    if kind is KFAC and name in REFUSED_BY_KFAC:
        with pytest.raises(ValueError, match="1, a ParametrizedKANLayer, is not linear in its parameters"):
            KFAC(model)
        return
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    optimizer = kind(model)
    closure = closure_for(optimizer, model, x, y)
    losses = [float(optimizer.step(closure).detach()) for _ in range(3)]
    assert losses[-1] < losses[0]
    unchanged = [n for n, p in model.named_parameters() if torch.equal(p, before[n])]
    assert unchanged == [n for n, p in model.named_parameters() if not p.grad.any()]


def test_a_model_without_linear_maps_takes_steps_of_adam():
    x, y = rows()
    models = [made("convolution alone") for _ in range(2)]
    optimizers = [KFAC(models[0], adam_lr=0.01), torch.optim.Adam(models[1].parameters(), lr=0.01, betas=(0.9, 0.95))]
    for model, optimizer in zip(models, optimizers, strict=True):
        for _ in range(5):
            optimizer.step(closure_for(optimizer, model, x, y))
    for p, q in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_layers_that_are_called_in_some_steps_only(kind):
    x, y = rows()
    torch.manual_seed(0)
    extra, rest = nn.Linear(3, 3).double(), nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()

    class Sometimes(nn.Module):
        is_on = False

        def __init__(self):
            super().__init__()
            self.extra, self.rest = extra, rest

        def forward(self, x):
            return self.rest(x + self.extra(x) if self.is_on else x)

    model = Sometimes()
    optimizer = kind(model)
    closure = closure_for(optimizer, model, x, y)
    before = extra.weight.detach().clone()
    for step in range(9):
        model.is_on = step >= 6
        loss = float(optimizer.step(closure))
        assert torch.equal(extra.weight, before) == (step < 6)
    with torch.no_grad():
        assert float(closure()) < loss


def test_what_the_layers_say():
    torch.manual_seed(0)
    kinds = {name: [type(linear).__name__ for linear in maps_of(made(name))] for name in MODULES}
    assert kinds["convolution"] == ["LinearMap"]
    assert kinds["group norm"] == ["ElementwiseMap", "LinearMap"]
    assert kinds["weight norm"] == kinds["pruned"] == kinds["what only looks linear"] == ["LinearMap"]
    assert kinds["two layers with one weight"] == ["LinearMap"]
    assert kinds["a layer that says what it is"] == ["ScaledMap", "LinearMap"]
    names = [type(linear).__name__ for linear in maps_of(KAN(3, 2, hidden_layer_sizes=(4,), interactions="product"))]
    assert names == ["EdgeMap", "ProductMap", "ProductMap"] * 2 + ["ElementwiseMap"]
    assert [type(norm.linear_maps()[0]) for norm in (LayerNorm((3,)), BatchNorm((3,)))] == [ElementwiseMap] * 2
    for layer in (KANLayer(3, 2, n_members=2), KANLayer(3, 2, scaled=True)):
        assert layer.linear_maps() == []
    assert maps_of(ConstrainedKAN(2, 1, directions=[1, 0])) == []
    frozen = nn.Linear(3, 2)
    frozen.bias.requires_grad_(False)
    assert maps_of(frozen) == []
