"""Claim: columns with fine structure are found by default; on published tables errors are three quarters of CatBoost's.

Tables of places with published splits (air quality and temperatures over time; Fang et al. 2024, whose code carries
them), and made-up ones with a wave, steps or a sawtooth in one of five columns, with defaults. Errors are those of test
rows; "without" is the same fit with ``fine_knots=None``. RMSE, means over splits or seeds.

    python -m benchmarks.fine_structure FOLDER
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from catboost import CatBoostRegressor

from benchmarks.environment import environment
from sklearn_kan import KANRegressor

PUBLISHED = "beijing_pm25", "beijing_pm10", "us_temperature"
N_SPLITS, SIZES, N_TEST, NOISE = 5, (1_000, 3_000, 10_000), 5_000, 0.1
STEPS = np.random.RandomState(9).randn(60)
EFFECTS = {
    "wave": lambda t: np.sin(200 * t),
    "steps": lambda t: STEPS[np.minimum((60 * t).astype(int), 59)],
    "sawtooth": lambda t: (25 * t) % 1,
    "nothing fine": lambda t: np.sin(6 * t),
}
RESULTS = Path(__file__).parent / "results" / "fine_structure.json"


def published(folder, name, split):
    with np.load(folder / f"{name}.npz") as table:
        return [table[f"{part}_{what}_{split}"] * 1.0 for part in ("train", "test") for what in ("index", "value")]


def made_up(effect, n, seed):
    generator = np.random.RandomState(seed)
    X = generator.rand(n + N_TEST, 5)
    y = effect(X[:, 1]) + np.cos(3 * X[:, 0]) * X[:, 2] + X[:, 3] ** 2 + NOISE * generator.randn(len(X))
    return X[:n], y[:n], X[n:], y[n:]


def models(seed):
    return {
        "sklearn_kan": KANRegressor(random_state=seed),
        "without": KANRegressor(random_state=seed, fine_knots=None),
        "CatBoost": CatBoostRegressor(random_seed=seed, thread_count=1, verbose=False, allow_writing_files=False),
    }


def measured(X, y, X_test, y_test, seed):
    """Test errors and CPU times by model, and the knots of fine columns."""
    row = {"rmse": {}, "seconds": {}}
    for name, model in models(seed).items():
        start = time.process_time()
        model.fit(X, y)
        row["seconds"][name] = time.process_time() - start
        row["rmse"][name] = float(np.sqrt(np.mean((model.predict(X_test) - y_test) ** 2)))
        if name == "sklearn_kan":
            row["fine_knots"] = model.fine_knots_.tolist()
    return row


def main(folder):
    torch.set_num_threads(1)
    tables = {name: lambda k, name=name: published(folder, name, k) for name in PUBLISHED}
    for n in SIZES:
        for kind, effect in EFFECTS.items():
            tables[f"{kind}, {n} rows"] = lambda k, effect=effect, n=n: made_up(effect, n, k)
    rows = []
    for name, load in tables.items():
        for k in range(N_SPLITS if name in PUBLISHED else 3):
            rows.append({"table": name, "split": k, **measured(*load(k), k)})
            print(json.dumps(rows[-1]), flush=True)
    result = {"claim": __doc__.split("\n")[0], **environment(), "noise": NOISE, "rows": rows}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
