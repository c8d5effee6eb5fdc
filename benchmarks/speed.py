"""Claim: a spline layer costs at most the matrix product of its expanded inputs, and less the more knots it has.

Forward and backward of one layer (cubic B-splines without the base branch, uniform knots, float32, one thread) by the
compiled kernel and by plain torch, beside the product ``(n, in * n_basis) @ (in * n_basis, out)`` with inputs that are
expanded already; then one Adam step of small networks beside that of a plain network of the same widths. efficient-kan
and fast-kan are measured in the same run where they are installed.

    python -m benchmarks.speed
"""

import argparse
import importlib
import json
import os
import time
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.environment import environment
from sklearn_kan import KAN, KANLayer
from sklearn_kan.kernels import _cpu

SEED = 0
SIZES = [(64, 1024), (64, 8192), (256, 1024), (256, 8192)]
N_BASIS = [8, 16, 32, 64]
NETWORKS = [((10, 8, 1), 256), ((20, 32, 32, 3), 512)]
RESULTS = Path(__file__).parent / "results" / "speed.json"


def median_ms(functions, repeats):
    """Median CPU milliseconds of each function, called in turn so that a drifting machine is fair to all."""
    times = {name: [] for name in functions}
    for turn in range(repeats + 1):
        for name, function in functions.items():
            start = time.process_time()
            function()
            if turn:  # the first turn warms up
                times[name].append(time.process_time() - start)
    return {name: float(np.median(values) * 1e3) for name, values in times.items()}


def product(n, width, n_basis):
    x = torch.rand(n, width * n_basis, requires_grad=True)
    weight = torch.rand(width, width * n_basis, requires_grad=True)
    grad = torch.rand(n, width)
    return lambda: torch.autograd.grad(F.linear(x, weight), (x, weight), grad)


def layer(module, x, grad):
    parameters = [p for p in module.parameters() if p.requires_grad]
    return lambda: torch.autograd.grad(module(x), (x, *parameters), grad, allow_unused=True)


def in_plain_torch(function):
    def call():
        with patch.object(_cpu, "LIBRARY", None):
            return function()

    return call


def peers(width, n_basis):
    """Layers of other libraries with as many basis functions, where they are installed."""
    found = {}
    for name, module, build in [
        ("efficient-kan", "efficient_kan", lambda m: m.KANLinear(width, width, grid_size=n_basis - 3)),
        ("fast-kan", "fastkan", lambda m: m.FastKANLayer(width, width, num_grids=n_basis)),
    ]:
        if importlib.util.find_spec(module):
            found[name] = build(importlib.import_module(module))
    return found


def time_layer(width, n, n_basis, repeats):
    x, grad = (0.5 * torch.randn(n, width)).requires_grad_(), torch.rand(n, width)
    own = layer(KANLayer(width, width, n_knots=n_basis - 2, base=False), x, grad)
    functions = {"product": product(n, width, n_basis), "plain torch": in_plain_torch(own)}
    if _cpu.LIBRARY is not None:
        functions["kernel"] = own
    functions |= {name: layer(module, x, grad) for name, module in peers(width, n_basis).items()}
    return {"in": width, "out": width, "n": n, "n_basis": n_basis, "ms": median_ms(functions, repeats)}


def time_network(sizes, n, repeats):
    """One step of Adam on a KAN and on a plain network of the same widths."""
    x, y = torch.randn(n, sizes[0]), torch.randn(n, sizes[-1])
    layers = [nn.Sequential(nn.Linear(a, b), nn.SiLU()) for a, b in pairwise(sizes[:-1])]
    models = {
        "KAN": KAN(sizes[0], sizes[-1], hidden_layer_sizes=sizes[1:-1], n_knots=6),
        "MLP": nn.Sequential(*layers, nn.Linear(*sizes[-2:])),
    }

    def step(model):
        optimizer = torch.optim.Adam(model.parameters(), fused=True)

        def call():
            optimizer.zero_grad()
            (model(x) - y).square().mean().backward()
            optimizer.step()

        return call

    return {"sizes": sizes, "n": n, "ms": median_ms({name: step(m) for name, m in models.items()}, 20 * repeats)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    layers = []
    for width, n in SIZES:
        for n_basis in N_BASIS:
            layers.append(time_layer(width, n, n_basis, repeats))
            ms = layers[-1]["ms"]
            ratios = {name: round(value / ms["product"], 2) for name, value in ms.items()}
            print(f"{width} -> {width}, n={n}, {n_basis} basis functions, times of the product:", ratios, flush=True)
    networks = [time_network(sizes, n, repeats) for sizes, n in NETWORKS]
    for row in networks:
        print(row["sizes"], "KAN / MLP step:", round(row["ms"]["KAN"] / row["ms"]["MLP"], 2))
    result = {"claim": __doc__.split("\n")[0], **environment(), "seed": SEED, "layers": layers, "networks": networks}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
