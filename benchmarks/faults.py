"""Claim: no fault that was tried breaks a model, loses what was finished, or is swallowed.

Signals (SIGINT) arrive at random moments of fits, each by itself. A fit ends early with a warning, or KeyboardInterrupt
is raised. Afterwards predictions are finite, those of the model before if the fit was not finished, and another fit
gives what it gives a fresh estimator. Searches are killed (SIGKILL) and resumed, files are cut off, losses become NaN,
memory and disks are full. Searches get three times as many signals, since networks come and go in them: Python loses a
signal that arrives while code runs that destroys an object.

    python -m benchmarks.faults
"""

import argparse
import io
import json
import multiprocessing
import os
import pickle
import resource
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import joblib
import numpy as np
import optuna
import skops.io
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from skorch.callbacks import Callback

from benchmarks.environment import address_space, environment, in_a_child
from benchmarks.fault_signals import OUTCOMES, SOLVERS, SUBJECTS, X, Y, network, predicted, process, search, signals

RESULTS = Path(__file__).parent / "results" / "faults.json"
STEPS = 1, 2, 3, 4
CUTS = 60
MEGABYTES = 0, 8, 24, 48, 96, 400
KILLS = 6
QUOTAS = 2_000, 8_000, 20_000, 60_000


class Poison(Callback):
    """Makes a gradient NaN at some step and after it."""

    def __init__(self, step):
        self.step = step

    def on_train_begin(self, net, **kwargs):
        self.left_ = self.step

    def on_grad_computed(self, net, named_parameters, **kwargs):
        self.left_ -= 1
        if self.left_ <= 0:
            next(p for _, p in named_parameters if p.grad is not None).grad.fill_(np.nan)


def not_a_number(solver):
    counts = dict.fromkeys(OUTCOMES, 0)
    for step in STEPS:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            model = network(solver=solver, callbacks=[Poison(step)]).fit(X, Y)
        counts["told" if any("non-finite" in str(one.message) for one in told) else "swallowed"] += 1
        counts["broken"] += not np.isfinite(predicted(model, X)).all()
    return {"fault": "NaN gradient from a step on", "subject": f"fit, {solver}", "tried": len(STEPS), **counts}


def cut_off(name, write, read):
    """Files that end too early: an exception, and never another model."""
    model = network().fit(X, Y)
    data, expected = write(model), predicted(model, X)
    counts = dict.fromkeys(OUTCOMES, 0)
    for length in np.unique(np.linspace(0, len(data) - 1, CUTS).astype(int)):
        try:
            loaded = read(data[:length])
        except Exception:
            counts["raised"] += 1
        else:
            counts["swallowed"] += 1
            counts["broken"] += not np.array_equal(predicted(loaded, X), expected)
    return {"fault": "file cut off", "subject": name, "tried": sum(counts.values()), **counts}


def by_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    return file.getvalue()


FILES = {
    "pickle": (pickle.dumps, pickle.loads),
    "joblib": (by_joblib, lambda data: joblib.load(io.BytesIO(data))),
    "skops": (skops.io.dumps, lambda data: skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))),
}


def short_of_memory(estimator, megabytes):
    """A fit with so much memory left: finished, or an exception that leaves the model as it was."""
    model = estimator().fit(X, Y)
    before, n = predicted(model, X), 600_000 if estimator is network else 2_000
    table = np.random.default_rng(0).normal(size=(n, 20))
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (address_space() + megabytes * 2**20, most))
    try:
        model.set_params(max_iter=1).fit(table, table[:, 0])
        outcome = "finished"
    except (MemoryError, RuntimeError):
        outcome = "raised"
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    if outcome == "raised":
        is_valid = np.array_equal(predicted(model, X), before)
    else:
        is_valid = np.isfinite(predicted(model, table[:100])).all()
    return outcome, bool(is_valid and np.array_equal(predicted(estimator().fit(X, Y), X), before))


def memory(name, estimator):
    counts = dict.fromkeys(OUTCOMES, 0)
    for megabytes in MEGABYTES:
        found = in_a_child(short_of_memory, estimator, megabytes)
        outcome, is_valid = found if isinstance(found, tuple) else ("swallowed", False)  # it crashed
        counts[outcome] += 1
        counts["broken"] += not is_valid
    return {"fault": "memory limit", "subject": name, "tried": len(MEGABYTES), **counts}


