"""Claim: intervals of 90 % hold 88 to 92 % of new rows, on every regression table on average over splits.

Learned from at most `MOST_ROWS` training rows, by default settings. Widths are over the standard deviation of the test
rows' target. The spread is that of the members: 1.645 of their standard deviations, as if it were an interval.

    python -m benchmarks.tabular.intervals --suite FOLDER --seeds 0 1 2
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import train_test_split

from benchmarks.environment import environment
from benchmarks.tabular.suite import RESULTS, load
from sklearn_kan import KANRegressor

LEVEL = 0.9
MOST_ROWS, MOST_TEST_ROWS = 3_000, 5_000


def score(folder, entry, seed):
    """Coverage and width on one split."""
    X, y = load(folder, entry)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=seed)
    start = time.process_time()
    model = KANRegressor(random_state=seed).fit(X_train[:MOST_ROWS], y_train[:MOST_ROWS])
    row = {"table": entry["name"], "seed": seed, "n_rows": min(len(y_train), MOST_ROWS)}
    row["solver"] = model.solver_
    row["fit_cpu_seconds"] = time.process_time() - start
    X_test, y_test = X_test[:MOST_TEST_ROWS], y_test[:MOST_TEST_ROWS]
    mean, interval = model.predict(X_test, return_interval=LEVEL)
    low, high = interval.T
    row["coverage"] = float(((low <= y_test) & (y_test <= high)).mean())
    row["width"] = float((high - low).mean() / y_test.std())
    mean, spread = model.predict(X_test, return_std=True)
    row["coverage_of_spread"] = float((np.abs(y_test - mean) <= 1.645 * spread).mean())
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()
    torch.set_num_threads(1)
    entries = [e for e in json.loads((args.suite / "suite.json").read_text()) if e["task"] == "regression"]
    rows = []
    for entry in entries:
        for seed in args.seeds:
            rows.append(score(args.suite, entry, seed))
            print(rows[-1], flush=True)
    settings = {"level": LEVEL, "most_rows": MOST_ROWS, "most_test_rows": MOST_TEST_ROWS}
    result = {"claim": __doc__.splitlines()[0].removeprefix("Claim: "), **environment(), "seeds": args.seeds}
    (RESULTS / "intervals.json").write_text(json.dumps(result | settings | {"rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
