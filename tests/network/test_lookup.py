"""Tables of values for categories: a product with one-hot codes, its start, and what level zero means."""

import numpy as np
import pytest
import torch
from torch import nn

from sklearn_kan.network._lookup import EMBEDDING_DIM, MAX_LEVELS, LookupLayer
from sklearn_kan.network._norms import SIGNAL_STD
from tests.tables import randomise, seeded


def one_hot_table(lookup):
    """The layer as one matrix for one-hot coded inputs, level after level, input after input."""
    tables, direct, factored = [], list(lookup.table.split([lookup.n_levels[i] for i in lookup.direct])), 0
    for n_levels in lookup.n_levels:
        if n_levels <= MAX_LEVELS + 1:
            table = direct.pop(0).clone()
        else:
            mixing = lookup.mixing[:, EMBEDDING_DIM * factored : EMBEDDING_DIM * (factored + 1)]
            table = lookup.embeddings[factored] @ mixing.T
            factored += 1
        table[0] = 0.0
        tables.append(table)
    return torch.cat(tables)


@pytest.mark.parametrize("n_levels", [[3], [MAX_LEVELS + 1, 2], [MAX_LEVELS + 2], [50, 3, 40, 5]])
@torch.no_grad()
def test_lookup_is_one_hot_times_a_table(n_levels):
    lookup = randomise(LookupLayer(n_levels, 4, generator=seeded()).double())
    codes = torch.stack([torch.randint(n, (30,), generator=seeded(i)) for i, n in enumerate(n_levels)], 1)
    one_hot = [nn.functional.one_hot(column, n) for column, n in zip(codes.T, n_levels, strict=True)]
    expected = torch.cat(one_hot, 1).double() @ one_hot_table(lookup)
    torch.testing.assert_close(lookup(codes.double()), expected)
    torch.testing.assert_close(lookup(codes), expected)


@torch.no_grad()
def test_fine_inputs_are_linear_between_their_knots_and_level_after_the_last():
    lookup = randomise(LookupLayer([3], 4, n_members=2, n_places=[5, 70], generator=seeded()).double())
    codes = torch.linspace(1, 70, 400, dtype=torch.float64)
    zeros = torch.zeros_like(codes)
    for column, n, start in ((1, 5, 3), (2, 70, 3 + 6)):
        x = torch.stack([codes if i == column else zeros for i in range(3)], 1)
        x[:, column] = x[:, column].clamp(max=n)
        table = lookup.table[start + 1 : start + 1 + n]
        expected = [np.interp(x[:, column], np.arange(1, n + 1), unit) for unit in table.T]
        torch.testing.assert_close(lookup(x), torch.from_numpy(np.stack(expected, 1)), rtol=1e-12, atol=1e-12)
    assert not lookup(torch.zeros(2, 3, dtype=torch.float64)).any()


def test_fine_inputs_start_as_nothing():
    lookup, plain = (LookupLayer([3, 40], 4, n_places=n, generator=seeded()) for n in ([9], []))
    x = torch.tensor([[1.0, 7.0, 3.5], [2.0, 0.0, 9.0]])
    assert torch.equal(lookup(x), plain(x[:, :2]))


def test_many_levels_share_a_small_space():
    lookup = LookupLayer([1000, MAX_LEVELS], 64)
    assert sum(p.numel() for p in lookup.parameters()) == 1000 * EMBEDDING_DIM + 64 * EMBEDDING_DIM + MAX_LEVELS * 64


@pytest.mark.parametrize("n_levels", [[3, 5], [40, 50], [3, 50]])
def test_level_zero_adds_nothing_and_learns_nothing(n_levels):
    lookup = randomise(LookupLayer(n_levels, 4, generator=seeded()).double())
    y = lookup(torch.zeros(6, 2, dtype=torch.float64))
    y.sum().backward()
    assert torch.equal(y, torch.zeros(6, 4, dtype=torch.float64))
    assert all((p.grad == 0).all() for p in lookup.parameters() if p.grad is not None)


def test_levels_that_occur_learn_and_others_do_not():
    lookup = LookupLayer([4, 40], 2, generator=seeded()).double()
    lookup(torch.tensor([[1.0, 7.0], [3.0, 7.0], [0.0, 0.0]])).square().sum().backward()
    assert lookup.table.grad.abs().sum(1).nonzero().flatten().tolist() == [1, 3]
    assert lookup.embeddings[0].grad.abs().sum(1).nonzero().flatten().tolist() == [7]
    assert (lookup.mixing.grad != 0).all()


@pytest.mark.parametrize("n_levels", [[9] * 10, [50] * 10, [9, 50] * 5])
def test_lookup_starts_with_the_network_s_spread(n_levels):
    lookup = LookupLayer(n_levels, 64, generator=seeded())
    codes = torch.stack([torch.randint(1, n, (256,), generator=seeded(i)) for i, n in enumerate(n_levels)], 1)
    assert lookup(codes).std().item() == pytest.approx(SIGNAL_STD, rel=0.25)
