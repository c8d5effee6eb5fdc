"""GPU kernels and plain torch in float64, which say what the kernels have to give."""

from functools import partial

import pytest
import torch

from sklearn_kan.bases import BSpline
from sklearn_kan.bases._base import Basis
from sklearn_kan.kernels import cuda

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
TOLERANCES = {torch.float32: 2e-6, torch.float64: 1e-13, torch.bfloat16: 3e-2}  # of the largest value
INFINITE = (-float("inf"), float("inf"))
all_types = pytest.mark.parametrize("dtype", list(TOLERANCES), ids=str)


def normal(*shape, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(DEVICE, dtype)


def spline(n_inputs, dtype=torch.float64, **parameters):
    """A spline basis, quantile knots of which are fewer for the last input than for the others."""
    basis = BSpline(n_inputs, **parameters).to(DEVICE, dtype)
    columns = normal(200, n_inputs, dtype=torch.float64)
    columns[:, -1] = columns[:, -1].round().clamp(-1, 1)
    basis.place_knots(columns.to(dtype))
    return basis


def spline_contract(basis, x, weight):
    """The kernel, whether or not the basis would take it."""
    return cuda.spline_contract(x, weight, basis.table(), basis.degree, partial(Basis.contract, basis))


def rational_contract(x, weight, numerator, denominator, ends=INFINITE):
    plain = partial(plain_rational, ends=ends)
    return cuda.rational_contract(x, weight, numerator, denominator, ends, plain)


def outputs_and_gradients(contract, *leaves):
    leaves = [leaf.detach().requires_grad_() for leaf in leaves]
    y = contract(*leaves)
    direction = normal(*y.shape, seed=9).bfloat16().to(y.dtype)  # the same numbers in every type
    return [y.detach(), *torch.autograd.grad(y, leaves, direction, materialize_grads=True)]


def assert_agree(found, expected, dtype):
    for kernel, plain in zip(found, expected, strict=True):
        assert kernel.dtype == dtype
        assert kernel.shape == plain.shape
        largest = plain.abs().max().clamp(min=1.0) if plain.numel() else 1.0
        assert ((kernel.double() - plain).abs() <= TOLERANCES[dtype] * largest).all()


def check_spline(basis, x, weight):
    dtype = x.dtype
    found = outputs_and_gradients(partial(spline_contract, basis), x, weight)
    oracle = BSpline(basis.in_features, n_knots=basis.n_knots, degree=basis.degree).to(DEVICE, torch.float64)
    oracle.knots.copy_(basis.knots)
    oracle.tabulate()
    expected = outputs_and_gradients(lambda *leaves: Basis.contract(oracle, *leaves), x.double(), weight.double())
    assert_agree(found, expected, dtype)


def plain_rational(x, weight, numerator, denominator, ends=INFINITE):
    """As the formula reads, the tangents by automatic differentiation."""
    group = torch.arange(x.shape[1], device=x.device) * len(numerator) // x.shape[1]
    c = x.clamp(*ends)
    p = sum(numerator[group, j] * c**j for j in range(6))
    q = sum(denominator[group, j - 1] * c**j for j in range(1, 5))
    value = p / (1 + q.abs())
    (slope,) = torch.autograd.grad(value.sum(), c, create_graph=True)
    return (value + slope * (x - c)) @ weight
