"""KANSearchCV on several processes: joblib's, dask's, and those that share a study; what happens if one is killed."""

import multiprocessing
import os
import signal
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import joblib
import numpy as np
import optuna
import pytest
import torch
from joblib import delayed
from optuna.distributions import FloatDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from sklearn.datasets import load_diabetes
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import Ridge

from sklearn_kan import KANSearchCV
from sklearn_kan.search._run import at_most, unordered
from tests.processes import PATIENCE, exit_code, started

X, y = load_diabetes(return_X_y=True)
ALPHA = {"alpha": FloatDistribution(1e-3, 1e3, log=True)}
SILENT = optuna.pruners.NopPruner()


class Fragile(Ridge):
    """Its process is killed while it fits, as often as there are files in a folder."""

    def __init__(self, alpha=1.0, folder=None):
        super().__init__(alpha)
        self.folder = folder

    def fit(self, X, y):
        fuses = sorted(Path(self.folder).glob("fuse*"))
        if self.alpha != 1.0 and fuses:
            fuses[0].unlink(missing_ok=True)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)


class Patient(Ridge):
    """Fits when there is no file any more."""

    def __init__(self, alpha=1.0, file=None):
        super().__init__(alpha)
        self.file = file

    def fit(self, X, y):
        end = time.monotonic() + PATIENCE
        while Path(self.file).exists() and time.monotonic() < end:
            time.sleep(0.01)
        return super().fit(X, y)


def threads(model, X, y):
    return {"score": -model.alpha, "threads": torch.get_num_threads()}


def search_of(model, **params):
    return KANSearchCV(model, **{"space": ALPHA, "n_trials": 8, "cv": 2, "random_state": 0, "pruner": SILENT} | params)


def assert_complete(search, n_trials):
    """All trials have all scores, and these are what a serial search gives for the same settings."""
    results = search.cv_results_
    assert len(results["params"]) == n_trials
    assert results["trial_state"].tolist() == ["complete"] * n_trials
    settings = [{"alpha": params["alpha"]} for params in results["params"]]
    for fold, test in enumerate(np.array_split(np.arange(len(y)), 2)):
        train = np.setdiff1d(np.arange(len(y)), test)
        scores = [Ridge(**setting).fit(X[train], y[train]).score(X[test], y[test]) for setting in settings]
        np.testing.assert_allclose(results[f"split{fold}_test_score"], scores)


def test_workers_of_loky_one_of_which_is_killed(tmp_path):
    (tmp_path / "fuse").touch()
    search = search_of(Fragile(folder=str(tmp_path)), n_jobs=2).fit(X, y)
    assert_complete(search, 8)
    assert not list(tmp_path.glob("fuse*"))
    states = [trial.state.name for trial in search.study_.trials]
    assert states.count("FAIL") >= 1  # what ran when the worker died; it was tried again
    lost = [trial.params for trial in search.study_.trials if trial.state.name == "FAIL"]
    assert all(params in search.cv_results_["params"] for params in lost)
    # the same pool of workers, still warm
    search = search_of(Ridge(), n_jobs=2, n_trials=2, scoring=threads, refit="score").fit(X, y)
    assert search.cv_results_["mean_test_threads"].max() <= max(1, joblib.cpu_count() // 2)


def test_a_setting_that_kills_its_worker_twice_has_failed(monkeypatch):
    def dying(jobs, n_jobs):
        def outcomes():
            for function, arguments, options in jobs:
                number = arguments[1]
                if number in (1, 2):
                    raise BrokenProcessPool("killed")
                yield function(*arguments, **options)

        return outcomes()

    monkeypatch.setattr("sklearn_kan.search._run.unordered", dying)
    with pytest.warns(FitFailedWarning, match="The worker died 2 times"):
        search = search_of(Ridge(), n_jobs=2, n_trials=4).fit(X, y)
    assert search.cv_results_["trial_state"].tolist() == ["complete", "fail", "complete", "complete"]
    assert np.isnan(search.cv_results_["mean_test_score"][1])
    with pytest.raises(BrokenProcessPool):
        search_of(Ridge(), n_jobs=2, n_trials=4, error_score="raise").fit(X, y)


@pytest.fixture
def few_imports():
    """Workers of dask come from a process that has imported, once for all of them, what they need."""
    dask = pytest.importorskip("dask")
    utils = pytest.importorskip("distributed.utils")
    can_fork = "forkserver" in multiprocessing.get_all_start_methods()
    how = {"distributed.worker.multiprocessing-method": "forkserver"} if can_fork else {}
    how |= {f"distributed.comm.timeouts.{name}": f"{PATIENCE}s" for name in ("connect", "tcp")}
    with dask.config.set(how):
        if can_fork:
            utils.get_mp_context().set_forkserver_preload(["distributed", __name__])
        yield


@pytest.mark.usefixtures("few_imports")
def test_workers_of_dask(tmp_path):
    distributed = pytest.importorskip("distributed")
    (tmp_path / "fuse").touch()
    cluster = distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        local_directory=str(tmp_path / "dask"),
    )
    options = {"backend": "dask", "wait_for_workers_timeout": PATIENCE}
    with cluster, distributed.Client(cluster), joblib.parallel_config(**options):
        search = search_of(Fragile(folder=str(tmp_path)), storage=f"sqlite:///{tmp_path}/study.db").fit(X, y)
    assert_complete(search, 8)
    assert not list(tmp_path.glob("fuse*"))


