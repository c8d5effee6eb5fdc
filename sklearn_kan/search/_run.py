"""Running trials: one after the other here, or on the workers of any joblib backend.

A worker gets a copy of the study and reports to that; only this process writes to the study itself. So a worker needs
no access to the storage, and one that dies takes nothing along but its own trial.
"""

import warnings
from concurrent.futures import BrokenExecutor
from contextlib import nullcontext
from itertools import islice

import optuna
import torch
from joblib import cpu_count
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import ThreadpoolController
from tqdm.auto import tqdm

from .._compat import trial_id
from ._objective import FOLDS, evaluate
from ._study import quiet


def run(ledger, task, n_jobs, contexts, verbose):
    """Run trials until there are enough; Ctrl-C ends them before that, once one has a result.

    Parameters
    ----------
    ledger : Ledger
    task : Task
    n_jobs : int
    contexts : callable
        Number of a trial to the callback contexts of its folds.
    verbose : int
        A progress bar if positive.
    """
    n_left = None if ledger.n_trials is None else max(0, ledger.n_trials - len(ledger.results()))

    def tick():
        if bar is not None:
            bar.set_description(best_so_far(ledger.study), refresh=False)
            bar.update()

    with tqdm(total=n_left, unit="trial") if verbose else nullcontext() as bar:
        try:
            if n_jobs == 1:
                run_here(ledger, task, contexts, tick)
            else:
                run_on_workers(ledger, task, n_jobs, contexts, tick)
        except KeyboardInterrupt:
            if not ledger.results():
                raise
            warnings.warn("The search was interrupted; it ends with the trials so far.", stacklevel=5)


def best_so_far(study):
    """A study's best trial, in words."""
    try:
        return f"Best trial: {study.best_trial.number}. Best value: {study.best_value:.6g}"
    except ValueError:
        return "No trial is complete"


def run_here(ledger, task, contexts, tick):
    """Trials one after the other, each reporting to the study as it goes."""
    while (asked := ledger.ask()) is not None:
        trial, params = asked
        ledger.tell(trial, evaluate(trial, params, task, contexts(trial.number)))
        tick()


def run_on_workers(ledger, task, n_jobs, contexts, tick):
    """As many trials at a time as there are workers; the next begins as soon as one is over."""
    failures = []

    def jobs():
        try:
            while (asked := ledger.ask()) is not None:
                trial, params = asked
                yield delayed(evaluate_apart)(
                    copied(ledger.study), trial.number, params, task, contexts(trial.number), n_jobs
                )
        except Exception as error:  # joblib would lose it: this runs in a thread of its own
            failures.append(error)

    is_over = False
    while not is_over:
        try:
            for number, outcome, reports in unordered(jobs(), n_jobs):
                trial = ledger.running[number]
                for step, value in reports.items():
                    trial.report(value, step)
                if outcome.folds:
                    trial.set_user_attr(FOLDS, outcome.folds)
                ledger.tell(trial, outcome)
                tick()
            is_over = True
        except BrokenExecutor as error:
            ledger.lose_running(error)
    if failures:
        raise failures[0]


def unordered(jobs, n_jobs):
    """Results of jobs, as they come."""
    try:
        parallel = Parallel(n_jobs=n_jobs, pre_dispatch=n_jobs, batch_size=1, return_as="generator_unordered")
    except ValueError:  # a backend that gives all results together, such as ray
        while batch := list(islice(jobs, n_jobs)):
            yield from Parallel(n_jobs=n_jobs, batch_size=1)(batch)
    else:
        yield from parallel(jobs)


def copied(study):
    """A copy of a study in memory."""
    with quiet():
        copy = optuna.create_study(
            study_name=study.study_name, direction=study.direction, pruner=study.pruner,
            sampler=optuna.samplers.RandomSampler(),
        )  # fmt: skip
    copy.add_trials(study.get_trials(deepcopy=False))
    return copy


def evaluate_apart(study, number, params, task, contexts, n_jobs):
    """Evaluate a trial of a copied study; returns its number, the outcome and its intermediate values."""
    with at_most(max(1, cpu_count() // n_jobs)):
        trial = optuna.Trial(study, trial_id(study.trials[number]))
        outcome = evaluate(trial, params, task, contexts)
    return number, outcome, study.trials[number].intermediate_values


def at_most(n_threads):
    """Context in which torch has no more threads than its share of the cores."""
    if torch.get_num_threads() <= n_threads:
        return nullcontext()
    return ThreadpoolController().limit(limits=n_threads, user_api="openmp")  # of this thread alone
