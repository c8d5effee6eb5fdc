"""Claim: on real tables no family of bases is more than 1.5 times worse than the best one, at equal size or time.

Five formulas in the style of Feynman's lectures, noise-free, and a suite of real tables as in
`benchmarks.tabular_suite`, of both at most ``--rows`` rows. Every family and scikit-learn's MLP are fitted in the same
run, on one thread, with one hidden layer, the same batches and early stopping, after the protocols of the critical
assessment (arXiv:2407.11075) and KANbeFair (arXiv:2407.16674):

- equal size: widths such that all have about as many parameters as a B-spline network of width 16, and as many
  passes over the rows;
- equal time: the same widths (100 for the MLP), and as many passes as fit into ``--seconds`` of CPU time.

Training is short and its steps are large (learning rate 0.01), with the regularisation that is the default for tables,
and a tenth of it for formulas, which have no noise. Losses are nRMSE or the error rate on held-out rows, summed up by
their shifted geometric mean (offset 0.01). A run goes on where one with the same settings was broken off.

    python -m benchmarks.bases --suite FOLDER --seeds 0 1 2
"""

import argparse
import json
import os
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import torch
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.environment import environment
from benchmarks.tabular_suite import OFFSET, load
from sklearn_kan import KANClassifier, KANLayer, KANRegressor
from sklearn_kan.bases import BASES

RESULTS = Path(__file__).parent / "results" / "bases.json"
WIDTH, MLP_WIDTH, BATCH = 16, 100, 64
METHODS = [*sorted(BASES), "MLP"]
RATE, ALPHA = 0.01, {"formulas": 0.3, "tables": 3.0}
SETTINGS = {  # as many functions as six cubic knots
    **{method: {"degree": 8} for method in ("chebyshev", "jacobi")},
    **{method: {"n_knots": 8} for method in ("fourier", "rbf", "sine", "wavelet")},
}
FEYNMAN = {  # ranges of the inputs, and the formula
    "gaussian": ([(0, 3), (0, 3), (1, 3)], lambda x, m, s: np.exp(-(((x - m) / s) ** 2) / 2) / s),
    "lorentz": ([(1, 5)] * 4 + [(0, 6)], lambda q, e, b, v, t: q * (e + b * v * np.sin(t))),
    "velocities": ([(-0.9, 0.9)] * 2, lambda u, v: (u + v) / (1 + u * v)),
    "gravity": ([(1, 2)] * 2 + [(0, 1)] * 2 + [(2, 3)] * 2,
                lambda m, n, x, y, u, v: m * n / ((u - x) ** 2 + (v - y) ** 2)),
    "waves": ([(1, 3)] * 2 + [(0, 6)], lambda a, b, t: np.sqrt(a**2 + b**2 - 2 * a * b * np.cos(t))),
}  # fmt: skip


def feynman(name, n_samples, seed):
    ranges, formula = FEYNMAN[name]
    X = np.random.default_rng(seed).uniform(*np.transpose(ranges), (n_samples, len(ranges)))
    return X, formula(*X.T)


def make(method, data, width, max_iter, seed):
    """A model that trains `max_iter` passes in batches and keeps its best state on held-out rows."""
    shared = {"batch_size": BATCH, "max_iter": max_iter, "random_state": seed, "early_stopping": True, "tol": 0.0,
              "n_iter_no_change": 10_000, "validation_fraction": 0.15, "learning_rate_init": RATE}  # fmt: skip
    if method != "MLP":
        kan = KANRegressor if data.is_regression else KANClassifier
        own = SETTINGS.get(method, {})
        return kan((width,), basis=method, dtype="float32", alpha=ALPHA[data.group], **own, **shared)
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    numeric = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    prepare = ColumnTransformer([("categories", one_hot, data.categorical)], remainder=numeric)
    network = (MLPRegressor if data.is_regression else MLPClassifier)(hidden_layer_sizes=(width,), **shared)
    model = make_pipeline(prepare, network)
    return TransformedTargetRegressor(model, transformer=StandardScaler()) if data.is_regression else model


def n_parameters(model):
    if hasattr(model, "module_"):
        return sum(p.numel() for p in model.module_.parameters())
    network = getattr(model, "regressor_", model)[-1]
    return sum(w.size for w in network.coefs_ + network.intercepts_)


def timed_fit(model, X, y):
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    return time.process_time() - start


def widths(data):
    """For each method the width at which it has as many parameters as the B-spline network; they grow in proportion."""

    def size(method, width):
        model = make(method, data, width, 1, 0)
        timed_fit(model, data.X, data.y)
        return n_parameters(model)

    goal, result = size("bspline", WIDTH), {}
    for method in METHODS:
        few, many = size(method, 10), size(method, 20)
        result[method] = max(1, round(10 + 10 * (goal - few) / (many - few)))
    return result


