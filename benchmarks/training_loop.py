"""Claim: at 10,000 rows and batches of 256 the training loop costs at most 15 % more than a bare torch loop.

Both take the same steps of AdamW with the same schedule on the same network; the estimator's loop goes through skorch,
watches the loss, keeps a history and guards against divergence. `fit` adds reading, encoding and placing knots.

    python -m benchmarks.training_loop
"""

import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from benchmarks.environment import environment
from sklearn_kan import KAN, KANRegressor
from sklearn_kan.training._losses import squared_error
from sklearn_kan.training._phases import ADAM_BETAS, cosine, phases_for
from sklearn_kan.training._rows import Rows
from sklearn_kan.training._settings import Settings
from sklearn_kan.training._train import train

SEED, N, D, BATCH, EPOCHS, REPEATS = 0, 10_000, 10, 256, 30, 7
RATE, DECAY = 3e-3, 3.0
RESULTS = Path(__file__).parent / "results" / "training_loop.json"


def data():
    generator = np.random.default_rng(SEED)
    X = generator.normal(size=(N, D)).astype(np.float32)
    y = np.sin(2 * X[:, 0]) + X[:, 1] ** 2 + 0.1 * generator.normal(size=N)
    return X, y.astype(np.float32)


def network():
    return KAN(D, 1, n_knots=6, generator=torch.Generator().manual_seed(SEED))


def bare_loop(X, y):
    module, generator = network(), torch.Generator().manual_seed(SEED)
    optimizer = torch.optim.AdamW(module.parameters(), lr=RATE, betas=ADAM_BETAS, weight_decay=DECAY, fused=True)
    n_batches, step = -(-N // BATCH), 0
    for _ in range(EPOCHS):
        for index in torch.randperm(N, generator=generator).tensor_split(n_batches):
            for group in optimizer.param_groups:
                group["lr"] = RATE * cosine(step / (EPOCHS * n_batches))
            step += 1
            optimizer.zero_grad()
            (0.5 * (module(X[index]) - y[index]).square()).mean().backward()
            optimizer.step()


def own_loop(X, y):
    settings = Settings(
        max_iter=EPOCHS, batch_size=BATCH, learning_rate_init=RATE, alpha=DECAY, n_iter_no_change=EPOCHS
    )
    phases = phases_for(settings, N, squared_error, n_layers=2)
    rows = Rows(X, y, torch.ones(N))
    train(network(), rows, squared_error, phases, settings, generator=torch.Generator().manual_seed(SEED))


def main():
    torch.set_num_threads(1)
    X, y = data()
    tensors = torch.from_numpy(X), torch.from_numpy(y)[:, None]
    model = KANRegressor(max_iter=EPOCHS, batch_size=BATCH, early_stopping=False, random_state=SEED)
    functions = {
        "bare loop": lambda: bare_loop(*tensors),
        "training loop": lambda: own_loop(*tensors),
        "fit": lambda: model.fit(X, y),
    }
    seconds = {name: [] for name in functions}
    for turn in range(REPEATS + 1):
        for name, function in functions.items():
            start = time.process_time()
            function()
            if turn:
                seconds[name].append(time.process_time() - start)
    medians = {name: float(np.median(values)) for name, values in seconds.items()}
    ratios = {name: value / medians["bare loop"] for name, value in medians.items()}
    print(medians, ratios)
    result = {"claim": __doc__.split("\n")[0], **environment(), "seed": SEED, "epochs": EPOCHS, "repeats": REPEATS}
    RESULTS.write_text(json.dumps({**result, "cpu_seconds": medians, "over_bare_loop": ratios}, indent=1) + "\n")


if __name__ == "__main__":
    main()
