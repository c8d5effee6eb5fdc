"""GPU kernels against plain torch in float64: on a GPU where there is one, otherwise by Triton's interpreter."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch

from sklearn_kan import kernels
from sklearn_kan.bases import BSpline, Rational
from sklearn_kan.bases._base import Basis
from sklearn_kan.kernels import cuda
from sklearn_kan.kernels.cuda import _launch, _spline

pytest.importorskip("triton", reason="Triton has no wheels for this machine")

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
needs_cuda = pytest.mark.skipif(DEVICE == "cpu", reason="needs CUDA")
TOLERANCES = {torch.float32: 2e-6, torch.float64: 1e-13, torch.bfloat16: 3e-2}  # of the largest value
INFINITE = (-float("inf"), float("inf"))
all_types = pytest.mark.parametrize("dtype", list(TOLERANCES), ids=str)


@pytest.fixture(autouse=True)
def interpreter(monkeypatch):
    """What Triton's interpreter needs to be right for bfloat16, and to be quicker.

    It holds bfloat16 as integers, and multiplies matrices of them as such: widen them before. And it patches Triton's
    language anew whenever a device function is called, where once per file of functions is enough.
    """
    if DEVICE == "cpu":
        import triton.language as tl
        from triton.runtime import interpreter

        dot = interpreter.InterpreterBuilder.create_dot
        patched = set()

        def widened(self, handle):
            return self.cast_impl(handle, tl.float32) if handle.dtype.scalar == tl.bfloat16 else handle

        def create_dot(self, a, b, *arguments):
            return dot(self, widened(self, a), widened(self, b), *arguments)

        def call(self, *arguments, **constants):
            if self.fn.__module__ not in patched:
                interpreter._patch_lang(self.fn)
                patched.add(self.fn.__module__)
            return self.rewrite()(*arguments, **constants)

        monkeypatch.setattr(interpreter.InterpreterBuilder, "create_dot", create_dot)
        monkeypatch.setattr(interpreter.InterpretedFunction, "__call__", call)


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


def test_sums_over_rows_may_be_split(monkeypatch):
    basis, x = spline(2), normal(260, 2)
    weight = normal(2, basis.n_basis, 3)
    of_rational = [normal(*shape) for shape in [(2, 3), (1, 6), (1, 4)]]
    contract, splits = partial(spline_contract, basis), []
    split = _launch.Tile.split
    monkeypatch.setattr(_launch.Tile, "split", lambda *args: splits.append(split(*args)) or splits[-1])
    many = outputs_and_gradients(contract, x, weight), outputs_and_gradients(rational_contract, x, *of_rational)
    monkeypatch.setattr(_launch, "ENOUGH_PROGRAMS", 1)
    one = outputs_and_gradients(contract, x, weight), outputs_and_gradients(rational_contract, x, *of_rational)
    assert [grid[2] for grid, _ in splits] == [2, 3, 1, 1]
    for found, expected in zip(many, one, strict=True):
        assert_agree(found, expected, torch.float64)


def test_strided_inputs_and_gradients_are_read_rightly():
    basis = spline(3)
    weight = normal(4, basis.n_basis, 3).transpose(0, 2)
    check_spline(basis, normal(20, 6)[::2, 1:4], weight)
    x = normal(9, 3).requires_grad_()
    y = spline_contract(basis, x, weight)
    (grad,) = torch.autograd.grad(y.sum(), x)  # of a sum, a gradient is one number of stride 0
    (expected,) = torch.autograd.grad(Basis.contract(basis, x, weight).sum(), x)
    torch.testing.assert_close(grad, expected)


@pytest.mark.parametrize("shape", [(0, 3, 4), (5, 0, 4), (5, 3, 0)])
def test_nothing_in_gives_zeros(shape):
    n, n_inputs, n_outputs = shape
    basis = BSpline(n_inputs).to(DEVICE, torch.float64)
    x, weight = normal(n, n_inputs), normal(n_inputs, basis.n_basis, n_outputs)
    check_spline(basis, x, weight)
    weight, a, b = normal(n_inputs, n_outputs), normal(2, 6), normal(2, 4)
    y, *gradients = outputs_and_gradients(rational_contract, x, weight, a, b)
    assert y.shape == (n, n_outputs)
    assert not y.any()
    for gradient, leaf in zip(gradients, (x, weight, a, b), strict=True):
        assert torch.equal(gradient, torch.zeros_like(leaf))


def test_gradcheck():
    basis = spline(2, n_knots=5, knots="quantile")
    leaves = normal(4, 2).requires_grad_(), normal(2, basis.n_basis, 2).requires_grad_()
    assert torch.autograd.gradcheck(partial(spline_contract, basis), leaves, fast_mode=True)
    leaves = [normal(*shape, seed=k).requires_grad_() for k, shape in enumerate([(5, 3), (3, 2), (2, 6), (2, 4)])]
    assert torch.autograd.gradcheck(partial(rational_contract, ends=(-1.0, 0.7)), leaves, fast_mode=True)


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


def plain_rational(x, weight, numerator, denominator, ends=INFINITE):
    """As the formula reads, the tangents by automatic differentiation."""
    group = torch.arange(x.shape[1], device=x.device) * len(numerator) // x.shape[1]
    c = x.clamp(*ends)
    p = sum(numerator[group, j] * c**j for j in range(6))
    q = sum(denominator[group, j - 1] * c**j for j in range(1, 5))
    value = p / (1 + q.abs())
    (slope,) = torch.autograd.grad(value.sum(), c, create_graph=True)
    return (value + slope * (x - c)) @ weight


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


def test_shapes_that_do_not_belong_together():
    basis = spline(2)
    with pytest.raises(ValueError, match=r"x has shape \(5, 3\)\. Pass \(n_samples, 2\)"):
        spline_contract(basis, normal(5, 3), normal(2, basis.n_basis, 4))
    with pytest.raises(ValueError, match=r"x has shape \(5, 3\)\. Pass \(n_samples, 2\)"):
        rational_contract(normal(5, 3), normal(2, 4), normal(1, 6), normal(1, 4))
    with pytest.raises(ValueError, match=r"\(\(1, 5\), \(1, 4\)\)\. Pass \(groups, 6\) and \(groups, 4\)"):
        rational_contract(normal(5, 2), normal(2, 4), normal(1, 5), normal(1, 4))


def run(*arguments, **environment):
    """Run Python in a process of its own, where kernels are compiled rather than interpreted."""
    inherited = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, env=inherited | environment, timeout=300, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kernels_compile_for_a_gpu_that_is_not_here(tmp_path):
    compiled = run(Path(__file__).with_name("compile_kernels.py"), TRITON_CACHE_DIR=str(tmp_path))
    names = {"spline_forward", "spline_grad_x", "spline_grad_weight"}
    names |= {"rational_forward", "rational_grad_x", "rational_grad_weight"}
    found = [tuple(line.split()) for line in compiled.splitlines()]
    settings = [("float32", "ieee"), ("float32", "tf32"), ("float64", "ieee"), ("bfloat16", "ieee")]
    assert {line[:3] for line in found} == {(name, *setting) for name in names for setting in settings}
    assert {line[3] for line in found} == {"plain"}  # atomics would add in an order of their own


def test_device_code_is_imported_on_demand_and_one_switch_turns_it_off():
    program = """
