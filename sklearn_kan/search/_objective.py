"""One trial: a setting is cross-validated fold by fold, and given up as soon as the pruner says so."""

import math
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone

from .._compat import fit_and_score
from ..training._observation import observed_by

N_REPORTS = 10  # of a fold, evenly over its passes
FOLDS = "folds"  # user attribute of a trial with what each fold gave: the score sought, all scores, times, error
OWN = "own_setting"  # user attribute of the trial of the estimator as it was passed


class Task(NamedTuple):
    """What is the same for all trials.

    Parameters
    ----------
    estimator : estimator
    X, y : table and target
    splits : list of (train, test)
    options : dict
        Keyword arguments of scikit-learn's `_fit_and_score`.
    metric : str or None
        Which of several scores is sought; None for the first.
    """

    estimator: Any
    X: Any
    y: Any
    splits: list[tuple[Any, Any]]
    options: dict[str, Any]
    metric: str | None


class Outcome(NamedTuple):
    """What a trial has given: a dict for each finished fold, and whether it was stopped before its end."""

    folds: list[dict[str, Any]]
    is_pruned: bool


class Stopped(BaseException):
    """A trial is hopeless. Not an Exception, which scikit-learn would take for a failure of the fit."""


class Interrupted(BaseException):
    """Ctrl-C within a report. Training would take a KeyboardInterrupt at the end of a pass for the end of a phase."""


class Reporter:
    """Hands a fold's validation scores on to a trial, in tenths of the passes, and stops it where it is hopeless.

    A trial's step counts tenths of folds: 10 is the end of the first. Without validation rows a fold reports its own
    score at its end instead. The estimator's own setting is never stopped: it is what others are measured by.
    """

    def __init__(self, trial, fold):
        self.trial, self.fold = trial, fold
        self.is_open = OWN not in trial.user_attrs
        self.n_passes = self.n_reports = 0
        self.best = -math.inf

    def __call__(self, valid_loss, n_passes):
        try:
            self.report(valid_loss, n_passes)
        except KeyboardInterrupt as error:
            raise Interrupted from error

    def report(self, valid_loss, n_passes):
        self.n_passes += 1
        if valid_loss is None or not math.isfinite(valid_loss):
            return
        self.best = max(self.best, -valid_loss)
        tenth = N_REPORTS * self.n_passes // n_passes
        if self.n_reports < tenth <= N_REPORTS:
            self.n_reports = tenth
            self.trial.report(self.best, N_REPORTS * self.fold + tenth)
            if tenth < N_REPORTS and self.is_open and self.trial.should_prune():
                raise Stopped

    def is_enough(self, score):
        """Whether the trial is hopeless with this score of the fold, which is over."""
        if self.best == -math.inf and math.isfinite(score):  # no validation rows
            self.trial.report(score, N_REPORTS * (self.fold + 1))
        return self.is_open and self.trial.should_prune()


def evaluate(trial, params, task, contexts):
    """Cross-validate a setting.

    Parameters
    ----------
    trial : optuna.Trial
        Gets validation scores as intermediate values, and the folds' results as a user attribute.
    params : dict
    task : Task
    contexts : list of CallbackContext
        One for each fold.

    Returns
    -------
    Outcome
    """
    folds: list[dict[str, Any]] = []
    n_splits = len(task.splits)
    for fold, (train, test) in enumerate(task.splits):
        reporter = Reporter(trial, fold)
        try:
            with observed_by(reporter):
                result = fit_and_score(
                    clone(task.estimator), task.X, task.y, train=train, test=test, parameters=params,
                    split_progress=(fold, n_splits), callback_ctx=contexts[fold], **task.options,
                )  # fmt: skip
        except Stopped:
            return Outcome(folds, True)
        except Interrupted as error:
            raise KeyboardInterrupt from error
        score = sought(result["test_scores"], task.metric)
        folds.append(plain(result) | {"score": score})
        trial.set_user_attr(FOLDS, folds)
        if reporter.is_enough(score) and fold + 1 < n_splits:
            return Outcome(folds, True)
    return Outcome(folds, False)


def plain(result):
    """A fold's result as any storage can hold it."""
    return {
        key: {name: float(score) for name, score in value.items()} if isinstance(value, dict)
        else value if value is None or isinstance(value, str) else float(value)
        for key, value in result.items()
    }  # fmt: skip


def sought(scores, metric):
    """The score that is optimised, out of one or several."""
    if not isinstance(scores, dict):
        return float(scores)
    return float(scores[metric if metric in scores else next(iter(scores))])


def mean_score(folds):
    """The value of a trial."""
    return float(np.mean([fold["score"] for fold in folds]))
