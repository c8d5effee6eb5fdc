"""Claim: a spline layer costs at most the matrix product of its expanded inputs, and less the more knots it has.

Forward and backward of one layer (cubic B-splines without the base branch, uniform knots, float32, one thread) by the
compiled kernel and by plain torch, beside the product ``(n, in * n_basis) @ (in * n_basis, out)`` with inputs that are
expanded already; then one Adam step of small networks beside that of a plain network of the same widths; then the
memory of a training step. Layers of other libraries are measured in the same run where they can be imported:
efficient-kan, fast-kan, inkan (compiled by torch), TruKAN as published, and pykan for the networks.

    python -m benchmarks.speed
"""

import argparse
import contextlib
import importlib
import io
import json
import multiprocessing
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

from benchmarks.environment import environment, forget_peak, peak_mb
from sklearn_kan import KAN, KANLayer
from sklearn_kan.kernels import has_library
from sklearn_kan.kernels.cpu import _library

SEED = 0
SIZES = [(64, 1024), (64, 8192), (256, 1024), (256, 8192)]
N_BASIS = [8, 16, 32, 64]
NETWORKS = [((10, 8, 1), 256), ((20, 32, 32, 3), 512)]
RESULTS = Path(__file__).parent / "results" / "speed.json"


def median_ms(functions, repeats):
    """Median CPU milliseconds of each function, called in turn so that a drifting machine is fair to all.

    Each is called once right before it is timed, as it would be in a loop: its memory is there, its caches are warm.
    """
    times = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            function()
            start = time.process_time()
            function()
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
        with patch.object(_library, "LIBRARY", None):
            return function()

    return call


LAYERS = {
    "efficient-kan": ("efficient_kan", lambda m, width, k: m.KANLinear(width, width, grid_size=k - 3)),
    "fast-kan": ("fastkan", lambda m, width, k: m.FastKANLayer(width, width, num_grids=k)),
    "inkan": ("inkan", lambda m, width, k: m.KANLayer(width, width, grid_size=k - 3, spline_order=3)),
    "TruKAN": ("trukan", lambda m, width, k: m.TruKanLayer(width, width, degree=3, num_knots=k - 4)),
}
NETS = {
    "efficient-kan": ("efficient_kan", lambda m, sizes: m.KAN(list(sizes), grid_size=5)),
    "fast-kan": ("fastkan", lambda m, sizes: m.FastKAN(list(sizes), num_grids=8)),
    "inkan": ("inkan", lambda m, sizes: nn.Sequential(*(m.KANLayer(*pair, grid_size=5) for pair in pairwise(sizes)))),
    "pykan": ("kan", lambda m, sizes: m.KAN(width=list(sizes), grid=5, k=3, auto_save=False).speed()),
}


def peers(makers, *arguments):
    """What other libraries make of the same sizes, where they are installed."""
    found = {}
    for name, (module, build) in makers.items():
        if importlib.util.find_spec(module):
            with contextlib.redirect_stdout(io.StringIO()):
                found[name] = build(importlib.import_module(module), *arguments)
    return found


def time_layer(width, n, n_basis, repeats):
    x, grad = (0.5 * torch.randn(n, width)).requires_grad_(), torch.rand(n, width)
    own = layer(KANLayer(width, width, n_knots=n_basis - 2, base=False), x, grad)
    functions = {"product": product(n, width, n_basis), "plain torch": in_plain_torch(own)}
    if has_library():
        functions["kernel"] = own
    if n_basis <= 16:
        functions |= {name: layer(module, x, grad) for name, module in peers(LAYERS, width, n_basis).items()}
    return {"in": width, "out": width, "n": n, "n_basis": n_basis, "ms": median_ms(functions, repeats)}


def saved_bytes(module, x):
    """Bytes that autograd keeps for backward, apart from parameters and buffers."""
    known = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        module(x)
    return sum(kept.values())


def peak_of_a_step(pipe, width, n, n_basis, peer):
    """Megabytes by which one forward and backward raises the peak of a process that holds layer and input."""
    torch.set_num_threads(1)
    x, grad = torch.randn(n, width).mul_(0.5).requires_grad_(), torch.rand(n, width)
    own = peer is None
    module = KANLayer(width, width, n_knots=n_basis - 2, base=False) if own else peers(LAYERS, width, n_basis)[peer]
    small = layer(module, x[:8].detach().requires_grad_(), grad[:8])
    small()  # loads what is loaded once
    start = forget_peak()
    layer(module, x, grad)()
    pipe.send(peak_mb() - start)


def memory(width, n, n_basis):
    """Peak of a step and saved activations, per library."""
    context = multiprocessing.get_context("spawn")
    rows = {}
    installed = [name for name, (module, _) in LAYERS.items() if importlib.util.find_spec(module)]
    for peer in [None, *installed]:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=peak_of_a_step, args=(sender, width, n, n_basis, peer))
        process.start()
        rows[peer or "sklearn_kan"] = {"peak_mb": receiver.recv()}
        process.join()
    x = torch.randn(n, width, requires_grad=True)
    saved = saved_bytes(KANLayer(width, width, n_knots=n_basis - 2, base=False), x)
    rows["sklearn_kan"]["saved_over_input"] = saved / (x.numel() * 4)
    return {"in": width, "out": width, "n": n, "n_basis": n_basis, "memory": rows}


def time_network(sizes, n, repeats):
    """One step of Adam on a KAN and on a plain network of the same widths."""
    x, y = torch.randn(n, sizes[0]), torch.randn(n, sizes[-1])
    layers = [nn.Sequential(nn.Linear(a, b), nn.SiLU()) for a, b in pairwise(sizes[:-1])]
    models = {
        "KAN": KAN(sizes[0], sizes[-1], hidden_layer_sizes=sizes[1:-1], n_knots=6),
        "MLP": nn.Sequential(*layers, nn.Linear(*sizes[-2:])),
        **peers(NETS, sizes),
    }

    def step(model):
        optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], fused=True)

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
        print(row["sizes"], {name: round(ms / row["ms"]["MLP"], 2) for name, ms in row["ms"].items()}, "times the MLP")
    peaks = memory(256, 8192, 8)
    print(peaks)
    result = {"claim": __doc__.split("\n")[0], **environment(), "seed": SEED, "repeats": repeats, "layers": layers,
              "networks": networks, "memory": peaks}  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
