"""KANSearchCV."""

import time
from copy import deepcopy
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import optuna
from joblib import effective_n_jobs
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import indexable

from .._adoption import adopt
from .._compat import BaseSearchCV, Interval, check_method_params, fit_context, warn_or_raise_about_fit_failures
from .._documented import Documented
from ._objective import FOLDS, Task
from ._pruning import FoldPruner
from ._results import results_of
from ._run import run
from ._space import space_for
from ._study import Ledger, is_persistent, open_study, quiet


class KANSearchCV(Documented, BaseSearchCV):
    """Search over basis, knots and whatever else makes a model good, by cross-validation and Optuna.

    It is used like scikit-learn's `RandomizedSearchCV`, on one of this package's estimators alone or in a pipeline.
    It brings its own space, stops hopeless trials while they train, and can share its study with other processes.

    Parameters
    ----------
    estimator : estimator
        With the default space: a KANClassifier, KANRegressor or GPSpectralRegressor, or anything that holds exactly
        one of them, such as a Pipeline. Parameters that do not have their default value are taken as decided and are
        left alone. Its own setting is the first trial, so by its own measure the search never ends worse than it
        began.
    space : dict of str to optuna distribution, or callable, optional
        Parameters with their distributions; or a function ``trial -> {parameter: value}`` that asks the trial for what
        it needs. It is called again with ``optuna.trial.FixedTrial`` to read a trial's parameters from the study. By
        default the conditional space of the estimator: basis → its degree, number and placement of knots, its own
        parameters; number and width of hidden layers, `alpha`, `learning_rate_init`, `interactions`, `n_members`;
        `solver` up to 256 rows. For GPs: `n_components`, `spectrum`
        → its `nu`, `trend_degree`, `n_restarts_optimizer`.
    bases : list of str or subclass of Basis, optional
        Families to choose from; by default all, unless the estimator has decided. If the estimator's own is not among
        them, its own setting is tried with the first of these.
    n_trials : int or None, default=60
        Number of trials of the study in all, including those of other processes and earlier runs. Failed and stopped
        trials count.
    timeout : float, optional
        Seconds after which no further trial is started.
    scoring : str, callable, list, tuple or dict, optional
        As in scikit-learn's searches. Of several scores, the one that `refit` names is optimised, else the first.
    n_jobs : int, optional
        Number of trials at a time, on the workers of any joblib backend. Each gets its share of the cores.
    refit : bool, str or callable, default=True
        As in scikit-learn's searches.
    cv : int, splitter or iterable, optional
        Splits are made once and are the same for all trials.
    sampler : optuna sampler, optional
        By default ``TPESampler(multivariate=True, group=True, constant_liar=True)``, with five random trials.
    pruner : optuna pruner, optional
        By default `sklearn_kan.search.FoldPruner`; ``optuna.pruners.NopPruner()`` lets all trials end. Optuna's own
        see the validation scores of training at ten steps a fold; without validation rows, and for GPs, the scores of
        the folds.
    storage : str or optuna storage, optional
        Where the study is kept: a database's URL or, for many processes, a JournalStorage. By default in memory.
    study_name : str, optional
    load_if_exists : bool, default=False
        Join the study of this name, or continue it, instead of raising.
    random_state : int, RandomState instance or None, default=None
        Seeds the sampler, and whatever the estimator leaves open with ``random_state=None``, the same for all trials.
        With one job the same number gives the same trials, even if the search was interrupted and resumed.
    verbose : int, default=0
        1 shows a progress bar, more prints a line for every fold.
    error_score : "raise" or float, default=np.nan
        The score of a fold that fails.
    return_train_score : bool, default=False

    Attributes
    ----------
    study_ : optuna.Study
    cv_results_ : dict of ndarray
        As in scikit-learn's searches, one row for every trial of the study, with ``trial_number`` and ``trial_state``
        (``"complete"``, ``"pruned"``, ``"fail"``). The folds that a stopped trial did not finish are NaN, and so are
        its means; it ranks last.
    best_params_, best_score_, best_index_, best_estimator_, scorer_, n_splits_, refit_time_, multimetric_, classes_, \
n_features_in_, feature_names_in_
        As in scikit-learn's searches.

    See Also
    --------
    sklearn_kan.inspection.SearchDisplay : Draws scores against basis and knots.
    sklearn.model_selection.RandomizedSearchCV : A search that does not learn from earlier trials.

    Notes
    -----
    Only the process that called `fit` writes to the study; workers report to a copy of it. A trial whose worker dies
    is tried once more. Ctrl-C ends the search with the best trial so far, refitted.

    In `cross_val_score` leave `storage` at None: each outer split needs its own study. A study that was made for
    other targets or splits is refused.

    References
    ----------
    Akiba et al. (2019), *Optuna: A Next-generation Hyperparameter Optimization Framework*, KDD.

    Watanabe (2023), *Tree-structured Parzen estimator*, arXiv:2304.11127.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_kan import KANClassifier, KANSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> search = KANSearchCV(KANClassifier((8,), max_iter=10), bases=["bspline", "rational"], n_trials=3, cv=2,
    ...                      random_state=0).fit(X, y)
    >>> bool(search.best_score_ >= search.cv_results_["mean_test_score"][0])
    True
    >>> search.predict(X[:3])
    array([0, 0, 0])
    """

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

    @fit_context(prefer_skip_nested_validation=False)  # the estimator is not validated yet
    def fit(self, X, y=None, **params):
        """Search, and fit the best setting to all rows.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        **params : dict
            For the estimator, the scorers and the splitter, such as `sample_weight` and `groups`; metadata routing
            says where they go, if it is enabled.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            If there is no space for the estimator, the study was made for other data, or all fits fail.
        """
        if self.n_trials is None and self.timeout is None:
            raise ValueError("n_trials=None and timeout=None would search forever. Set at least one of them.")
        scorers, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        params = check_method_params(X, params=params)
        routed = self._get_routed_params_for_fit(params)
        task = task_of(self, X, y, scorers, routed)
        space = space_for(task.estimator, self.space, self.bases, len(task.splits[0][0]) + len(task.splits[0][1]))
        weights = {"sample_weight": params["sample_weight"]} if "sample_weight" in params else None
        begun = {"estimator": self, "X": X, "y": y, "metadata": weights}
        root = self._init_callback_context(max_subtasks=1 + (self.refit is not False)).call_on_fit_task_begin(**begun)
        study, trials, settings = searched(self, task, space, root)
        folds = [fold for trial in trials for fold in trial.user_attrs.get(FOLDS, [])]
        warn_or_raise_about_fit_failures(folds, self.error_score)
        results = results_of(trials, settings, len(task.splits), self.return_train_score, self._format_results)
        scorer = getattr(scorers, "_scorers", scorers)
        fitted = {"study_": study, "cv_results_": results, "n_splits_": len(task.splits), "scorer_": scorer}
        fitted |= best_of(self, results, folds[0]["test_scores"], refit_metric)
        contexts = [root]
        if self.refit:
            contexts.insert(0, root.subcontext(task_name="refit-with-best-params"))
            fitted |= refitted(task, fitted["best_params_"], contexts[0], begun)
        adopt(self, None, **fitted)
        for context in contexts:
            context.call_on_fit_task_end(**begun)
        return self

    def __sklearn_tags__(self):
        """What the estimator takes, the search takes."""
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.input_tags = deepcopy(inner.input_tags)
        tags.target_tags.multi_output = inner.target_tags.multi_output
        tags.array_api_support = False
        return tags


