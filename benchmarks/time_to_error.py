"""Claim: on 53,940 diamonds KANRegressor comes within 1 % of RealMLP-TD-S's best validation error in about its time.

Validation RMSE after every epoch against CPU seconds of the fit so far, defaults of each method: KANRegressor,
scikit-learn's MLPRegressor, and RealMLP-TD-S and TabM-D of pytabkit where it is installed (their own validation errors,
as they print them). For the best error of each method: when every method first reaches it, or null. A method is stopped
at the first epoch after its budget of seconds.

    python -m benchmarks.time_to_error
"""

import argparse
import contextlib
import importlib
import json
import os
import re
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from plotnine.data import diamonds
from sklearn.compose import ColumnTransformer
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from skorch.callbacks import Callback

from benchmarks.environment import environment
from sklearn_kan import KANRegressor

SEED, BUDGET = 0, 150
RESULTS = Path(__file__).parent / "results" / "time_to_error.json"


class OutOfTimeError(Exception):
    """The budget is spent."""


class Clock:
    """Errors of one fit against its CPU seconds; time spent on taking down errors does not count."""

    def __init__(self):
        self.start, self.curve = time.process_time(), []

    def note(self, error):
        now = time.process_time()
        self.curve.append((now - self.start, float(error)))
        if now - self.start > BUDGET:
            raise OutOfTimeError

    @contextlib.contextmanager
    def paused(self):
        pause = time.process_time()
        yield
        self.start += time.process_time() - pause


def kan(clock, train, valid):
    """Errors on the given rows; early stopping goes on with rows of its own, as by default."""
    model = KANRegressor(random_state=SEED)

    class Note(Callback):
        def on_epoch_end(self, net, **kwargs):
            with clock.paused():
                raw = np.concatenate([part.numpy() for part in net.forward_iter(Note.encoded)])[:, 0]
                error = root_mean_squared_error(valid[1], Note.center + Note.scale * raw)
            clock.note(error)

    with clock.paused():  # the same encoding that the fit will learn, for rows that it does not see
        shadow = KANRegressor(random_state=SEED, max_iter=1).fit(*train)
        columns = [(name, valid[0][name].to_numpy(), bool(flag))
                   for name, flag in zip(valid[0].columns, shadow.encoder_.categorical_, strict=True)]  # fmt: skip
        Note.encoded = torch.from_numpy(shadow.encoder_.transform(columns, dtype="float32"))
        Note.center, Note.scale = shadow.target_scaler_.center_[0], shadow.target_scaler_.scale_[0]
    model.set_params(callbacks=[Note()]).fit(*train)


def mlp(clock, train, valid):
    categories = train[0].select_dtypes("category").columns
    prepare = ColumnTransformer([("categories", OneHotEncoder(sparse_output=False), categories)],
                                remainder=StandardScaler())  # fmt: skip
    X, scale = prepare.fit_transform(train[0]), StandardScaler()
    y = scale.fit_transform(train[1].to_numpy()[:, None])[:, 0]
    with clock.paused():
        X_valid = prepare.transform(valid[0])
    model = MLPRegressor(random_state=SEED)
    best, idle = np.inf, 0
    for _ in range(model.max_iter):
        model.partial_fit(X, y)
        with clock.paused():
            error = root_mean_squared_error(valid[1], scale.inverse_transform(model.predict(X_valid)[:, None])[:, 0])
        clock.note(error)
        idle = idle + 1 if model.loss_ > best - model.tol else 0
        best = min(best, model.loss_)
        if idle > model.n_iter_no_change:  # as its fit stops
            break


class Listener:
    """Standard output that hears validation errors."""

    def __init__(self, clock, pattern, sign):
        self.clock, self.pattern, self.sign = clock, re.compile(pattern), sign

    def write(self, text):
        for found in self.pattern.findall(text):
            self.clock.note(self.sign * float(found))
        return len(text)

    def flush(self):
        pass


def pytabkit(name, pattern, sign, verbosity):
    def run(clock, train, valid):
        model = getattr(importlib.import_module("pytabkit"), name)(
            device="cpu", random_state=SEED, n_cv=1, n_threads=1, verbosity=verbosity
        )
        with contextlib.redirect_stdout(Listener(clock, pattern, sign)):
            model.fit(*train, X_val=valid[0], y_val=valid[1])

    return run


METHODS = {
    "KANRegressor": kan,
    "MLPRegressor": mlp,
    "RealMLP-TD-S": pytabkit("RealMLP_TD_S_Regressor", r"val rmse = ([\d.]+)", 1, 2),
    "TabM-D": pytabkit("TabM_D_Regressor", r"\(val\) (-?[\d.]+)", -1, 1),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    installed = importlib.util.find_spec("pytabkit") is not None
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS)[: 4 if installed else 2])
    methods = parser.parse_args().methods
    torch.set_num_threads(1)
    y = diamonds["price"].astype(float)
    X = diamonds.drop(columns="price").astype({"carat": float})
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, test_size=0.2, random_state=SEED)
    curves = {}
    for name in methods:
        clock = Clock()
        with contextlib.suppress(OutOfTimeError):
            METHODS[name](clock, (X_train, y_train), (X_valid, y_valid))
        curves[name] = clock.curve
        print(name, len(curves[name]), "epochs, best", min(error for _, error in curves[name]), file=sys.stderr)
    result = {"claim": __doc__.split("\n")[0], **environment(), "seed": SEED, "budget_cpu_seconds": BUDGET}
    result |= {"levels": levels(curves), "curves": curves}
    print(json.dumps(result["levels"], indent=1))
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


def levels(curves):
    """For each method its best error, and the seconds after which each method is as good."""
    found = []
    for name, curve in curves.items():
        rmse = min(error for _, error in curve)
        seconds = {
            other: next((second for second, error in curve if error <= rmse), None) for other, curve in curves.items()
        }
        found.append({"best_of": name, "rmse": rmse, "cpu_seconds": seconds})
    return sorted(found, key=lambda level: -level["rmse"])


if __name__ == "__main__":
    main()