def test_errors_of_workers_and_of_spaces_are_raised():
    with joblib.parallel_config(backend="threading"):
        with pytest.raises(AttributeError, match="nothing"):
            search_of(Ridge(), n_jobs=2, scoring=lambda model, X, y: model.nothing, error_score="raise").fit(X, y)
        with pytest.raises(ZeroDivisionError):
            search_of(Ridge(), n_jobs=2, space=lambda trial: 1 / 0).fit(X, y)


@pytest.mark.parametrize("backend", ["threading", "multiprocessing"])  # the latter gives results in rounds only
def test_results_come_from_any_backend(backend):
    with joblib.parallel_config(backend=backend):
        jobs = (delayed(abs)(-number) for number in range(7))
        assert sorted(unordered(jobs, 2)) == list(range(7))


def test_a_search_runs_in_threads():
    n_threads = torch.get_num_threads()
    with joblib.parallel_config(backend="threading"):
        search = search_of(Ridge(), n_jobs=2, n_trials=12).fit(X, y)
    assert_complete(search, 12)
    assert torch.get_num_threads() == n_threads


def test_threads_are_limited_for_a_while():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with at_most(1):
            assert torch.get_num_threads() == 1
        with at_most(4):
            assert torch.get_num_threads() == 2
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def join(journal, folder):
    storage = JournalStorage(JournalFileBackend(journal))
    search_of(Fragile(folder=folder), storage=storage, study_name="shared", load_if_exists=True).fit(X, y)


def test_processes_that_share_a_journal_one_of_which_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("sklearn_kan.search._study.OWNERLESS", 3600.0)  # however slow the machine is
    journal, fuse = str(tmp_path / "journal.log"), tmp_path / "fuse"
    fuse.touch()
    other = started(join, journal, str(tmp_path))
    options = {"storage": JournalStorage(JournalFileBackend(journal)), "study_name": "shared", "load_if_exists": True}
    assert_complete(search_of(Patient(file=str(fuse)), random_state=1, n_trials=30, **options).fit(X, y), 30)
    assert exit_code(other) == -signal.SIGKILL
    trials = optuna.load_study(study_name="shared", storage=options["storage"]).trials
    others = [trial for trial in trials if trial.state.name != "COMPLETE"]
    assert [trial.state.name for trial in others if trial.params] == ["RUNNING"]  # what the killed process was at
    assert len(others) <= 2  # both may have put the own setting first: one of them is withdrawn, without parameters
    assert len(trials) == 30 + len(others)
    search = search_of(Ridge(), n_trials=30, **options).fit(X, y)
    assert_complete(search, 30)
    assert len(search.study_.trials) == len(trials)  # it had only to read
    assert_complete(search_of(Ridge(), n_trials=32, **options).fit(X, y), 32)
