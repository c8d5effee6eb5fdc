"""How kernels are launched: sums in parts, on demand, compiled for a GPU that is not here."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch

from sklearn_kan import kernels
from sklearn_kan.kernels import cuda
from sklearn_kan.kernels.cuda import _launch
from tests.kernels.cuda.oracle import (
    assert_agree,
    normal,
    outputs_and_gradients,
    rational_contract,
    spline,
    spline_contract,
)
from tests.processes import PATIENCE


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


@pytest.fixture
def compiled_before(request, tmp_path):
    """Where Triton keeps what it has compiled, by source, settings and version: from run to run if pytest may."""
    cache = getattr(request.config, "cache", None)
    return str(tmp_path if cache is None else cache.mkdir("triton"))


def test_kernels_compile_for_a_gpu_that_is_not_here_and_are_imported_on_demand(compiled_before):
    # In a process of its own, where kernels are compiled rather than interpreted.
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, str(Path(__file__).with_name("compile_kernels.py"))]
    done = subprocess.run(command, env=environment | {"TRITON_CACHE_DIR": compiled_before}, timeout=PATIENCE,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    imported, *compiled = done.stdout.splitlines()
    assert imported == "on demand"
    names = {"spline_forward", "spline_grad_x", "spline_grad_weight"}
    names |= {"rational_forward", "rational_grad_x", "rational_grad_weight"}
    found = [tuple(line.split()) for line in compiled]
    settings = [("float32", "ieee"), ("float32", "tf32"), ("float64", "ieee"), ("bfloat16", "ieee")]
    assert {line[:3] for line in found} == {(name, *setting) for name in names for setting in settings}
    assert {line[3] for line in found} == {"plain"}  # atomics would add in an order of their own


@pytest.mark.parametrize(("switch", "has_it", "words"), [("torch", False, "plain torch"), ("", True, "Triton 3")])
def test_one_switch_turns_device_code_off(switch, has_it, words, monkeypatch):
    monkeypatch.setenv("SKLEARN_KAN_KERNELS", switch)
    monkeypatch.setattr(_launch, "has_triton", _launch.has_triton.__wrapped__)  # which remembers the switch
    assert _launch.has_triton() is has_it
    assert kernels.describe_gpu_kernel().startswith(words)


def test_tensors_on_the_cpu_are_not_for_the_gpu():
    assert not cuda.takes(torch.zeros(2, 2), torch.zeros(2, 2))
