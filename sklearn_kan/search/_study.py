"""The study that a search writes to: made or joined, asked and told."""

import math
import time
import warnings
from contextlib import contextmanager
from threading import Lock

import numpy as np
import optuna
from joblib import hash as digest
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FixedTrial, TrialState
from sklearn.utils import check_random_state

from ._objective import FOLDS, OWN, mean_score

LOST, DATA = "lost", "data"  # user attributes of a trial whose worker died, and of a study
MOST_LOSSES = 2  # of one setting's worker, until the setting counts as failed
N_RANDOM = 5  # trials drawn at random before the sampler begins to learn; the first, the own setting, is a good start


@contextmanager
def quiet():
    """Optuna's messages about studies and trials kept back."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(before, optuna.logging.WARNING))
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def open_study(storage, study_name, load_if_exists, pruner, task):
    """Make a study, or join one that was made for the same rows, targets and splits.

    Raises
    ------
    ValueError
        If it was made for others.
    """
    study = optuna.create_study(
        storage=storage, study_name=study_name, load_if_exists=load_if_exists, pruner=pruner, direction="maximize"
    )
    data = fingerprint(task)
    if study.user_attrs.setdefault(DATA, data) != data:
        raise ValueError(
            f"study_name={study.study_name!r} was made for another table, target or splits, whose scores cannot be "
            "compared with these. Choose another study_name, and a cv whose splits are the same in every run."
        )
    study.set_user_attr(DATA, data)
    return study


def fingerprint(task):
    """What tells targets and splits from others."""
    y = np.asarray(task.y)
    y = y.astype(str) if y.dtype.kind == "O" else y
    return digest([np.shape(task.X), y, [np.asarray(test) for _, test in task.splits]])


def tree_parzen(seed, number):
    """Default sampler for the trial of some number.

    A sampler of its own for each, so that a search that goes on after a crash draws what it would have drawn, and
    processes that share a study do not draw the same.
    """
    state = np.random.SeedSequence([seed, number]).generate_state(1)
    with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
        return optuna.samplers.TPESampler(
            seed=int(state[0]), n_startup_trials=N_RANDOM, multivariate=True, group=True, constant_liar=True
        )


class Ledger:
    """Asks a study for trials and tells it what they gave; may be used from several threads.

    Parameters
    ----------
    study : optuna.Study
    space : Space
    task : Task
    sampler : optuna sampler or None
    random_state : int, RandomState instance or None
    n_trials : int or None
        Of all processes and earlier runs together.
    timeout : float or None
        Seconds after which no further trial is started.
    """

    def __init__(self, study, space, task, *, sampler, random_state, n_trials, timeout):
        self.study, self.space, self.task = study, space, task
        self.seed = None if sampler is not None else check_random_state(random_state).randint(2**31)
        if sampler is not None:
            study.sampler = sampler
        self.n_trials, self.deadline = n_trials, math.inf if timeout is None else time.monotonic() + timeout
        self.running = {}
        self.lock = Lock()
        if not any(OWN in trial.user_attrs for trial in self.results()):
            study.enqueue_trial(space.own or {}, user_attrs={OWN: True})

    def results(self):
        """Trials that count, in the order in which they were asked for."""
        return [trial for trial in self.study.get_trials(deepcopy=False) if self.has_result(trial)]

    def has_result(self, trial):
        n_folds = len(trial.user_attrs.get(FOLDS, []))
        return trial.state == TrialState.PRUNED or (trial.state.is_finished() and n_folds == len(self.task.splits))

    def params_of(self, trial):
        """The estimator's parameters in a trial of the study.

        Raises
        ------
        ValueError
            If the trial is from another space.
        """
        if OWN in trial.user_attrs and not self.space.own:
            return {}
        try:
            return self.space.draw(FixedTrial(trial.params))
        except (ValueError, KeyError) as error:
            raise ValueError(
                f"study_name={self.study.study_name!r} has trials of another space: {error}. Choose another "
                "study_name, or the space, bases and estimator that it was begun with."
            ) from error

    def ask(self):
        """The next trial with its parameters; None if there is no more to do."""
        with self.lock:
            trials = self.study.get_trials(deepcopy=False)
            n_results = sum(map(self.has_result, trials))
            is_first = not self.running and n_results == 0
            if self.n_trials is not None and n_results + len(self.running) >= self.n_trials:
                return None
            if time.monotonic() > self.deadline and not is_first:
                return None
            if self.seed is not None:
                self.study.sampler = tree_parzen(self.seed, len(trials))
            trial = self.study.ask()
            self.running[trial.number] = trial
            is_bare = OWN in trial.user_attrs and not self.space.own
            return trial, {} if is_bare else self.space.draw(trial)

    def tell(self, trial, outcome):
        """Write down what a trial gave."""
        with self.lock:
            value = math.nan if outcome.is_pruned else mean_score(outcome.folds)
            if outcome.is_pruned:
                self.study.tell(trial, state=TrialState.PRUNED)
            elif math.isnan(value):
                self.study.tell(trial, state=TrialState.FAIL)
            else:
                self.study.tell(trial, value)
            del self.running[trial.number]

    def drop_running(self):
        """Close the trials that will not be finished."""
        with self.lock:
            for trial in self.running.values():
                self.study.tell(trial, state=TrialState.FAIL)
            self.running.clear()

    def lose_running(self, error):
        """Close the trials whose worker has died; they are tried once more, then count as failed."""
        lost = list(self.running.values())
        is_again = {trial.number: trial.user_attrs.get(LOST, 0) + 1 < MOST_LOSSES for trial in lost}
        score = self.task.options["error_score"]
        if score == "raise" and not all(is_again.values()):
            self.drop_running()
            raise error
        for trial in lost:
            if is_again[trial.number]:
                attributes = {**trial.user_attrs, LOST: trial.user_attrs.get(LOST, 0) + 1}
                self.study.enqueue_trial(trial.params, user_attrs={k: v for k, v in attributes.items() if k != FOLDS})
                continue
            failed = {"fit_error": f"The worker died {MOST_LOSSES} times: {error}", "score": score}
            failed |= {"test_scores": score, "train_scores": score, "fit_time": math.nan, "score_time": math.nan}
            trial.set_user_attr(FOLDS, [failed] * len(self.task.splits))
        self.drop_running()
