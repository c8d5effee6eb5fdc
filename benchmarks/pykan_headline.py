"""Claim: on the KAN paper's examples, at its shapes, test RMSE is below pykan's in at most a tenth of its time.

The examples of Liu et al. (2024, arXiv:2404.19756), sec. 3.1, without noise: 1,000 rows to fit to and 1,000 to test on,
uniform in [-1, 1]. pykan is trained by L-BFGS on grids of 3, 5, 10, 20 and 50 intervals, each begun from the last,
without regularisation; of its `steps`, 50 for each grid as in its tutorials, each is up to twenty of L-BFGS. The table
counts *pykan's best grid in hindsight*, and its time up to that one. Ours is what a fit ends with: the same numbers of
knots, as long as coefficients are fewer than rows, and passes shared out equally. One thread, float64, CPU time.

    python -m benchmarks.pykan_headline --methods pykan kfac --seeds 0 1
"""

import argparse
import json
import os
import platform
import time
import warnings
from functools import partial
from importlib.metadata import version
from itertools import pairwise, product
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import torch
from scipy.special import j0

import sklearn_kan
from sklearn_kan import KANRegressor

RESULTS = Path(__file__).parent / "results" / "pykan_headline.json"
PYKAN = "0.2.8"
ROWS = 1_000
GRIDS = [3, 5, 10, 20, 50]
EXAMPLES = {  # numbers of units, inputs and output included, and the function
    "exp(sin πx + y²)": ([2, 1, 1], lambda x, y: np.exp(np.sin(np.pi * x) + y**2)),
    "xy": ([2, 2, 1], lambda x, y: x * y),
    "J0(20x)": ([1, 1], lambda x: j0(20 * x)),
    "exp((sin π(a²+b²) + sin π(c²+d²))/2)": (
        [4, 4, 2, 1],
        lambda a, b, c, d: np.exp((np.sin(np.pi * (a**2 + b**2)) + np.sin(np.pi * (c**2 + d**2))) / 2),
    ),
}


def rows(example, seed):
    """Two tables of inputs with their targets: to fit to, and to test on."""
    sizes, function = EXAMPLES[example]
    X = np.random.default_rng(seed).uniform(-1, 1, size=(2 * ROWS, sizes[0]))
    y = function(*X.T)
    return (X[:ROWS], y[:ROWS]), (X[ROWS:], y[ROWS:])


def rmse(predicted, y):
    return float(np.sqrt(np.mean((predicted - y) ** 2)))


def run_pykan(example, seed, n_steps):
    """Test RMSE after each grid, and CPU seconds up to it."""
    from kan import KAN

    torch.set_default_dtype(torch.float64)
    (X, y), (X_test, y_test) = rows(example, seed)
    columns = {"train_input": X, "train_label": y[:, None], "test_input": X_test, "test_label": y_test[:, None]}
    data = {name: torch.from_numpy(values) for name, values in columns.items()}
    curve, model, start = [], None, time.process_time()
    for grid in GRIDS:
        if model is None:
            model = KAN(width=list(EXAMPLES[example][0]), grid=grid, k=3, seed=seed, auto_save=False)
        else:
            model = model.refine(grid)
            model.auto_save = False
        model.fit(data, opt="LBFGS", steps=n_steps)
        seconds = time.process_time() - start
        with torch.no_grad():
            curve.append({"grid": grid, "rmse": rmse(model(data["test_input"])[:, 0].numpy(), y_test),
                          "cpu_seconds": seconds})  # fmt: skip
    best = min(curve, key=lambda point: point["rmse"] if np.isfinite(point["rmse"]) else np.inf)
    return {**best, "curve": curve}


def run_ours(example, seed, solver, n_passes, n_starts=1):
    """Test RMSE and CPU seconds of a fit, or of several, of which the one with the lowest training loss counts."""
    (X, y), (X_test, y_test) = rows(example, seed)
    sizes, _ = EXAMPLES[example]
    n_edges = sum(a * b for a, b in pairwise(sizes))
    n_knots, *refinements = (grid + 1 for grid in GRIDS if n_edges * (grid + 3) < ROWS)
    start = time.process_time()
    models = [KANRegressor(
        sizes[1:-1], solver=solver, n_knots=n_knots, refine_knots=refinements, norm="none", n_members=1, alpha=0.0,
        max_iter=n_passes, early_stopping=False, tol=0.0, n_iter_no_change=n_passes,
        random_state=seed + 10 * number,
    ).fit(X, y) for number in range(n_starts)]  # fmt: skip
    model = min(models, key=lambda model: model.loss_curve_[-1])
    seconds = time.process_time() - start
    return {"rmse": rmse(model.predict(X_test), y_test), "cpu_seconds": seconds}


METHODS = {
    "pykan": partial(run_pykan, n_steps=50),
    "lbfgs": partial(run_ours, solver="lbfgs", n_passes=300),
    "hybrid": partial(run_ours, solver="hybrid", n_passes=200),
    "kfac": partial(run_ours, solver="kfac", n_passes=500),
    "gauss_newton": partial(run_ours, solver="gauss_newton", n_passes=100),
    "gauss_newton, best of 3 starts": partial(run_ours, solver="gauss_newton", n_passes=100, n_starts=3),
}


def save(row):
    """Put a row into the results, in place of one of the same run."""
    key = "example", "method", "seed"
    before = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
    others = [other for other in before if any(other[name] != row[name] for name in key)]
    versions = {name: version(name) for name in ("torch", "numpy", "scikit-learn", "skorch")}
    result = {
        "rows_per_table": ROWS, "grids": GRIDS, "sizes": {name: sizes for name, (sizes, _) in EXAMPLES.items()},
        "device": f"CPU, {platform.machine()}", "threads": 1,
        "versions": {"sklearn-kan": sklearn_kan.__version__, "pykan": PYKAN, **versions},
        "rows": [*others, row],
    }  # fmt: skip
    RESULTS.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    for seed, example, method in product(args.seeds, EXAMPLES, args.methods):
        row = {"example": example, "method": method, "seed": seed, **METHODS[method](example, seed)}
        print({name: value for name, value in row.items() if name != "curve"}, flush=True)
        save(row)


if __name__ == "__main__":
    main()