def journal(path):
    return JournalStorage(JournalFileBackend(str(path)))


def finished_trials(path):
    """Values of the finished trials by their numbers."""
    try:
        study = optuna.load_study(study_name="faults", storage=journal(path))
    except KeyError:  # killed before there was one
        return {}
    return {trial.number: trial.value for trial in study.trials if trial.state.name == "COMPLETE"}


def kept_search(path, n_trials=6):
    return search(storage=journal(path), study_name="faults", load_if_exists=True, n_trials=n_trials)


def is_resumed(path, before):
    """Whether a search goes on from a file to its end, with all that was finished before."""
    model = kept_search(path).fit(X, Y)
    after = finished_trials(path)
    states = model.cv_results_["trial_state"].tolist()
    running = [trial for trial in model.study_.trials if not trial.state.is_finished()]
    return before.items() <= after.items() and len(states) >= 6 and not running


def killed(folder, rng):
    """SIGKILL in a search whose study is in a file."""
    start = time.perf_counter()
    kept_search(folder / "whole").fit(X, Y)
    duration, context = time.perf_counter() - start, multiprocessing.get_context("fork")
    counts = dict.fromkeys(OUTCOMES, 0)
    n_kept = 0
    for number in range(KILLS):
        path = folder / f"killed {number}"
        child = context.Process(target=lambda path=path: kept_search(path).fit(X, Y))
        child.start()
        time.sleep(rng.uniform(0.3, 0.9) * duration)
        child.kill()
        child.join()
        before = finished_trials(path) if path.exists() else {}
        n_kept += len(before)
        counts["finished" if is_resumed(path, before) else "broken"] += 1
    return {"fault": "SIGKILL", "subject": "search in a file, resumed", "tried": KILLS, "kept": n_kept, **counts}


def with_quota(path, n_bytes):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))
    try:
        kept_search(path).fit(X, Y)
    except OSError:
        return "raised"
    return "swallowed"


def mend(path):
    """Remove a last line that is cut off: Optuna would append to it, and not read the file any more."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    path.write_bytes(b"".join(line for line in lines if line.endswith(b"\n")))


def full_disk(folder):
    """Files that cannot grow any more: a study's, and those that models are saved to."""
    counts = dict.fromkeys(OUTCOMES, 0)
    for n_bytes in QUOTAS:
        path = folder / f"quota {n_bytes}"
        outcome = in_a_child(with_quota, path, n_bytes)
        is_whole = outcome == "swallowed" and path.stat().st_size < n_bytes  # it had room enough
        counts["swallowed" if not isinstance(outcome, str) else "finished" if is_whole else outcome] += 1
        mend(path)
        counts["broken"] += not is_resumed(path, finished_trials(path))
    rows = [{"fault": "full disk", "subject": "search in a file, resumed", "tried": len(QUOTAS), **counts}]
    model, counts = network().fit(X, Y), dict.fromkeys(counts, 0)
    before = predicted(model, X)
    for write in (pickle.dump, joblib.dump, lambda model, file: skops.io.dump(model, file)):
        try:
            with open("/dev/full", "wb") as file:
                write(model, file)
            counts["swallowed"] += 1
        except OSError:
            counts["raised"] += 1
        counts["broken"] += not np.array_equal(predicted(model, X), before)
    return [*rows, {"fault": "full disk", "subject": "pickle, joblib, skops", "tried": 3, **counts}]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shots", type=int, default=22)
    parser.add_argument("--quick", action="store_true", help="print, and keep the result file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rng, rows = np.random.default_rng(0), []

    def report(*found):
        rows.extend(found)
        print(*found, sep="\n", flush=True)

    for name in SUBJECTS:
        report(signals(name, options.shots * (3 if name == "search" else 1), rng))
    for solver in SOLVERS:
        report(not_a_number(solver))
    for name, ways in FILES.items():
        report(cut_off(name, *ways))
    for name, estimator in {"fit, adam": network, "Gaussian process": process}.items():
        report(memory(name, estimator))
    with tempfile.TemporaryDirectory() as folder:
        report(killed(Path(folder), rng), *full_disk(Path(folder)))
    result = {"claim": __doc__.split("\n")[0], **environment(), "rows": rows}
    if not options.quick:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    return any(row["swallowed"] or row["broken"] for row in rows)


if __name__ == "__main__":
    sys.exit(main())
