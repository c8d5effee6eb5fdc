"""Studies that are kept, joined and gone on with: nothing lost, nothing counted twice, whatever the storage holds."""

import math
import multiprocessing
import os
import signal
import subprocess
import sys
import warnings
from types import SimpleNamespace

import joblib
import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import DuplicatedStudyError
from optuna.samplers import BruteForceSampler, GridSampler, RandomSampler
from optuna.storages import InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from sklearn.datasets import load_diabetes
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import Ridge
from sklearn.tree import DecisionTreeRegressor
from sqlalchemy.exc import OperationalError

from sklearn_kan import KANSearchCV
from sklearn_kan.search import FoldPruner, _owner
from sklearn_kan.search._owner import is_gone, this_process
from sklearn_kan.search._space import space_for
from sklearn_kan.search._study import Ledger, make_study
from tests.processes import exit_code, started

X, y = load_diabetes(return_X_y=True)
ALPHA = {"alpha": FloatDistribution(1e-3, 1e3, log=True)}
SILENT = optuna.pruners.NopPruner()

pytestmark = pytest.mark.filterwarnings("ignore:Choices for a categorical distribution:UserWarning")


def ridge_search(**params):
    return KANSearchCV(
        Ridge(), **{"space": ALPHA, "n_trials": 5, "cv": 3, "random_state": 0, "pruner": SILENT} | params
    )


def database(path):
    return f"sqlite:///{path}/study.db"


def journal(path):
    return JournalStorage(JournalFileBackend(f"{path}/journal.log"))


def states(search):
    return [trial.state.name for trial in search.study_.trials]


# Samplers that have tried everything


def depth_search(sampler, **params):
    space = (
        {"max_depth": CategoricalDistribution([3, 4, 5])}
        if isinstance(sampler, GridSampler)
        else {"max_depth": IntDistribution(3, 5)}
    )
    options = {"space": space, "sampler": sampler, "n_trials": 20, "cv": 2, "pruner": SILENT} | params
    return KANSearchCV(DecisionTreeRegressor(max_depth=3, random_state=0), **options)


SAMPLERS = [lambda: GridSampler({"max_depth": [3, 4, 5]}, seed=0), lambda: BruteForceSampler(seed=0)]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize(
    ("pruner", "n_jobs"), [(SILENT, 1), (optuna.pruners.HyperbandPruner(1, 20), 1), (FoldPruner(), 2)]
)
def test_a_search_ends_where_everything_has_been_tried(sampler, pruner, n_jobs):
    with joblib.parallel_config(backend="threading"):
        search = depth_search(sampler(), pruner=pruner, n_jobs=n_jobs).fit(X[:60], y[:60])
    tried = [params.get("max_depth", 3) for params in search.cv_results_["params"]]
    assert set(tried) == {3, 4, 5}
    assert len(tried) < 10
    assert "RUNNING" not in states(search)
    assert search.predict(X[:2]).shape == (2,)
    assert search.best_estimator_.max_depth == search.best_params_.get("max_depth", 3)
    with pytest.raises(RuntimeError, match="supposed to be invoked inside"):
        search.study_.stop()  # the study's own again


@pytest.mark.parametrize(("sampler", "storage"), list(zip(SAMPLERS, (database, journal), strict=True)))
def test_an_exhausted_study_can_be_opened_again(sampler, storage, tmp_path):
    options = {"storage": storage(tmp_path), "study_name": "a", "load_if_exists": True}
    first = depth_search(sampler(), **options).fit(X[:60], y[:60])
    again = depth_search(sampler(), **options).fit(X[:60], y[:60])
    n = len(first.cv_results_["params"])
    assert again.cv_results_["params"][:n] == first.cv_results_["params"]
    assert len(again.study_.trials) <= n + 1
    assert "RUNNING" not in states(again)


class Faulty(RandomSampler):
    """Fails after its third trial."""

    def after_trial(self, study, trial, state, values):
        if trial.number == 2:
            raise KeyError("grid_id")


