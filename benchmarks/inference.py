"""Claim: one row is predicted in less than half a millisecond, and a million in bounded memory.

Latency of `predict` for one row (an array and a dataframe) and throughput for 100,000, beside scikit-learn's MLP of the
same width, and the memory that a prediction for a million rows takes beside its table and its result.

    python -m benchmarks.inference
"""

import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import torch
from sklearn.neural_network import MLPRegressor

from benchmarks.environment import environment, forget_peak, peak_mb
from sklearn_kan import KANRegressor

SEED, D, REPEATS = 0, 10, 300
RESULTS = Path(__file__).parent / "results" / "inference.json"


def median_us(function, repeats):
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return float(np.median(times) * 1e6)


def main():
    torch.set_num_threads(1)
    generator = np.random.default_rng(SEED)
    X = generator.normal(size=(100_000, D)).astype(np.float32)
    y = np.sin(2 * X[:, 0]) + X[:, 1] ** 2
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(D)])
    kan = KANRegressor(max_iter=3, random_state=SEED).fit(X[:5000], y[:5000])
    of_frames = KANRegressor(max_iter=3, random_state=SEED).fit(frame[:5000], y[:5000])
    mlp = MLPRegressor(hidden_layer_sizes=(64,), max_iter=20, random_state=SEED).fit(X[:5000], y[:5000])
    row, module = torch.from_numpy(X[:1]), kan.module_
    with torch.inference_mode():
        module_us = median_us(lambda: module(row), REPEATS)
    latency = {
        "KANRegressor, array": median_us(lambda: kan.predict(X[:1]), REPEATS),
        "KANRegressor, dataframe": median_us(lambda: of_frames.predict(frame[:1]), REPEATS),
        "its module": module_us,
        "MLPRegressor, array": median_us(lambda: mlp.predict(X[:1]), REPEATS),
    }
    rows_per_second = {
        name: len(X) / median_us(lambda model=model: model.predict(X), 9) * 1e6
        for name, model in (("KANRegressor", kan), ("MLPRegressor", mlp))
    }
    table = np.resize(X, (1_000_000, D))
    start = forget_peak()
    result = kan.predict(table)
    extra = peak_mb() - start - result.nbytes / 2**20
    figures = {"latency_us": latency, "rows_per_second": rows_per_second, "mb_beside_a_million_rows": extra}
    print(figures)
    result = {"claim": __doc__.split("\n")[0], **environment(), "seed": SEED, "repeats": REPEATS, **figures}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
