"""KANSearchCV."""

import time
import warnings
from copy import deepcopy
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import optuna
from joblib import effective_n_jobs
from optuna.progress_bar import _ProgressBar
from sklearn.base import _fit_context, clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._validation import _warn_or_raise_about_fit_failures
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_method_params, indexable

from ._objective import FOLDS, Task
from ._pruning import CatchUpPruner
from ._results import results_of
from ._run import run_here, run_on_workers
from ._space import space_for
from ._study import Ledger, open_study, quiet


class KANSearchCV(BaseSearchCV):
    def __init__(self, estimator, *, space=None, bases=None, n_trials=60, timeout=None, scoring=None, n_jobs=None,
                 refit=True, cv=None, sampler=None, pruner=None, storage=None, study_name=None, load_if_exists=False,
                 random_state=None, verbose=0, error_score=np.nan, return_train_score=False):  # fmt: skip
        self.estimator = estimator
        self.space = space
        self.bases = bases
        self.n_trials = n_trials
        self.timeout = timeout
        self.scoring = scoring
        self.n_jobs = n_jobs
        self.refit = refit
        self.cv = cv
        self.sampler = sampler
        self.pruner = pruner
        self.storage = storage
        self.study_name = study_name
        self.load_if_exists = load_if_exists
        self.random_state = random_state
        self.verbose = verbose
        self.error_score = error_score
        self.return_train_score = return_train_score

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **{key: values for key, values in BaseSearchCV._parameter_constraints.items() if key != "pre_dispatch"},
        "space": [dict, callable, None],
        "bases": [list, tuple, None],
        "n_trials": [Interval(Integral, 1, None, closed="left"), None],
        "timeout": [Interval(Real, 0, None, closed="neither"), None],
        "sampler": [optuna.samplers.BaseSampler, None],
        "pruner": [optuna.pruners.BasePruner, None],
        "storage": [str, optuna.storages.BaseStorage, None],
        "study_name": [str, None],
        "load_if_exists": ["boolean"],
        "random_state": ["random_state"],
    }

    @_fit_context(prefer_skip_nested_validation=False)  # the estimator is not validated yet
    def fit(self, X, y=None, **params):
        if self.n_trials is None and self.timeout is None:
            raise ValueError("n_trials=None and timeout=None would search for ever. Set at least one of them.")
        scorers, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        params = _check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        task = self._task(X, y, scorers, routed)
        space = space_for(task.estimator, self.space, self.bases, len(task.splits[0][0]) + len(task.splits[0][1]))
        weights = {"sample_weight": params["sample_weight"]} if "sample_weight" in params else None
        begun = {"estimator": self, "X": X, "y": y, "metadata": weights}
        root = self._init_callback_context(max_subtasks=1 + (self.refit is not False)).call_on_fit_task_begin(**begun)
        trials, trial_params = self._search(task, space, root)
        folds = [fold for trial in trials for fold in trial.user_attrs.get(FOLDS, [])]
        _warn_or_raise_about_fit_failures(folds, self.error_score)
        self.cv_results_ = results_of(
            trials, trial_params, self.n_splits_, self.return_train_score, self._format_results
        )
        self._choose(folds[0]["test_scores"], refit_metric)
        if self.refit:
            context = root.subcontext(task_name="refit-with-best-params")
            self._refit(X, y, task.estimator, routed.estimator.fit, context, begun)
        self.scorer_ = getattr(scorers, "_scorers", scorers)
        root.call_on_fit_task_end(**begun)
        return self

    def _task(self, X, y, scorers, routed):
        """Splits, and everything else that all trials share."""
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        self.n_splits_ = cv.get_n_splits(X, y, **routed.splitter.split)
        splits = list(cv.split(X, y, **routed.splitter.split))
        if len(splits) != self.n_splits_:
            raise ValueError(
                f"cv.split and cv.get_n_splits return inconsistent results. Expected {self.n_splits_} splits, got "
                f"{len(splits)}"
            )
        options = {
            "scorer": scorers, "fit_params": routed.estimator.fit, "score_params": routed.scorer.score,
            "return_train_score": self.return_train_score, "return_times": True, "error_score": self.error_score,
            "verbose": self.verbose, "caller": clone(self) if hasattr(self, "_skl_callbacks") else None,
        }  # fmt: skip
        metric = self.refit if isinstance(self.refit, str) else None
        return Task(seeded(clone(self.estimator), self.random_state), X, y, splits, options, metric)

    def _search(self, task, space, root):
        """Run trials until there are enough; returns all of the study, and their parameters."""
        search = root.subcontext(task_name="search", max_subtasks=None, sequential_subtasks=False)
        search.call_on_fit_task_begin(estimator=self)

        def contexts(number):
            numbers = range(number * self.n_splits_, (number + 1) * self.n_splits_)
            return [search.subcontext(task_name="candidate-split-evaluation", task_id=task_id) for task_id in numbers]

        pruner = CatchUpPruner() if self.pruner is None else deepcopy(self.pruner)
        with quiet():
            self.study_ = open_study(self.storage, self.study_name, self.load_if_exists, pruner, task)
        ledger = Ledger(
            self.study_, space, task, sampler=deepcopy(self.sampler), random_state=self.random_state,
            n_trials=self.n_trials, timeout=self.timeout,
        )  # fmt: skip
        before = ledger.results()
        for trial in before:
            ledger.params_of(trial)  # raises if it is from another space
        n_left = None if self.n_trials is None else max(0, self.n_trials - len(before))
        n_jobs, start = effective_n_jobs(self.n_jobs), time.monotonic()
        bar = _ProgressBar(self.verbose > 0, n_left, self.timeout)

        def tick():
            bar.update(time.monotonic() - start, self.study_)

        try:
            if n_jobs == 1:
                run_here(ledger, task, contexts, tick)
            else:
                run_on_workers(ledger, task, n_jobs, contexts, tick)
        except KeyboardInterrupt:
            if not ledger.results():
                raise
            warnings.warn("The search was interrupted; it ends with the trials so far.", stacklevel=4)
        finally:
            ledger.drop_running()
            bar.close()
        search.call_on_fit_task_end(estimator=self)
        trials = ledger.results()
        return trials, [ledger.params_of(trial) for trial in trials]

    def _choose(self, first_scores, refit_metric):
        """The best trial, by the rules of scikit-learn's searches."""
        self.multimetric_ = isinstance(first_scores, dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(first_scores)
            refit_metric = self.refit
        if self.refit or not self.multimetric_:
            self.best_index_ = self._select_best_index(self.refit, refit_metric, self.cv_results_)
            if not callable(self.refit):
                self.best_score_ = self.cv_results_[f"mean_test_{refit_metric}"][self.best_index_]
            self.best_params_ = self.cv_results_["params"][self.best_index_]

    def _refit(self, X, y, estimator, fit_params, context, begun):
        """Fit the best setting to all rows."""
        self.best_estimator_ = clone(estimator).set_params(**clone(self.best_params_, safe=False))
        with context.propagate_callback_context(self.best_estimator_):
            context.call_on_fit_task_begin(**begun)
            start = time.time()
            self.best_estimator_.fit(*((X,) if y is None else (X, y)), **fit_params)
            self.refit_time_ = time.time() - start
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_
        context.call_on_fit_task_end(**begun)


def seeded(estimator, random_state):
    """An estimator whose random parts that are left open follow from the search's own `random_state`."""
    if random_state is not None:
        open_ = [
            name
            for name, value in sorted(estimator.get_params().items())
            if value is None and name.split("__")[-1] == "random_state"
        ]
        seed = check_random_state(random_state).randint(2**31 - 1)
        estimator.set_params(**dict.fromkeys(open_, seed))
    return estimator
