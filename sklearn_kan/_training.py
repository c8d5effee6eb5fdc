"""Training: phases of optimisation on one module, each run by a skorch net.

Beside the dataset in `_rows` and the callbacks in `_watching` this is the only file that knows skorch. A solver is a
list of phases; a phase is one net around the same module. Rows are tensors that lie on the device already; a batch is a
copy of some of them, and an epoch reads one number back.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from skorch import NeuralNet
from threadpoolctl import ThreadpoolController

from ._layerwise import FirstLayers, frozen_before
from ._losses import combined, cross_entropy, member_losses
from ._observation import current_observer
from ._parallel import average, n_processes
from ._phases import Phase, cosine, is_coefficient, rate_of, streaming_phase
from ._roughness import Roughness
from ._rows import Batches, Rows
from ._watching import EVALUATION_ROWS, BestState, Observed, Progress
from .optim import KFAC, GaussNewton

CURVED = KFAC, GaussNewton  # optimizers that watch the module, and try their steps
SMALL_STEP = 2e6  # multiply-adds of a step below which a second thread costs more than it gives

_threads = None


def limited_threads(n_multiply_adds):
    """Context in which small work runs on one thread; it restores the limits that were there."""
    global _threads
    if n_multiply_adds > SMALL_STEP or torch.get_num_threads() == 1:
        return nullcontext()
    _threads = _threads or ThreadpoolController()
    return _threads.limit(limits=1, user_api="openmp")  # a limit of this thread alone, unlike that of BLAS


class Net(NeuralNet):
    """skorch net over `Rows`; one phase of training on a module that exists already."""

    def __init__(self, module, loss, phase, *, validation=None, generator=None, callbacks=(), device="cpu"):
        super().__init__(
            module, criterion=loss, optimizer=phase.optimizer, max_epochs=phase.max_iter,
            batch_size=phase.batch_size or -1, callbacks=list(callbacks), device=device, train_split=None, verbose=0,
            callbacks__epoch_timer=None, callbacks__train_loss=None, callbacks__valid_loss=None,
            callbacks__print_log=None,
        )  # fmt: skip
        self.phase, self.validation, self.generator = phase, validation, generator
        self.lowest = {}
        self.roughness = Roughness(module.layers, phase.smoothness) if phase.smoothness else None

    def initialize_criterion(self):
        self.criterion_ = self.criterion  # a function that is ready to be called
        return self

    def initialize_optimizer(self, triggered_directly=None):
        params: dict[str, Any] = dict(self.phase.params)
        if issubclass(self.phase.optimizer, CURVED):
            self.optimizer_ = self.phase.optimizer(self.module_, reduce=average, **params)
            self.highest_rates_ = [group.get("lr") for group in self.optimizer_.param_groups]
            return self
        if not self.has_decay:
            self.optimizer_ = self.phase.optimizer(self.module_.parameters(), **params)
            return self
        alike = defaultdict(list)
        for name, parameter in self.module_.named_parameters():
            decay = params["weight_decay"] if is_coefficient(name) else 0.0
            alike[params["lr"] * rate_of(name, parameter), decay].append(parameter)
        groups = [{"params": members, "lr": rate, "weight_decay": decay} for (rate, decay), members in alike.items()]
        self.optimizer_ = self.phase.optimizer(groups, **params)
        self.highest_rates_ = [group["lr"] for group in groups]
        return self

    def notify(self, method_name, **kwargs):
        """Tell all callbacks; a callback that ends training ends the phase, once all have seen the epoch."""
        try:
            super().notify(method_name, **kwargs)
        except KeyboardInterrupt as stop:
            if method_name != "on_epoch_end":
                raise
            raise Converged from stop
        if method_name == "on_epoch_end" and any(getattr(callback, "done", False) for _, callback in self.callbacks_):
            raise Converged

    def get_split_datasets(self, X, y=None, **fit_params):
        return X, self.validation

    def get_iterator(self, dataset, training=False):
        if not isinstance(dataset, Rows):
            return super().get_iterator(dataset, training)
        if not training:
            return Batches(dataset, EVALUATION_ROWS)
        batches = Batches(dataset, self.phase.batch_size or len(dataset), self.generator)
        self.n_steps_ = self.phase.max_iter * len(batches)
        self.step_ = 0
        return batches

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Weighted mean over rows: of the mean over an ensemble's members in training, else of their average's loss.

        Weights are (n,), or (n, members) where each member has rows of its own.
        """
        y, sample_weight = y_true
        if y_pred.ndim < 3:
            return (self.criterion_(y_pred, y) * sample_weight).mean()
        weight = sample_weight if sample_weight.ndim > 1 else sample_weight[:, None].expand(y_pred.shape[:2])
        if training:
            return (member_losses(self.criterion_, y_pred, y) * weight).mean()
        return (self.criterion_(combined(self.criterion_, y_pred, weight), y) * weight.amax(1)).mean()

    def penalty(self):
        """Half the squared norm of all coefficients, times the phase's strength; of an ensemble, the members' mean."""
        coefficients = (p for name, p in self.module_.named_parameters() if is_coefficient(name))
        n_members = getattr(self.module_, "n_members", None) or 1
        strength = self.phase.penalty / n_members
        total = 0.5 * strength * sum(p.square().sum() for p in coefficients)
        return total + self.roughness.penalty() / n_members if self.roughness and not self.has_decay else total

    @property
    def has_decay(self):
        """Whether coefficients are shrunk beside the objective."""
        return "weight_decay" in self.phase.params

    @property
    def is_penalised(self):
        """Whether the objective has penalties."""
        return not self.has_decay and (self.phase.penalty or self.phase.smoothness)

    def as_predicted(self, raw):
        """Outputs as callbacks expect them, whatever the number of members."""
        raw = raw.detach()
        return raw if raw.ndim < 3 else combined(self.criterion_, raw)

    def train_step(self, batch, **fit_params):
        X, (y, sample_weight) = batch
        first: dict[str, Any] = {}

        def closure():
            self.optimizer_.zero_grad()
            y_pred = self.module_(X, sample_weight=sample_weight)
            loss = self.get_loss(y_pred, (y, sample_weight), training=True)
            objective = loss + self.penalty() if self.is_penalised else loss
            objective = self.phase.scale * objective
            if objective.requires_grad:  # not where a step is tried
                objective.backward()
            n_rows = len(X)
            if n_processes() > 1:
                gradients = [p.grad for p in self.module_.parameters() if p.grad is not None]
                n_rows = average([*gradients, loss.detach(), objective.detach()], n_rows)
            if not first:
                first.update(loss=loss.detach(), y_pred=self.as_predicted(y_pred), n_rows=n_rows)
            if objective.requires_grad:
                parameters = self.get_all_learnable_params()
                self.notify("on_grad_computed", named_parameters=parameters, batch=batch, training=True)
            return objective

        if self.phase.schedule == "cosine":
            share = cosine(self.step_ / self.n_steps_)
            for group, highest in zip(self.optimizer_.param_groups, self.highest_rates_, strict=True):
                group["lr"] = share * highest
        self.step_ += 1
        weight = {"sample_weight": sample_weight} if isinstance(self.optimizer_, CURVED) else {}
        self.optimizer_.step(closure, **weight)
        if self.roughness and self.has_decay:
            self.roughness.shrink({p: group["lr"] for group in self.optimizer_.param_groups for p in group["params"]})
        return first

    def validation_step(self, batch, **fit_params):
        X, target = batch
        with torch.no_grad():
            y_pred = self.module_(X)
            return {"loss": self.get_loss(y_pred, target), "y_pred": self.as_predicted(y_pred), "n_rows": len(X)}

    def evaluation_step(self, batch, training=False):
        return self.as_predicted(super().evaluation_step(batch, training))

    def predict(self, X):
        """Classes as numbers, or outputs on the learned scale: for skorch's scoring callbacks."""
        raw = super().predict(X)
        return raw.argmax(1) if self.criterion is cross_entropy else raw

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """One pass over the rows, recording the mean loss; the only `.item()` of an epoch.

        Callbacks see a batch as ``(X, y)``, as skorch's own ones expect.
        """
        if iterator is None:
            return
        self.module_.train(training)
        total, n_rows = torch.zeros((), device=self.device), 0
        for batch in iterator:
            X, (y, _) = batch
            self.notify("on_batch_begin", batch=(X, y), training=training)
            step = step_fn(batch, **fit_params)
            self.history.record_batch(f"{prefix}_batch_size", len(X))
            self.notify("on_batch_end", batch=(X, y), training=training, loss=step["loss"], y_pred=step["y_pred"])
            total = total + step["loss"] * step["n_rows"]
            n_rows = n_rows + step["n_rows"]
        name, loss = f"{prefix}_loss", float(total / n_rows)
        self.history.record(name, loss)
        self.history.record(f"{name}_best", loss < self.lowest.get(name, math.inf))
        self.lowest[name] = min(loss, self.lowest.get(name, math.inf))