def scores(method, data, width, seed, arguments):
    """Fits of both protocols: size, passes, seconds, loss."""
    stratify = None if data.is_regression else data.y
    X_train, X_test, y_train, y_test = train_test_split(
        data.X, data.y, test_size=0.25, random_state=seed, stratify=stratify
    )

    def fit(width, max_iter):
        model = make(method, data, width, max_iter, seed)
        return model, timed_fit(model, X_train, y_train)

    def row(protocol, width, max_iter):
        model, seconds = fit(width, max_iter)
        error = model.predict(X_test) - y_test if data.is_regression else model.predict(X_test) != y_test
        loss = float(np.sqrt(np.mean(error**2)) / y_test.std()) if data.is_regression else float(np.mean(error))
        if not np.isfinite(loss):
            raise FloatingPointError(f"{method} on {data.name}, seed {seed}: loss is {loss}")
        return {"data": data.name, "group": data.group, "method": method, "protocol": protocol, "seed": seed,
                "width": width, "parameters": n_parameters(model), "passes": max_iter, "cpu_seconds": seconds,
                "loss": loss}  # fmt: skip

    equal_size = row("equal size", width, arguments.passes)
    per_pass = equal_size["cpu_seconds"] / arguments.passes
    if method == "MLP":
        width, per_pass = MLP_WIDTH, fit(MLP_WIDTH, arguments.passes)[1] / arguments.passes
    return [equal_size, row("equal time", width, max(4, round(arguments.seconds / per_pass)))]


def layer_ms(method, n_repeats=7):
    """Least CPU time of a layer's forward and backward pass, 64 to 64, batch 1024."""
    layer = KANLayer(64, 64, method, **{"n_knots": 6, **SETTINGS.get(method, {})})
    x = (0.5 * torch.randn(1024, 64)).requires_grad_()
    seconds = []
    for _ in range(n_repeats):
        start = time.process_time()
        layer(x).sum().backward()
        seconds.append(time.process_time() - start)
    return round(1e3 * min(seconds), 1)


class Data(NamedTuple):
    """A formula or a table."""

    name: str
    group: str
    X: Any
    y: np.ndarray
    categorical: list[str]
    is_regression: bool


def read(arguments):
    """All formulas and tables, at most so many rows of each."""
    for name in FEYNMAN:
        yield Data(name, "formulas", *feynman(name, arguments.rows, 0), [], True)
    if arguments.suite is None:
        return
    for entry in json.loads((arguments.suite / "suite.json").read_text()):
        X, y = load(arguments.suite, entry)
        kept = np.random.default_rng(0).permutation(len(X))[: arguments.rows]
        is_regression = entry["task"] == "regression"
        yield Data(entry["name"], "tables", X.iloc[kept], y[kept], entry["categorical"], is_regression)


def summary(rows):
    """Shifted geometric mean of each method's mean loss over seeds, and how it compares with the best family."""
    frame, result = pd.DataFrame(rows), {}
    for (protocol, group), part in frame.groupby(["protocol", "group"]):
        loss = part.pivot_table(index="data", columns="method", values="loss")
        mean = np.exp(np.log(loss + OFFSET).mean()) - OFFSET
        best = mean.drop("MLP").min()
        result.setdefault(protocol, {})[group] = {
            method: {"loss": float(mean[method]), "over_best": float(mean[method] / best)} for method in mean.index
        }
    return result


def finished(settings):
    """Rows and layer times of an earlier run with these settings."""
    result = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return (result["rows"], result["layer_ms"]) if result.get("settings") == settings else ([], None)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rows", type=int, default=800)
    parser.add_argument("--passes", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=0.4)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    settings = {key: value for key, value in vars(arguments).items() if key not in ("suite", "seeds")}
    settings |= {"batch_size": BATCH, "learning_rate_init": RATE, "alpha": ALPHA}
    rows, layers = finished(settings)
    layers = layers or {method: layer_ms(method) for method in METHODS[:-1]}
    width_of, all_data = {}, list(read(arguments))
    for seed in arguments.seeds:
        for data in all_data:
            done = {row["method"] for row in rows if (row["data"], row["seed"]) == (data.name, seed)}
            if done >= set(METHODS):
                continue
            width_of[data.name] = width_of.get(data.name) or widths(data)
            for method in METHODS:
                rows += scores(method, data, width_of[data.name][method], seed, arguments)
            result = {"claim": __doc__.split("\n")[0], **environment(), "settings": settings, "layer_ms": layers,
                      "summary": summary(rows)}  # fmt: skip
            RESULTS.write_text(json.dumps({**result, "rows": rows}, indent=1) + "\n")
            print(seed, data.name, f"{time.process_time():.0f} CPU s so far", flush=True)
    print(json.dumps(summary(rows), indent=1))


if __name__ == "__main__":
    main()
