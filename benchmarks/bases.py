"""Claim: on real tables no family of bases is more than 1.5 times worse than the best one, at equal size or time.

Five formulas in the style of Feynman's lectures, noise-free, and a suite of real tables as in
`benchmarks.tabular_suite`, of which at most ``--rows`` rows are used. Every family and scikit-learn's MLP are
fitted in the same run, on one thread, with one hidden layer, the same batches and early stopping:

- equal size: widths such that all have about as many parameters as a B-spline network of width 16, and as many
  passes over the rows;
- equal time: the same widths (100 for the MLP), and as many passes as fit into ``--seconds`` of CPU time.

Losses are nRMSE or the error rate on held-out rows, summed up by their shifted geometric mean (offset 0.01).

    python -m benchmarks.bases --suite FOLDER --seeds 0 1 2
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


def make(method, is_regression, categorical, width, max_iter, seed):
    """A model that trains `max_iter` passes in batches and keeps its best state on held-out rows."""
    shared = {"batch_size": BATCH, "max_iter": max_iter, "random_state": seed, "early_stopping": True, "tol": 0.0,
              "n_iter_no_change": 10_000, "validation_fraction": 0.15}  # fmt: skip
    if method != "MLP":
        kan = KANRegressor if is_regression else KANClassifier
        return kan((width,), basis=method, dtype="float32", **SETTINGS.get(method, {}), **shared)
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    numeric = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    prepare = ColumnTransformer([("categories", one_hot, categorical)], remainder=numeric)
    model = make_pipeline(
        prepare, (MLPRegressor if is_regression else MLPClassifier)(hidden_layer_sizes=(width,), **shared)
    )
    return TransformedTargetRegressor(model, transformer=StandardScaler()) if is_regression else model


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


def width_for(size, build, X, y):
    """The width at which a model has `size` parameters, which grow in proportion to it."""
    few, many = build(10, 1), build(20, 1)
    timed_fit(few, X, y), timed_fit(many, X, y)
    per_unit = (n_parameters(many) - n_parameters(few)) / 10
    return max(1, round(10 + (size - n_parameters(few)) / per_unit))


def passes_in(seconds, build, width, X, y):
    """How many passes take that long."""
    short, long = (timed_fit(build(width, n), X, y) for n in (1, 4))
    return int(np.clip((seconds - short) / max((long - short) / 3, 1e-4) + 1, 4, 2000))


def score(method, protocol, data, seed, arguments):
    """One fit: size, passes, seconds, loss."""
    X, y, categorical, is_regression = data
    stratify = None if is_regression else y
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=seed, stratify=stratify)

    def build(width, max_iter, method=method):
        return make(method, is_regression, categorical, width, max_iter, seed)

    reference = build(WIDTH, 1, method="bspline")
    timed_fit(reference, X_train, y_train)
    width, max_iter = width_for(n_parameters(reference), build, X_train, y_train), arguments.passes
    if protocol == "equal time":
        width = MLP_WIDTH if method == "MLP" else width
        max_iter = passes_in(arguments.seconds, build, width, X_train, y_train)
    model = build(width, max_iter)
    seconds = timed_fit(model, X_train, y_train)
    error = model.predict(X_test) - y_test if is_regression else model.predict(X_test) != y_test
    loss = float(np.sqrt(np.mean(error**2)) / y_test.std()) if is_regression else float(np.mean(error))
    if not np.isfinite(loss):
        raise FloatingPointError(f"{method}, seed {seed}: loss is {loss}")
    return {"method": method, "protocol": protocol, "seed": seed, "width": width, "parameters": n_parameters(model),
            "passes": max_iter, "cpu_seconds": seconds, "loss": loss}  # fmt: skip


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


def tables(arguments, seed):
    """Data of all targets and tables: name, group, and what `score` needs."""
    for name in FEYNMAN:
        X, y = feynman(name, arguments.rows, seed)
        yield name, "formulas", (X, y, [], True)
    if arguments.suite is None:
        return
    for entry in json.loads((arguments.suite / "suite.json").read_text()):
        if arguments.tables and entry["name"] not in arguments.tables:
            continue
        X, y = load(arguments.suite, entry)
        kept = np.random.default_rng(seed).permutation(len(X))[: arguments.rows]
        yield entry["name"], "tables", (X.iloc[kept], y[kept], entry["categorical"], entry["task"] == "regression")


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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=Path)
    parser.add_argument("--tables", nargs="+")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--passes", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    settings = {
        key: str(value) if key == "suite" else value for key, value in vars(arguments).items() if key != "suite"
    }
    rows, layers = [], {method: layer_ms(method) for method in sorted(BASES)}
    for seed in arguments.seeds:
        for name, group, data in tables(arguments, seed):
            for protocol in ("equal size", "equal time"):
                for method in [*sorted(BASES), "MLP"]:
                    rows.append({"data": name, "group": group, **score(method, protocol, data, seed, arguments)})
                    print({k: round(v, 4) if isinstance(v, float) else v for k, v in rows[-1].items()}, flush=True)
            result = {
                "claim": __doc__.split("\n")[0],
                **environment(),
                "settings": settings,
                "layer_ms": layers,
                "summary": summary(rows),
            }
            RESULTS.write_text(json.dumps({**result, "rows": rows}, indent=1) + "\n")
    print(json.dumps(result["summary"], indent=1))


if __name__ == "__main__":
    main()
