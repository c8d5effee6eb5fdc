"""Claim: layers give the values of the papers' own code where formulas agree, and a training step takes no longer.

Layers from 64 to 64, eight functions of each input, a batch of 1024, on one thread. Published layers are taken up where
they can be imported: ``PYTHONPATH`` names the folders that hold ``efficient_kan``, ``trukan``, ``sine_kan``,
``kat_1dgroup_torch`` and ``af_kan`` (All-KAN).

- Values: our layer takes over their parameters, or theirs ours, in float64; the largest difference within the range.
- Step: forward, backward (parameters and input), and Adam, in float32, in turn with the published layer.
- Individual knots beside shared ones: time of a step, and memory beside layer and input.

    PYTHONPATH=efficient-kan/src:trukan/src:SineKAN:... python -m benchmarks.papers
"""

import argparse
import importlib
import json
import multiprocessing
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import nn

from benchmarks.environment import environment, forget_peak, peak_mb
from benchmarks.speed import median_ms
from sklearn_kan import KANLayer
from sklearn_kan.bases._activation import COMBINATIONS

WIDTH, BATCH, N_KNOTS, SEED = 64, 1024, 6, 0
MANY = 16_384  # rows, of which a step's memory can be told from the allocator's reserves
RESULTS = Path(__file__).parent / "results" / "papers.json"
INDIVIDUAL = {"individual_knots": True}


def layer(basis, **params):
    """Our layer, in which every formula that a paper has no branch for is left out."""
    return KANLayer(WIDTH, WIDTH, basis, n_knots=N_KNOTS, base=False, basis_params=params)


def splines():
    return KANLayer(WIDTH, WIDTH, n_knots=N_KNOTS)


def sines():
    return KANLayer(WIDTH, WIDTH, "sine", n_knots=8, base=False)


def efficient_kan():
    return importlib.import_module("efficient_kan").KANLinear(WIDTH, WIDTH, grid_size=N_KNOTS - 1)


def trukan(**options):
    return importlib.import_module("trukan").TruKanLayer(WIDTH, WIDTH, num_knots=N_KNOTS - 2, **options)


def sinekan():
    return importlib.import_module("sine_kan").SineKANLayer(WIDTH, WIDTH, device="cpu", grid_size=8)


class GroupRational(nn.Module):
    """The published groups of rational functions, which take (batch, length, channels), and a linear map."""

    def __init__(self):
        super().__init__()
        self.rational = importlib.import_module("kat_1dgroup_torch").KAT_Group_Torch(mode="swish")
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        return self.linear(self.rational(x[:, None])[:, 0])


class AFKAN(nn.Module):
    """The published layer, which takes one input for each of its methods of pooling."""

    def __init__(self, method="global_attn", **options):
        super().__init__()
        published = importlib.import_module("af_kan").AF_KANLayer
        self.layer = published(WIDTH, N_KNOTS - 1, 3, WIDTH, methods=[method], **options)

    def forward(self, x):
        return self.layer(x[None])[0]


STEPS = {  # published layer, ours
    "efficient-kan": (efficient_kan, splines),
    "TruKAN, shared knots": (trukan, lambda: layer("truncated_power")),
    "TruKAN, learned knots": (lambda: trukan(learn_knots=True), lambda: layer("truncated_power", learn_knots=True)),
    "TruKAN, individual knots": (lambda: trukan(shared_knots=False), lambda: layer("truncated_power", **INDIVIDUAL)),
    "SineKAN": (sinekan, sines),
    "rational_kat_cu": (GroupRational, lambda: layer("rational")),
    "AF-KAN, linear": (lambda: AFKAN("multistep"), lambda: layer("activation", pool="linear")),
    "AF-KAN, attention": (AFKAN, lambda: layer("activation", pool="attention")),
}


