"""Claim: at equal fits KANSearchCV finds at least as good settings as searches of the flattened space.

And pruning halves its time at the same score. All searches evaluate 20 settings on the same 3 folds (60 fits) of some
rows of a table, one thread; the pruned one goes on after its 20 settings until its passes of training are those of 60
fits. Networks have one small hidden layer, so that all of it takes minutes. The flattened space has the same parameters
and ranges, each drawn in every trial, those of bases not chosen too.

    python -m benchmarks.search --suite FOLDER --tables concrete phoneme
"""

import argparse
import json
import math
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import optuna
import torch
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.trial import FixedTrial
from optuna_integration import OptunaSearchCV
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.model_selection import KFold, RandomizedSearchCV, StratifiedKFold

from benchmarks.environment import environment
from benchmarks.tabular.suite import load
from sklearn_kan import KANClassifier, KANRegressor, KANSearchCV
from sklearn_kan.search._objective import N_REPORTS
from sklearn_kan.search._space import default_space

RESULTS = Path(__file__).parent / "results" / "search.json"
N_TRIALS, N_FOLDS = 20, 3


class Flat(MetaEstimatorMixin, BaseEstimator):
    """An estimator with a flat parameter for each name of the conditional space; the chosen branch's count."""

    def __init__(self, model, choice=None):
        self.model = model
        self.choice = choice

    def set_params(self, **params):
        self.choice = params
        return self

    def fit(self, X, y):
        draw = default_space(self.model, None, 10_000).draw
        self.model_ = clone(self.model).set_params(**draw(FixedTrial(self.choice)))
        self.model_.fit(X, y)
        self.classes_ = getattr(self.model_, "classes_", None)
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def predict_proba(self, X):
        return self.model_.predict_proba(X)

    def __sklearn_tags__(self):
        return self.model.__sklearn_tags__()


class Draw:
    """An Optuna distribution as RandomizedSearchCV wants it."""

    def __init__(self, distribution):
        self.distribution = distribution

    def rvs(self, random_state):
        d = self.distribution
        half = 0.5 if isinstance(d, IntDistribution) else 0.0
        low, high = d.low - half, d.high + half
        x = math.exp(random_state.uniform(math.log(low), math.log(high))) if d.log else random_state.uniform(low, high)
        return round(x) if half else x


