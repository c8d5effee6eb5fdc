"""Compiled kernels against the plain torch code that does the same."""

import importlib.util
import multiprocessing
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from sklearn_kan import kernels
from sklearn_kan.bases import BSpline
from sklearn_kan.bases._base import Basis
from sklearn_kan.kernels import on_threads
from sklearn_kan.kernels.cpu import _library
from tests.processes import exit_code, started

needs_library = pytest.mark.skipif(not kernels.has_library(), reason="installed without a compiler")


def spline(degree, n_knots, placement, dtype, n_inputs=3):
    generator = torch.Generator().manual_seed(degree)
    basis = BSpline(n_inputs, n_knots=n_knots, degree=degree, knots=placement).to(dtype)
    columns = torch.randn(200, n_inputs, generator=generator, dtype=dtype)
    columns[:, 1] = columns[:, 1].round()  # ties: fewer knots
    basis.place_knots(columns)
    return basis, 1.5 * torch.randn(70, n_inputs, generator=generator, dtype=dtype), generator


def both(basis, x, weight):
    """Outputs and gradients by the fast path and by expanding in plain torch with autograd."""
    results = []
    for contract in (BSpline.contract, Basis.contract):
        leaves = x.clone().requires_grad_(), weight.clone().requires_grad_()
        y = contract(basis, *leaves)
        results.append([y.detach(), *torch.autograd.grad(y.sin().sum(), leaves, materialize_grads=True)])
    return zip(*results, strict=True)


@pytest.fixture(params=["library", "plain torch"])
def path(request, monkeypatch):
    """The compiled library, and what stands in for it."""
    if request.param == "plain torch":
        monkeypatch.setattr(_library, "LIBRARY", None)
    elif not kernels.has_library():
        pytest.skip("installed without a compiler")


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("placement", ["uniform", "quantile"])
@pytest.mark.parametrize("n_knots", [2, 6, 40])
@pytest.mark.parametrize("degree", range(6))
@pytest.mark.parametrize("n_outputs", [1, 5])
def test_fast_paths_equal_expansion_and_product(n_outputs, degree, n_knots, placement, dtype):
    basis, x, generator = spline(degree, n_knots, placement, dtype)
    weight = torch.randn(3, basis.n_basis, n_outputs, generator=generator, dtype=dtype)
    tolerance = 1e-11 if dtype == torch.float64 else 2e-4
    for kernel, plain in both(basis, x, weight):
        assert (kernel - plain).abs().max() <= tolerance * max(1.0, plain.abs().max())


@pytest.mark.usefixtures("generation")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(70, 3, 1), (300, 9, 68)])
@pytest.mark.parametrize("degree", range(4))
def test_every_generation_of_processors_computes_the_same(degree, shape, dtype):
    n, n_inputs, n_outputs = shape
    basis, _, generator = spline(degree, 6, "quantile", dtype, n_inputs)
    x = 1.5 * torch.randn(n, n_inputs, generator=generator, dtype=dtype)
    weight = torch.randn(n_inputs, basis.n_basis, n_outputs, generator=generator, dtype=dtype)
    tolerance = 1e-11 if dtype == torch.float64 else 2e-4
    for kernel, plain in both(basis, x, weight):
        assert (kernel - plain).abs().max() <= tolerance * max(1.0, plain.abs().max())


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize(
    "shape", [(0, 3, 4), (5, 0, 4), (1, 1, 1), (600, 11, 3), (2500, 7, 33), (129, 40, 17), (300, 9, 68)]
)
def test_any_shape_on_any_number_of_threads(shape, monkeypatch):
    n, n_inputs, n_outputs = shape
    monkeypatch.setattr(_library, "WORK_PER_THREAD", 1)
    generator = torch.Generator().manual_seed(0)
    basis = BSpline(n_inputs, n_knots=6).double()
    x = torch.randn(n, n_inputs, generator=generator, dtype=torch.float64)
    weight = torch.randn(n_inputs, basis.n_basis, n_outputs, generator=generator, dtype=torch.float64)
    for kernel, plain in both(basis, x, weight):
        torch.testing.assert_close(kernel, plain, rtol=1e-10, atol=1e-10)


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("n_outputs", [1, 3, 20])
@pytest.mark.parametrize("placement", ["uniform", "quantile"])
def test_members_have_inputs_and_outputs_of_their_own(placement, n_outputs, monkeypatch):
    monkeypatch.setattr(_library, "WORK_PER_THREAD", 1)
    basis, x, generator = spline(3, 6, placement, torch.float64)
    x = torch.stack([x, x.flip(0), -x, x / 2], 1).requires_grad_()
    weight = torch.randn(3, basis.n_basis, 4 * n_outputs, generator=generator, dtype=torch.float64, requires_grad=True)
    apart = [Basis.contract(basis, x[:, k], weight.chunk(4, 2)[k]) for k in range(4)]
    results = [
        [y, *torch.autograd.grad(y.sin().sum(), (x, weight))]
        for y in (basis.contract_members(x, weight), torch.cat(apart, 1))
    ]
    for kernel, plain in zip(*results, strict=True):
        torch.testing.assert_close(kernel, plain, rtol=1e-10, atol=1e-10)