def test_a_sampler_that_fails_ends_the_search_with_what_it_has():
    with pytest.warns(UserWarning, match=r"ends because its sampler failed: KeyError\('grid_id'\)"):
        search = ridge_search(sampler=Faulty(seed=0)).fit(X, y)
    assert states(search) == ["COMPLETE"] * 3
    assert search.cv_results_["rank_test_score"][search.best_index_] == 1
    one = {"space": {"alpha": CategoricalDistribution([1.0])}, "sampler": GridSampler({"alpha": [1.0]})}
    with pytest.warns(UserWarning, match="ends because its sampler failed"):  # the own setting is no cell of the grid
        search = ridge_search(**one).fit(X, y)
    assert states(search) == ["COMPLETE"]


# Processes that begin together


def test_processes_that_begin_with_an_empty_database(tmp_path, monkeypatch):
    storage = database(tmp_path)
    everyone = multiprocessing.get_context("fork").Barrier(3)

    def begin():
        everyone.wait()
        make_study(storage=storage, study_name="a", load_if_exists=True)

    processes = [started(begin, how="fork") for _ in range(3)]
    assert [exit_code(process) for process in processes] == [0, 0, 0]
    monkeypatch.setattr("sklearn_kan.search._study.PAUSES", [math.nan])  # other errors are raised at once
    for place, error in ((database(tmp_path / "nowhere"), OperationalError), (storage, DuplicatedStudyError)):
        with pytest.raises(error):
            make_study(storage=place, study_name="a")


def test_processes_that_ask_in_the_same_moment_draw_for_themselves(monkeypatch):
    study = optuna.create_study(direction="maximize", pruner=SILENT)
    task = SimpleNamespace(splits=[0])
    options = {"is_labelled": False, "sampler": None, "random_state": 0, "n_trials": 9, "timeout": None}
    one, other = (Ledger(study, space_for(Ridge(), ALPHA, None, len(X)), task, **options) for _ in range(2))
    ask, drawn = study.ask, []

    def ask_after_the_other():
        monkeypatch.undo()
        drawn.append(other.ask())
        return ask()

    monkeypatch.setattr(study, "ask", ask_after_the_other)
    drawn.append(one.ask())
    other.drop_running()  # trials that come later know that the first one failed
    drawn.append(one.ask())
    assert len({params["alpha"] for _, params in drawn}) == 3


def test_the_own_setting_is_tried_once_by_processes_that_begin_together():
    options = {"storage": InMemoryStorage(), "study_name": "a"}
    study = optuna.create_study(direction="maximize", **options)
    for _ in range(2):  # neither process saw the other's
        study.enqueue_trial({"alpha": 1.0}, user_attrs={"own_setting": True})
    search = ridge_search(n_trials=3, load_if_exists=True, **options).fit(X, y)
    assert states(search) == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert [params["alpha"] == 1.0 for params in search.cv_results_["params"]] == [True, False, False]


# Trials whose process has ended


def run_until_killed(storage, n_scores, pruner):
    """Run a search in a process that is killed when it scores for this time."""
    options = {"n_trials": 5, "cv": 2, "pruner": pruner}
    options |= {"storage": storage, "study_name": "a", "load_if_exists": True}
    calls = iter(range(1000))

    def score(model, X, y):
        if next(calls) == n_scores:
            os.kill(os.getpid(), signal.SIGKILL)
        return model.score(X, y)

    search = ridge_search(scoring=score, **options)
    assert exit_code(started(search.fit, X, y, how="fork")) == -signal.SIGKILL
    return options


@pytest.mark.parametrize(
    ("n_scores", "pruner", "storage"),
    [(0, SILENT, journal), (1, FoldPruner(), database), (5, FoldPruner(), journal), (7, SILENT, database)],
)
def test_a_search_that_was_killed_goes_on_as_if_it_had_not_been(n_scores, pruner, storage, tmp_path):
    options = run_until_killed(storage(tmp_path), n_scores, pruner)
    study = optuna.load_study(study_name="a", storage=options["storage"])
    assert [trial.state.name for trial in study.trials].count("RUNNING") == 1
    resumed, whole = ridge_search(**options).fit(X, y), ridge_search(n_trials=5, cv=2, pruner=pruner).fit(X, y)
    assert states(resumed).count("RUNNING") == 0
    assert states(resumed).count("FAIL") == 1
    assert resumed.cv_results_["params"] == whole.cv_results_["params"]
    for key in ("split0_test_score", "split1_test_score", "mean_test_score"):
        np.testing.assert_array_equal(resumed.cv_results_[key], whole.cv_results_[key])
    assert resumed.best_params_ == whole.best_params_


