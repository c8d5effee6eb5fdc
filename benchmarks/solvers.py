"""Claim: on smooth targets without noise Gauss-Newton has a third of tuned Adam's test error after 10 s, on average.

Formulas of Feynman's lectures, 1,500 training rows of which 15 % are held out, 4,000 test rows; one network of 16 units
with six cubic knots, one thread, alpha=0. The error is that of the best validated state after 2, 10 and 30 CPU seconds
of `fit`, over the spread of the target. Adam is run for each budget with a falling rate that ends there, at the rate
of three that is best on the held-out rows at the smallest budget; the search is not charged to it. All others are one
run.

Tables with noise, default settings but for a single network of 16 units: errors on a third of the rows, each phase of
training at most so many CPU seconds; log-loss for classes, else RMSE over the target's spread.

    python -m benchmarks.solvers [--seeds 0 1 2] [--budgets 2 10 30] [--only functions|tables]
"""

import argparse
import json
import os
import sys
import time
import warnings
from pathlib import Path
from statistics import geometric_mean

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, make_friedman1
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import train_test_split
from skorch.callbacks import Callback

from benchmarks.environment import environment
from sklearn_kan import KANClassifier, KANRegressor

RESULTS = Path(__file__).parent / "results" / "solvers.json"
N_TRAIN, N_TEST, TABLE_SECONDS = 1500, 4000, 10
RATES = [0.01, 0.03, 0.1]
SHARED = {"hidden_layer_sizes": (16,), "n_members": 1}
PASSES = {"kfac": 10_000, "gauss_newton": 10_000, "hybrid": 100, "lbfgs": 10_000}
SOLVERS = ["adam", *PASSES]
FORMULAS = {  # ranges of the inputs, and the formula
    "I.6.2": ([(0, 2), (1, 2)], lambda t, s: np.exp(-((t / s) ** 2) / 2) / s),
    "I.12.11": ([(1, 5)] * 5, lambda q, e, b, v, t: q * (e + b * v * np.sin(t))),
    "I.13.12": ([(1, 5)] * 5, lambda g, m, n, r, s: g * m * n * (1 / s - 1 / r)),
    "I.15.3x": ([(5, 10), (1, 2), (3, 10), (1, 2)], lambda x, u, c, t: (x - u * t) / np.sqrt(1 - (u / c) ** 2)),
    "I.29.16": ([(1, 5)] * 4, lambda a, b, s, t: np.sqrt(a**2 + b**2 - 2 * a * b * np.cos(s - t))),
    "I.50.26": ([(1, 3)] * 4, lambda x, w, t, a: x * (np.cos(w * t) + a * np.cos(w * t) ** 2)),
}  # fmt: skip


class OutOfTimeError(Exception):
    """The budget is spent."""


class Clock(Callback):
    """Test errors of the best validated states against CPU seconds; taking them down does not count."""

    def __init__(self, test, budget):
        self.test, self.budget, self.curve, self.best = test, budget, [], np.inf
        self.start = time.process_time()

    def on_epoch_end(self, net, **kwargs):
        pause = time.process_time()
        seconds, loss = pause - self.start, net.history[-1]["valid_loss"]
        if loss < self.best:
            self.best = loss
            self.curve.append((seconds, loss, self.error(net.module_)))
        self.start += time.process_time() - pause
        if seconds > self.budget:
            raise OutOfTimeError

    @torch.no_grad()
    def error(self, module):
        X, y = self.test
        module.eval()
        raw = module(X.to(next(module.parameters()).dtype))
        return float((raw[:, 0] - y).square().mean().sqrt() / y.std())

    def at(self, seconds):
        """Validation loss and test error of the best state by then."""
        return next((point[1:] for point in reversed(self.curve) if point[0] <= seconds), (np.inf, np.inf))


def race(data, seed, budget, **params):
    """The clock of one fit."""
    X, y, X_test, y_test = data
    model = KANRegressor(**SHARED, alpha=0.0, tol=0.0, n_iter_no_change=10**6, early_stopping=True, random_state=seed)
    shadow = KANRegressor(**SHARED, solver="adam", max_iter=1, random_state=seed).fit(
        X, y
    )  # the encoding that the fit will learn
    columns = [(str(k), column, False) for k, column in enumerate(X_test.T)]
    encoded = torch.from_numpy(shadow.encoder_.transform(columns, dtype="float64"))
    clock = Clock((encoded, torch.from_numpy(shadow.target_scaler_.transform(y_test[:, None])[:, 0])), budget)
    try:
        with warnings.catch_warnings(action="ignore"):
            model.set_params(**params, callbacks=[clock]).fit(X, y)
    except OutOfTimeError:
        pass
    return clock