@pytest.mark.usefixtures("path")
def test_strided_inputs_and_gradients_are_read_rightly():
    basis, x, generator = spline(3, 6, "uniform", torch.float64)
    weight = torch.randn(4, basis.n_basis, 3, generator=generator, dtype=torch.float64).transpose(0, 2)
    x = torch.cat([x, x], 1)[:, 1:4]
    for kernel, plain in both(basis, x, weight):
        torch.testing.assert_close(kernel, plain)


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("placement", ["uniform", "quantile"])
def test_gradients_and_their_gradients(placement):
    basis, x, generator = spline(3, 6, placement, torch.float64)
    weight = torch.randn(3, basis.n_basis, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(basis.contract, (x[:6].requires_grad_(), weight))
    assert torch.autograd.gradgradcheck(basis.contract, (x[:6].requires_grad_(), weight))


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("frozen", ["x", "weight"])
def test_gradients_of_one_argument_only(frozen):
    basis, x, generator = spline(3, 6, "uniform", torch.float64)
    weight = torch.randn(3, basis.n_basis, 2, generator=generator, dtype=torch.float64)
    wanted = (weight if frozen == "x" else x).requires_grad_()
    (grad,) = torch.autograd.grad(basis.contract(x, weight).sin().sum(), wanted)
    (expected,) = torch.autograd.grad(Basis.contract(basis, x, weight).sin().sum(), wanted)
    torch.testing.assert_close(grad, expected)


def test_transforms_of_torch_take_the_plain_path():
    basis, x, generator = spline(3, 6, "uniform", torch.float64)
    weight = torch.randn(3, basis.n_basis, 2, generator=generator, dtype=torch.float64)
    jacobian = torch.func.jacrev(basis.contract, argnums=1)(x, weight)
    _, tangent = torch.func.jvp(lambda c: basis.contract(x, c), (weight,), (weight,))
    torch.testing.assert_close((jacobian * weight).flatten(2).sum(2), tangent)
    torch.testing.assert_close(tangent, basis.contract(x, weight))


def test_learned_knots_keep_their_gradients():
    from sklearn_kan.bases import TruncatedPower

    basis = TruncatedPower(2, n_knots=5, learn_knots=True)
    basis.contract(torch.randn(20, 2), torch.randn(2, basis.n_basis, 3)).sum().backward()
    assert basis.raw_widths.grad.abs().sum() > 0


@needs_library
def test_threads_of_the_caller_may_share_the_kernel(monkeypatch):
    monkeypatch.setattr(_library, "WORK_PER_THREAD", 1)
    basis, x, generator = spline(3, 6, "uniform", torch.float64)
    weight = torch.randn(3, basis.n_basis, 8, generator=generator, dtype=torch.float64)
    expected = basis.contract(x, weight)
    with ThreadPoolExecutor(4) as executor:
        for y in executor.map(lambda _: basis.contract(x, weight), range(40)):
            assert torch.equal(y, expected)


@needs_library
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_a_forked_child_makes_threads_of_its_own(monkeypatch):
    monkeypatch.setattr(_library, "WORK_PER_THREAD", 1)
    basis, x, weight = BSpline(3), torch.zeros(64, 3), torch.ones(3, 10, 4)
    with on_threads(2):
        expected = basis.contract(x, weight)
        assert _library._pool is not None

        def compare():
            sys.exit(0 if torch.equal(basis.contract(x, weight), expected) else 1)

        assert exit_code(started(compare, how="fork")) == 0


@pytest.mark.parametrize("switch", ["torch", ""])
def test_one_switch_turns_the_library_off(switch, monkeypatch):
    monkeypatch.setenv("SKLEARN_KAN_KERNELS", switch)
    anew = importlib.util.module_from_spec(importlib.util.find_spec(_library.__name__))
    anew.__spec__.loader.exec_module(anew)
    assert anew.has_library() is (switch != "torch" and kernels.has_library())


def test_other_types_are_left_to_torch():
    for operation in ("expanded_sums", "rational_values"):
        assert kernels.find(operation, torch.zeros(2, 2), torch.zeros(2))
        assert not kernels.find(operation, torch.zeros(2, 2, dtype=torch.float16))
        assert not kernels.find(operation, torch.zeros(2, 2), torch.zeros(2, dtype=torch.float64))


def test_a_subclass_that_evaluates_otherwise_is_heard():
    class Warped(BSpline):
        def forward(self, x):
            return super().forward(torch.tanh(x))

    basis, x, weight = Warped(2, n_knots=5), torch.randn(9, 2), torch.randn(2, 7, 3)
    torch.testing.assert_close(basis.contract(x, weight), basis.edge_functions(x, weight).sum(2))


@needs_library
def test_an_interrupted_caller_leaves_its_tensors_to_the_threads(monkeypatch):
    """Parts hold what they read and write, so that no memory is given back while a thread is at work."""
    submitted = []

    class Interrupting:
        def submit(self, function, *bounds):
            submitted.append(function)
            raise KeyboardInterrupt

    monkeypatch.setattr(_library, "WORK_PER_THREAD", 1)
    monkeypatch.setattr(_library, "pool", Interrupting)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    with pytest.raises(KeyboardInterrupt):
        BSpline(2).contract(torch.zeros(8, 2), torch.zeros(2, 10, 3))
    (part,) = submitted
    _, (_, *tensors) = part.__self__.kept
    assert all(isinstance(tensor, torch.Tensor) for tensor in tensors)


def test_a_library_that_cannot_be_loaded_is_as_none(tmp_path, monkeypatch):
    for suffix in _library.EXTENSION_SUFFIXES:
        (tmp_path / f"_compiled{suffix}").write_bytes(b"not a library")
    monkeypatch.setattr(_library, "__file__", str(tmp_path / "_library.py"))
    assert _library.load_library() is None


def test_fake_tensors_are_left_to_torch():
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        assert BSpline(2).contract(torch.zeros(8, 2), torch.zeros(2, 10, 3)).shape == (8, 3)


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("placement", ["uniform", "quantile"])
def test_nothing_but_the_input_is_kept_for_backward(placement):
    basis, x, generator = spline(3, 6, placement, torch.float32)
    weight = torch.randn(3, basis.n_basis, 5, generator=generator, requires_grad=True)
    x.requires_grad_()
    known = {tensor.untyped_storage().data_ptr() for tensor in (x, weight, *basis.buffers())}
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        basis.contract(x, weight)
    assert kept
    assert {tensor.untyped_storage().data_ptr() for tensor in kept} <= known
