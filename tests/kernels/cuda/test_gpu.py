"""What only a GPU shows; not collected where there is none."""

from functools import partial

import torch

from sklearn_kan import kernels
from sklearn_kan.kernels.cuda import _spline
from tests.kernels.cuda.oracle import all_types, check_spline, normal, outputs_and_gradients, spline, spline_contract


@all_types
def test_layers_on_a_gpu_take_the_kernel(dtype, monkeypatch):
    basis = spline(3, dtype)
    launched, launch = [], _spline.launch
    monkeypatch.setattr(_spline, "launch", lambda name, *arguments: launched.append(name) or launch(name, *arguments))
    basis.contract(normal(9, 3, dtype=dtype), normal(3, basis.n_basis, 4, dtype=dtype))
    assert launched == ["spline_forward"]
    assert not kernels.find("spline_sums", normal(9, 3, dtype=dtype).half())


@all_types
def test_real_sizes_agree_bit_for_bit_with_themselves_and_with_torch(dtype):
    basis = spline(64, dtype, n_knots=20, knots="quantile")
    x, weight = normal(5000, 64, dtype=dtype), normal(64, basis.n_basis, 96, dtype=dtype)
    check_spline(basis, x, weight)
    contract = partial(spline_contract, basis)
    for once, again in zip(outputs_and_gradients(contract, x, weight), outputs_and_gradients(contract, x, weight),
                           strict=True):  # fmt: skip
        assert torch.equal(once, again)


def test_rounding_to_tf32_is_torch_s_to_allow(monkeypatch):
    basis = spline(64, torch.float32)
    x, weight = normal(500, 64, dtype=torch.float32), normal(64, basis.n_basis, 96, dtype=torch.float32)
    exact = basis.double().contract(x.double(), weight.double())
    basis.float()
    errors = []
    for allowed in (False, True):
        monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", allowed)
        errors.append((basis.contract(x, weight).double() - exact).abs().max() / exact.abs().max())
    assert errors[0] < 2e-6 < errors[1] < 3e-3


def test_the_expansion_is_never_in_memory():
    basis = spline(256, torch.float32, n_knots=62)
    x, weight = normal(20_000, 256, dtype=torch.float32), normal(256, basis.n_basis, 64, dtype=torch.float32)
    outputs_and_gradients(lambda *leaves: basis.contract(*leaves), x, weight)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    outputs_and_gradients(lambda *leaves: basis.contract(*leaves), x, weight)
    assert torch.cuda.max_memory_allocated() - before < x.nbytes * basis.n_basis / 8


def test_more_numbers_than_an_int32_counts():
    basis = spline(1, torch.float32)
    weight = normal(1, basis.n_basis, 8, dtype=torch.float32)
    x = normal(2**28 + 100, 1, dtype=torch.float32)
    with torch.no_grad():
        y = basis.contract(x, weight)
        torch.testing.assert_close(y[-100:], basis.contract(x[-100:], weight))
