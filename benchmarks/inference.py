"""Claim: one row is predicted in a millisecond at most, 100,000 in a quarter of a second, all in bounded memory.

Latency of `predict` for one row and throughput for 100,000, of arrays and dataframes, beside scikit-learn's MLP and
CatBoost where it is installed, and the memory that a million rows take beside their table and the result.

    python -m benchmarks.inference
"""

import json
import os
import time
from importlib.util import find_spec
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


def catboost(X, y):
    """CatBoost's model on one thread; None where it is not installed."""
    if not find_spec("catboost"):
        return None
    from catboost import CatBoostRegressor

    return CatBoostRegressor(random_seed=SEED, thread_count=1, verbose=False, allow_writing_files=False).fit(X, y)


def main():
    torch.set_num_threads(1)
    generator = np.random.default_rng(SEED)
    X = generator.normal(size=(100_000, D)).astype(np.float32)
    y = np.sin(2 * X[:, 0]) + X[:, 1] ** 2
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(D)])
    mixed = frame.assign(**{f"x{i}": pd.Categorical.from_codes(generator.integers(0, 8, len(X)), list("abcdefgh"))
                            for i in range(7, D)})  # fmt: skip
    few = slice(0, 5000)
    kan = KANRegressor(max_iter=3, random_state=SEED).fit(X[few], y[few])
    of_frames = KANRegressor(max_iter=3, random_state=SEED).fit(frame[few], y[few])
    of_mixed = KANRegressor(max_iter=3, random_state=SEED).fit(mixed[few], y[few])
    models = {
        "KANRegressor, array": (kan, X),
        "KANRegressor, dataframe": (of_frames, frame),
        "KANRegressor, dataframe with 3 categories": (of_mixed, mixed),
        "MLPRegressor, array": (MLPRegressor(max_iter=20, random_state=SEED).fit(X[few], y[few]), X),
        "CatBoostRegressor, array": (catboost(X[few], y[few]), X),
    }
    models = {name: (model, table) for name, (model, table) in models.items() if model is not None}
    latency = {
        name: median_us(lambda model=model, row=table[:1]: model.predict(row), REPEATS)
        for name, (model, table) in models.items()
    }
    rows_per_second = {
        name: len(X) / median_us(lambda model=model, table=table: model.predict(table), 9) * 1e6
        for name, (model, table) in models.items()
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
