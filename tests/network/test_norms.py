"""Norms: torch's values, weights of rows, and the spread that networks count on."""

import pytest
import torch
from torch import nn

from sklearn_kan import KAN
from sklearn_kan.network._norms import NORMS, SIGNAL_STD, BatchNorm, LayerNorm
from tests.tables import random, randomise, seeded


def batch_norms(size=3):
    """Ours, and torch's with the same scale and offset."""
    ours, theirs = BatchNorm((size,)).double(), nn.BatchNorm1d(size).double()
    randomise(ours)
    theirs.load_state_dict(ours.state_dict() | {"num_batches_tracked": torch.tensor(0)})
    return ours, theirs


def test_batch_norm_equals_torch_s_without_weights():
    # One difference: torch divides by n - 1 in the running variance, we by n, the variance that is used in training.
    ours, theirs = batch_norms()
    n, x = 20, 2 + 3 * random(20, 3)
    torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(ours(x, torch.full((n,), 2.5, dtype=torch.float64)), theirs(x))
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    unbiased = 0.81 + (ours.running_var - 0.81) * n / (n - 1)  # after two steps of momentum 0.1 from 1
    torch.testing.assert_close(unbiased, theirs.running_var)


def test_batch_norm_evaluates_with_running_statistics():
    ours, theirs = batch_norms()
    ours(2 + 3 * random(20, 3))
    state = ours.state_dict()
    theirs.load_state_dict(state | {"num_batches_tracked": torch.tensor(1)})
    ours.eval(), theirs.eval()
    x = random(7, 3, seed=1)
    torch.testing.assert_close(ours(x), theirs(x))
    assert torch.equal(ours(x, torch.arange(7.0).double()), ours(x))
    assert torch.equal(ours(x)[:1], ours(x[:1]))
    assert all(torch.equal(value, state[key]) for key, value in ours.state_dict().items())


def test_batch_norm_counts_a_row_of_weight_two_twice():
    x, weight = random(8, 3), torch.tensor([1, 2, 1, 3, 1, 1, 0, 2])
    (weighted, _), (repeated, _) = batch_norms(), batch_norms()
    y = weighted(x, weight.double())
    torch.testing.assert_close(y.repeat_interleave(weight, dim=0), repeated(x.repeat_interleave(weight, dim=0)))
    torch.testing.assert_close(weighted.state_dict(), repeated.state_dict())


def test_batch_norm_gradients():
    norm, weight = BatchNorm((2,)).double(), torch.tensor([1.0, 2.0, 0.5, 1.0]).double()
    assert torch.autograd.gradcheck(lambda x: norm(x, weight), random(4, 2).requires_grad_())


def test_layer_norm_gives_rows_the_signal_s_spread():
    y = LayerNorm((50,))(7 + 20 * random(6, 50, dtype=torch.float32))
    torch.testing.assert_close(y.std(1, correction=0), torch.full((6,), SIGNAL_STD), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(y.mean(1), torch.zeros(6), rtol=0, atol=1e-5)


@pytest.mark.parametrize("norm", ["layer", "none"])
def test_weights_of_rows_matter_to_batch_norm_only(norm):
    net, x = KAN(3, 1, hidden_layer_sizes=(4,), norm=norm, generator=seeded()), random(5, 3, dtype=torch.float32)
    assert torch.equal(net(x, sample_weight=torch.arange(5.0)), net(x))


@pytest.mark.parametrize("norm", sorted(NORMS))
def test_weights_reach_every_norm_of_a_network(norm):
    net, twin = (KAN(3, 2, hidden_layer_sizes=(4, 4), norm=norm, generator=seeded()).double() for _ in range(2))
    x, weight = random(8, 3), torch.tensor([1, 2, 1, 3, 1, 1, 1, 2])
    repeated = twin(x.repeat_interleave(weight, dim=0))
    torch.testing.assert_close(net(x, sample_weight=weight.double()).repeat_interleave(weight, dim=0), repeated)
