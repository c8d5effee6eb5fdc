"""Stopping trials of a search early."""

import warnings

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold

from sklearn_kan import KANRegressor, KANSearchCV
from sklearn_kan.search import FoldPruner

ALPHA = {"alpha": FloatDistribution(1e-3, 1e3, log=True)}
X, y = load_diabetes(return_X_y=True)


class StopAt(optuna.pruners.BasePruner):
    """Stops every trial at one step."""

    def __init__(self, step):
        self.step = step

    def prune(self, study, trial):
        return trial.last_step >= self.step


@pytest.mark.parametrize(("step", "n_folds"), [(2, 0), (10, 1), (14, 1)])
def test_trials_are_stopped_within_folds_and_between_them(step, n_folds):
    model = KANRegressor((4,), max_iter=10, early_stopping=True)
    with warnings.catch_warnings(action="error", category=UserWarning):
        search = KANSearchCV(model, bases=["bspline"], n_trials=3, cv=3, random_state=0, pruner=StopAt(step))
        results = search.fit(X, y).cv_results_
    assert results["trial_state"].tolist() == ["complete", "pruned", "pruned"]  # never the estimator's own setting
    assert [trial.last_step for trial in search.study_.trials] == [30, step, step]
    assert np.isfinite(results["mean_test_score"]).tolist() == [True, False, False]
    is_there = [np.isfinite(results[f"split{fold}_test_score"][1:]).all() for fold in range(3)]
    assert is_there == [fold < n_folds for fold in range(3)]
    assert results["rank_test_score"].tolist() == [1, 2, 2]
    assert search.best_params_ == results["params"][0]


def test_reports_are_the_best_validation_scores_so_far():
    model = KANRegressor((4,), max_iter=20, early_stopping=True, random_state=0)
    search = KANSearchCV(model, bases=["bspline"], n_trials=1, cv=2).fit(X, y)
    train = next(KFold(2).split(X))[0]
    curve = np.maximum.accumulate(clone(model).fit(X[train], y[train]).validation_scores_)
    reported = search.study_.trials[0].intermediate_values
    assert [reported[step] for step in range(1, 11)] == pytest.approx(curve[1::2].tolist())
    assert list(reported) == list(range(1, 21))


def test_without_validation_rows_folds_report_their_scores():
    search = KANSearchCV(Ridge(), space=ALPHA, n_trials=2, cv=3, pruner=optuna.pruners.NopPruner()).fit(X, y)
    scores = [search.cv_results_[f"split{fold}_test_score"][1] for fold in range(3)]
    assert search.study_.trials[1].intermediate_values == dict(zip([10, 20, 30], scores, strict=True))


@pytest.mark.parametrize("name", ["MedianPruner", "HyperbandPruner", "SuccessiveHalvingPruner"])
def test_optunas_pruners_and_samplers_may_take_the_place_of_the_defaults(name):
    sampler = optuna.samplers.RandomSampler(seed=0)
    pruner = getattr(optuna.pruners, name)()
    search = KANSearchCV(Ridge(), space=ALPHA, n_trials=8, cv=3, pruner=pruner, sampler=sampler)
    first, second = (search.fit(X, y).cv_results_["params"] for _ in range(2))
    assert first == second  # the sampler that was passed is left as it is
    assert type(search.study_.pruner).__name__ == name


def running(curve=(), scores=(), state=optuna.trial.TrialState.RUNNING):
    value = np.mean(scores) if state == optuna.trial.TrialState.COMPLETE else None
    return optuna.trial.create_trial(
        state=state, value=value, intermediate_values=dict(enumerate(curve, 1)),
        user_attrs={"folds": [{"score": score} for score in scores]} if len(scores) else {},
    )  # fmt: skip


def test_trials_go_on_while_they_are_in_the_best_part_of_all_that_came_as_far():
    states = optuna.trial.TrialState
    study = optuna.create_study(direction="maximize")
    ended = [running(scores=scores, state=states.COMPLETE) for scores in ([0.8, 0.8], [0.5, 0.9])]
    stopped = [running(scores=[score], state=states.PRUNED) for score in (0.1, 0.2, 0.7)]
    study.add_trials([*ended, *stopped, running([-3.0], state=states.PRUNED)])  # the last did not come as far
    study.add_trial(running())  # number 6, itself

    def is_stopped(scores, factor):
        return FoldPruner(factor).prune(study, numbered(running(scores=scores), 6))

    for score, best_third, best_half in [
        (0.9, True, True),
        (0.75, True, True),
        (0.6, False, True),
        (0.3, False, False),
    ]:
        assert is_stopped([score], 3) != best_third
        assert is_stopped([score], 2) != best_half
    assert not is_stopped([0.0, 1.0], 1.01)  # on the mean of both folds, against two
    assert not is_stopped([0.0, 1.61], 3)
    assert is_stopped([0.0, 1.0], 3)


def numbered(trial, number):
    trial.number = number
    return trial


def test_within_the_first_fold_validation_scores_are_compared_once():
    study = optuna.create_study(direction="maximize")
    study.add_trials([running([-9, -8, -7, last], state=optuna.trial.TrialState.PRUNED) for last in (-1, -2, -3)])
    study.add_trial(running())
    pruner = FoldPruner()
    for curve, is_hopeless in [([-99] * 3, False), ([-99] * 4, True), ([-1.5] * 4, False), ([-99] * 5, False)]:
        assert pruner.prune(study, numbered(running(curve), 3)) == is_hopeless
