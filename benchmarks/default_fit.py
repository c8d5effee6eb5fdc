"""Claim: a default fit of 100,000 rows takes three times MLPRegressor's, two threads save a third, memory is little.

Wall and CPU time of fits with default settings: iris, twenty fits of a grid search on 500 rows, 100,000 rows with one
thread and with two (medians of three), and a million rows with the memory that they take beside the table.

    python -m benchmarks.default_fit
"""

import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor

from benchmarks.environment import environment, forget_peak, peak_mb
from sklearn_kan import KANClassifier, KANRegressor

SEED, D, REPEATS = 0, 10, 3
RESULTS = Path(__file__).parent / "results" / "default_fit.json"


def rows(n):
    generator = np.random.default_rng(SEED)
    X = generator.normal(size=(n, D)).astype(np.float32)
    return X, np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * generator.normal(size=n)


def seconds(fit, repeats=REPEATS):
    """Medians of wall and CPU time."""
    times = []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        fit()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    return dict(zip(("wall", "cpu"), np.median(times, axis=0).tolist(), strict=True))


def main():
    torch.set_num_threads(1)
    figures = {}
    X, y = load_iris(return_X_y=True)
    KANClassifier(max_iter=1).fit(X, y)
    figures["iris"] = seconds(lambda: KANClassifier(random_state=SEED).fit(X, y))
    X, y = rows(500)
    grid = GridSearchCV(KANRegressor(random_state=SEED), {"alpha": [0.5, 1.0, 2.0, 4.0]}, cv=5, refit=False)
    figures["twenty fits of 500 rows"] = seconds(lambda: grid.fit(X, y), 1)
    X, y = rows(100_000)
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        figures[f"100,000 rows, {n_threads} threads"] = seconds(lambda: KANRegressor(random_state=SEED).fit(X, y))
    torch.set_num_threads(1)
    figures["100,000 rows, MLPRegressor"] = seconds(lambda: MLPRegressor(random_state=SEED).fit(X, y), 1)
    X, y = rows(1_000_000)
    torch.set_num_threads(2)
    start = forget_peak()
    figures["1,000,000 rows, 2 threads"] = seconds(lambda: KANRegressor(random_state=SEED).fit(X, y), 1)
    figures["mb_beside_a_million_rows"] = peak_mb() - start
    print(json.dumps(figures, indent=1))
    result = {"claim": __doc__.split("\n")[0], **environment(), "seed": SEED, "repeats": REPEATS, **figures}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
