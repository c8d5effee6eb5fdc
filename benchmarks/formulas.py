"""Claim: KANSymbolicRegressor finds nine in ten of AI Feynman's laws without noise, and calls no other exact.

1,000 rows of a law, drawn evenly from its ranges. A law counts as found if the formula has its values on ranges that
are a quarter wider on both sides (95 % of errors below 1e-6 of the median deviation): as it is, or, as its form, with
constants fitted to rows without noise. Seconds are CPU time of one thread.

    python -m benchmarks.formulas                              # AI Feynman's 100 laws without noise
    python -m benchmarks.formulas --laws unseen --noise 0.01   # further lists and noise are added to the file
    python -m benchmarks.formulas --laws compared --method operon
"""

import argparse
import json
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import sympy as sp
import torch

from benchmarks.environment import environment
from benchmarks.formula_peers import COLUMNS, PEERS
from benchmarks.laws import FIRST, LISTS, parts_of, sample, truth, widened
from sklearn_kan.symbolic import KANSymbolicRegressor
from sklearn_kan.symbolic._expressions import Table, complexity, evaluate, refit

SEED, N_SAMPLES, SAME = 0, 1000, 1e-6
RESULTS = Path(__file__).parent / "results" / "formulas.json"
# ten of AI Feynman's laws that are not products of powers
COMPARED = [
    "I.6.2b",
    "I.10.7",
    "I.15.10",
    "I.18.4",
    "I.32.17",
    "I.50.26",
    "II.11.3",
    "II.35.21",
    "III.4.33",
    "III.9.52",
]
CHOICES = {
    "compared": COMPARED,
    "first": FIRST, **{name: list(laws) for name, laws in LISTS.items()},
    "further": [name for name in LISTS["feynman"] if name not in FIRST],
}  # fmt: skip


def measure(name, noise, max_seconds, seed):
    """One fit, judged on wider ranges."""
    X, y = sample(name, N_SAMPLES, noise, seed)
    frame = pd.DataFrame(X, columns=parts_of(name)[1])
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = KANSymbolicRegressor(max_seconds, random_state=seed).fit(frame, y)
    seconds = time.process_time() - start
    symbols = [sp.Symbol(column) for column in frame.columns]
    row = {"law": name, "method": "ours", "noise": noise, "seed": seed, "columns": X.shape[1], "seconds": seconds,
           "called_exact": model.is_exact_, "steps": model.n_steps_}  # fmt: skip
    return row | judged(name, model.formula_, symbols, seed)


def measure_peer(peer, name, noise, max_seconds, seed):
    """The same for another package."""
    X, y = sample(name, N_SAMPLES, noise, seed)
    start = time.process_time()
    formula = PEERS[peer](X, y, max_seconds, seed)
    row = {"law": name, "method": peer, "noise": noise, "seed": seed, "columns": X.shape[1],
           "seconds": time.process_time() - start, "called_exact": False, "steps": 0}  # fmt: skip
    return row | judged(name, formula, [sp.Symbol(c) for c in COLUMNS[: X.shape[1]]], seed)


def judged(name, formula, symbols, seed):
    """What a formula is worth."""
    fresh, _ = sample(name, N_SAMPLES, 0.0, seed + 1)
    clean = truth(name, fresh)
    predictions = np.nan_to_num(evaluate(formula, symbols, fresh), nan=clean.mean())
    return {
        "found": found(name, formula, symbols, fresh, clean), "complexity": complexity(formula),
        "r2": float(1 - np.mean((predictions - clean) ** 2) / clean.var()), "formula": str(formula),
    }  # fmt: skip


def found(name, formula, symbols, fresh, clean):
    """Whether a formula is the law: "exact", "form", or "no"."""
    table = Table(tuple(symbols), fresh, clean, np.ones(len(clean)), float(clean.std()))
    wide, values = widened(name)
    if distance(formula, symbols, wide, values) < SAME:
        return "exact"
    with np.errstate(all="ignore"):
        clean_fit = refit(formula, table)
    return "form" if distance(clean_fit.formula, symbols, wide, values) < SAME else "no"


def distance(formula, symbols, X, y):
    predictions = evaluate(formula, symbols, X)
    usable = np.isfinite(predictions)
    if usable.mean() < 0.9:
        return np.inf
    return np.quantile(np.abs(predictions - y)[usable], 0.95) / np.median(np.abs(y - np.median(y)))


def is_done(rows, name, method, seed, options):
    """Whether a law was tried with this limit, or found with a shorter one."""
    key = name, method, options.noise, seed
    same = [row for row in rows if (row["law"], row["method"], row["noise"], row["seed"]) == key]
    return any(row["found"] != "no" or row["max_seconds"] >= options.max_seconds for row in same)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--laws", choices=CHOICES, default="feynman")
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--max-seconds", type=float, default=15)
    parser.add_argument("--seeds", type=int, nargs="+", default=[SEED])
    parser.add_argument("--method", choices=["ours", *PEERS], default="ours")
    options = parser.parse_args()
    torch.set_num_threads(1)
    limit, method = options.max_seconds, options.method
    for seed in options.seeds:
        for name in CHOICES[options.laws]:
            rows = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
            if is_done(rows, name, method, seed, options):
                continue
            if method == "ours":
                row = measure(name, options.noise, limit, seed)
            else:
                row = measure_peer(method, name, options.noise, limit, seed)
            rows.append(row | {"max_seconds": limit})
            print(name, row["found"], round(row["seconds"], 1), row["formula"][:90], flush=True)
            result = {"claim": __doc__.split("\n")[0], **environment(), "rows_of_a_table": N_SAMPLES}
            RESULTS.write_text(json.dumps({**result, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
