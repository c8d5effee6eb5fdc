"""Where knots stand."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from sklearn_kan.knots import distinct_values, merge_ties, quantile_knots, quantiles, uniform_knots

rounded = st.integers(-20, 20).map(lambda i: i / 4)  # many ties
weighted_rows = st.lists(st.tuples(rounded, st.integers(0, 4)), min_size=1, max_size=25)


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def column(n=50, seed=0):
    return torch.randn(n, 1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def finite(row):
    return row[row.isfinite()]


def test_uniform_knots_are_equally_spaced_between_both_ends():
    knots = uniform_knots(3, 5)
    assert knots.dtype == torch.float64
    assert torch.equal(knots, tensor([[-1.0, -0.5, 0.0, 0.5, 1.0]] * 3))
    assert uniform_knots(0, 4).shape == (0, 4)


@given(rows=weighted_rows, n_knots=st.integers(2, 9))
def test_integer_weights_equal_repeated_rows(rows, n_knots):
    values, weights = zip(*rows, strict=True)
    assume(any(weights))
    x, weight = tensor(values)[:, None], torch.tensor(weights)
    repeated = x.repeat_interleave(weight, dim=0)
    assert torch.equal(quantile_knots(x, n_knots, weight.double()), quantile_knots(repeated, n_knots))


@given(rows=weighted_rows, n_knots=st.integers(2, 9), factor=st.sampled_from([0.25, 2.0, 1024.0]))
def test_only_ratios_of_weights_matter(rows, n_knots, factor):
    values, weights = zip(*rows, strict=True)
    assume(any(weights))
    x, weight = tensor(values)[:, None], tensor(weights)
    assert torch.equal(quantile_knots(x, n_knots, factor * weight), quantile_knots(x, n_knots, weight))


@given(values=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40), n_knots=st.integers(2, 12))
def test_knots_increase_strictly_and_end_with_the_column(values, n_knots):
    (row,) = quantile_knots(tensor(values)[:, None], n_knots)
    knots = finite(row)
    assert len(knots) >= 2
    assert torch.equal(row, torch.nn.functional.pad(knots, (0, n_knots - len(knots)), value=torch.inf))
    spacing = (knots[-1] - knots[0]) / n_knots
    assert (knots.diff() > 0).all()
    if len(knots) > 2:
        assert knots.diff().min() > 0.99e-4 * spacing  # no interval that float32 would close
    if min(values) < max(values):
        assert (knots[0], knots[-1]) == (min(values), max(values))


@given(values=st.lists(st.floats(-3, 3), min_size=2, max_size=30))
def test_quantiles_are_monotone_in_the_level(values):
    levels = torch.linspace(0, 1, 37, dtype=torch.float64)
    q = quantiles(*distinct_values(tensor(values)), levels)
    assert (q.diff() >= -1e-12).all()


@pytest.mark.parametrize("n_knots", [2, 3, 8, 20])
def test_without_ties_quantiles_are_those_of_numpy(n_knots):
    # Of n equal weights the mid-distribution function is (i + 1/2) / n, rescaled to i / (n - 1): numpy's "linear".
    x = column()
    (knots,) = quantile_knots(x, n_knots)
    np.testing.assert_allclose(knots, np.quantile(x[:, 0].numpy(), np.linspace(0, 1, n_knots)), atol=1e-12)


def test_with_ties_the_median_moves_with_the_weight():
    values = tensor([0.0, 1.0, 2.0])
    level = tensor([0.5])
    assert quantiles(values, tensor([1.0, 1.0, 1.0]), level) == 1.0
    nearly = [quantiles(values, tensor([1.0 + w, 1.0, 1.0]), level).item() for w in (0.0, 1e-9, 0.1, 1.0, 100.0)]
    assert nearly == sorted(nearly, reverse=True)
    assert nearly[1] == pytest.approx(1.0, abs=1e-8)


def test_columns_are_treated_by_themselves():
    x = torch.cat([column(), 100 + 10 * column(seed=1), torch.ones(50, 1)], 1)
    together = quantile_knots(x, 6)
    assert torch.equal(together, torch.cat([quantile_knots(x[:, i : i + 1], 6) for i in range(3)]))


def test_sets_of_levels_give_sets_of_knots():
    x = torch.cat([column(), column(seed=1)], 1)
    levels = tensor([[0.0, 0.2, 0.5, 1.0], [0.0, 0.4, 0.7, 1.0], [0.0, 1 / 3, 2 / 3, 1.0]])
    sets = quantile_knots(x, 4, levels=levels)
    assert sets.shape == (3, 2, 4)
    for knots, level in zip(sets, levels, strict=True):
        assert torch.equal(knots, quantile_knots(x, 4, levels=level))
    np.testing.assert_allclose(sets[2], quantile_knots(x, 4), atol=1e-12)


def test_a_constant_column_gets_the_range_around_its_value():
    assert torch.equal(quantile_knots(torch.full((9, 1), 5.0), 4), tensor([[4.0, 6.0, torch.inf, torch.inf]]))


def test_few_distinct_values_are_the_knots():
    x = tensor([3.0, -1.0, 3.0, 0.5, -1.0])[:, None]
    assert torch.equal(quantile_knots(x, 5), tensor([[-1.0, 0.5, 3.0, torch.inf, torch.inf]]))
    assert torch.equal(quantile_knots(x, 3), tensor([[-1.0, 0.5, 3.0]]))


def test_rows_of_weight_zero_count_as_absent():
    x, weight = tensor([-9.0, -8.0, 0.0, 1.0, 2.0, 9.0])[:, None], tensor([0.0, 0, 1, 1, 1, 0])
    for n_knots in (2, 3, 4, 8):
        assert torch.equal(quantile_knots(x, n_knots, weight), quantile_knots(x[2:5], n_knots))


def test_close_distinct_values_are_merged_however_few_they_are():
    x = tensor([0.0, 1e-10, 0.5, 1.0 - 1e-10, 1.0])[:, None]
    assert torch.equal(quantile_knots(x, 8), quantile_knots(x[[0, 2, 4]], 8))


def test_merge_ties_keeps_both_ends():
    assert torch.equal(merge_ties(tensor([0.0, 1e-9, 0.5, 0.5, 1.0 - 1e-9, 1.0])), tensor([0.0, 0.5, 1.0]))
    assert torch.equal(merge_ties(tensor([0.0, 0.0, 1e-9, 1.0])), tensor([0.0, 1.0]))
    even = torch.linspace(0, 1, 9, dtype=torch.float64)
    assert torch.equal(merge_ties(even), even)


def test_single_precision_and_gradients_do_not_matter():
    x = column().float().requires_grad_()
    knots = quantile_knots(x, 5)
    assert knots.dtype == torch.float64
    assert not knots.requires_grad
    assert torch.equal(knots, quantile_knots(x.detach().double(), 5))


def test_no_columns_no_knots():
    assert quantile_knots(torch.zeros(4, 0), 5).shape == (0, 5)


def test_values_that_weigh_nothing_beside_others_are_no_trouble():
    x = torch.linspace(-1, 1, 9, dtype=torch.float64)[:, None]
    weight = torch.tensor([1e-300, 1e-200, 1.0, 1e-250, 1.0, 1e-300, 1e-100, 1e-280, 1e-290], dtype=torch.float64)
    knots = quantile_knots(x, 6, weight)[0]
    knots = knots[knots < torch.inf]
    assert knots.isfinite().all()
    assert (knots.diff() > 0).all()
