"""Variants of the default recipe: parameters, and parts of the package that are replaced while a model is fitted."""

from contextlib import ExitStack, contextmanager, nullcontext
from unittest.mock import patch

import numpy as np
import torch

from sklearn_kan.estimators import _design
from sklearn_kan.kernels.cpu import _network as compiled
from sklearn_kan.network import _layer, _lookup
from sklearn_kan.training import _callbacks, _fused, _losses, _net, _phases, _plan


def with_params(**params):
    return params, nullcontext


def replacing(*changes):
    """Attributes of modules and classes replaced: triples (owner, name, value)."""

    @contextmanager
    def replaced():
        with ExitStack() as stack:
            for owner, name, value in changes:
                stack.enter_context(patch.object(owner, name, value))
            yield

    return {}, replaced


def combined(*variants):
    """Several changes at once."""

    @contextmanager
    def replaced():
        with ExitStack() as stack:
            for _, change in variants:
                stack.enter_context(change())
            yield

    return {name: value for params, _ in variants for name, value in params.items()}, replaced


def loss_of_all(loss, raw, y, n_members):
    """What is expected of all members on rows that k of them hold out, by row.

    The squared error of an average of k is L + c / k, where c is half the members' variance (Krogh & Vedelsby 1995);
    that of other losses is so to second order.
    """
    k = raw.shape[1]
    together = loss(_losses.combined(loss, raw), y)
    if k == 1:
        return together
    if loss is not _losses.cross_entropy:
        apart = _losses.member_losses(loss, raw, y).mean(1) - together
        return together - apart * (1 / k - 1 / n_members) / (1 - 1 / k)
    of_class = raw.log_softmax(2).gather(2, y[:, None, None].expand(-1, k, 1))[..., 0]
    p = (of_class - of_class.amax(1, keepdim=True)).exp()
    return together - 0.5 * (p / p.mean(1, keepdim=True)).var(1) * (1 / k - 1 / n_members)


def validated_as_all(self, optimizer):
    X, y, weight = self.rows.all
    packed, total, n_rows = optimizer.packed, 0.0, 0
    packed.expand()
    for rows, members in self.parts:
        losses = loss_of_all(self.loss, packed.outputs(X, rows, members), y[rows], packed.n_members)
        total += float((losses * weight[rows]).sum())
        n_rows += len(rows)
    return total / n_rows


def starting(change):
    """What a new network's module is changed by before training."""
    place = _plan.place

    def placed(module, rows, loss):
        place(module, rows, loss)
        with torch.no_grad():
            change(module)

    return replacing((_plan, "place", placed))


def fewer_columns(share):
    """Each member gets a share of the columns, others count for nothing in it."""

    def change(module):
        first, lookup, generator = module.layers[0], module.lookup, torch.Generator().manual_seed(0)
        n_columns = first.in_features + (0 if lookup is None else len(lookup.n_levels))
        rank = torch.rand(n_columns, module.n_members, generator=generator).argsort(0).argsort(0)
        is_kept = rank < share * n_columns
        of_units = is_kept.repeat_interleave(first.out_features, 1).to(first.edge_weight)
        numbers, codes = of_units[: first.in_features], of_units[first.in_features :]
        first.edge_weight *= numbers[:, None]
        first.base_weight *= numbers.T
        first.scale *= is_kept[: first.in_features]
        if lookup is not None:
            lookup.scale *= is_kept[first.in_features :]
            lookup.table *= codes[lookup.owner]
            lookup.mixing *= codes[lookup.factored].repeat_interleave(8, 0).T

    return starting(change)


def last_layer_from_zero(module):
    module.layers[-1].edge_weight.zero_()
    module.layers[-1].base_weight.zero_()


def linear_fine_members(n_knots):
    """The finer members have splines of degree 1 in their first layer."""
    make_basis = _layer.make_basis

    def made(basis, in_features, **params):
        return make_basis(basis, in_features, **params | ({"degree": 1} if params["n_knots"] == n_knots else {}))

    return replacing((_layer, "make_basis", made), (_design, "FINE_KNOTS", n_knots))


def wrong_labels(share):
    """Labels are smoothed: in each pass a share of rows, drawn anew, has a class at random."""
    fused_pass = _net.fused_pass

    def passed(net, batches):
        y = batches.rows.all[1]
        if y.is_floating_point():
            return fused_pass(net, batches)
        kept, generator = y.clone(), torch.Generator().manual_seed(net.schedule.step + 1)
        drawn = torch.rand(len(y), generator=generator) < share
        y[drawn] = torch.randint(int(y.max()) + 1, (int(drawn.sum()),), generator=generator)
        loss = fused_pass(net, batches)
        y.copy_(kept)
        return loss

    return replacing((_net, "fused_pass", passed))


class Stepwise:
    """Steps of the compiled library one by one, with something done to its parameters before and after each."""

    def __init__(self, optimizer):
        self.optimizer, self.packed = optimizer, optimizer.packed
        self.generator = torch.Generator().manual_seed(0)

    def take(self, task, order, bounds, shares):
        """As of `FusedAdamW`."""
        optimizer, packed = self.optimizer, self.packed
        packed.load(optimizer.module)
        losses = torch.zeros(packed.n_members, dtype=torch.float64)
        for k, share in enumerate(shares):
            self.before(share)
            own_bounds, rate = torch.tensor(bounds[k : k + 2]), torch.tensor([share], dtype=torch.float64)
            compiled.steps(
                packed.net, task.structure, order, own_bounds, rate, optimizer.n_steps, losses, packed.work,
                dtype=packed.dtype,
            )  # fmt: skip
            self.after()
            optimizer.n_steps += 1
        packed.store(optimizer.module)
        return float(losses.sum())

    def before(self, share):
        pass

    def after(self):
        pass