def one_pass(net, rows, rate=1.0):
    """Run one epoch of a net that goes on, at a share of its learning rate; returns its history, a list of one dict."""
    n_before = len(net.history)
    for group, highest in zip(net.optimizer_.param_groups, net.highest_rates_, strict=True):
        group["lr"] = rate * highest
    if run(net, rows.to(net.device, next(net.module_.parameters()).dtype)):
        raise KeyboardInterrupt  # ends the caller's loop over chunks too
    return net.history[n_before:]


def is_streaming(net, phase):
    """Whether a net is one that runs passes of `phase`, whose batches may have another size."""
    return not net.callbacks and net.phase._replace(batch_size=None) == phase._replace(batch_size=None)


def finished_net(module, loss, history, device):
    """A net around a trained module, as it is after loading: predictions and history, no optimizer state."""
    net = Net(module, loss, streaming_phase(None, 1e-3, 0.0)._replace(max_iter=0), device=device)
    net.initialize()
    net.history.extend(history)
    return net


class Converged(KeyboardInterrupt):
    """Ends a phase; skorch's own way for a callback to end training."""


class Training(NamedTuple):
    """What `train` returns: the last phase's net, and of all phases one dict of losses per epoch, and what failed."""

    net: Net
    history: list[dict[str, Any]]
    interrupted: bool
    failed: list[str]


