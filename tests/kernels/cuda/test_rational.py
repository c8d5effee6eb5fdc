"""Rational kernels against the formula in float64: on a GPU where there is one, otherwise interpreted."""

from functools import partial

import pytest
import torch

from sklearn_kan.bases import Rational
from tests.kernels.cuda.oracle import (
    DEVICE,
    INFINITE,
    all_types,
    assert_agree,
    normal,
    outputs_and_gradients,
    plain_rational,
    rational_contract,
)


@all_types
@pytest.mark.parametrize(
    ("shape", "ends"),
    [
        ((21, 5, 3, 2), INFINITE),
        ((1, 1, 1, 1), (-2.0, 2.0)),
        ((130, 67, 33, 8), (-0.7, 1.3)),
        ((7, 3, 18, 8), INFINITE),
    ],
)
def test_rational_kernels_equal_plain_torch(shape, ends, dtype):
    n, n_inputs, n_outputs, n_groups = shape
    shapes = [(n, n_inputs), (n_inputs, n_outputs), (n_groups, 6), (n_groups, 4)]
    leaves = [normal(*shape, dtype=dtype, seed=seed) for seed, shape in enumerate(shapes)]
    found = outputs_and_gradients(partial(rational_contract, ends=ends), *leaves)
    expected = outputs_and_gradients(partial(plain_rational, ends=ends), *[leaf.double() for leaf in leaves])
    assert_agree(found, expected, dtype)


def test_the_rational_basis_has_the_kernels_conventions():
    basis = Rational(5, n_groups=3).to(DEVICE, torch.float64)
    x, weight = 2 * normal(40, 5), normal(5, 1, 4)
    found = outputs_and_gradients(
        partial(rational_contract, ends=basis.ends), x, weight[:, 0], basis.a, basis.b
    )  # fmt: skip
    expected = outputs_and_gradients(basis.contract_with, x, weight[:, 0], basis.a, basis.b)
    assert_agree(found, expected, torch.float64)
    torch.testing.assert_close(basis.contract(x, weight), found[0])


@pytest.mark.parametrize("shape", [(0, 3, 4), (5, 0, 4), (5, 3, 0)])
def test_nothing_in_gives_zeros(shape):
    n, n_inputs, n_outputs = shape
    leaves = normal(n, n_inputs), normal(n_inputs, n_outputs), normal(2, 6), normal(2, 4)
    y, *gradients = outputs_and_gradients(rational_contract, *leaves)
    assert y.shape == (n, n_outputs)
    assert not y.any()
    for gradient, leaf in zip(gradients, leaves, strict=True):
        assert torch.equal(gradient, torch.zeros_like(leaf))


def test_gradcheck():
    leaves = [normal(*shape, seed=k).requires_grad_() for k, shape in enumerate([(5, 3), (3, 2), (2, 6), (2, 4)])]
    assert torch.autograd.gradcheck(partial(rational_contract, ends=(-1.0, 0.7)), leaves, fast_mode=True)


def test_shapes_that_do_not_belong_together():
    with pytest.raises(ValueError, match=r"x has shape \(5, 3\)\. Pass \(n_samples, 2\)"):
        rational_contract(normal(5, 3), normal(2, 4), normal(1, 6), normal(1, 4))
    with pytest.raises(ValueError, match=r"\(\(1, 5\), \(1, 4\)\)\. Pass \(groups, 6\) and \(groups, 4\)"):
        rational_contract(normal(5, 2), normal(2, 4), normal(1, 5), normal(1, 4))
