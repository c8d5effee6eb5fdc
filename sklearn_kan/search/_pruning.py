"""When a trial is hopeless."""

from itertools import combinations

import numpy as np
from optuna.pruners import BasePruner
from optuna.trial import TrialState

from ._objective import FOLDS, N_REPORTS


class LeadPruner(BasePruner):
    """Stops a trial that is further behind the best one than any lead that was ever lost.

    Standings are compared at the same step: within a fold the validation score of training so far, at the end of a
    fold the mean score of the folds so far. Among the better half of the finished trials, some were ahead at that step
    and yet ended behind; the largest of their leads, whichever folds had come first, is what a trial may be behind
    the best. So the rule learns from the study itself how early, and with how few folds, trials can be told apart.

    Parameters
    ----------
    n_startup_trials : int, default=4
        Trials that have to be finished before any is stopped.
    n_warmup_steps : int, default=3
        Tenths of the first fold in which none is stopped.

    References
    ----------
    The idea of racing, with leads in the place of a statistical bound: Maron, Moore (1994), *Hoeffding races*, NIPS.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_kan import KANClassifier, KANSearchCV
    >>> from sklearn_kan.search import LeadPruner
    >>> X, y = load_iris(return_X_y=True)
    >>> search = KANSearchCV(KANClassifier((4,), max_iter=2), n_trials=3, cv=2, pruner=LeadPruner(n_startup_trials=2))
    >>> search.fit(X, y).cv_results_["trial_state"][0]
    'complete'
    """

    def __init__(self, n_startup_trials=4, n_warmup_steps=3):
        self.n_startup_trials, self.n_warmup_steps = n_startup_trials, n_warmup_steps

    def prune(self, study, trial):
        """Whether to stop a trial at its latest step."""
        step = max(N_REPORTS * len(trial.user_attrs.get(FOLDS, [])), trial.last_step or 0)
        here = standing(trial, step)
        finished = [other for other in study.get_trials(deepcopy=False) if other.state == TrialState.COMPLETE]
        if here is None or step <= self.n_warmup_steps or len(finished) < self.n_startup_trials:
            return False
        finished.sort(key=lambda other: other.value, reverse=True)
        best = standing(finished[0], step)
        better = [standings(other, step) for other in finished[: len(finished) // 2 + 1]]
        leads = [np.max(lower - higher) for higher, lower in combinations(better, 2) if len(lower) == len(higher) > 0]
        return best is not None and best - here > max([0.0, *leads])


def standing(trial, step):
    """How a trial stood at a step: the mean score of its folds so far, or the validation score within a fold."""
    n_folds, tenth = divmod(step, N_REPORTS)
    if tenth == 0:
        folds = trial.user_attrs.get(FOLDS, [])[:n_folds]
        return np.mean([fold["score"] for fold in folds]) if len(folds) == n_folds > 0 else None
    reports = [at for at in trial.intermediate_values if N_REPORTS * n_folds < at <= step]
    return trial.intermediate_values[max(reports)] if reports else None


def standings(trial, step):
    """How a finished trial stands at a step with any of its folds as those so far."""
    n_folds, tenth = divmod(step, N_REPORTS)
    scores = [fold["score"] for fold in trial.user_attrs.get(FOLDS, [])]
    if tenth == 0:
        return np.array([np.mean(some) for some in combinations(scores, n_folds)])
    within = [standing(trial, N_REPORTS * fold + tenth) for fold in range(len(scores))]
    return np.array([] if None in within else within)