def train(module, rows, loss, phases: Sequence[Phase], *, validation=None, generator=None, n_iter_no_change=10,
          tol=1e-4, callbacks=(), verbose=0, device="cpu", n_parts=1):  # fmt: skip
    """Train a module in place, phase after phase.

    Parameters
    ----------
    module : Module
        Called as ``module(X, sample_weight=w)`` in training and ``module(X)`` in evaluation.
    rows, validation : Rows
    loss : callable
        ``(raw, y) -> (n,)``.
    phases : sequence of Phase
    generator : torch.Generator, optional
        On the CPU; shuffles the rows.
    n_iter_no_change, tol : int, float
        A phase ends after this many epochs without an improvement of more than `tol`.
    callbacks : sequence of skorch callbacks
    verbose : int
        A progress bar if positive.
    device : str or torch.device
    n_parts : int
        How many times a fit calls this, for whoever watches its progress.

    Returns
    -------
    Training

    Raises
    ------
    KeyboardInterrupt
        If it is interrupted while watched; unwatched, it returns what it has.
    """
    history, failed, best = [], [], math.inf
    observer = current_observer()
    n_passes = n_parts * sum(phase.max_iter for phase in phases)
    watchers = [Observed(observer, n_passes)] if observer else []
    dtype = next(module.parameters()).dtype
    for phase in phases:
        inner = phase.dtype or dtype
        module.to(device, inner)
        here = rows.to(device, inner)
        part = module if phase.depth is None else FirstLayers(module, phase.depth)
        watch = BestState(math.ceil(n_iter_no_change / phase.n_steps), 0.0 if phase.is_exact else tol, best)
        inherent = [watch, *([Progress(phase.optimizer.__name__)] if verbose else [])]
        net = Net(part, loss, phase, validation=validation and validation.to(device, inner), generator=generator,
                  callbacks=[*inherent, *callbacks, *watchers], device=str(device))  # fmt: skip
        net.initialize()
        with nullcontext() if phase.depth is None else frozen_before(module, phase.depth):
            interrupted = run(net, here)
        net.module_ = module
        history += net.history
        watch.first = watch.state = watch.before = None  # a fitted estimator keeps no copies of its weights
        is_whole = getattr(part, "read_out", None) is None
        best = watch.best if validation is not None and is_whole else math.inf
        if watch.failed:
            failed.append(phase.optimizer.__name__)
        if interrupted and observer:
            raise KeyboardInterrupt
        if interrupted:
            break
    module.to(dtype=dtype)
    return Training(net, history, interrupted, failed)


def run(net, rows):
    """Run a phase; returns whether it was interrupted from outside."""
    n_weights = sum(p.numel() for p in net.module_.parameters())
    n_rows = min(len(rows), net.phase.batch_size or len(rows))
    net.notify("on_train_begin", X=rows, y=None)
    try:
        with limited_threads(n_rows * n_weights):
            net.fit_loop(rows)
        return False
    except Converged:
        return False
    except KeyboardInterrupt:
        return True
    finally:
        net.notify("on_train_end", X=rows, y=None)
