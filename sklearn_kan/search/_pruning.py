"""When a trial is hopeless."""

from itertools import combinations

from optuna.pruners import BasePruner
from optuna.trial import TrialState

from ._objective import FOLDS, N_REPORTS


class LeadPruner(BasePruner):
    """Stops a trial that is further behind the best one than any lead that was ever lost.

    Standings are compared at the same step: between the ends of folds the validation score of training so far, at the
    end of a fold the mean score of the folds so far. Among the finished trials, the better half of them, some were
    ahead at that step and yet ended behind; the largest of their leads is what a trial may be behind the best. So the
    rule learns from the study itself how early, and with how few folds, trials can be told apart.

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
        step = latest_step(trial)
        if step <= self.n_warmup_steps:
            return False
        finished = [other for other in study.get_trials(deepcopy=False) if other.state == TrialState.COMPLETE]
        if len(finished) < self.n_startup_trials:
            return False
        finished.sort(key=lambda other: other.value, reverse=True)
        at_step = [(standing(other, step), other.value) for other in finished]
        at_step = [(place, value) for place, value in at_step if place is not None]
        here = standing(trial, step)
        if not at_step or here is None:
            return False
        better_half = at_step[: -(-len(at_step) // 2) + 1]
        leads = [lower - higher for (higher, _), (lower, _) in combinations(better_half, 2)]
        return better_half[0][0] - here > max([0.0, *leads])


def latest_step(trial):
    """Tenths of folds that a trial has behind it."""
    return max(N_REPORTS * len(trial.user_attrs.get(FOLDS, [])), trial.last_step or 0)


def standing(trial, step):
    """How a trial stood at a step: the mean score of its folds so far, or the validation score within a fold."""
    n_folds, rest = divmod(step, N_REPORTS)
    if rest == 0:
        folds = trial.user_attrs.get(FOLDS, [])[:n_folds]
        return sum(fold["score"] for fold in folds) / n_folds if len(folds) == n_folds else None
    earlier = [at for at in trial.intermediate_values if N_REPORTS * n_folds < at <= step]
    return trial.intermediate_values[max(earlier)] if earlier else None