@torch.no_grad()
def values():
    """Pairs of functions of `x` for which formulas agree, by name; both in float64."""
    ours, theirs = splines().double(), efficient_kan().double()
    ours.coef.copy_(theirs.scaled_spline_weight)
    ours.base_weight.copy_(theirs.base_weight)
    yield "efficient-kan", theirs, ours

    for kind, params in {"shared": {}, "individual": INDIVIDUAL}.items():
        ours = layer("truncated_power", **params).double()
        theirs = trukan(shared_knots=kind == "shared").double()
        theirs.coeffs.copy_(ours.basis.power_coef(ours.coef).transpose(0, 1))
        inner = ours.basis.current_knots()[:, 1:-1]
        theirs.fixed_knots = inner.unflatten(0, (WIDTH, WIDTH)).transpose(0, 1) if params else inner
        yield f"TruKAN, {kind} knots", theirs, ours

    ours, theirs = sines().double(), sinekan().double()
    ours.basis.frequency.copy_(theirs.freq.flatten())
    ours.basis.phase.copy_(theirs.phase[0, 0])
    ours.coef.copy_(theirs.amplitudes / ours.basis.scale)
    ours.bias.copy_(theirs.bias[0])
    yield "SineKAN", theirs, ours

    for kind, even_only in {"as published": False, "even powers below": True}.items():
        ours, theirs = layer("rational").double(), GroupRational().double()
        theirs.rational.weight_denominator[:, 0::2] *= not even_only
        ours.basis.a.copy_(theirs.rational.weight_numerator.expand(8, -1))
        ours.basis.b.copy_(theirs.rational.weight_denominator)
        ours.coef.copy_(theirs.linear.weight[..., None])
        ours.bias.copy_(theirs.linear.bias)
        yield f"rational_kat_cu, {kind}", theirs, ours

    for combination in COMBINATIONS:
        theirs = AFKAN(func=combination, func_norm=False).double().layer
        ours = layer("activation", combination=combination).double().basis
        ours.rate.fill_(1.0)
        ours.start.copy_(theirs.phase_low.expand(WIDTH, -1))
        ours.end.copy_(theirs.phase_high.expand(WIDTH, -1))
        yield f"AF-KAN, functions, {combination}", theirs.extract_features, ours.functions


def training_step(module, x, target):
    optimizer = torch.optim.Adam(module.parameters(), fused=True)

    def step():
        optimizer.zero_grad()
        x.grad = None
        (module(x) - target).square().mean().backward()
        optimizer.step()

    return step


def peak_of_a_step(pipe, params):
    """Megabytes by which a step raises the peak of a process that holds layer, input and optimizer."""
    torch.set_num_threads(1)
    module = layer("truncated_power", **params)
    x, target = (0.5 * torch.randn(MANY, WIDTH)).requires_grad_(), torch.randn(MANY, WIDTH)
    training_step(module, x[:8].detach().requires_grad_(), target[:8])()  # loads what is loaded once
    start = forget_peak()
    training_step(module, x, target)()
    pipe.send(peak_mb() - start)


def memory(params):
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=peak_of_a_step, args=(sender, params))
    process.start()
    peak = receiver.recv()
    process.join()
    return peak


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=21)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    within = 1.98 * torch.rand(BATCH, WIDTH, dtype=torch.float64) - 0.99
    differences = {}
    for name, theirs, ours in values():
        differences[name] = float((theirs(within) - ours(within)).detach().abs().max())
        print(f"{name}: largest difference {differences[name]:.1e}", flush=True)
    x, target = (0.5 * torch.randn(BATCH, WIDTH)).requires_grad_(), torch.randn(BATCH, WIDTH)
    steps = {}
    for name, makers in STEPS.items():
        published, ours = (training_step(make(), x, target) for make in makers)
        few = repeats if "individual" not in name else max(1, repeats // 4)
        steps[name] = median_ms({"published": published, "ours": ours}, few)
        print(name, steps[name], flush=True)
    kinds = {"shared": {}, "individual": INDIVIDUAL}
    pair = {kind: training_step(layer("truncated_power", **params), x, target) for kind, params in kinds.items()}
    knots = {"ms": median_ms(pair, repeats), "peak_mb": {kind: memory(params) for kind, params in kinds.items()}}
    print(knots)
    settings = {"in": WIDTH, "out": WIDTH, "n": BATCH, "n_of_memory": MANY, "seed": SEED, "repeats": repeats}
    measured = {"differences": differences, "step_ms": steps, "individual_knots": knots}
    result = {"claim": __doc__.split("\n")[0], **environment(), **settings, **measured}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
