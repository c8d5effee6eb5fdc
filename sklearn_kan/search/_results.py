"""The study's trials in the form of scikit-learn's `cv_results_`."""

import math
import warnings

from optuna.trial import TrialState

from ._objective import FOLDS


def folds_of(trial, n_splits, with_train):
    """What each fold of a trial gave; NaN where it was stopped before."""
    kept = ["fit_time", "score_time", "test_scores"] + ["train_scores"] * with_train
    folds = [{key: fold.get(key, math.nan) for key in kept} for fold in trial.user_attrs.get(FOLDS, [])]
    return folds + [dict.fromkeys(kept, math.nan)] * (n_splits - len(folds))


def with_all_metrics(folds):
    """The folds with a dict of scores each, if any has one."""
    scores = (fold["test_scores"] for fold in folds)
    names = next((list(score) for score in scores if isinstance(score, dict)), None)
    if names is None:
        return folds
    return [
        {
            key: dict.fromkeys(names, value) if key.endswith("_scores") and not isinstance(value, dict) else value
            for key, value in fold.items()
        }
        for fold in folds
    ]


def results_of(trials, params, n_splits, with_train, format_results):
    """`cv_results_` of trials, along with their numbers and states.

    Parameters
    ----------
    trials : list of FrozenTrial
    params : list of dict
    n_splits : int
    with_train : bool
        Whether to have training scores.
    format_results : callable
        That of scikit-learn's searches.
    """
    folds = with_all_metrics([fold for trial in trials for fold in folds_of(trial, n_splits, with_train)])
    more = {
        "trial_number": [trial.number for trial in trials],
        "trial_state": [trial.state.name.lower() for trial in trials],
    }
    with warnings.catch_warnings():
        if all(trial.state != TrialState.FAIL for trial in trials):  # NaN of pruned trials is no surprise
            warnings.filterwarnings("ignore", "One or more of the", UserWarning)
        return format_results(params, n_splits, folds, more)
