"""The compiled kernel for edges with knots of their own, against the plain torch code that does the same."""

import re

import pytest
import torch

from sklearn_kan import kernels
from sklearn_kan.bases import TruncatedPower
from sklearn_kan.kernels.cpu import _library, edges_contract

pytestmark = pytest.mark.skipif(not kernels.has_library(), reason="installed without a compiler")


def layer(shape, degree, learned, dtype, n_knots=6):
    """A basis with moved knots, inputs and coefficients."""
    n, n_inputs, n_outputs = shape
    generator = torch.Generator().manual_seed(degree)
    basis = TruncatedPower(
        n_inputs, out_features=n_outputs, n_knots=n_knots, degree=degree, knots="quantile", individual_knots=True,
        learn_knots=learned,
    ).to(dtype)  # fmt: skip
    columns = torch.randn(200, n_inputs, generator=generator, dtype=dtype)
    columns[:, 1:2] = columns[:, 1:2].round()  # ties: fewer knots
    basis.place_knots(columns)
    x = 1.5 * torch.randn(n, n_inputs, generator=generator, dtype=dtype)
    return basis, x, torch.randn(n_inputs, basis.n_basis, n_outputs, generator=generator, dtype=dtype)


def both(basis, x, weight, monkeypatch):
    """Outputs and gradients by the kernel and by plain torch."""
    results = []
    for kernel in (edges_contract, None):
        monkeypatch.setattr(kernels, "find", lambda operation, *tensors, kernel=kernel, **sizes: kernel)
        leaves = [x.clone().requires_grad_(), weight.clone().requires_grad_(), *basis.parameters()]
        y = basis.contract(*leaves[:2])
        results.append([y.detach(), *torch.autograd.grad(y.sin().sum(), leaves, materialize_grads=True)])
    return zip(*results, strict=True)


@pytest.mark.usefixtures("generation")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("degree", "learned"), [(degree, False) for degree in range(6)] + [(degree, True) for degree in (1, 3)]
)
def test_kernel_equals_plain_torch(degree, learned, dtype, monkeypatch):
    basis, x, weight = layer((70, 3, 5), degree, learned, dtype)
    tolerance = 1e-10 if dtype == torch.float64 else 5e-4
    for kernel, plain in both(basis, x, weight, monkeypatch):
        assert (kernel - plain).abs().max() <= tolerance * max(1.0, plain.abs().max())


@pytest.mark.parametrize("shape", [(0, 3, 4), (1, 1, 1), (1000, 7, 3), (257, 4, 17)])
def test_any_shape_on_any_number_of_threads(shape, monkeypatch):
    monkeypatch.setattr(_library, "WORK_PER_THREAD", 1)
    basis, x, weight = layer(shape, 3, True, torch.float64)
    for kernel, plain in both(basis, x, weight, monkeypatch):
        torch.testing.assert_close(kernel, plain, rtol=1e-9, atol=1e-9)


def test_tables_that_belong_to_other_inputs_are_refused():
    tables = torch.zeros(12, 4), torch.zeros(3, 3), torch.zeros(12), torch.ones(12)
    with pytest.raises(ValueError, match=re.escape("x has shape (5, 2), which does not divide 3 rows of knots.")):
        edges_contract(torch.zeros(5, 2), *tables)
