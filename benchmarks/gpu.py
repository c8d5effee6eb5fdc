"""Claim: on a GPU a KAN layer costs at most the matrix product of its expanded inputs, and stores no expansion.

Forward and backward of one layer by the Triton kernels and by plain torch, beside the product of inputs that are
expanded already, and beside the roofline: the time that the layer's numbers need at the copy bandwidth, or that its
products need at the rate of large matrix products, both measured in the same run. Splines are cubic with uniform knots
and without the base branch. efficient-kan and rational_kat_cu are measured in the same run where they are installed.
Without a GPU nothing is measured and nothing is written. Not measured on a GPU yet.

    python -m benchmarks.gpu
"""

import argparse
import importlib
import json
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.environment import environment
from sklearn_kan import KANLayer, kernels
from sklearn_kan.kernels import cuda
from sklearn_kan.kernels.cuda._launch import has_triton

SEED = 0
SIZES = [(64, 1024), (64, 8192), (256, 1024), (256, 8192), (1024, 8192)]
N_BASIS = [8, 16, 32, 64]
N_GROUPS = 8
SETTINGS = {"float32": (torch.float32, False), "tf32": (torch.float32, True), "bfloat16": (torch.bfloat16, False)}
RESULTS = Path(__file__).parent / "results" / "gpu.json"


def median_ms(function, repeats):
    """Median milliseconds on the GPU; the first calls compile and warm up."""
    times = []
    for turn in range(repeats + 3):
        start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        function()
        stop.record()
        stop.synchronize()
        if turn >= 3:
            times.append(start.elapsed_time(stop))
    return float(np.median(times))


def peak_mb(function):
    """Memory taken at most by a call beyond what was taken before, in 2**20 bytes."""
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    function()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def copy_gb_per_s(repeats):
    source = torch.empty(2**30, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return 2 * source.nbytes / median_ms(lambda: target.copy_(source), repeats) / 1e6


def matmul_tflop_per_s(dtype, repeats):
    a, b = torch.rand(2, 8192, 8192, dtype=dtype, device="cuda")
    return 2 * 8192**3 / median_ms(lambda: a @ b, repeats) / 1e9


def training_step(contract, *leaves):
    """Forward and backward, as a function without arguments."""
    leaves = [leaf.detach().requires_grad_() for leaf in leaves]
    grad = torch.rand_like(contract(*leaves))
    return lambda: torch.autograd.grad(contract(*leaves), leaves, grad)


def module_step(module, x):
    module = module.to(x.device, x.dtype)
    parameters = [p for p in module.parameters() if p.requires_grad]
    x = x.detach().requires_grad_()
    grad = torch.rand_like(module(x))
    return lambda: torch.autograd.grad(module(x), (x, *parameters), grad, allow_unused=True)


def in_plain_torch(function):
    def call():
        with patch.object(kernels, "find", lambda operation, *tensors, **splines: None):
            return function()

    return call


def plain_rational(x, weight, numerator, denominator):
    def horner(coef):
        value = torch.zeros_like(x)
        for c in reversed(coef.repeat_interleave(x.shape[1] // N_GROUPS, 0).unbind(1)):
            value = value * x + c
        return value

    return horner(numerator) / (1 + (x * horner(denominator)).abs()) @ weight


def rational_kernel(x, weight, numerator, denominator):
    ends = -float("inf"), float("inf")
    return cuda.rational_contract(x, weight, numerator, denominator, ends, plain_rational)


def spline_steps(width, n, n_basis, dtype):
    x = (0.5 * torch.randn(n, width, device="cuda")).to(dtype)
    own = module_step(KANLayer(width, width, n_knots=n_basis - 2, base=False), x)
    expanded = torch.rand(n, width * n_basis, dtype=dtype, device="cuda")
    weight = torch.rand(width, width * n_basis, dtype=dtype, device="cuda")
    steps = {"kernel": own, "plain torch": in_plain_torch(own), "product": training_step(F.linear, expanded, weight)}
    if dtype == torch.float32 and find_spec("efficient_kan"):
        layer = importlib.import_module("efficient_kan").KANLinear(width, width, grid_size=n_basis - 3)
        steps["efficient-kan"] = module_step(layer, x)
    return steps


def rational_steps(width, n, dtype):
    shapes = (n, width), (width, width), (N_GROUPS, 6), (N_GROUPS, 4)
    x, weight, a, b = (torch.randn(shape, device="cuda").to(dtype) for shape in shapes)
    steps = {
        "kernel": training_step(rational_kernel, x, weight, a, b),
        "plain torch": training_step(plain_rational, x, weight, a, b),
        "product": training_step(F.linear, x, weight),
    }
    if dtype == torch.float32 and find_spec("kat_rational"):
        group = importlib.import_module("kat_rational").KAT_Group(num_groups=N_GROUPS)
        steps["rational_kat_cu"] = module_step(nn.Sequential(group, nn.Linear(width, width, bias=False)), x[None])
    return steps


def floor_ms(width, n, n_basis, dtype, gb_per_s, tflop_per_s):
    """Least time of forward and backward: numbers read and written once, or three products."""
    n_numbers = 5 * n * width + 3 * width * width * n_basis  # x twice, its gradient, y's gradient, y; coefficients
    return max(n_numbers * dtype.itemsize / gb_per_s / 1e6, 6 * n * width * width * n_basis / tflop_per_s / 1e9)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    if not torch.cuda.is_available():
        raise SystemExit("There is no GPU here: nothing was measured, and nothing is written.")
    if not has_triton():
        raise SystemExit("Triton is missing or turned off: nothing was measured, and nothing is written.")
    torch.manual_seed(SEED)
    gb_per_s, rates, layers = copy_gb_per_s(repeats), {}, []
    for setting, (dtype, allow_tf32) in SETTINGS.items():
        torch.backends.cuda.matmul.allow_tf32 = allow_tf32
        rates[setting] = matmul_tflop_per_s(dtype, repeats)
        for width, n in SIZES:
            cases = [("spline", n_basis, spline_steps(width, n, n_basis, dtype)) for n_basis in N_BASIS]
            for family, n_basis, steps in [*cases, ("rational", 1, rational_steps(width, n, dtype))]:
                row = {"family": family, "setting": setting, "in": width, "out": width, "n": n, "n_basis": n_basis}
                row["ms"] = {name: median_ms(step, repeats) for name, step in steps.items()}
                row["peak_mb"] = {name: peak_mb(step) for name, step in steps.items()}
                row["ms"]["roofline"] = floor_ms(width, n, n_basis, dtype, gb_per_s, rates[setting])
                layers.append(row)
                print({key: row[key] for key in row if key not in ("ms", "peak_mb", "out")}, flush=True)
                print("  ms", {name: round(value, 4) for name, value in row["ms"].items()})
                print("  peak, MiB", {name: round(value, 1) for name, value in row["peak_mb"].items()})
    roofline = {"copy_gb_per_s": gb_per_s, "matmul_tflop_per_s": rates}
    kernel = kernels.describe_gpu_kernel()
    head = {"claim": __doc__.split("\n")[0], **environment(), "gpu_kernel": kernel, "seed": SEED}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**head, **roofline, "layers": layers}, indent=1) + "\n")


if __name__ == "__main__":
    main()