def flat_space(model):
    """All distributions that the conditional space can ask for."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    draw, found = default_space(model, None, 10_000).draw, {}
    for _ in range(500):
        trial = study.ask()
        draw(trial)
        found |= trial.distributions
    return dict(sorted(found.items()))


def kan_search(model, cv, scoring, seed):
    options = {"pruner": optuna.pruners.NopPruner(), "random_state": seed, "refit": False}
    return KANSearchCV(model, n_trials=N_TRIALS, cv=cv, scoring=scoring, **options)


def kan_search_pruned(model, cv, scoring, seed):
    options = {"storage": optuna.storages.InMemoryStorage(), "study_name": "pruned", "load_if_exists": True}
    return KANSearchCV(model, cv=cv, scoring=scoring, random_state=seed, refit=False, **options)


def randomized(model, cv, scoring, seed):
    space = {
        name: list(d.choices) if isinstance(d, CategoricalDistribution) else Draw(d)
        for name, d in flat_space(model).items()
    }
    return RandomizedSearchCV(
        Flat(model), space, n_iter=N_TRIALS, cv=cv, scoring=scoring, random_state=seed, refit=False
    )  # fmt: skip


def optuna_search(model, cv, scoring, seed):
    return OptunaSearchCV(
        Flat(model), flat_space(model), n_trials=N_TRIALS, cv=cv, scoring=scoring, random_state=seed, refit=False
    )  # fmt: skip


METHODS = {
    "KANSearchCV": kan_search,
    "KANSearchCV, pruned": kan_search_pruned,
    "RandomizedSearchCV": randomized,
    "OptunaSearchCV": optuna_search,
}


def measure(method, X, y, is_regression, max_iter, seed):
    """Best cross-validated score and CPU seconds of one search."""
    model = (KANRegressor if is_regression else KANClassifier)((16,), max_iter=max_iter, batch_size=64, random_state=0)
    cv = (KFold if is_regression else StratifiedKFold)(N_FOLDS, shuffle=True, random_state=0)
    search = METHODS[method](model, cv, "r2" if is_regression else "neg_log_loss", seed)
    if method == "KANSearchCV, pruned":
        return trace(search, X, y)
    start = time.process_time()
    search.fit(X, y)
    row = {"cpu_seconds": time.process_time() - start, "n_trials": N_TRIALS}
    if hasattr(search, "cv_results_"):
        scores = np.asarray(search.cv_results_["mean_test_score"], dtype=float)
    else:
        scores = np.array([math.nan if trial.value is None else trial.value for trial in search.study_.trials])
    return row | {"best_score": float(np.nanmax(scores)), "scores": scores.tolist()}


def trace(search, X, y):
    """The pruned search, trial by trial, until its passes of training are those of all fits of the others."""
    seconds, best, fits = [0.0], [-math.inf], [0.0]
    while fits[-1] < N_TRIALS * N_FOLDS:
        start = time.process_time()
        search.set_params(n_trials=len(seconds)).fit(X, y)
        seconds.append(seconds[-1] + time.process_time() - start)
        best.append(float(np.nanmax(search.cv_results_["mean_test_score"])))
        fits.append(n_fits(search))
    first = {"cpu_seconds": seconds[N_TRIALS], "n_fits": fits[N_TRIALS], "best_score": best[N_TRIALS]}
    return {"cpu_seconds": seconds[-1], "n_trials": len(seconds) - 1, "best_score": best[-1], "at_20_trials": first,
            "best_so_far": best[1:], "cpu_seconds_so_far": seconds[1:]}  # fmt: skip


def n_fits(search):
    """Fits that the passes of all trials amount to."""
    return sum(trial.last_step for trial in search.study_.trials) / N_REPORTS


def summary(rows):
    """Means over seeds of each table and method, and by how much pruning shortens the way to the same score."""
    by = {}
    for row in rows:
        by.setdefault(row["table"], {}).setdefault(row["method"], []).append(row)
    result = {}
    for table, methods in by.items():
        result[table] = {
            method: {
                key: float(np.mean([run[key] for run in runs])) for key in ("best_score", "cpu_seconds", "n_trials")
            }
            for method, runs in methods.items()
        }
        if {"KANSearchCV", "KANSearchCV, pruned"} <= set(methods):
            pairs = list(zip(methods["KANSearchCV"], methods["KANSearchCV, pruned"], strict=False))
            result[table]["pruning"] = {
                "times_faster_20_trials": ratio(
                    [(a["cpu_seconds"], b["at_20_trials"]["cpu_seconds"]) for a, b in pairs]
                ),
                "best_score_20_trials": float(np.mean([b["at_20_trials"]["best_score"] for _, b in pairs])),
                "times_faster_to_score": ratio([(a["cpu_seconds"], time_to(b, a["best_score"])) for a, b in pairs]),
            }
    return result


def ratio(pairs):
    """Total seconds without pruning over those with it."""
    return float(sum(a for a, _ in pairs) / sum(b for _, b in pairs))


def time_to(row, score):
    """CPU seconds until a traced search has a score; all of its seconds if it never has."""
    times = [s for s, best in zip(row["cpu_seconds_so_far"], row["best_so_far"], strict=True) if best >= score]
    return min(times, default=row["cpu_seconds"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", type=Path, required=True)
    parser.add_argument("--tables", nargs="+", required=True)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--rows", type=int, default=510)
    parser.add_argument("--max-iter", type=int, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    entries = {entry["name"]: entry for entry in json.loads((arguments.suite / "suite.json").read_text())}
    settings = {
        "n_trials": N_TRIALS,
        "n_folds": N_FOLDS,
        "rows": arguments.rows,
        "max_iter": arguments.max_iter,
        "hidden_layer_sizes": [16],
    }
    rows = []
    for seed in arguments.seeds:
        for name in arguments.tables:
            X, y = load(arguments.suite, entries[name])
            kept = np.random.default_rng(0).permutation(len(X))[: arguments.rows]
            for method in arguments.methods:
                is_regression = entries[name]["task"] == "regression"
                row = measure(method, X.iloc[kept], y[kept], is_regression, arguments.max_iter, seed)
                rows.append({"table": name, "task": entries[name]["task"], "method": method, "seed": seed, **row})
                print(name, method, seed, round(row["best_score"], 4), round(row["cpu_seconds"], 1), flush=True)
                result = {
                    "claim": __doc__.split("\n")[0],
                    **environment(),
                    **settings,
                    "summary": summary(rows),
                    "runs": rows,
                }
                arguments.out.parent.mkdir(exist_ok=True)
                arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
