"""Training: phases of optimisation on one module, each run by a skorch net.

A solver is a list of phases; a phase is one net around the same module. Rows are tensors that lie on the device
already; a batch is a copy of some of them, and an epoch reads one number back.
"""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

from .._interrupts import is_second
from ._callbacks import BestState, Observed
from ._layerwise import FirstLayers, frozen_before
from ._net import Converged, Net
from ._observation import current_observer
from ._phases import Phase
from ._progress import shown


class Training(NamedTuple):
    """What `train` returns: the last phase's net, and of all phases one dict of losses per epoch, and what failed.

    `kept` is the place of the pass in the history that left the network as it is; None without validation rows, or if
    it is as it was before.
    """

    net: Net
    history: list[dict[str, Any]]
    interrupted: bool
    failed: list[str]
    kept: int | None = None


def train(module, rows, loss, phases: Sequence[Phase], settings, *, validation=None, generator=None, n_parts=1):
    """Train a module in place, phase after phase.

    Parameters
    ----------
    module : Module
        Called as ``module(X, sample_weight=w)`` in training and ``module(X)`` in evaluation.
    rows, validation : Rows
    loss : callable
        ``(raw, y) -> (n,)``.
    phases : sequence of Phase
    settings : Settings
        When a phase ends, who is told, and on which device.
    generator : torch.Generator, optional
        On the CPU; shuffles the rows.
    n_parts : int
        How many times a fit calls this, for whoever watches its progress.

    Returns
    -------
    Training

    Raises
    ------
    KeyboardInterrupt
        If it is interrupted while watched, or twice in a row; else it returns what it has.
    """
    history: list[dict[str, Any]] = []
    failed, best, kept = [], math.inf, None
    observer = current_observer()
    n_passes = n_parts * sum(phase.max_iter for phase in phases)
    watchers = [Observed(observer, n_passes)] if observer else []
    dtype = next(module.parameters()).dtype
    for phase in phases:
        inner = phase.dtype or dtype
        module.to(settings.device, inner)
        here = rows.to(settings.device, inner)
        part = module if phase.depth is None else FirstLayers(module, phase.depth)
        watch = BestState(
            math.ceil(settings.n_iter_no_change / phase.n_steps), 0.0 if phase.is_exact else settings.tol, best
        )
        inherent = [watch, *shown(settings.verbose, phase.optimizer.__name__, watch)]
        net = Net(
            part, loss, phase, validation=validation and validation.to(settings.device, inner), generator=generator,
            callbacks=[*inherent, *settings.callbacks, *watchers], device=str(settings.device),
        )  # fmt: skip
        net.initialize()
        with nullcontext() if phase.depth is None else frozen_before(module, phase.depth):
            interrupted = run(net, here)
        net.module_ = module
        if validation is not None and watch.kept is not None:
            kept = len(history) + watch.kept
        history += net.history
        watch.first = watch.state = watch.before = watch.place = (
            None  # a fitted estimator keeps no copies of its weights
        )
        is_whole = getattr(part, "read_out", None) is None
        best = watch.best if validation is not None and is_whole else math.inf
        if watch.failed:
            failed.append(phase.optimizer.__name__)
        if interrupted and observer:
            raise KeyboardInterrupt
        if interrupted:
            break
    module.to(dtype=dtype)
    net.validation = validation and validation.to(settings.device, dtype)
    return Training(net, history, interrupted, failed, kept)


def run(net, rows):
    """Run a phase; returns whether it was interrupted from outside. The second signal in a row is raised."""
    try:
        net.notify("on_train_begin", X=rows, y=None)
    except KeyboardInterrupt as stop:  # nothing has changed yet
        if is_second(stop):
            raise
        return True
    try:
        net.fit_loop(rows)
        return False
    except Converged:
        return False
    except KeyboardInterrupt as stop:
        net.is_interrupted = True
        if is_second(stop):
            raise
        return True
    finally:
        net.fitting = net.batch = None
        net.notify("on_train_end", X=rows, y=None)
