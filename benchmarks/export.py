"""Claim: without torch predictions are the same to 1e-6 of their spread, as ONNX graphs to 1e-5, with equal labels.

A suite is a folder as in ``benchmarks.tabular.suite``. A model with default members is fitted to part of each table,
and exported; other rows are predicted. Differences are the largest ones, over the standard deviation of the model's
predictions or probabilities. Numbers are rounded to float32 for all three, as ONNX graphs take them.

    python -m benchmarks.export --suite FOLDER
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import onnxruntime
import pandas as pd

from benchmarks.environment import environment
from benchmarks.tabular.suite import load
from sklearn_kan import KANClassifier, KANRegressor, save
from sklearn_kan.export import to_numpy, to_onnx

SEED, MAX_ITER, FITTED, PREDICTED, BATCH, REPEATS = 0, 5, 1_500, 1_000, 1_000, 5
RESULTS = Path(__file__).parent / "results" / "export.json"
COLD = """
import json, re, time
import kan_predictor
model = kan_predictor.load("model.npz")
model.predict(json.load(open("row.json")))
seconds = time.process_time()
print(seconds, int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024)
"""


def rounded(X):
    """Numbers in the precision that ONNX graphs take."""
    return X.assign(**{name: X[name].astype(np.float32).astype(float) for name in X.select_dtypes("number")})


def feeds(X):
    """A table as inputs of its graph."""
    numbers, texts = X.select_dtypes("number"), X.select_dtypes(exclude="number").astype(object)
    inputs = {} if numbers.empty else {"numbers": numbers.to_numpy(np.float32)}
    if not texts.empty:
        inputs["categories"] = texts.where(texts.notna(), "").astype(str).to_numpy(dtype=object)
    return inputs


def median_us(function):
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return float(np.median(times) * 1e6)


def cold(folder):
    """CPU seconds from the start of Python to the first prediction, and megabytes that it takes; best of three."""
    runs = [
        subprocess.run([sys.executable, "-c", COLD], cwd=folder, capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    return tuple(min(float(run.stdout.split()[k]) for run in runs) for k in (0, 1))


def compared(name, X, y, is_regression):
    """One row of the result."""
    X, order = rounded(X), np.random.default_rng(SEED).permutation(len(X))
    fitted, held_out = order[:FITTED], order[FITTED : FITTED + PREDICTED]
    if len(X) < 2 * FITTED:
        fitted, held_out = np.split(order, [len(X) // 2])
    model = (KANRegressor if is_regression else KANClassifier)(max_iter=MAX_ITER, random_state=SEED)
    model.fit(X.iloc[fitted], y[fitted])
    rows = X.iloc[held_out]
    predictor, graph = to_numpy(model), to_onnx(model).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    method = "predict" if is_regression else "predict_proba"
    expected, outputs = getattr(model, method)(rows), session.run(None, feeds(rows))
    spread, labels = expected.std(), model.predict(rows)
    with tempfile.TemporaryDirectory() as folder:
        save(model, Path(folder, "model.kan"))
        predictor.save(Path(folder, "model.npz"))
        first = {column: [None if v != v else v for v in rows[column][:1].tolist()] for column in rows}
        Path(folder, "row.json").write_text(json.dumps(first))
        seconds, megabytes = cold(folder)
        sizes = {kind: Path(folder, f"model.{kind}").stat().st_size / 1024 for kind in ("kan", "npz")}
    row = {
        "table": name, "task": "regression" if is_regression else "classification", "n_features": X.shape[1],
        "dtype": model._state.design.dtype,
        "numpy_difference": float(np.abs(getattr(predictor, method)(rows) - expected).max() / spread),
        "onnx_difference": float(np.abs(outputs[-1] - expected).max() / spread),
        "onnx_label_changes": 0 if is_regression else int((outputs[0] != labels).sum()),
        "numpy_label_changes": 0 if is_regression else int((predictor.predict(rows) != labels).sum()),
        "n_predicted": len(rows), "cold_start_s": seconds, "memory_mb": megabytes,
        "size_kb": {**sizes, "onnx": len(graph) / 1024},
    }  # fmt: skip
    for key, n in (("one_row_us", 1), ("rows_us", BATCH)):
        table = rows.iloc[np.arange(n) % len(rows)]
        inputs = feeds(table)
        row[key] = {
            "model": median_us(lambda table=table: model.predict(table)),
            "numpy": median_us(lambda table=table: predictor.predict(table)),
            "onnx": median_us(lambda inputs=inputs: session.run(None, inputs)),
        }
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--suite", type=Path, required=True)
    suite = parser.parse_args().suite
    rows = []
    for entry in json.loads((suite / "suite.json").read_text()):
        X, y = load(suite, entry)
        rows.append(compared(entry["name"], pd.DataFrame(X), y, entry["task"] == "regression"))
        print(json.dumps(rows[-1]), flush=True)
    result = {
        "claim": __doc__.split("\n")[0], **environment(), "onnxruntime": onnxruntime.__version__, "seed": SEED,
        "max_iter": MAX_ITER, "rows_at_once": BATCH, "repeats": REPEATS, "tables": rows,
    }  # fmt: skip
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
