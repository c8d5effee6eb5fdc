"""Passes of AdamW by the compiled library: whole batches in one call, without torch's graph."""

from typing import Any

import torch
from skorch.callbacks import Callback, LRScheduler, ParamMapper

from ..kernels.cpu import _network as compiled
from ..network._packed import Packed
from ..network._stored import can_be_trained
from ._losses import (
    HUBER_DELTA,
    MAX_LOG_MEAN,
    Pinball,
    Tweedie,
    absolute_error,
    cross_entropy,
    huber,
    poisson,
    squared_error,
    what_is_averaged,
)
from ._parallel import n_processes
from ._phases import groups_of, is_coefficient, rate_of

LOSSES = {squared_error: 0, absolute_error: 1, huber: 2, poisson: 4, cross_entropy: 6}  # numbers in the library
PINBALL, TWEEDIE = 3, 5
EPSILON = 1e-8  # of AdamW, as torch's
AT_ONCE = 2**31  # multiply-adds of a call, some tenths of a second: an interrupt waits for its end
LOSSES_AT_ONCE = 8_192  # rows
SEES_BATCHES = "on_batch_begin", "on_batch_end", "on_grad_computed"


def can_be_fused(net):
    """Whether the compiled library can run a net's phase."""
    phase, module = net.phase, net.module_
    return (
        phase.optimizer is torch.optim.AdamW and phase.depth is None and not phase.smoothness and n_processes() == 1
        and number_of(net.criterion) is not None and can_be_trained(module)
        and not any(sees_batches(callback) for _, callback in net.callbacks_)
    )  # fmt: skip


def sees_batches(callback):
    """Whether a callback wants to be told of batches, or works on torch's optimizer or single parameters."""
    own = any(getattr(type(callback), name) is not getattr(Callback, name) for name in SEES_BATCHES)
    return own or isinstance(callback, LRScheduler | ParamMapper)


def number_of(loss):
    """The library's number of a loss; None if it does not know it."""
    if isinstance(loss, Pinball):
        return PINBALL
    return TWEEDIE if isinstance(loss, Tweedie) else LOSSES.get(loss)


