"""KFAC and GaussNewton name what they cannot take, and leave it as it was."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sklearn_kan import KAN, KANLayer
from sklearn_kan.network._constrained import ConstrainedKAN
from sklearn_kan.optim import KFAC, GaussNewton
from tests.optim.problems import closure_for, rows

OPTIMIZERS = [KFAC, GaussNewton]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (lambda: KANLayer(3, 2, n_members=2), "model, a KANLayer"),
        (lambda: KAN(3, 2, scaled=True), r"layers\.0, a KANLayer"),
        (lambda: nn.Sequential(nn.Linear(3, 2), ConstrainedKAN(2, 2, directions=[1, 0])), r"1\.layers\.0, a Param"),
    ],
)
def test_kfac_names_the_layer_that_is_not_linear(model, name):
    with pytest.raises(ValueError, match=f"^{name}.* is not linear in its parameters"):
        KFAC(model())


class Mixing(nn.Module):
    """A parameter that takes part in a model of two tensors."""

    def __init__(self):
        super().__init__()
        self.last, self.share = nn.Linear(3, 2), nn.Parameter(torch.ones(1))

    def forward(self, x, shift=0.0):
        return self.last(x * self.share + shift)


class Rounding(torch.autograd.Function):
    """Has a derivative by backward passes, and no other."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, g):
        return g


class Rounded(Mixing):
    def forward(self, x):
        return self.last(Rounding.apply(x * self.share))


@pytest.mark.parametrize(
    ("model", "inputs", "match"),
    [
        (Mixing, 2, r"parameters of model \(The model was not called on one tensor of rows"),
        (lambda: Wrapped(Rounded()), 1, r"parameters of inner \("),
    ],
)
@pytest.mark.parametrize("max_dense", [5000, 0])
def test_gauss_newton_names_what_it_cannot_take_and_changes_nothing(model, inputs, match, max_dense):
    x, y = rows()
    model = model().double()
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = GaussNewton(model, max_dense=max_dense)

    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(model(*[x, x][:inputs]), y)
        loss.backward()
        return loss

    with pytest.raises(ValueError, match=match):
        optimizer.step(closure)
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
    assert not any(module._forward_hooks for module in model.modules())
    for p in model.parameters():
        p.requires_grad_(p.ndim == 2 or len(p) == 2)  # all but the share
    optimizer = GaussNewton(model, max_dense=max_dense)
    first = float(optimizer.step(closure_for(optimizer, model, x, y)))
    assert float(F.mse_loss(model(x), y).detach()) < first


class Wrapped(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("outputs", [lambda z: (z, z), lambda z: {"a": z}, lambda z: z[:, 0], lambda z: z[None]])
def test_outputs_that_are_no_table(kind, outputs):
    class Other(Wrapped):
        def forward(self, x):
            return outputs(self.inner(x))

    model = Other(nn.Linear(3, 2))
    optimizer = kind(model)
    with pytest.raises(ValueError, match=r"The model's output has .* Let it be a tensor \(n_rows, n_outputs\)"):
        optimizer.step(lambda: model(torch.zeros(4, 3)))
