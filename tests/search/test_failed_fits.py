"""Fits of a search that fail or are interrupted: the one before stays, or what there is counts."""

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from sklearn_kan import KANRegressor, KANSearchCV

X, y = load_diabetes(return_X_y=True)
ALPHA = {"alpha": FloatDistribution(1e-3, 1e3, log=True)}
SILENT = optuna.pruners.NopPruner()
KAN = {"hidden_layer_sizes": (4,), "n_members": 1, "max_iter": 1, "random_state": 0}

pytestmark = pytest.mark.filterwarnings("ignore:Choices for a categorical distribution:UserWarning")


def ridge_search(**params):
    return KANSearchCV(
        Ridge(), **{"space": ALPHA, "n_trials": 5, "cv": 3, "random_state": 0, "pruner": SILENT} | params
    )


def states(search):
    return [trial.state.name for trial in search.study_.trials]


# A fit that fails leaves the one before


def breaking(trial):
    raise ZeroDivisionError


INTERRUPTED = {
    "space": breaking,
    "scoring": lambda model, X, y: 1 / 0,
    "cv": [(np.arange(3), np.arange(3, 6)), (np.arange(3), [10**6])],
    "refit": lambda results: 1 / 0,
}


@pytest.mark.parametrize("parameter", INTERRUPTED)
def test_a_second_fit_that_fails_leaves_the_first(parameter):
    search = ridge_search(scoring="r2", return_train_score=True).fit(X, y)
    before, predictions = dict(vars(search)), search.predict(X)
    search.set_params(**{parameter: INTERRUPTED[parameter]}, error_score="raise")
    with pytest.raises((ZeroDivisionError, IndexError)):
        search.fit(X[:100, :3], y[:100])
    search.set_params(**{parameter: before[parameter], "error_score": before["error_score"]})
    assert vars(search).keys() == before.keys()
    assert all(vars(search)[name] is before[name] for name in before if name.endswith("_"))
    np.testing.assert_array_equal(search.predict(X), predictions)
    assert search.n_features_in_ == X.shape[1]


def test_ctrl_c_in_the_refit_leaves_the_first_fit():
    class Interrupted(Ridge):
        n_rows = 10**9

        def fit(self, X, y):
            if len(X) == type(self).n_rows:
                raise KeyboardInterrupt
            return super().fit(X, y)

    search = KANSearchCV(Interrupted(), space=ALPHA, n_trials=3, cv=3, random_state=0).fit(X, y)
    before = dict(vars(search))
    Interrupted.n_rows = len(X)
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, y)
    assert vars(search) == before


def test_nothing_is_left_of_an_earlier_fit():
    search = ridge_search().fit(pd.DataFrame(X).add_prefix("x"), y)
    assert list(search.feature_names_in_)[:2] == ["x0", "x1"]
    search.fit(X, y)
    assert not hasattr(search, "feature_names_in_")
    search.set_params(refit=False).fit(X, y)
    assert not any(hasattr(search, name) for name in ("best_estimator_", "refit_time_", "n_features_in_"))
    assert hasattr(search, "best_params_")
    search.set_params(refit=lambda results: 0).fit(X, y)
    assert not hasattr(search, "best_score_")


# Ctrl-C


class Interrupting(optuna.pruners.BasePruner):
    """Ctrl-C while it is asked for this time."""

    def __init__(self, time):
        self.time = time

    def prune(self, study, trial):
        self.time -= 1
        if self.time == 0:
            raise KeyboardInterrupt
        return False


@pytest.mark.parametrize("time", [3, 12, 25])
def test_ctrl_c_while_the_pruner_is_asked_ends_the_search(time):
    model = KANRegressor((3,), max_iter=10, n_members=1, early_stopping=True)
    search = KANSearchCV(model, n_trials=20, cv=2, pruner=Interrupting(time), bases=["bspline"], random_state=0)
    with pytest.warns(UserWarning, match="The search was interrupted"):
        search.fit(X[:60], y[:60])
    *finished, last = states(search)
    assert set(finished) == {"COMPLETE"}
    assert last == "FAIL"
    assert search.cv_results_["trial_number"].tolist() == list(range(len(finished)))
