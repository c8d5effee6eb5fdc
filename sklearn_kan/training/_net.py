"""The skorch net that runs one phase of training."""

import math
from copy import deepcopy
from typing import Any

import torch

from .._interrupts import is_signal
from ..optim import KFAC, GaussNewton
from ._evaluation import batches_of
from ._fused import FusedAdamW, can_be_fused, fused_pass, fused_validation
from ._losses import combined, member_losses
from ._parallel import average, n_processes
from ._phases import groups_of, is_coefficient, streaming_phase
from ._roughness import Roughness
from ._rows import Batches, Rows
from ._schedule import Schedule
from ._scored_net import Criterion, ScoredNet
from ._settings import Settings

CURVED = KFAC, GaussNewton  # optimizers that watch the module, and try their steps


class Net(ScoredNet):
    """skorch net over `Rows`; one phase of training on a module that exists already."""

    def __init__(self, module, loss, phase, *, validation=None, generator=None, callbacks=(), device="cpu"):
        super().__init__(
            module, criterion=loss, optimizer=phase.optimizer, max_epochs=phase.max_iter,
            batch_size=phase.batch_size or -1, callbacks=list(callbacks), device=device, train_split=None, verbose=0,
            callbacks__epoch_timer=None, callbacks__train_loss=None, callbacks__valid_loss=None,
            callbacks__print_log=None,
        )  # fmt: skip
        self.phase, self.validation, self.generator = phase, validation, generator
        self.lowest, self.held_out = {}, None  # losses, and validation rows by who holds them out
        self.is_interrupted = False
        self.fitting = self.batch = None  # in training: the rows, and the batch that callbacks are being told of
        self.roughness = Roughness(module.layers, phase.smoothness) if phase.smoothness else None

    def initialize_criterion(self):
        self.criterion_ = Criterion(self.criterion)
        return self

    def initialize_optimizer(self, triggered_directly=None):
        params: dict[str, Any] = dict(self.phase.params)
        self.optimizer_: Any = None
        if self.phase.max_iter == 0:  # a finished net; torch's optimizers take a second to import
            return self
        if can_be_fused(self):
            self.optimizer_ = FusedAdamW(self.module_, **params)
        elif issubclass(self.phase.optimizer, CURVED):
            self.optimizer_ = self.phase.optimizer(self.module_, reduce=average, **params)
        else:
            groups = groups_of(self.module_, params) if self.has_decay else self.module_.parameters()
            self.optimizer_ = self.phase.optimizer(groups, **params)
        self.highest_rates_ = [group.get("lr") for group in self.optimizer_.param_groups]
        return self

    def notify(self, method_name, **kwargs):
        """Tell all callbacks; a callback that ends training ends the phase, once all have seen the epoch."""
        try:
            super().notify(method_name, **kwargs)
        except KeyboardInterrupt as stop:
            self.is_interrupted = self.is_interrupted or method_name != "on_epoch_end" or is_signal(stop)
            if self.is_interrupted:
                raise
            raise Converged from stop
        if method_name == "on_epoch_end" and any(getattr(callback, "done", False) for _, callback in self.callbacks_):
            raise Converged

    def get_split_datasets(self, X, y=None, **fit_params):
        self.fitting = X
        return X, self.validation

    def get_iterator(self, dataset, training=False):
        if isinstance(dataset, list):
            return dataset
        if not isinstance(dataset, Rows):
            return super().get_iterator(dataset, training)
        if not training:
            return batches_of(dataset, self.module_)
        batches = Batches(dataset, self.phase.batch_size or len(dataset), self.generator)
        self.schedule = Schedule(self.phase.max_iter, len(batches))
        return batches

    def raw(self, X):
        """Outputs of the network, without gradients."""
        is_fused = isinstance(self.optimizer_, FusedAdamW) and can_be_fused(self)
        if not (is_fused and X.dtype == next(self.module_.parameters()).dtype == self.optimizer_.packed.dtype):
            return self.module_(X)
        y = self.optimizer_.outputs(X)
        return y[:, 0] if self.module_.n_members is None else y

    def get_loss(self, y_pred, y_true, X=None, training=False):
        """Weighted mean over rows: of the mean over an ensemble's members in training, else of their average's loss.

        Weights are (n, members), or (n, 1) where rows count alike for all members.
        """
        y, weight = y_true
        if y_pred.ndim < 3:
            return (self.criterion(y_pred, y) * weight[:, 0]).mean()
        if training:
            return (member_losses(self.criterion, y_pred, y) * weight).mean()
        average = combined(self.criterion, y_pred, weight.expand(y_pred.shape[:2]))
        return (self.criterion(average, y) * weight.amax(1)).mean()

    def penalty(self):
        """Half the squared norm of all coefficients, times the phase's strength; of an ensemble, the members' mean."""
        coefficients = (p for name, p in self.module_.named_parameters() if is_coefficient(name))
        n_members = getattr(self.module_, "n_members", None) or 1
        strength = self.phase.penalty / n_members
        total = 0.5 * strength * sum(p.square().sum() for p in coefficients)
        return total + self.roughness.penalty() / n_members if self.roughness and not self.has_decay else total

    @property
    def has_decay(self):
        """Whether coefficients are shrunk outside of the objective."""
        return "weight_decay" in self.phase.params

    @property
    def is_penalised(self):
        """Whether the objective has penalties."""
        return not self.has_decay and (self.phase.penalty or self.phase.smoothness)

    def train_step(self, batch, **fit_params):
        X, (y, weight) = batch
        first: dict[str, Any] = {}

        def closure():
            self.optimizer_.zero_grad()
            y_pred = self.module_(X, sample_weight=weight)
            loss = self.get_loss(y_pred, (y, weight), training=True)
            objective = loss + self.penalty() if self.is_penalised else loss
            objective = self.phase.scale * objective
            if objective.requires_grad:  # not where a step is tried
                objective.backward()
            n_rows = len(X)
            if n_processes() > 1:
                gradients = [p.grad for p in self.module_.parameters() if p.grad is not None]
                n_rows = average([*gradients, loss.detach(), objective.detach()], n_rows)
            if not first:
                first.update(loss=loss.detach(), y_pred=self.as_predicted(y_pred, weight), n_rows=n_rows)
            if objective.requires_grad:
                parameters = self.get_all_learnable_params()
                self.notify("on_grad_computed", named_parameters=parameters, batch=batch, training=True)
            return objective

        if self.phase.schedule == "cosine":
            share = self.schedule.share(self.schedule.step)
            for group, highest in zip(self.optimizer_.param_groups, self.highest_rates_, strict=True):
                group["lr"] = share * highest
        self.schedule.step += 1
        if isinstance(self.optimizer_, CURVED):
            self.optimizer_.step(closure, sample_weight=weight[:, 0])
        else:
            self.optimizer_.step(closure)
        if self.roughness and self.has_decay:
            self.roughness.shrink({p: group["lr"] for group in self.optimizer_.param_groups for p in group["params"]})
        return first

    def validation_step(self, batch, **fit_params):
        X, target = batch
        with torch.no_grad():
            y_pred = self.module_(X)
            predicted = self.as_predicted(y_pred, target[1])
            return {"loss": self.get_loss(y_pred, target), "y_pred": predicted, "n_rows": len(X)}

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """One pass over the rows, recording the mean loss; the only `.item()` of an epoch.

        Callbacks see a batch as ``(X, y)``, as skorch's own ones expect.
        """
        if iterator is None:
            return
        if isinstance(self.optimizer_, FusedAdamW) and can_be_fused(self):  # as callbacks have left the module
            self.history.new_batch()
            self.history.record_batch(f"{prefix}_batch_size", len(iterator.rows))
            self.record(prefix, fused_pass(self, iterator) if training else fused_validation(self))
            return
        self.module_.train(training)
        total, n_rows = torch.zeros((), dtype=torch.float32, device=self.device), 0
        for batch in iterator:
            X, (y, _) = self.batch = batch
            self.notify("on_batch_begin", batch=(X, y), training=training)
            if self.module_.training != training:  # a callback has predicted in between
                self.module_.train(training)
            step = step_fn(batch, **fit_params)
            self.history.record_batch(f"{prefix}_batch_size", len(X))
            self.notify("on_batch_end", batch=(X, y), training=training, loss=step["loss"], y_pred=step["y_pred"])
            total = total + step["loss"] * step["n_rows"]
            n_rows = n_rows + step["n_rows"]
        self.batch = None
        self.record(prefix, float(total / n_rows))

    @property
    def can_anneal(self):
        """Whether training may end early by letting the learning rate fall."""
        is_cosine = self.phase.schedule == "cosine" and self.has_decay
        return is_cosine and self.validation is not None and not self.schedule.is_falling

    def place(self):
        """Where training is, apart from the module."""
        return self.optimizer_state(), self.schedule.latest

    def optimizer_state(self):
        """A copy of the optimizer's state."""
        state = self.optimizer_.state_dict()
        return state if isinstance(self.optimizer_, FusedAdamW) else deepcopy(state)

    def anneal(self, place, n_passes):
        """Go on from a place with a learning rate that falls to zero in some passes, then end."""
        state, share = place
        self.optimizer_.load_state_dict(state)
        self.schedule.anneal(share, n_passes)

    def record(self, prefix, loss):
        name = f"{prefix}_loss"
        self.history.record(name, loss)
        self.history.record(f"{name}_best", loss < self.lowest.get(name, math.inf))
        self.lowest[name] = min(loss, self.lowest.get(name, math.inf))


class Converged(KeyboardInterrupt):
    """Ends a phase; skorch's own way for a callback to end training."""


def finished_net(module, loss, history, device):
    """A net around a trained module, as it is after loading: predictions and history, no optimizer state."""
    net = Net(module, loss, streaming_phase(Settings(), None)._replace(max_iter=0), device=device)
    net.initialize()
    net.history.extend(history)
    return net