class Average(Stepwise):
    """Passes end with an average of the weights over steps: of all, then an exponential one over about a pass."""

    kept, n_steps, average = None, 0, ()

    def take(self, task, order, bounds, shares):
        self.horizon = len(shares)
        self.packed.load(self.optimizer.module)
        flats = [self.packed.parameters, self.packed.embeddings]
        if self.kept is None or not all(map(torch.equal, flats, self.average)):  # training went back to a state
            self.n_steps, self.kept, self.average = 0, copies(flats), copies(flats)
        self.put(self.kept)
        losses = super().take(task, order, bounds, shares)
        self.kept = copies(flats)
        self.put(self.average)
        return losses

    def put(self, values):
        self.packed.parameters.copy_(values[0])
        self.packed.embeddings.copy_(values[1])
        self.packed.store(self.optimizer.module)

    def after(self):
        self.n_steps += 1
        for average, flat in zip(self.average, (self.packed.parameters, self.packed.embeddings), strict=True):
            average.lerp_(flat, 1 / min(self.n_steps, self.horizon))


def copies(tensors):
    return [tensor.clone() for tensor in tensors]


class Dropout(Stepwise):
    """Parts of each member that a step goes without: hidden units, or the factors of columns."""

    def __init__(self, optimizer, share, names):
        super().__init__(optimizer)
        self.share = share
        self.slots = [slot for slot in self.packed.slots if slot.name in names]

    def before(self, share):
        self.kept, masks = [], {}
        for slot in self.slots:
            size, n = int(np.prod(slot.shapes[0])), slot.shapes[0][0]
            part = slice(slot.start, slot.start + size)
            parts = [flat[:, part].unflatten(1, (n, -1)) for flat in (self.packed.parameters, *self.optimizer.moments)]
            if n not in masks:
                masks[n] = (torch.rand(self.packed.n_members, n, 1, generator=self.generator) >= self.share).to(
                    parts[0]
                )
            saved = [tensor.clone() for tensor in parts]
            parts[0].mul_(masks[n] / (1 - self.share))
            self.kept.append((parts, saved, masks[n] > 0, parts[0].clone()))

    def after(self):
        for (weight, *moments), (old, *old_moments), mask, masked in self.kept:
            weight.copy_(torch.where(mask, old + weight - masked, old))
            for moment, was in zip(moments, old_moments, strict=True):
                moment.copy_(torch.where(mask, moment, was))


class OwnDecays(Stepwise):
    """Decays that are multiples of the default's, other ones in each part of the members."""

    def __init__(self, optimizer, factors):
        super().__init__(optimizer)
        n = self.packed.n_members
        self.factors = torch.tensor(factors).repeat_interleave(-(-n // len(factors)))[:n, None].to(self.packed.dtype)

    def before(self, share):
        decay = self.optimizer.param_groups[0]["weight_decay"]
        for slot in self.packed.slots:
            if _phases.is_coefficient(slot.name):
                part = slice(slot.start, slot.start + max(slot.sizes))
                rate = share * _phases.rate_of(slot.name, self.optimizer.module.get_parameter(slot.name))
                self.packed.parameters[:, part] *= 1 - rate * decay * (self.factors - 1)


def stepwise(kind, *arguments):
    def take(self, task, order, bounds, shares):
        if not hasattr(self, "by_step"):
            self.by_step = kind(self, *arguments)
        return self.by_step.take(task, order, bounds, shares)

    return replacing((_fused.FusedAdamW, "take", take))


AVERAGED, EXPECTED = stepwise(Average), replacing((_fused.HeldOut, "mean_loss", validated_as_all))
FROM_1 = replacing((_callbacks, "RISE", 0.01))
VARIANTS = {
    "default": with_params(),
    "default, again": with_params(),
    "default, once more": with_params(),
    "expected loss": EXPECTED,
    "averaged weights": AVERAGED,
    "averaged weights, from 1 %": combined(AVERAGED, FROM_1),
    "averaged weights, rate 0.02": combined(AVERAGED, with_params(learning_rate_init=0.02)),
    "averaged weights, hold out 0.1": combined(AVERAGED, with_params(validation_fraction=0.1)),
    "both": combined(AVERAGED, EXPECTED),
    "both, from 1 %": combined(AVERAGED, EXPECTED, FROM_1),
    "rate 0.02": with_params(learning_rate_init=0.02),
    "decay 1": with_params(alpha=1.0),
    "decay 4": with_params(alpha=4.0),
    "decays of members 1 and 4": stepwise(OwnDecays, (0.5, 2.0)),
    "hold out 0.1": with_params(validation_fraction=0.1),
    "hold out 0.25": with_params(validation_fraction=0.25),
    "64 units": with_params(hidden_layer_sizes=(64,)),
    "two hidden layers": with_params(hidden_layer_sizes=(32, 32)),
    "80 % of the columns": fewer_columns(0.8),
    "last layer from zero": starting(last_layer_from_zero),
    "labels smoothed by 0.1": wrong_labels(0.1),
    "factored tables above 9 levels": replacing((_lookup, "MAX_LEVELS", 9)),
    "tables for all levels": replacing((_lookup, "MAX_LEVELS", 100_000)),
    "16 linear fine knots": linear_fine_members(16),
    "32 linear fine knots": linear_fine_members(32),
    "unit dropout 0.1": stepwise(Dropout, 0.1, ("layers.1.edge_weight", "layers.1.base_weight")),
    "column dropout 0.1": stepwise(Dropout, 0.1, ("layers.0.scale", "lookup.scale")),
}  # fmt: skip
