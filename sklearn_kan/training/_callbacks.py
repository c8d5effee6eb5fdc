"""What watches a phase of training: the best state, and whoever looks on from outside."""

import math
from typing import Any

from skorch.callbacks import Callback

from ._evaluation import is_finite, mean_loss, objective, snapshot

PATIENCE = 5  # passes, of which none came close to the best loss on validation rows: it will not be reached again
RISE = 0.03  # of the best loss
FALL = 0.05  # of the training loss at that pass: a smaller one is noise, as a rise is while the learning rate is high
HOPELESS_FROM = 0.1  # of all passes
LEAST_ANNEALED, MOST_ANNEALED = 3, 10  # passes from the best state, in which the learning rate falls to zero


class BestState(Callback):
    """Watch the loss, say when a phase no longer improves, and keep its best state.

    The watched loss is that of the validation rows, or of the training rows where there are none. With validation
    rows the state after their best epoch is kept, otherwise the last one, or if numbers became non-finite the one
    before the best epoch. It gives way to the state before training if that had a lower validation loss, and a lower
    objective, by more than the unit of the learned scale where steps are stochastic. `kept` is the number of the pass
    whose state was best, from 0; None if that was the state before training.
    """

    def __init__(self, n_iter_no_change, tol, best=math.inf):
        self.n_iter_no_change, self.tol, self.best = n_iter_no_change, tol, best
        self.kept, self.failed, self.before = None, False, None
        self.place: Any = None  # where training was at its best, and how many passes ago
        self.since, self.turns_back = 0, False

    def on_train_begin(self, net, X=None, **kwargs):
        self.monitor = "train_loss" if net.validation is None else "valid_loss"
        self.first = self.state = snapshot(net.module_)
        self.kept = None
        self.reference, self.idle, self.failed, self.done = self.best, 0, False, False
        self.start = objective(net, X)
        self.start_valid = -math.inf if net.validation is None else mean_loss(net, net.validation)

    def on_epoch_begin(self, net, **kwargs):
        if self.turns_back:  # not before all callbacks have seen the pass
            net.module_.load_state_dict(self.state)
            net.anneal(self.place, annealed_passes(len(net.history) - 1 - self.since))
            self.turns_back = False
        self.before = snapshot(net.module_) if self.monitor == "train_loss" else None

    def on_epoch_end(self, net, **kwargs):
        loss = net.history[-1][self.monitor]
        self.failed = not math.isfinite(loss) or getattr(net.optimizer_, "is_stuck", False)
        if loss < self.best:
            self.best, self.kept = loss, len(net.history) - 1
            self.state = snapshot(net.module_) if self.before is None else self.before
            self.place, self.since = net.place() if net.can_anneal else None, 0
        else:
            self.since += 1
        self.idle = 0 if loss < self.reference - self.tol else self.idle + 1
        self.reference = min(self.reference, loss) if self.idle == 0 else self.reference
        self.done = self.failed or self.idle >= self.n_iter_no_change or net.schedule.is_over
        self.turns_back = net.can_anneal and self.is_hopeless(net)

    def is_hopeless(self, net):
        """Whether a network has begun to learn its rows by heart, from which it will not come back.

        Its training loss goes on falling then. Where that rises, too, the learning rate is high, and will fall.
        """
        is_late = self.place is not None and len(net.history) > HOPELESS_FROM * net.max_epochs
        if not (is_late and self.since >= PATIENCE):
            return False
        lately, at_best = net.history[-PATIENCE:], net.history[-1 - self.since]
        has_risen = min(epoch[self.monitor] for epoch in lately) > self.best + RISE * abs(self.best)
        start = at_best["train_loss"]
        return has_risen and max(epoch["train_loss"] for epoch in lately) < start - FALL * abs(start)

    def on_train_end(self, net, X=None, **kwargs):
        if self.failed or self.monitor == "valid_loss":
            net.module_.load_state_dict(self.state)
        end = objective(net, X)
        if net.is_interrupted and self.before is not None:  # perhaps in the middle of a step on trial
            end = self.step_back(net, X, end)
        slack = 0.0 if net.phase.batch_size is None else 1 + abs(self.start)
        is_worse = end > self.start + slack or not (math.isfinite(end) and is_finite(net.module_))
        if is_worse and self.best > self.start_valid:
            self.failed, self.kept = True, None
            net.module_.load_state_dict(self.first)

    def forget(self):
        """Let go of all copies of weights, which a fitted estimator does not keep."""
        self.first = self.state = self.before = self.place = None

    def step_back(self, net, X, end):
        """Go back to the state before the pass, if its objective is lower; returns the objective."""
        latest = snapshot(net.module_)
        net.module_.load_state_dict(self.before)
        before = objective(net, X)
        if before < end or not math.isfinite(end):
            return before
        net.module_.load_state_dict(latest)
        return end


def annealed_passes(n_passes):
    """In how many passes the learning rate falls to zero after a best state that took `n_passes`."""
    return min(MOST_ANNEALED, max(LEAST_ANNEALED, math.ceil(n_passes / 2)))


class Observed(Callback):
    """Tell whoever watches the fit from outside about every pass."""

    def __init__(self, observer, n_passes):
        self.observer, self.n_passes = observer, n_passes

    def on_epoch_end(self, net, **kwargs):
        try:
            self.observer(net.history[-1].get("valid_loss"), self.n_passes)
        except KeyboardInterrupt:
            net.is_interrupted = True  # whoever has raised it
            raise


def check_callbacks(callbacks):
    """Raise unless these are skorch callbacks, each by itself or with a name."""
    for item in callbacks or ():
        callback = item[-1] if isinstance(item, list | tuple) and len(item) == 2 else item
        if not (isinstance(callback, Callback) or (isinstance(callback, type) and issubclass(callback, Callback))):
            raise TypeError(f"callbacks has {item!r}, which is not a skorch callback. Pass instances of its Callback.")
