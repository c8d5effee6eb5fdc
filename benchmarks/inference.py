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

SEED, D, ROUNDS, ROWS_A_ROUND = 0, 10, 9, 30
RESULTS = Path(__file__).parent / "results" / "inference.json"


def medians_us(calls, repeats):
    """Medians of CPU times, of calls that take turns, so that a busy machine is busy for all."""
    times = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            for _ in range(repeats):
                start = time.process_time()
                call()
                times[name].append(time.process_time() - start)
    return {name: float(np.median(own) * 1e6) for name, own in times.items()}


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
    of_rows = {name: lambda model=model, row=table[:1]: model.predict(row) for name, (model, table) in models.items()}
    of_tables = {name: lambda model=model, table=table: model.predict(table) for name, (model, table) in models.items()}
    latency = medians_us(of_rows, ROWS_A_ROUND)
    rows_per_second = {name: len(X) / us * 1e6 for name, us in medians_us(of_tables, 1).items()}
    table = np.resize(X, (1_000_000, D))
    start = forget_peak()
    result = kan.predict(table)
    extra = peak_mb() - start - result.nbytes / 2**20
    figures = {"latency_us": latency, "rows_per_second": rows_per_second, "mb_beside_a_million_rows": extra}
    print(figures)
    result = {
        "claim": __doc__.split("\n")[0],
        **environment(),
        "seed": SEED,
        "repeats": ROUNDS * ROWS_A_ROUND,
        **figures,
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
