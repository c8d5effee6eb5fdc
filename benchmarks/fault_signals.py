"""Signals at random moments of fits and searches, each by itself."""

import os
import pickle
import signal
import threading
import time
import warnings

import numpy as np

from sklearn_kan import GPSpectralRegressor, KANClassifier, KANRegressor, KANSearchCV, _interrupts
from sklearn_kan.symbolic import KANSymbolicRegressor

SOLVERS = ("adam", "lbfgs", "hybrid", "kfac", "gauss_newton", "layerwise", "auto")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(320, 3))
Y = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2])
T = np.arange(120.0)[:, None]
WAVE = np.sin(2 * np.pi * T[:, 0] / 12) + 0.1 * RNG.normal(size=120)
OUTCOMES = "finished", "told", "raised", "swallowed", "broken"  # the last one beside another


def network(kind=KANRegressor, **params):
    return kind((6,), **{"n_members": 2, "max_iter": 5, "random_state": 0} | params)


def process(**params):
    return GPSpectralRegressor(spectrum="student_t", max_iter=5, **params)


def formula():
    return KANSymbolicRegressor(max_seconds=None, max_steps=40, random_state=0)


def search(**params):
    small = network(max_iter=3)
    params = {"n_trials": 3, "cv": 2, "random_state": 0, "bases": ["bspline", "rbf"]} | params
    return KANSearchCV(small, **params)


SUBJECTS = {
    **{f"fit, {solver}": (lambda solver=solver: network(solver=solver), "fit", X, Y) for solver in SOLVERS},
    "fit, classes": (lambda: network(KANClassifier), "fit", X, Y > 0),
    "fit with a refit": (lambda: network(refit="last_layer", max_iter=2), "fit", X, Y),
    "fit that goes on": (lambda: network(warm_start=True), "fit", X, Y),
    "partial_fit": (lambda: network(batch_size=8), "partial_fit", X, Y),
    "Gaussian process, series": (lambda: process(n_components=2, trend_degree=1), "fit", T, WAVE),
    "Gaussian process, table": (lambda: process(trend_degree=0), "fit", X[:80], Y[:80]),
    "search": (search, "fit", X, Y),
    "formula": (formula, "fit", X, Y),
}


def predicted(model, table):
    return model.predict_proba(table) if isinstance(model, KANClassifier) else model.predict(table)


def seconds_of(make, method, table, target):
    """How long the call takes once everything is imported."""
    getattr(make(), method)(table, target)
    model, start = make(), time.perf_counter()
    getattr(model, method)(table, target)
    return time.perf_counter() - start


def shot(call, delay):
    """What becomes of a call that a signal meets after some seconds: "told", "raised", "swallowed" or "late"."""
    _interrupts._latest = -np.inf  # a signal by itself
    fired, is_over, told = threading.Event(), False, []

    def fire():
        fired.set()
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(delay, fire)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            timer.start()
            call()
            is_over = not fired.is_set()
        timer.cancel()
        timer.join()
        time.sleep(0)  # where a signal that was late is noticed
    except KeyboardInterrupt:
        timer.join()
        return "late" if is_over else "raised"
    if is_over or not fired.is_set():
        return "late"
    return "told" if any("interrupted" in str(one.message) for one in told) else "swallowed"


def signals(name, n_shots, rng):
    """Signals at random moments of one kind of call, on a model that was fitted before."""
    make, method, table, target = SUBJECTS[name]
    duration = seconds_of(make, method, table, target)
    first = make()
    getattr(first, method)(table[::2], target[::2])
    stored = pickle.dumps(first)
    before, control = predicted(first, table), pickle.loads(stored)
    after = predicted(getattr(control, method)(table, target), table)
    goes_on = method == "partial_fit" or getattr(first, "warm_start", False)
    counts = dict.fromkeys(OUTCOMES, 0)
    while counts["told"] + counts["raised"] + counts["swallowed"] < n_shots:
        model = pickle.loads(stored)
        outcome = shot(lambda model=model: getattr(model, method)(table, target), rng.uniform(0, duration))
        if outcome == "late":
            continue
        counts[outcome] += 1
        now = predicted(model, table)
        is_undone = outcome == "raised" and np.array_equal(now, before)
        is_valid = np.isfinite(now).all() and (outcome == "told" or is_undone or np.array_equal(now, after))
        if is_undone or not goes_on:
            is_valid &= np.array_equal(predicted(getattr(model, method)(table, target), table), after)
        counts["broken"] += not is_valid
    return {"fault": "signal", "subject": name, "tried": n_shots, **counts}
