"""Python swallows signals that arrive while it destroys an object: none of our code runs there."""

import sys

import numpy as np
import pytest
from optuna.distributions import FloatDistribution

from sklearn_kan import GPSpectralRegressor, KANRegressor, KANSearchCV
from sklearn_kan.symbolic import KANSymbolicRegressor

X = np.random.default_rng(0).normal(size=(40, 2))
Y = X[:, 0] + X[:, 1]
SMALL = {"hidden_layer_sizes": (3,), "n_knots": 4, "n_members": 2, "max_iter": 2, "random_state": 0}
ALPHA = {"alpha": FloatDistribution(0.1, 1.0)}
CALLBACKS = "remove", "_remove", "__call__", "__del__"  # of weak dictionaries, weak sets and finalizers; of classes
SUBJECTS = {
    "network": lambda: KANRegressor(**SMALL, refit="last_layer"),
    "search": lambda: KANSearchCV(KANRegressor(**SMALL), space=ALPHA, n_trials=2, cv=2, random_state=0),
    "process": lambda: GPSpectralRegressor(spectrum="student_t", max_iter=1, trend_degree=0),
    "formula": lambda: KANSymbolicRegressor(max_seconds=None, max_steps=1, random_state=0),
}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_nothing_is_run_where_python_swallows_signals(subject):
    found = []

    def look(frame, event, arg):
        code, caller = frame.f_code, frame.f_back.f_code if frame.f_back else None
        is_weak = "weakref" in code.co_filename and code.co_name in CALLBACKS
        if event == "call" and (is_weak or code.co_name == "__del__") and caller.co_name != "compiled":
            found.append(f"{code.co_filename}:{code.co_name}, in {caller.co_filename}:{caller.co_name}")

    model = SUBJECTS[subject]().fit(X, Y)  # what is imported there may destroy what it likes
    before = sys.getprofile()
    sys.setprofile(look)
    try:
        model.fit(X, Y)
        del model
    finally:
        sys.setprofile(before)
    assert not found
