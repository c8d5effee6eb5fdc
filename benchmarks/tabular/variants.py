"""Claim: no other recipe that was tried is clearly better than the default, on inner splits of training parts.

A variant is the default with something else in one place: parameters, or a part of the package replaced. It is fitted
to three quarters of a table's training part and scored on the last quarter; test splits are not touched. Differences
are paired, and their standard errors are over tables. Large training parts are cut to 8,000 rows.

    python -m benchmarks.tabular.variants --suite FOLDER --seeds 0 1 --methods "rate 0.02" "decay 4"
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from benchmarks.environment import environment
from benchmarks.tabular.recipes import VARIANTS
from benchmarks.tabular.suite import RESULTS, load
from sklearn_kan import KANClassifier, KANRegressor

MOST_ROWS = 8_000
DEFAULTS = "default", "default, again", "default, once more"  # with other random states: the noise of a fit


def inner_split(folder, entry, seed):
    """Rows to fit to and to score on, both from the training part of the first split."""
    X, y = load(folder, entry)
    strata = (lambda y: None) if entry["task"] == "regression" else (lambda y: y)
    X, _, y, _ = train_test_split(X, y, test_size=0.25, random_state=0, stratify=strata(y))
    X, X_scored, y, y_scored = train_test_split(X, y, test_size=0.25, random_state=100 + seed, stratify=strata(y))
    return X[:MOST_ROWS], X_scored, y[:MOST_ROWS], y_scored


def score(method, folder, entry, seed):
    """One fit of a variant: losses and seconds."""
    params, replaced = VARIANTS[method]
    is_regression = entry["task"] == "regression"
    X, X_scored, y, y_scored = inner_split(folder, entry, seed)
    random_state = seed + 1_000 * (DEFAULTS.index(method) if method in DEFAULTS else 0)
    start = time.process_time()
    with replaced():
        model = (KANRegressor if is_regression else KANClassifier)(random_state=random_state, **params).fit(X, y)
    row = {"method": method, "table": entry["name"], "task": entry["task"], "seed": seed, "n": len(y)}
    row |= {"fit_cpu_seconds": time.process_time() - start, "n_iter": model.n_iter_}
    if is_regression:
        error = float(np.sqrt(np.mean((model.predict(X_scored) - y_scored) ** 2)) / y_scored.std())
        return row | {"loss": error, "error": error}
    predicted = model.predict_proba(X_scored)
    error = float(np.mean(predicted.argmax(1) != y_scored))
    return row | {"loss": float(log_loss(y_scored, predicted)), "error": error}


def differences(rows, measure):
    """Logarithms of a measure over the default's, averaged over seeds: a row for each table, a column a variant."""
    frame = pd.DataFrame(rows).drop_duplicates(["method", "table", "seed"], keep="last")
    logarithm = frame.assign(value=np.log(frame[measure])).pivot(
        index=["table", "seed"], columns="method", values="value"
    )
    usual = logarithm[logarithm.columns.intersection(DEFAULTS)].mean(axis=1)
    return logarithm.sub(usual, axis=0).groupby("table").mean()


def summary(rows):
    """Mean differences to the default with standard errors over tables, and the ratio of times, by variant."""
    rows = [row | {"error": row["error"] + 0.01} for row in rows]  # as suites are summed up
    parts = {measure: differences(rows, measure) for measure in ("loss", "error", "fit_cpu_seconds")}
    result = {}
    for method in parts["loss"]:
        one = {name: part[method].dropna() for name, part in parts.items()}
        n = len(one["loss"])
        result[method] = {"tables": n, "time": float(np.exp(one["fit_cpu_seconds"].mean()))}
        for name in ("loss", "error"):
            result[method][name] = float(one[name].mean())
            result[method][f"{name}_se"] = float(one[name].std() / np.sqrt(n)) if n > 1 else None
        result[method]["by_table"] = {table: float(value) for table, value in one["loss"].items()}
    return result


def shown(results):
    """A line for each variant."""
    lines = []
    for method, one in results.items():
        if one["tables"] < 2:
            continue
        by_table = " ".join(f"{table[:4]} {100 * value:+.1f}" for table, value in one["by_table"].items())
        lines.append(
            f"{method:32} loss {100 * one['loss']:+.2f}±{100 * one['loss_se']:.2f} error {100 * one['error']:+.2f}"
            f"±{100 * one['error_se']:.2f} time {one['time']:.2f} | {by_table}"
        )
    return "\n".join(lines)


def spoken(name):
    """The name of a variant, from one that a shell takes without quotes."""
    return name.replace("_", " ")


def run(folder, methods, seeds, tables, path):
    """Score variants on inner splits of all tables, and write each row as it comes; what is there stays."""
    torch.set_num_threads(1)
    entries = [e for e in json.loads((folder / "suite.json").read_text()) if not tables or e["name"] in tables]
    rows = json.loads(path.read_text())["rows"] if path.exists() else []
    done = {(row["method"], row["table"], row["seed"]) for row in rows}
    for method in dict.fromkeys([DEFAULTS[0], *methods]):
        for seed in seeds:
            for entry in entries:
                if (method, entry["name"], seed) in done:
                    continue
                rows.append(score(method, folder, entry, seed))
                result = {"claim": __doc__.split("\n")[0], **environment(), "seeds": seeds}
                result["most_rows"] = MOST_ROWS
                path.write_text(json.dumps({**result, "rows": rows}, indent=1) + "\n")
        print(shown({method: summary(rows)[method]}), flush=True)
    result["summary"] = summary(rows)
    path.write_text(json.dumps({**result, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--methods", nargs="+", default=list(VARIANTS), choices=list(VARIANTS), type=spoken)
    parser.add_argument("--tables", nargs="+", default=[])
    parser.add_argument("--name", default="variants")
    asked = parser.parse_args()
    run(asked.suite, asked.methods, asked.seeds, asked.tables, RESULTS / f"{asked.name}.json")
