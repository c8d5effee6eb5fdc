"""Claim: pruning takes out half of the first layer's edges at a loss of at most 1 %, on average over tables.

A default model is fitted to two thirds of each table's training rows, `prune` is given the other third, and losses are
those of test rows: squared error, or cross-entropy, over that of the whole model. Prediction is timed in turns, the
fastest of `REPEATS` each.

    python -m benchmarks.pruning --suite FOLDER --tables ames concrete bikeshare phoneme magic satimage --seeds 0
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from benchmarks.environment import environment
from benchmarks.tabular.suite import RESULTS, load
from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.inspection import prune

MOST_ROWS, MOST_TEST_ROWS, REPEATS = 9_000, 5_000, 7
LIMIT = 0.01


def loss(model, X, y):
    """Squared error, or cross-entropy."""
    if hasattr(model, "classes_"):
        return float(log_loss(y, model.predict_proba(X), labels=model.classes_))
    return float(np.mean((model.predict(X) - y) ** 2))


def edges(model):
    """Edges of the first layer, from columns to units of all members."""
    architecture = model._fitted_model().architecture  # `model_` would have predictions pack the network anew each time
    return int(model.selected_features_.sum()) * architecture.hidden_layer_sizes[0] * (architecture.n_members or 1)


def seconds(models, X):
    """The fastest prediction of each model, measured in turns."""
    found = np.full((REPEATS, len(models)), np.inf)
    for repeat in range(REPEATS):
        for place, model in enumerate(models):
            start = time.process_time()
            model.predict(X)
            found[repeat, place] = time.process_time() - start
    return found.min(0)


def score(folder, entry, seed):
    """One table and split."""
    X, y = load(folder, entry)
    is_regression = entry["task"] == "regression"
    stratify = None if is_regression else y
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=seed, stratify=stratify)
    X_train, y_train = X_train[:MOST_ROWS], y_train[:MOST_ROWS]
    X_test, y_test = X_test[:MOST_TEST_ROWS], y_test[:MOST_TEST_ROWS]
    n = 2 * len(X_train) // 3
    model = (KANRegressor if is_regression else KANClassifier)(random_state=seed).fit(X_train[:n], y_train[:n])
    start = time.process_time()
    small = prune(model, X_train[n:], y_train[n:], max_loss_increase=LIMIT)
    row = {"table": entry["name"], "seed": seed, "prune_cpu_seconds": time.process_time() - start}
    whole_seconds, small_seconds = seconds([model, small], X_test)
    return row | {
        "loss_ratio": loss(small, X_test, y_test) / loss(model, X_test, y_test),
        "edges_left": edges(small) / edges(model),
        "columns": [int(model.selected_features_.sum()), int(small.selected_features_.sum())],
        "members": [model.n_members, small.n_members],
        "units": [model.hidden_layer_sizes[0], small.hidden_layer_sizes[0]],
        "speed_up": float(whole_seconds / small_seconds),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", type=Path, required=True)
    parser.add_argument("--tables", nargs="+", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    args = parser.parse_args()
    torch.set_num_threads(1)
    entries = {entry["name"]: entry for entry in json.loads((args.suite / "suite.json").read_text())}
    rows = []
    for name in args.tables:
        for seed in args.seeds:
            rows.append(score(args.suite, entries[name], seed))
            print(rows[-1], flush=True)
    result = {"claim": __doc__.splitlines()[0].removeprefix("Claim: "), **environment(), "seeds": args.seeds}
    settings = {"max_loss_increase": LIMIT, "most_rows": MOST_ROWS, "most_test_rows": MOST_TEST_ROWS}
    (RESULTS / "pruning.json").write_text(json.dumps(result | settings | {"rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
