"""The study that a search writes to: made or joined, asked and told."""

import math
import time
import warnings
from contextlib import contextmanager
from datetime import datetime
from threading import Lock

import numpy as np
import optuna
from joblib import hash as digest
from optuna.exceptions import DuplicatedStudyError, ExperimentalWarning
from optuna.trial import FixedTrial, TrialState
from sklearn.utils import check_random_state

from .._compat import trial_id
from ._labels import label, labelled
from ._objective import FOLDS, OWN, mean_score
from ._owner import is_gone, this_process

# User attributes of a trial: how often its worker died, whose it is, and by which number its parameters were drawn.
LOST, OWNER, DRAW = "lost", "process", "draw"
DATA = "data"  # user attribute of a study
OWNERLESS = 60.0  # seconds that a trial may have no owner: Optuna starts it, and then its process signs it
MOST_LOSSES = 2  # of one setting's worker, until the setting counts as failed
PAUSES = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2]  # seconds between tries to open a database that others are setting up
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
    study = make_study(
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


def make_study(**options):
    """`optuna.create_study`, also where other processes are setting up the same database.

    Processes that start together all find an empty database, and only one of them can make its tables. In the others
    Optuna raises. They find the tables when they try again.
    """
    for pause in PAUSES:
        try:
            return optuna.create_study(**options)
        except Exception as error:  # of SQLAlchemy, which Optuna imports for databases only
            is_there = "already exists" in str(error) or type(error).__name__ == "IntegrityError"
            if not is_there or isinstance(error, DuplicatedStudyError):
                raise
            time.sleep(pause)
    return optuna.create_study(**options)


def is_persistent(storage):
    """Whether a storage keeps numbers, texts, truth values and None only."""
    return storage is not None and not isinstance(storage, optuna.storages.InMemoryStorage)


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


def is_orphan(trial):
    """Whether nobody is running a trial any more."""
    if OWNER in trial.user_attrs:
        return is_gone(trial.user_attrs[OWNER])
    return (datetime.now() - trial.datetime_start).total_seconds() > OWNERLESS  # Optuna's times are local


class Ledger:
    """Asks a study for trials and tells it what they gave; may be used from several threads.

    As a context it closes the trials that are still running at its end.

    Parameters
    ----------
    study : optuna.Study
    space : Space
    task : Task
    is_labelled : bool
        Whether the study knows choices by their labels.
    sampler : optuna sampler or None
    random_state : int, RandomState instance or None
    n_trials : int or None
        Of all processes and earlier runs together.
    timeout : float or None
        Seconds after which no further trial is started.
    """

    def __init__(self, study, space, task, *, is_labelled, sampler, random_state, n_trials, timeout):
        self.study, self.space, self.task, self.is_labelled = study, space, task, is_labelled
        self.own = self.labelled_own() if is_labelled else space.own
        self.seed = None if sampler is not None else check_random_state(random_state).randint(2**31)
        if sampler is not None:
            study.sampler = sampler
        self.n_trials, self.deadline = n_trials, math.inf if timeout is None else time.monotonic() + timeout
        self.running, self.is_over = {}, False
        self.lock = Lock()

    def __enter__(self):
        vars(self.study)["stop"] = self.stop
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if is_orphan(trial):
                self.close(trial.number, trial.user_attrs.get(FOLDS, []))
        for trial in self.results():
            self.params_of(trial)  # raises if it is from another space
        if not any(OWN in trial.user_attrs and self.counts(trial) for trial in self.study.get_trials(deepcopy=False)):
            self.study.enqueue_trial(self.own or {}, user_attrs={OWN: True})
        return self

    def __exit__(self, *error):
        self.drop_running()
        del vars(self.study)["stop"]

    def labelled_own(self):
        """The estimator's own setting in labels; None if they do not tell it from others."""
        own = self.space.own and {name: label(value) for name, value in self.space.own.items()}
        try:
            return own if own is None or self.drawn(FixedTrial(own)) else None
        except ValueError:
            return None

    def stop(self):
        """In place of `Study.stop`, by which samplers say that they have tried everything."""
        self.is_over = True

    def results(self):
        """Trials that count, in the order in which they were asked for."""
        return [trial for trial in self.study.get_trials(deepcopy=False) if self.has_result(trial)]

    def has_result(self, trial):
        n_folds = len(trial.user_attrs.get(FOLDS, []))
        return trial.state == TrialState.PRUNED or (trial.state.is_finished() and n_folds == len(self.task.splits))

    def counts(self, trial):
        """Whether a trial has a result, or will have one."""
        return not trial.state.is_finished() or self.has_result(trial)

    def drawn(self, trial):
        """Parameters of the estimator, as the space draws them by a trial."""
        return self.space.draw(labelled(trial) if self.is_labelled else trial)

    def params_of(self, trial):
        """The estimator's parameters in a trial of the study.

        Raises
        ------
        ValueError
            If the trial is from another space.
        """
        if OWN in trial.user_attrs and not self.own:
            return {}
        try:
            return self.drawn(FixedTrial(trial.params))
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
            if self.is_over or (self.n_trials is not None and n_results + len(self.running) >= self.n_trials):
                return None
            if time.monotonic() > self.deadline and not is_first:
                return None
            trial = self.next_trial()
            self.running[trial.number] = trial
            trial.set_user_attr(OWNER, this_process())
            is_bare = OWN in trial.user_attrs and not self.own
            return trial, {} if is_bare else self.drawn(trial)

    def next_trial(self):
        """A trial that draws by a number of its own, even if all processes ask in the same moment.

        Numbers go by the order of trials. That of a trial without a result is free again if it was the last.
        """
        if self.seed is not None:
            self.study.sampler = optuna.samplers.RandomSampler()  # asked by some versions before the number is known
        while True:
            trial = self.study.ask()
            before = [t for t in self.study.get_trials(deepcopy=False)[: trial.number] if self.counts(t)]
            if OWN not in trial.user_attrs or not any(OWN in t.user_attrs for t in before):
                break
            self.write(trial, state=TrialState.FAIL)  # another process that began with this one is at it
        if self.seed is not None:
            number = 0
            for other in before:  # one that has not said yet takes the next
                number = 1 + max(number, other.user_attrs.get(DRAW, number))
            trial.set_user_attr(DRAW, number)
            self.study.sampler = tree_parzen(self.seed, number)
            trial = optuna.Trial(self.study, trial_id(trial))
        return trial

    def tell(self, trial, outcome):
        """Write down what a trial gave."""
        with self.lock:
            if outcome.is_pruned:
                self.write(trial, state=TrialState.PRUNED)
            else:
                self.close(trial, outcome.folds)
            del self.running[trial.number]

    def close(self, trial, folds):
        """Write down the mean score of a trial; without all of its folds it has failed."""
        value = mean_score(folds) if len(folds) == len(self.task.splits) else math.nan
        self.write(trial, **({"state": TrialState.FAIL} if math.isnan(value) else {"values": value}))

    def write(self, trial, **result):
        """Tell the study. The sampler hears of it too, and if it fails the result has been written down already."""
        try:
            self.study.tell(trial, **result, skip_if_finished=True)
        except Exception as error:
            number = trial if isinstance(trial, int) else trial.number
            if not self.study.get_trials(deepcopy=False)[number].state.is_finished():
                raise
            self.is_over = True
            warnings.warn(f"The search ends because its sampler failed: {error!r}", stacklevel=2)

    def drop_running(self):
        """Close the trials that will not be finished."""
        with self.lock:
            for trial in self.running.values():
                self.write(trial, state=TrialState.FAIL)
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
