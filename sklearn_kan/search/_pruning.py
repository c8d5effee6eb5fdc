"""When a trial is hopeless."""

import math

import numpy as np
from optuna.pruners import BasePruner
from optuna.trial import TrialState

from ._objective import FOLDS, N_REPORTS


class FoldPruner(BasePruner):
    """Lets a trial continue only while it is among the best that have come as far: successive halving over folds.

    Trials are compared at checkpoints: once in the first fold by the validation score of training, where there is
    one, and at the end of each fold by the mean score of the folds so far. A trial that is not among the best
    ``1 / reduction_factor`` of those that got there, failed ones left out, is stopped.

    Parameters
    ----------
    reduction_factor : float, default=3
    first_step : int, default=4
        Tenths of the first fold after which trials are first compared.

    See Also
    --------
    optuna.pruners.SuccessiveHalvingPruner : The same for a single learning curve.

    References
    ----------
    Li et al. (2020), *A System for Massively Parallel Hyperparameter Tuning*, MLSys (asynchronous successive halving).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_kan import KANClassifier, KANSearchCV
    >>> from sklearn_kan.search import FoldPruner
    >>> X, y = load_iris(return_X_y=True)
    >>> search = KANSearchCV(KANClassifier((4,), max_iter=2), n_trials=2, cv=2, pruner=FoldPruner(reduction_factor=2))
    >>> str(search.fit(X, y).cv_results_["trial_state"][0])
    'complete'
    """

    def __init__(self, reduction_factor=3, first_step=4) -> None:
        self.reduction_factor, self.first_step = reduction_factor, first_step

    def prune(self, study, trial) -> bool:
        """Whether to stop a trial at its latest step."""
        step = max(N_REPORTS * len(trial.user_attrs.get(FOLDS, [])), trial.last_step or 0)
        here = standing(trial, step)
        if here is None or (step % N_REPORTS and step != self.first_step):
            return False
        trials = [other for other in study.get_trials(deepcopy=False) if other.number != trial.number]
        trials = [other for other in trials if other.state != TrialState.FAIL]
        others = [place for other in trials if (place := standing(other, step)) is not None]
        n_better = sum(other > here for other in others)
        return n_better >= math.ceil((len(others) + 1) / self.reduction_factor)


def standing(trial, step):
    """How a trial stood at a step: the mean score of its folds so far, or the validation score within a fold."""
    n_folds, tenth = divmod(step, N_REPORTS)
    if tenth == 0:
        folds = trial.user_attrs.get(FOLDS, [])[:n_folds]
        return np.mean([fold["score"] for fold in folds]) if len(folds) == n_folds > 0 else None
    return trial.intermediate_values.get(step)
