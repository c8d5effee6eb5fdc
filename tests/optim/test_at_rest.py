"""KFAC and GaussNewton where there is little or nothing to learn: gradients that are zero, tiny or huge."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sklearn_kan import KANLayer, KANRegressor
from sklearn_kan.optim import KFAC, GaussNewton
from tests.optim.problems import closure_for, rows


@pytest.mark.parametrize("kind", [KFAC, GaussNewton])
@pytest.mark.parametrize("params", [{}, {"damping": 0.0}, {"penalty": 0.1}])
def test_no_step_where_the_gradient_is_zero(kind, params):
    x, _ = rows()
    torch.manual_seed(0)
    model = nn.Sequential(KANLayer(3, 4), nn.LayerNorm(4), nn.Linear(4, 2)).double()
    for p in model.parameters():
        nn.init.zeros_(p)
    optimizer = kind(model, **params)
    closure = closure_for(optimizer, model, x, torch.zeros(len(x), 2, dtype=torch.float64))
    assert [float(optimizer.step(closure)) for _ in range(3)] == [0.0] * 3
    assert not any(p.any() for p in model.parameters())
    assert not optimizer.is_stuck
    if kind is GaussNewton:  # and steps again once there is something to learn
        closure = closure_for(optimizer, model, x, torch.ones(len(x), 2, dtype=torch.float64))
        assert [float(optimizer.step(closure)) for _ in range(8)][-1] < 1e-4


def test_a_fit_that_begins_at_rest():
    for alpha in (0.0, 1.0):
        model = KANRegressor((3,), solver="gauss_newton", alpha=alpha, max_iter=5, random_state=0)
        assert model.fit([[1.0, 2.0]], [3.0]).predict([[1.0, 2.0]]) == pytest.approx([3.0])


@pytest.mark.parametrize("size", [1e-200, 1e-30, 1e150])
def test_gradients_of_any_size(size):
    x, y = rows()
    torch.manual_seed(0)
    model = nn.Linear(3, 2).double()
    optimizer = GaussNewton(model)

    def closure():
        optimizer.zero_grad()
        loss = size * F.mse_loss(model(x), y)
        if loss.requires_grad:
            loss.backward()
        return loss

    losses = [float(optimizer.step(closure)) for _ in range(5)]
    assert losses[-1] <= losses[0]
    assert all(p.isfinite().all() for p in model.parameters())