def functions(seeds, budgets, solvers):
    for seed in seeds:
        for name, (ranges, formula) in FORMULAS.items():
            X = np.random.default_rng(seed).uniform(*np.transpose(ranges), (N_TRAIN + N_TEST, len(ranges)))
            y = formula(*X.T)
            data = X[:N_TRAIN], y[:N_TRAIN], X[N_TRAIN:], y[N_TRAIN:]
            if "adam" in solvers:
                yield from tuned_adam(name, data, seed, budgets)
            for solver in (s for s in solvers if s != "adam"):
                clock = race(data, seed, max(budgets), solver=solver, max_iter=PASSES[solver])
                for budget in budgets:
                    error = clock.at(budget)[1]
                    yield {"target": name, "seed": seed, "solver": solver, "seconds": budget, "error": error}


def tuned_adam(name, data, seed, budgets):
    per_pass = race(data, seed, 60, solver="adam", max_iter=30).curve[-1][0] / 30
    rates = RATES
    for budget in sorted(budgets):
        passes = {"solver": "adam", "max_iter": int(budget / per_pass)}
        runs = [(*race(data, seed, budget, **passes, learning_rate_init=rate).at(budget), rate) for rate in rates]
        _, error, rate = min(runs)
        rates = [rate]
        yield {"target": name, "seed": seed, "solver": "adam", "seconds": budget, "error": error,
               "learning_rate": rate}  # fmt: skip


class Limit(Callback):
    """Ends a phase of training after so many CPU seconds."""

    def on_train_begin(self, net, **kwargs):
        self.start, self.done = time.process_time(), False

    def on_epoch_end(self, net, **kwargs):
        self.done = time.process_time() - self.start > TABLE_SECONDS


def tables(seeds, solvers):
    for seed in seeds:
        noisy = make_friedman1(20_000, noise=2.0, random_state=seed)
        for name, (X, y) in {"diabetes": load_diabetes(return_X_y=True), "friedman, 20,000 rows": noisy,
                             "breast cancer": load_breast_cancer(return_X_y=True)}.items():  # fmt: skip
            is_classes = name == "breast cancer"
            X, X_test, y, y_test = train_test_split(X, y, test_size=1 / 3, random_state=seed)
            for solver in solvers:
                kind = KANClassifier if is_classes else KANRegressor
                model = kind(**SHARED, solver=solver, random_state=seed, callbacks=[Limit()])
                start = time.process_time()
                with warnings.catch_warnings(action="ignore"):
                    model.fit(X, y)
                seconds = time.process_time() - start
                if is_classes:
                    error = log_loss(y_test, model.predict_proba(X_test))
                else:
                    error = root_mean_squared_error(y_test, model.predict(X_test)) / y_test.std()
                yield {"table": name, "seed": seed, "solver": solver, "error": error, "cpu_seconds": seconds,
                       "solver_": model.solver_}  # fmt: skip


def summarised(rows, budgets):
    """For each solver and budget, how many times lower its error is than Adam's: geometric mean, and the least."""
    found = {}
    for budget in budgets:
        error = {(r["target"], r["seed"], r["solver"]): r["error"] for r in rows if r["seconds"] == budget}
        for solver in SOLVERS:
            ratios = [error[t, s, "adam"] / e for (t, s, name), e in error.items() if name == solver]
            if not ratios:
                continue
            found.setdefault(solver, {})[str(budget)] = {"times_lower": geometric_mean(ratios), "least": min(ratios)}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--budgets", type=float, nargs="+", default=[2, 10, 30])
    parser.add_argument("--solvers", nargs="+", choices=SOLVERS, default=SOLVERS)
    parser.add_argument("--only", choices=["functions", "tables"])
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    X = np.random.default_rng(0).random((400, 2))
    for solver in SOLVERS:  # whatever is loaded at first use
        KANRegressor(**SHARED, solver=solver, max_iter=2).fit(X, X[:, 0])
    result = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    result |= {"claim": __doc__.split("\n")[0], **environment(), "train_rows": N_TRAIN, "rates_of_adam": RATES,
               "network": SHARED, "seconds_for_tables": TABLE_SECONDS}  # fmt: skip
    for part, rows in (
        ("functions", functions(arguments.seeds, arguments.budgets, arguments.solvers)),
        ("tables", tables(arguments.seeds, arguments.solvers)),
    ):
        if arguments.only in (None, part):
            kept = [row for row in result.get(part, []) if row["solver"] not in arguments.solvers]
            result[part], result[f"seeds_of_{part}"] = kept, arguments.seeds
            for row in rows:
                print(row, file=sys.stderr)
                result[part].append(row)
                RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    result["summary"] = summarised(result["functions"], sorted({row["seconds"] for row in result["functions"]}))
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["summary"], indent=1))


if __name__ == "__main__":
    main()