import os, sys
from sklearn_kan import kernels
from sklearn_kan.kernels.cuda._launch import has_triton
assert has_triton()
assert not [name for name in sys.modules if name.startswith("sklearn_kan.") and name.endswith("_device")]
os.environ["SKLEARN_KAN_KERNELS"] = "torch"
has_triton.cache_clear()
print(has_triton(), kernels.describe_gpu_kernel())
"""
    assert run("-c", program) == "False plain torch\n"
    assert kernels.describe_gpu_kernel().startswith("Triton 3")


def test_tensors_on_the_cpu_are_not_for_the_gpu():
    assert not cuda.takes(torch.zeros(2, 2), torch.zeros(2, 2))


@needs_cuda
@all_types
def test_layers_on_a_gpu_take_the_kernel(dtype, monkeypatch):
    basis = spline(3, dtype)
    launched, launch = [], _spline.launch
    monkeypatch.setattr(_spline, "launch", lambda name, *arguments: launched.append(name) or launch(name, *arguments))
    basis.contract(normal(9, 3, dtype=dtype), normal(3, basis.n_basis, 4, dtype=dtype))
    assert launched == ["spline_forward"]
    assert not kernels.find("spline_sums", normal(9, 3, dtype=dtype).half())


@needs_cuda
@all_types
def test_real_sizes_agree_bit_for_bit_with_themselves_and_with_torch(dtype):
    basis = spline(64, dtype, n_knots=20, knots="quantile")
    x, weight = normal(5000, 64, dtype=dtype), normal(64, basis.n_basis, 96, dtype=dtype)
    check_spline(basis, x, weight)
    contract = partial(spline_contract, basis)
    for once, again in zip(outputs_and_gradients(contract, x, weight), outputs_and_gradients(contract, x, weight),
                           strict=True):  # fmt: skip
        assert torch.equal(once, again)


@needs_cuda
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


@needs_cuda
def test_the_expansion_is_never_in_memory():
    basis = spline(256, torch.float32, n_knots=62)
    x, weight = normal(20_000, 256, dtype=torch.float32), normal(256, basis.n_basis, 64, dtype=torch.float32)
    outputs_and_gradients(lambda *leaves: basis.contract(*leaves), x, weight)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    outputs_and_gradients(lambda *leaves: basis.contract(*leaves), x, weight)
    assert torch.cuda.max_memory_allocated() - before < x.nbytes * basis.n_basis / 8


@needs_cuda
def test_more_numbers_than_an_int32_counts():
    basis = spline(1, torch.float32)
    weight = normal(1, basis.n_basis, 8, dtype=torch.float32)
    x = normal(2**28 + 100, 1, dtype=torch.float32)
    with torch.no_grad():
        y = basis.contract(x, weight)
        torch.testing.assert_close(y[-100:], basis.contract(x[-100:], weight))