def searched(search, task, space, root):
    """Run trials until there are enough; returns the study, its trials that count, and their parameters."""
    context = root.subcontext(task_name="search", max_subtasks=None, sequential_subtasks=False)
    context.call_on_fit_task_begin(estimator=search)
    n_splits = len(task.splits)

    def contexts(number):
        numbers = range(number * n_splits, (number + 1) * n_splits)
        return [context.subcontext(task_name="candidate-split-evaluation", task_id=task_id) for task_id in numbers]

    pruner = FoldPruner() if search.pruner is None else deepcopy(search.pruner)
    with quiet():
        study = open_study(search.storage, search.study_name, search.load_if_exists, pruner, task)
    ledger = Ledger(
        study, space, task, is_labelled=is_persistent(search.storage), sampler=deepcopy(search.sampler),
        random_state=search.random_state, n_trials=search.n_trials, timeout=search.timeout,
    )  # fmt: skip
    with ledger:
        run(ledger, task, effective_n_jobs(search.n_jobs), contexts, search.verbose)
    context.call_on_fit_task_end(estimator=search)
    trials = ledger.results()
    return study, trials, [ledger.params_of(trial) for trial in trials]


def best_of(search, results, first_scores, refit_metric):
    """The best trial, by the rules of scikit-learn's searches, as fitted attributes."""
    is_multimetric = isinstance(first_scores, dict)
    fitted = {"multimetric_": is_multimetric}
    if callable(search.scoring) and is_multimetric:
        search._check_refit_for_multimetric(first_scores)
        refit_metric = search.refit
    if search.refit or not is_multimetric:
        best = search._select_best_index(search.refit, refit_metric, results)
        fitted |= {"best_index_": best, "best_params_": results["params"][best]}
        if not callable(search.refit):
            fitted["best_score_"] = results[f"mean_test_{refit_metric}"][best]
    return fitted


def refitted(task, params, context, begun):
    """The best setting, fitted to all rows, as fitted attributes."""
    estimator = clone(task.estimator).set_params(**clone(params, safe=False))
    with context.propagate_callback_context(estimator):
        context.call_on_fit_task_begin(**begun)
        start = time.time()
        estimator.fit(*((task.X,) if task.y is None else (task.X, task.y)), **task.options["fit_params"])
        fitted = {"best_estimator_": estimator, "refit_time_": time.time() - start}
    names = getattr(estimator, "feature_names_in_", None)
    return fitted if names is None else fitted | {"feature_names_in_": names}


def task_of(search, X, y, scorers, routed):
    """Splits, and everything else that all trials of a search share."""
    cv = check_cv(search.cv, y, classifier=is_classifier(search.estimator))
    n_splits = cv.get_n_splits(X, y, **routed.splitter.split)
    splits = list(cv.split(X, y, **routed.splitter.split))
    if len(splits) != n_splits:
        raise ValueError(
            f"cv.split and cv.get_n_splits return inconsistent results. Expected {n_splits} splits, got {len(splits)}"
        )
    options = {
        "scorer": scorers, "fit_params": routed.estimator.fit, "score_params": routed.scorer.score,
        "return_train_score": search.return_train_score, "return_times": True, "error_score": search.error_score,
        "verbose": search.verbose, "caller": clone(search) if hasattr(search, "_skl_callbacks") else None,
    }  # fmt: skip
    metric = search.refit if isinstance(search.refit, str) else None
    return Task(seeded(clone(search.estimator), search.random_state), X, y, splits, options, metric)


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
