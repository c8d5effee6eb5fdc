"""Claim: KANSymbolicRegressor finds nine in ten of AI Feynman's laws without noise, and calls no other exact.

1,000 rows of a law, drawn evenly from its ranges. A law counts as found if the formula has its values on ranges that
are a quarter wider on both sides (95 % of errors below 1e-6 of the median deviation): as it is, or, as its form, with
constants fitted to rows without noise. Seconds are CPU time of one thread.

    python -m benchmarks.formulas                              # AI Feynman's 100 laws without noise
    python -m benchmarks.formulas --laws unseen --noise 0.01   # further lists and noise are added to the file
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
import torch

from benchmarks.environment import environment
from benchmarks.laws import FIRST, LISTS, parts_of, sample, truth, widened
from sklearn_kan.symbolic import KANSymbolicRegressor
from sklearn_kan.symbolic._expressions import Table, complexity, evaluate, refit

SEED, N_SAMPLES, SAME = 0, 1000, 1e-6
RESULTS = Path(__file__).parent / "results" / "formulas.json"
CHOICES = {
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
    fresh, _ = sample(name, N_SAMPLES, 0.0, seed + 1)
    clean = truth(name, fresh)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predictions = model.predict(pd.DataFrame(fresh, columns=frame.columns))
    return {
        "law": name, "noise": noise, "seed": seed, "columns": X.shape[1], "found": found(name, model, fresh, clean),
        "called_exact": model.is_exact_, "seconds": seconds, "steps": model.n_steps_,
        "complexity": complexity(model.formula_), "r2": float(1 - np.mean((predictions - clean) ** 2) / clean.var()),
        "formula": str(model.formula_),
    }  # fmt: skip


def found(name, model, fresh, clean):
    """Whether the formula is the law: "exact", "form", or "no"."""
    law = model._law
    table = Table(law.symbols, fresh, clean, np.ones(len(clean)), float(clean.std()))
    wide, values = widened(name)
    if distance(law.formula, law.symbols, wide, values) < SAME:
        return "exact"
    with np.errstate(all="ignore"):
        clean_fit = refit(law.formula, table)
    return "form" if distance(clean_fit.formula, law.symbols, wide, values) < SAME else "no"


def distance(formula, symbols, X, y):
    predictions = evaluate(formula, symbols, X)
    usable = np.isfinite(predictions)
    if usable.mean() < 0.9:
        return np.inf
    return np.quantile(np.abs(predictions - y)[usable], 0.95) / np.median(np.abs(y - np.median(y)))


def is_done(rows, name, seed, options):
    """Whether a law was tried with this limit, or found with a shorter one."""
    same = [row for row in rows if (row["law"], row["noise"], row["seed"]) == (name, options.noise, seed)]
    return any(row["found"] != "no" or row["max_seconds"] >= options.max_seconds for row in same)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--laws", choices=CHOICES, default="feynman")
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--max-seconds", type=float, default=15)
    parser.add_argument("--seeds", type=int, nargs="+", default=[SEED])
    options = parser.parse_args()
    torch.set_num_threads(1)
    before = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
    for seed in options.seeds:
        for name in CHOICES[options.laws]:
            if is_done(before, name, seed, options):
                continue
            row = measure(name, options.noise, options.max_seconds, seed) | {"max_seconds": options.max_seconds}
            before.append(row)
            print(name, row["found"], round(row["seconds"], 1), row["formula"][:90], flush=True)
            result = {"claim": __doc__.split("\n")[0], **environment(), "rows_of_a_table": N_SAMPLES}
            RESULTS.write_text(json.dumps({**result, "rows": before}, indent=1) + "\n")


if __name__ == "__main__":
    main()
