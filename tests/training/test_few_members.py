"""What few members show of all: averages over all choices of them, worked out by hand."""

from itertools import combinations

import pytest
import torch

from sklearn_kan.training._few_members import expected_total
from sklearn_kan.training._losses import Pinball, Tweedie, combined, cross_entropy, poisson, squared_error

N_MEMBERS = 6


def by_row(loss, raw, y, weight, n_members=N_MEMBERS):
    """The expected loss of each row by itself."""
    one = torch.ones(1, dtype=raw.dtype)
    return torch.stack([
        expected_total(loss, raw[i : i + 1], y[i : i + 1], weight[i : i + 1], one, n_members) for i in range(len(y))
    ])  # fmt: skip


def over_choices(loss, raw, y, k):
    """The mean over all choices of k members, each as weights of zero and one."""
    weights = [torch.zeros(1, N_MEMBERS, dtype=raw.dtype).index_fill_(1, torch.tensor(chosen), 1.0)
               for chosen in combinations(range(N_MEMBERS), k)]  # fmt: skip
    ones = torch.ones(len(raw), dtype=raw.dtype)
    totals = [expected_total(loss, raw, y, weight.expand(len(raw), -1), ones, N_MEMBERS) for weight in weights]
    return torch.stack(totals).mean() / len(raw)


def drawn(n_outputs, std=1.0):
    generator = torch.Generator().manual_seed(0)
    return std * torch.randn(40, N_MEMBERS, n_outputs, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("k", [2, 3, 5, 6])
def test_squared_errors_of_some_members_tell_that_of_all_without_bias(k):
    raw, y = drawn(3), drawn(3)[:, 0].flip(0)
    torch.testing.assert_close(over_choices(squared_error, raw, y, k), squared_error(raw.mean(1), y).mean())


@pytest.mark.parametrize("loss", [cross_entropy, poisson, Tweedie(1.5), Tweedie(2.0), Tweedie(3.0)])
def test_other_losses_are_told_up_to_third_order(loss):
    """A tenth of the spread leaves less than a hundredth of the bias, which is what it would be uncorrected."""
    y = torch.arange(40) % 3 if loss is cross_entropy else drawn(1)[:, 0].abs() + 0.1
    biases = []
    for std in (0.2, 0.02):
        raw = drawn(3 if loss is cross_entropy else 1, std)
        biases.append(abs(float(over_choices(loss, raw, y, 2) - loss(combined(loss, raw), y).mean())))
    assert biases[1] < biases[0] / 150


@pytest.mark.parametrize("loss", [squared_error, Pinball(0.9), poisson])
def test_a_single_member_says_nothing_of_others_and_all_are_what_they_are(loss):
    raw, y = drawn(1), drawn(1)[:, 0].flip(0).abs()
    one = torch.eye(N_MEMBERS, dtype=raw.dtype)[:1].expand(len(raw), -1)
    torch.testing.assert_close(by_row(loss, raw, y, one), loss(raw[:, 0], y))
    everybody = torch.full_like(one, 0.5)
    torch.testing.assert_close(by_row(loss, raw, y, everybody), loss(combined(loss, raw), y))


@pytest.mark.parametrize("loss", [cross_entropy, squared_error, Tweedie(2.0)])
def test_members_that_are_far_off_do_not_make_averages_better_than_they_can_be(loss):
    raw, y = torch.tensor([[[-9.0], [0.0]]]), torch.tensor([[20.0]])
    if loss is cross_entropy:
        raw, y = torch.tensor([[[25.0, 0.0], [0.0, 0.0]]]), torch.tensor([1])
    found = float(by_row(loss, raw, y, torch.ones(1, 2), 16))
    perfect = float(loss(y.log(), y)) if isinstance(loss, Tweedie) else 0.0
    assert perfect < found < float(loss(combined(loss, raw), y))