class FusedAdamW:
    """AdamW on all members of a network in the library; to skorch it is the optimizer.

    Parameters
    ----------
    module : KAN
        It holds the parameters before and after each call.
    lr, weight_decay : float
    betas : tuple of float
    fused : bool
        For torch's optimizer of the same parameters.

    Attributes
    ----------
    packed : Packed
    param_groups : list of dict
        One group, with the highest learning rate.
    """

    def __init__(self, module, *, lr, weight_decay, betas, fused=True):
        self.module, self.packed = module, Packed(module)
        packed = self.packed
        self.param_groups: list[dict[str, Any]] = [
            {"params": list(module.parameters()), "lr": lr, "weight_decay": weight_decay, "betas": betas}
        ]
        self.moments = [packed.zeros(), packed.zeros()]
        self.gradients = packed.zeros()
        self.embedded = [torch.zeros_like(packed.embeddings) for _ in range(3)]
        self.n_steps = 0
        self.of_torch, self.shares = None, []  # in its place, and rates of its groups
        for net in packed.nets:
            net.gradients, net.mean, net.square = map(compiled.address, (self.gradients, *self.moments))
        net = packed.net
        net.embedding_gradients, net.embedding_mean, net.embedding_square = map(compiled.address, self.embedded)
        self.segments = compiled.array(compiled.Segment, [
            (slot.start, (slot.sizes[0], slot.sizes[-1]), is_coefficient(slot.name), slot.is_absolute,
             rate_of(slot.name, module.get_parameter(slot.name)))
            for slot in packed.slots
        ])  # fmt: skip
        net.n_segments, net.segments = len(packed.slots), compiled.address_of(self.segments)
        net.embedding_rate = 1.0

    def __reduce__(self):
        return restored, (self.module, self.param_groups[0], self.state_dict())

    def state_dict(self):
        return {"n_steps": self.n_steps, "moments": [m.clone() for m in (*self.moments, *self.embedded[1:])]}

    def load_state_dict(self, state):
        self.n_steps = state["n_steps"]
        for mine, theirs in zip((*self.moments, *self.embedded[1:]), state["moments"], strict=True):
            mine.copy_(theirs)

    def zero_grad(self, set_to_none=True):
        self.module.zero_grad(set_to_none)

    def step(self, closure):
        """A step by torch, where a callback has frozen or hooked something since training began."""
        (group,) = self.param_groups
        params = {"betas": group["betas"], "weight_decay": group["weight_decay"], "fused": True}
        if self.of_torch is None:
            self.of_torch = torch.optim.AdamW(groups_of(self.module, params | {"lr": 1.0}), **params)
            self.shares = [own["lr"] for own in self.of_torch.param_groups]
        for own, share in zip(self.of_torch.param_groups, self.shares, strict=True):
            own["lr"] = share * group["lr"]
        return self.of_torch.step(closure)

    def take(self, task, order, bounds, shares):
        """Take steps on batches; returns the sum of the weighted losses of all rows and members.

        Parameters
        ----------
        task : Task
        order : LongTensor of shape (n,)
            Numbers of rows, batch by batch.
        bounds : list of int
            Where batches begin and end.
        shares : list of float
            Learning rates of the batches.
        """
        packed = self.packed
        packed.load(self.module)
        losses = torch.zeros(packed.n_members, dtype=torch.float64, device="cpu")
        at_once = max(1, AT_ONCE // max(1, packed.work * packed.n_members * (bounds[1] - bounds[0])))
        for start in range(0, len(shares), at_once):
            rates = torch.tensor(shares[start : start + at_once], dtype=torch.float64, device="cpu")
            own_bounds = torch.tensor(bounds[start : start + len(rates) + 1], device="cpu")
            compiled.steps(
                packed.net, task.structure, order, own_bounds, rates,
                self.n_steps, losses, packed.work, dtype=packed.dtype,
            )  # fmt: skip
            self.n_steps += len(rates)
        packed.store(self.module)
        return float(losses.sum())

    def outputs(self, X, rows=None, members=None):
        """Outputs of members as they are now: ``(n_rows, n_chosen, n_outputs)``."""
        self.packed.load(self.module)
        self.packed.expand()
        return self.packed.outputs(X, rows, members)


def restored(module, group, state):
    """An optimizer as it was, for a copy of its module."""
    optimizer = FusedAdamW(module, **{name: group[name] for name in ("lr", "weight_decay", "betas")})
    optimizer.load_state_dict(state)
    return optimizer


class Task:
    """Rows and a loss as the library reads them.

    Parameters
    ----------
    rows : Rows
    loss : callable
    optimizer : FusedAdamW
    """

    def __init__(self, rows, loss, optimizer):
        self.rows, self.loss, self.n_members = rows, loss, optimizer.packed.n_members
        X, y, weight = rows.all
        numbers, classes = (None, y) if loss is cross_entropy else (y.reshape(len(y), -1), None)
        levels = None
        if isinstance(loss, Pinball):
            levels = X.new_tensor(loss.level).reshape(-1)
            levels = levels.expand(optimizer.packed.n_outputs).contiguous()
        folds = (None, None) if rows.folds is None else (rows.folds.of_row, rows.folds.holds_out.to(torch.uint8))
        self.kept = [X, numbers, weight, classes, *folds, levels]
        self.kept = [None if tensor is None else tensor.contiguous() for tensor in self.kept]
        *tensors, levels = map(compiled.address, self.kept)
        (group,) = optimizer.param_groups
        self.structure = compiled.Task(
            *tensors, rows.folds is not None and rows.folds.are_held_out, 0 if numbers is None else numbers.shape[1],
            number_of(loss), levels, HUBER_DELTA if loss is huber else getattr(loss, "power", 0.0),
            getattr(loss, "max_log_mean", MAX_LOG_MEAN), *group["betas"], EPSILON, group["weight_decay"],
        )  # fmt: skip

    def mean_loss(self, total, order):
        """The mean over rows and members for a sum that the library gave for all rows in `order`."""
        if isinstance(self.loss, Tweedie):
            _, (y, weight) = self.rows.batch()
            total += float((tweedie_constant(self.loss, y)[:, None] * weight).sum()) * self.n_members / weight.shape[1]
        return total / (len(order) * self.n_members)


def tweedie_constant(loss, y):
    """What a Tweedie loss has in addition to the library's, and depends on the target alone."""
    p = loss.power
    library = y if p == 2 else 1 / (2 - p) - y / (1 - p)
    return loss(torch.zeros_like(y), y) - library.mean(1)


class HeldOut:
    """Validation rows by the members that hold them out.

    Parameters
    ----------
    rows : Rows
    loss : callable
    n_members : int
    """

    def __init__(self, rows, loss, n_members):
        self.rows, self.loss = rows, loss
        numbers = torch.arange(len(rows.all[0]), device="cpu") if rows.index is None else rows.index
        everybody = torch.arange(n_members, device="cpu")
        self.parts = [(numbers, everybody)]
        if rows.folds is not None:
            counts = rows.folds.holds_out == rows.folds.are_held_out
            of_row = rows.folds.of_row[numbers]
            self.parts = [
                (numbers[of_row == fold], everybody[counts[fold]]) for fold in range(len(counts)) if counts[fold].any()
            ]

        X, y, weight = self.rows.all
        self.shares = [X.new_full((len(members),), 1 / len(members)) for _, members in self.parts]
        together: list[list[int]] = [[]]
        at_once = 0
        for number, (numbers, _) in enumerate(self.parts):
            at_once += len(numbers)
            if at_once > LOSSES_AT_ONCE and together[-1]:
                together.append([])
                at_once = len(numbers)
            together[-1].append(number)
        self.groups = [(group, *(of_rows(group, self.parts, part) for part in (y, weight))) for group in together]

    def mean_loss(self, optimizer):
        """Loss of what the members predict together, averaged over rows by their weights."""
        X, packed, what = self.rows.all[0], optimizer.packed, what_is_averaged(self.loss)
        packed.expand()
        total, n_rows = 0.0, 0
        for group, y, weight in self.groups:
            raw = torch.cat([packed.average(X, self.shares[k], what, *self.parts[k]) for k in group])
            losses = self.loss(raw, y) * weight
            for part in losses.split([len(self.parts[k][0]) for k in group]):
                total += float(part.sum())
                n_rows += len(part)
        return total / n_rows


def of_rows(group, parts, tensor):
    """The rows of some parts, one part after the other."""
    return torch.cat([tensor[parts[k][0]] for k in group])


def fused_pass(net, batches):
    """Take a step on each batch; returns the mean loss."""
    optimizer, schedule, n_steps = net.optimizer_, net.schedule, len(batches)
    (group,) = optimizer.param_groups
    rates = [group["lr"]] * n_steps
    if net.phase.schedule == "cosine":
        (highest,) = net.highest_rates_
        rates = [highest * schedule.share(schedule.step + k) for k in range(n_steps)]
        group["lr"] = rates[-1]
    schedule.step += n_steps
    order, bounds = batches.in_order()
    task = Task(batches.rows, net.criterion, optimizer)
    return task.mean_loss(optimizer.take(task, order, bounds, rates), order)


def fused_validation(net):
    """Mean loss of the validation rows."""
    if net.held_out is None:
        net.held_out = HeldOut(net.validation, net.criterion, net.optimizer_.packed.n_members)
    return net.held_out.mean_loss(net.optimizer_)
