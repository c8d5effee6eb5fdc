"""Claim: glass boxes as C, Python, SQL and JSON predict the same to 1e-6 of the spread, inside the table and outside.

A suite is a folder as in ``benchmarks.tabular.suite``. A sum of functions of single columns is fitted to part of each
table. It predicts other rows, and rows with numbers twenty times as far out, gaps, and labels that it does not know. C
is compiled, Python executed, SQL run by SQLite, and JSON evaluated as its docstring says. Differences are the largest
ones, over the standard deviation of the model's predictions or probabilities.

    python -m benchmarks.source --suite FOLDER
"""

import argparse
import ctypes
import json
import os
import sqlite3
import subprocess
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from benchmarks.environment import environment
from benchmarks.tabular.suite import load
from sklearn_kan import KANClassifier, KANRegressor
from sklearn_kan.export import to_c, to_json, to_python, to_sql

SEED, MAX_ITER, FITTED, INSIDE, OUTSIDE, BY_PYTHON = 0, 5, 1_000, 150, 50, 20
MOST_SQL = 3e6  # characters, beyond which SQLite takes minutes to read a query
RESULTS = Path(__file__).parent / "results" / "source.json"


def rows_of(X, held_out):
    """Rows inside, and outside with gaps and unknown labels."""
    inside, outside = X.iloc[held_out[:INSIDE]], X.iloc[held_out[-OUTSIDE:]].copy()
    for place, name in enumerate(X):
        if pd.api.types.is_numeric_dtype(X[name]):
            outside[name] = outside[name].astype(float) * 20
            gap = np.nan
        else:
            outside[name] = outside[name].astype(object)
            outside.iloc[(2 * place) % OUTSIDE, place] = "never seen"
            gap = None
        outside.iloc[(2 * place + 1) % OUTSIDE, place] = gap
    return pd.concat([inside.astype(outside.dtypes), outside], ignore_index=True)


def by_c(source, rows, is_text, folder):
    (folder / "model.c").write_text(source, encoding="utf-8")
    command = ["cc", "-std=c99", "-O1", "-shared", "-fPIC", "model.c", "-o", "model.so", "-lm"]
    subprocess.run(command, cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "model.so"))
    n_outputs = ctypes.c_int.in_dll(library, "kan_n_outputs").value
    numbers = np.ascontiguousarray(rows.loc[:, ~is_text].to_numpy(float))
    texts = [
        (ctypes.c_char_p * is_text.sum())(*(None if pd.isna(label) else str(label).encode() for label in row))
        for row in rows.loc[:, is_text].itertuples(index=False)
    ]
    found, start = np.zeros((len(rows), n_outputs)), time.process_time()
    doubles = ctypes.POINTER(ctypes.c_double)
    for own, labels, out in zip(numbers, texts, found, strict=True):
        library.kan_predict(own.ctypes.data_as(doubles), labels, out.ctypes.data_as(doubles))
    return found, (time.process_time() - start) / len(rows)


def by_python(source, rows, is_regression):
    module: dict = {}
    exec(source, module)
    table = rows.astype(object).where(rows.notna(), None).to_dict("records")
    start = time.process_time()
    if is_regression:
        found = np.array([[module["predict"](row)] for row in table])
    else:
        found = np.array([list(module["predict_proba"](row).values()) for row in table])
    return found, (time.process_time() - start) / len(rows)


def by_sql(source, rows, is_regression):
    source = source.replace('" AS (', '" AS MATERIALIZED (')
    connection = sqlite3.connect(":memory:")
    rows.to_sql("data", connection, index=False)
    start = time.process_time()
    found = pd.read_sql(source, connection)
    seconds = (time.process_time() - start) / len(rows)
    names = ["prediction"] if is_regression else [name for name in found if name.startswith("probability_")]
    return found[names].to_numpy(float), seconds


def by_json(text, rows):
    """As the docstring of `to_json` has it."""
    found = json.loads(text)
    total = np.zeros((len(rows), len(found["intercept"]))) + found["intercept"]
    for term in found["terms"]:
        total += [value(term, x) for x in rows[term["column"]].tolist()]
    if found["link"] == "logit":
        return np.stack([1 / (1 + np.exp(total[:, 0])), 1 / (1 + np.exp(-total[:, 0]))], 1)
    if found["link"] == "softmax":
        weight = np.exp(total - total.max(1, keepdims=True))
        return weight / weight.sum(1, keepdims=True)
    return total


def value(term, x):
    """A term of one column."""
    if x is None or x != x:
        return term["missing"]
    if term["kind"] == "choice":
        return dict(map(tuple, term["cases"])).get(x, term["unknown"])
    special = dict(map(tuple, term["special"]))
    if x in special:
        return special[x]
    t = (x - term["center"]) * term["rate"]
    z = t / np.sqrt(1 + (t / 3) ** 2)
    place = int((z >= np.array(term["ends"])).sum())
    powers = np.array(term["coefficients"][place])
    return (z - term["centers"][place]) ** np.arange(len(powers)) @ powers


def compared(name, X, y, is_regression):
    """One row of the result."""
    order = np.random.default_rng(SEED).permutation(len(X))
    fitted, held_out = np.split(order, [min(FITTED, len(X) - INSIDE - OUTSIDE)])
    kind = KANRegressor if is_regression else KANClassifier
    model = kind(max_iter=MAX_ITER, interaction_cst="no_interactions", random_state=SEED)
    model.fit(X.iloc[fitted], y[fitted])
    rows = rows_of(X, held_out)
    expected = model.predict(rows)[:, None] if is_regression else model.predict_proba(rows)
    is_text = ~np.array([pd.api.types.is_numeric_dtype(rows[column]) for column in rows])
    sources, seconds = {}, {}
    for language, make in {"c": to_c, "python": to_python, "sql": to_sql, "json": to_json}.items():
        start = time.process_time()
        sources[language] = make(model)
        seconds[language] = round(time.process_time() - start, 2)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        results["c"] = by_c(sources["c"], rows, is_text, Path(folder))
    results["python"] = by_python(sources["python"], rows[-BY_PYTHON:], is_regression)
    if len(sources["sql"]) <= MOST_SQL:
        results["sql"] = by_sql(sources["sql"], rows, is_regression)
    results["json"] = by_json(sources["json"], rows), None
    return {
        "table": name, "n_features": X.shape[1], "n_predicted": len(rows), "export_cpu_seconds": seconds,
        "difference": {language: float(np.abs(found - expected[-len(found) :]).max() / expected.std())
                       for language, (found, _) in results.items()},
        "us_per_row": {language: 1e6 * own for language, (_, own) in results.items() if own is not None},
        "size_kb": {language: len(text) / 1024 for language, text in sources.items()},
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--suite", type=Path, required=True)
    suite = parser.parse_args().suite
    warnings.simplefilter("ignore")  # of unknown labels
    rows = []
    for entry in json.loads((suite / "suite.json").read_text()):
        X, y = load(suite, entry)
        rows.append(compared(entry["name"], pd.DataFrame(X), y, entry["task"] == "regression"))
        print(json.dumps(rows[-1]), flush=True)
    result = {
        "claim": __doc__.split("\n")[0], **environment(), "sqlite": sqlite3.sqlite_version, "seed": SEED,
        "max_iter": MAX_ITER, "by_python": BY_PYTHON, "tables": rows,
    }  # fmt: skip
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
