"""Spline kernels against plain torch in float64: on a GPU where there is one, otherwise interpreted."""

from functools import partial

import pytest
import torch

from sklearn_kan.bases import BSpline
from sklearn_kan.bases._base import Basis
from sklearn_kan.kernels.cuda import _spline
from tests.kernels.cuda.oracle import DEVICE, all_types, check_spline, normal, spline, spline_contract


@all_types
@pytest.mark.parametrize(
    ("degree", "n_knots", "placement"),
    [(0, 2, "uniform"), (0, 9, "quantile"), (1, 30, "quantile"), (2, 5, "quantile"), (3, 6, "uniform"),
     (3, 20, "quantile"), (3, 2, "quantile"), (4, 8, "quantile"), (5, 7, "uniform")],
)  # fmt: skip
def test_spline_kernels_equal_plain_torch(degree, n_knots, placement, dtype):
    basis = spline(3, dtype, n_knots=n_knots, degree=degree, knots=placement)
    check_spline(basis, 2 * normal(21, 3, dtype=dtype, seed=1), normal(3, basis.n_basis, 5, dtype=dtype, seed=2))


@pytest.mark.parametrize("shape", [(1, 1, 1), (40, 1, 33), (3, 19, 2), (130, 2, 129)])
def test_spline_kernels_take_any_shape(shape):
    n, n_inputs, n_outputs = shape
    basis = spline(n_inputs, n_knots=6, knots="quantile")
    check_spline(basis, normal(n, n_inputs, seed=1), normal(n_inputs, basis.n_basis, n_outputs, seed=2))


@all_types
def test_far_outside_the_knots_and_on_them(dtype):
    basis = spline(2, dtype, n_knots=6, knots="quantile")
    assert basis.knots.isinf().any()
    ends = torch.tensor([-1e4, -300.0, 300.0, 1e4], device=DEVICE, dtype=dtype)
    on_knots = torch.where(basis.knots.isfinite(), basis.knots, 0.0)
    x = torch.cat([ends.repeat(2, 1), on_knots], 1).T
    check_spline(basis, x, normal(2, basis.n_basis, 4, dtype=dtype))


def test_what_is_not_a_number_stays_so_in_its_row_alone():
    basis, x = spline(2), normal(5, 2)
    x[3, 1] = float("nan")
    y = spline_contract(basis, x, normal(2, basis.n_basis, 3))
    assert y.isnan().all(1).tolist() == [False, False, False, True, False]


def test_strided_inputs_and_gradients_are_read_rightly():
    basis = spline(3)
    weight = normal(4, basis.n_basis, 3).transpose(0, 2)
    check_spline(basis, normal(20, 6)[::2, 1:4], weight)
    x = normal(9, 3).requires_grad_()
    y = spline_contract(basis, x, weight)
    (grad,) = torch.autograd.grad(y.sum(), x)  # of a sum, a gradient is one number of stride 0
    (expected,) = torch.autograd.grad(Basis.contract(basis, x, weight).sum(), x)
    torch.testing.assert_close(grad, expected)


def test_only_wanted_gradients_are_calculated(monkeypatch):
    basis, x, launched = spline(2), normal(5, 2), []
    launch = _spline.launch
    monkeypatch.setattr(_spline, "launch", lambda name, *arguments: launched.append(name) or launch(name, *arguments))
    weight = normal(2, basis.n_basis, 3).requires_grad_()
    spline_contract(basis, x, weight).sum().backward()
    assert launched == ["spline_forward", "spline_grad_weight"]


def test_gradients_of_gradients_are_left_to_torch():
    basis, x, weight = spline(2), normal(5, 2).requires_grad_(), normal(2, 10, 3).requires_grad_()
    second = []
    for contract in (spline_contract, Basis.contract):
        (slope,) = torch.autograd.grad(contract(basis, x, weight).sum(), x, create_graph=True)
        second += [torch.autograd.grad(slope.square().sum(), weight)[0]]
    torch.testing.assert_close(*second)


@pytest.mark.parametrize("shape", [(0, 3, 4), (5, 0, 4), (5, 3, 0)])
def test_nothing_in_gives_zeros(shape):
    n, n_inputs, n_outputs = shape
    basis = BSpline(n_inputs).to(DEVICE, torch.float64)
    x, weight = normal(n, n_inputs), normal(n_inputs, basis.n_basis, n_outputs)
    check_spline(basis, x, weight)


def test_gradcheck():
    basis = spline(2, n_knots=5, knots="quantile")
    leaves = normal(4, 2).requires_grad_(), normal(2, basis.n_basis, 2).requires_grad_()
    assert torch.autograd.gradcheck(partial(spline_contract, basis), leaves, fast_mode=True)


def test_shapes_that_do_not_belong_together():
    basis = spline(2)
    with pytest.raises(ValueError, match=r"x has shape \(5, 3\)\. Pass \(n_samples, 2\)"):
        spline_contract(basis, normal(5, 3), normal(2, basis.n_basis, 4))