def left_running(storage, folds=()):
    """A storage with a trial that nobody runs any more."""
    options = {"storage": storage, "study_name": "a", "load_if_exists": True}
    ridge_search(n_trials=2, **options).fit(X, y)
    trial = optuna.load_study(study_name="a", storage=storage, sampler=RandomSampler(seed=0)).ask(ALPHA)
    if folds:
        trial.set_user_attr("folds", list(folds))
    return options, trial


def test_a_trial_that_nobody_runs_does_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_kan.search._study.OWNERLESS", 0.0)
    whole = ridge_search(n_trials=4).fit(X, y)
    options, trial = left_running(database(tmp_path))
    resumed = ridge_search(n_trials=4, **options).fit(X, y)
    assert states(resumed)[trial.number] == "FAIL"
    assert resumed.cv_results_["params"] == whole.cv_results_["params"]
    assert trial.number not in resumed.cv_results_["trial_number"]


def test_a_trial_that_has_just_begun_is_left_to_the_process_that_has_not_signed_it_yet(tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_kan.search._study.OWNERLESS", 3600.0)  # however slow the machine is
    options, trial = left_running(journal(tmp_path))
    resumed = ridge_search(n_trials=3, **options).fit(X, y)
    assert states(resumed)[trial.number] == "RUNNING"
    trial.set_user_attr("process", this_process())  # its own process goes on
    assert "process" in resumed.study_.trials[trial.number].user_attrs


def test_a_trial_that_had_all_its_folds_keeps_its_result(tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_kan.search._study.OWNERLESS", 0.0)
    fold = {"score": 0.5, "test_scores": 0.5, "fit_time": 1.0, "score_time": 1.0, "fit_error": None}
    options, trial = left_running(journal(tmp_path), [fold] * 3)
    resumed = ridge_search(n_trials=3, **options).fit(X, y)
    assert len(resumed.study_.trials) == 3
    assert resumed.study_.trials[trial.number].value == 0.5
    assert resumed.cv_results_["mean_test_score"][trial.number] == 0.5


def test_trials_of_living_processes_are_left_to_them(tmp_path):
    own = this_process()
    living = {"this one": own, "another machine": ["elsewhere", 1, "a"], "the first": [own[0], os.getppid(), "a"]}
    options, trial = left_running(journal(tmp_path))
    trials = [trial, *(trial.study.ask(ALPHA) for _ in range(2))]
    for trial, process in zip(trials, living.values(), strict=True):
        trial.set_user_attr("process", process)
    resumed = ridge_search(n_trials=4, **options).fit(X, y)
    for trial, name in zip(trials, living, strict=True):
        assert states(resumed)[trial.number] == "RUNNING", name


def test_processes_that_have_ended():
    ended = subprocess.Popen([sys.executable, "-S", "-c", ""])
    ended.wait(timeout=60)
    machine, pid, token = this_process()
    assert is_gone([machine, ended.pid, token])
    assert is_gone([machine, pid, "a token of another process that had this id"])
    assert not is_gone([machine, pid, token])
    assert not is_gone([machine, os.getppid(), token])
    assert not is_gone(["elsewhere", ended.pid, token])


def test_processes_of_systems_that_cannot_be_asked(monkeypatch):
    monkeypatch.setattr(_owner, "os", SimpleNamespace(name="nt", getpid=os.getpid))
    assert not is_gone([this_process()[0], 10**9, "a"])


def test_failed_trials_are_not_compared_with(tmp_path):
    folds = [{"score": 1e9, "test_scores": 1e9, "fit_time": 1.0, "score_time": 1.0, "fit_error": None}]
    options, _ = left_running(journal(tmp_path), folds)
    search = ridge_search(n_trials=6, pruner=FoldPruner(), **options)
    with warnings.catch_warnings(action="error", category=FitFailedWarning):
        search.fit(X, y)
    others = [t for t in search.study_.trials if t.state != TrialState.FAIL]
    assert sum(trial.state == TrialState.COMPLETE for trial in others) >= 2  # the best third, by their own
