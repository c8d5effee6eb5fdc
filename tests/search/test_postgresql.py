"""KANSearchCV on a PostgreSQL server; collected where SKLEARN_KAN_POSTGRESQL is the URL of a database."""

import multiprocessing
import os
import signal
from uuid import uuid4

import numpy as np
import optuna
import pytest
import sqlalchemy
from optuna.distributions import FloatDistribution
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from sklearn_kan import KANRegressor, KANSearchCV
from tests.processes import exit_code, started

X, y = load_diabetes(return_X_y=True)
SPACE = {"alpha": FloatDistribution(1e-3, 1e3, log=True)}
SHARED = {"study_name": "shared", "load_if_exists": True}


@pytest.fixture
def url():
    """An empty schema of the database."""
    server = sqlalchemy.create_engine(os.environ["SKLEARN_KAN_POSTGRESQL"])
    schema = f"sklearn_kan_{uuid4().hex}"
    with server.begin() as connection:
        connection.execute(sqlalchemy.text(f"CREATE SCHEMA {schema}"))
    server.dispose()  # before processes are forked
    own = server.url.update_query_dict({"options": f"-csearch_path={schema}"})
    yield own.render_as_string(hide_password=False)
    with server.begin() as connection:
        connection.execute(sqlalchemy.text(f"DROP SCHEMA {schema} CASCADE"))


def search_of(storage, **params):
    options = {"space": SPACE, "n_trials": 8, "cv": 2, "random_state": 0, "pruner": optuna.pruners.NopPruner()}
    return KANSearchCV(Ridge(), storage=storage, **options | SHARED | params)


def test_processes_begin_together_one_is_killed_and_the_study_goes_on(url):
    everyone = multiprocessing.get_context("fork").Barrier(3)
    scores = iter(range(5))

    def dying(model, X, y):
        if next(scores) == 3:  # in its second trial
            os.kill(os.getpid(), signal.SIGKILL)
        return model.score(X, y)

    def run(**params):
        everyone.wait()
        search_of(url, **params).fit(X, y)

    processes = [started(run, how="fork"), started(run, how="fork")]
    killed = started(lambda: run(scoring=dying, n_trials=30), how="fork")
    assert exit_code(killed) == -signal.SIGKILL
    assert [exit_code(process) for process in processes] == [0, 0]

    search = search_of(url, n_trials=20).fit(X, y)
    assert [trial.state.name for trial in search.study_.trials].count("RUNNING") == 0
    params = [setting["alpha"] for setting in search.cv_results_["params"]]
    assert len(set(params)) == len(params) == 20
    for fold, test in enumerate(np.array_split(np.arange(len(y)), 2)):
        train = np.setdiff1d(np.arange(len(y)), test)
        expected = [Ridge(alpha).fit(X[train], y[train]).score(X[test], y[test]) for alpha in params]
        np.testing.assert_allclose(search.cv_results_[f"split{fold}_test_score"], expected)
    search_of(url, n_trials=20).fit(X, y)
    assert len(optuna.load_study(study_name="shared", storage=url).trials) == len(search.study_.trials)  # only read


def test_a_study_is_what_it_is_in_another_database(url, tmp_path):
    model = KANRegressor((4,), n_members=1, max_iter=1, random_state=0)
    options = {"bases": ["bspline", "rational"], "n_trials": 5, "cv": 2, "random_state": 0} | SHARED
    ours, other = (
        KANSearchCV(model, storage=storage, **options).fit(X[:100], y[:100])
        for storage in (url, f"sqlite:///{tmp_path}/study.db")
    )
    assert ours.cv_results_["params"] == other.cv_results_["params"]
    for key in ("trial_state", "mean_test_score"):
        np.testing.assert_array_equal(ours.cv_results_[key], other.cv_results_[key])
