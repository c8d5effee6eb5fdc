"""Smooth and small tables: small networks with products, by Gauss-Newton, in place of an ensemble trained by Adam.

A few units that are sums of splines and products of sums have so few parameters that full Gauss-Newton steps are cheap,
and these take a smooth function to many more digits. On small tables, penalties that follow from the evidence keep them
from learning noise; those of classes have straight lines in place of splines. Rows that both hold out decide between
them and the ensemble.
"""

import numpy as np
import torch

from ..network._lookup import MAX_LEVELS
from ..network._members import can_be_members, member_of, stacked
from ._attempt import Attempt, Network, cloned, new_network, place, trained
from ._comparison import held_out_losses, of_first_members, share_left
from ._holdout import Split, hold_out
from ._losses import cross_entropy, squared_error
from ._net import finished_net
from ._parallel import n_processes
from ._phases import GAUSS_NEWTON_WORTH
from ._rows import Rows
from ._rules import N_KNOTS, RULES, SMOOTH_SHARE, WIDTHS, WORTH_REPLACING, WORTH_THERE

CLEAN_SHARE = 0.003  # of a target's variance, left on held-out rows, below which a few members are enough
NOISY_SHARE = 0.5  # likewise, or of the entropy of classes, above which more is not looked for
FEWEST_ROWS, SMALL_TABLE = 80, 1_000  # between which Gauss-Newton is tried, whatever is left below that
ALPHA = 1e-4
N_MEMBERS = 3  # on large tables
MOST_ROWS, MOST_HELD_OUT = 4_000, 2_000  # that a member learns from, and is judged by
MOST_PLACED = 20_000  # that say where knots are
N_STEPS, PATIENCE = 50, 8
MOST_WORK = 2.5e8  # of a step: rows times the square of the number of parameters
ENOUGH = 1e-6  # of a target's variance, left on held-out rows: a thousandth of its spread
WORTH_DOUBLING = 0.5  # of the held-out loss, which twice the units leave
POOR = 10.0  # times the first member's loss, from which another start is made


def asks_for_digits(attempt, rows, loss, settings):
    """Whether Gauss-Newton may do better: next to nothing is left of the squared error, or the table is small.

    Where more than half is left on a small table, small networks were never better, and took most of the time.

    It knows no constraints and no smoothness, and does not refine knots.
    """
    is_known = attempt.network.architecture.constraints is None and not (settings.smoothness or settings.refine_knots)
    can_go_on = not attempt.training.interrupted and n_processes() == 1
    if not (is_known and can_go_on and (loss is squared_error or loss is cross_entropy)):
        return False
    rules, left = RULES[loss], attempt.lowest_loss  # infinite where no rows were held out
    share = left / loss_of_constant(rows, loss)
    if share < rules.smooth:
        return True
    is_open = rules.told < share < NOISY_SHARE or (rules.is_tried_blindly and np.isinf(share))
    return is_open and is_small(attempt.network.architecture, rows, loss, settings)


def loss_of_constant(rows, loss):
    """The loss of the best constant: half the variance of a target in its own units, or the entropy of classes."""
    if loss is squared_error:
        return 0.5
    _, y, weight = rows.all
    return float(torch.special.entr(torch.bincount(y, weight.double()) / weight.double().sum()).sum())


def is_small(architecture, rows, loss, settings):
    """Whether rows and columns are so few that small networks are fitted in no time, and nothing says otherwise."""
    is_usual = settings.is_free and settings.max_iter == "auto" and settings.early_stopping == "auto"
    if not (is_usual and FEWEST_ROWS <= len(rows) <= SMALL_TABLE) or max(architecture.n_levels, default=0) > MAX_LEVELS:
        return False
    if rows.groups is not None and len(rows.groups.unique()) < 2:  # which cannot be held out
        return False
    n_inputs, n_outputs = architecture.in_features, architecture.out_features
    n_categorical = sum(architecture.n_levels + architecture.n_places)
    if loss is squared_error:
        n_parameters = WIDTHS[0] * ((n_inputs + 1) * (N_KNOTS + 5) + n_categorical)  # one more: the sum of hidden units
        return (len(rows) + n_parameters) * n_parameters**2 <= RULES[loss].work
    n_parameters = WIDTHS[0] * (5 * (n_inputs + n_outputs) + n_categorical)
    n_columns = 1 if n_outputs == 2 else n_outputs  # of the root of the curvature
    return (n_columns * len(rows) + n_parameters) * n_parameters**2 <= RULES[loss].work


def made_exact(attempt, rows, loss, settings, validation):
    """The attempt, or small networks fitted by Gauss-Newton if these are better on held-out rows.

    Parameters
    ----------
    attempt : Attempt
    rows : Rows
        All that there are to fit to.
    loss : callable
    settings : Settings
        As the user has them.
    validation : Rows or None
        As the user gave them.

    Returns
    -------
    Attempt
    """
    before, generator = attempt.network.architecture, cloned(attempt.network.generator)
    has_few = is_small(before, rows, loss, settings)
    n_members = before.n_members and min(RULES[loss].n_members if has_few else N_MEMBERS, before.n_members)
    architectures = small_architectures(before, loss, settings.is_free)
    if n_members and not can_be_members(architectures[0], n_members):
        return attempt
    asked, settings = settings, holding_out(settings)
    split = hold_out(rows, n_members, settings, validation)
    settings = exact(settings, by_evidence=has_few)

    def fitted(architecture, member):
        network = placed_network(architecture, rows, loss, generator, settings.solver)
        part = split_of_member(split, member)
        n_rows = n_rows_for(network.module, len(part.fitting), settings.solver)
        return trained_on_few(network, fewer(part, n_rows, generator), loss, settings, True) if n_rows else None

    best = widest(architectures, fitted, attempt.lowest_loss)
    if best is None:
        return attempt
    rival = attempt if attempt.split.validation is not None else tried(attempt, rows, loss, asked)
    losses = held_out_losses(rival, loss)
    if n_members and best.lowest_loss < 0.5 * CLEAN_SHARE:
        n_members = min(N_MEMBERS, n_members)
    members: list[Attempt] = []
    for number in range(n_members or 1):
        member = fitted(best.network.architecture, number) if members else best
        if member.lowest_loss > POOR * best.lowest_loss and not member.training.interrupted:
            member = min(member, fitted(best.network.architecture, number), key=lambda each: each.lowest_loss)
        members.append(member)
        share, n_errors = share_left([held_out_losses(each, loss) for each in members], losses)
        is_last = len(members) == (n_members or 1)
        is_judged = has_few or number == 0
        can_stay = is_certain(share, n_errors, loss) if is_last and has_few else share < worth(number, has_few, loss)
        if is_judged and not can_stay:
            return attempt._replace(training=attempt.training._replace(interrupted=member.training.interrupted))
        if member.training.interrupted:
            break
    if best.training.interrupted:
        return attempt._replace(training=attempt.training._replace(interrupted=True))
    split = of_first_members(split, len(members)) if n_members else split
    return following(attempt.training.history, members, attempt.network, split, settings)


def worth(number, has_few, loss):
    """Of an ensemble's held-out loss, what some new members may leave for others to be fitted, too."""
    if not has_few:
        return WORTH_REPLACING
    return RULES[loss].next_ones if number else RULES[loss].going_on


def is_certain(share, n_errors, loss):
    """Whether members that leave this share of an ensemble's loss are better by far, or by more than chance."""
    return share < RULES[loss].by_far or (share < WORTH_THERE and n_errors > RULES[loss].certain)


def widest(architectures, fitted, rival):
    """The first member of as many units as pay: of the fewest where much is left, which more would not change.

    Where an ensemble has left little of the loss, more units are tried until they are better than that.
    """
    best, is_better = None, rival >= 0.5 * SMOOTH_SHARE
    for architecture in architectures:
        larger = fitted(architecture, 0)
        share = WORTH_DOUBLING if is_better else 1.0
        if larger is None or (best is not None and larger.lowest_loss >= share * best.lowest_loss):
            break
        best = larger
        is_better = is_better or best.lowest_loss < WORTH_REPLACING * rival
        is_done = best.lowest_loss < 0.5 * ENOUGH or (is_better and best.lowest_loss >= 0.5 * SMOOTH_SHARE)
        if is_done or best.training.interrupted:
            break
    return best


def holding_out(settings):
    """The settings with rows held out, unless that is not wanted."""
    return settings._replace(early_stopping=True) if settings.early_stopping == "auto" else settings


def tried(attempt, rows, loss, settings):
    """The attempt with rows held out, where a table has too few to spare any, to see how well it does."""
    architecture = attempt.network.architecture
    settings = holding_out(settings)
    settings = settings._replace(max_iter=settings.passes(architecture.n_members, len(attempt.network.module.layers)))
    network = new_network(architecture, rows.dtype, settings)
    place(network.module, rows, loss)
    return trained(network, hold_out(rows, architecture.n_members, settings), loss, settings, begins=True)


def made_more_exact(network, split, loss, settings):
    """Go on with an ensemble that Gauss-Newton has fitted, member by member; after an interrupt the rest stay."""
    before, generator = network.architecture, network.generator
    settings = exact(settings, by_evidence=settings.is_free and len(split.fitting.all[0]) <= SMALL_TABLE)
    architecture, n_members = before.single(), before.n_members
    members: list[Attempt] = []
    for number in range(n_members or 1):
        module = member_of(before, network.module, number) if n_members else network.module
        alone = Network(architecture, module, generator, settings.solver, np.ones(1))
        if members and members[-1].training.interrupted:
            members.append(members[-1]._replace(network=alone))
            continue
        part = split_of_member(split, number)
        part = fewer(part, n_rows_for(module, len(part.fitting), settings.solver) or MOST_ROWS, generator)
        members.append(trained_on_few(alone, part, loss, settings, begins=False))
    return following([], members, network, split, settings)


def exact(settings, by_evidence):
    """Settings for Gauss-Newton on small networks, with penalties by evidence or next to none."""
    max_iter = N_STEPS if settings.max_iter == "auto" else settings.max_iter
    if not by_evidence:
        return settings._replace(solver="gauss_newton", alpha=ALPHA, max_iter=max_iter)
    patience = min(PATIENCE * GAUSS_NEWTON_WORTH, settings.n_iter_no_change)
    return settings._replace(solver="evidence", max_iter=max_iter, n_iter_no_change=patience)


def small_architectures(architecture, loss, is_free):
    """Networks without members to be fitted exactly, from small to large.

    Of a few units with products if the network is free, left to the fit; else of the same layers.
    """
    alone = architecture.single()._replace(fine_knots=None)
    if not is_free:
        return [alone]
    rules = RULES[loss]
    alone = alone._replace(interactions="product", norm="none", **rules.knots)
    return [alone._replace(hidden_layer_sizes=(width,)) for width in WIDTHS[: rules.n_widths]]


def placed_network(architecture, rows, loss, generator, solver):
    """A new network, whose knots lie as these rows do, or as some of many."""
    seed = int(torch.randint(2**31, (1,), generator=generator, device="cpu"))
    module = architecture.build(seed, generator).to(dtype=rows.dtype)
    place(module, some_of(rows, MOST_PLACED, generator), loss)
    return Network(architecture, module, generator, solver, np.ones(1))


def n_rows_for(module, n_samples, solver):
    """How many of all rows steps for a module are quick with; none if that does not say what its parameters are."""
    n_parameters = sum(p.numel() for p in module.parameters())
    n_quick = min(MOST_ROWS, int(MOST_WORK / n_parameters**2))
    if solver == "evidence" and n_samples <= n_quick:  # which says what rows leave open
        return n_samples
    n_needed = n_parameters if n_samples <= n_quick else 2 * n_parameters
    return min(n_samples, n_quick) if min(n_samples, n_quick) >= n_needed else 0


def split_of_member(split, member):
    """The rows that a member learns from and those it holds out, as a split for a single network."""
    return Split(*(rows and rows_of_member(rows, member) for rows in split))


def rows_of_member(rows, member):
    """Rows that count for a member of an ensemble."""
    numbers = torch.arange(len(rows.all[0]), device=rows.device) if rows.index is None else rows.index
    if rows.folds is not None:
        numbers = numbers[rows.folds.counts(numbers)[:, member]]
    X, y, sample_weight = rows.all
    return Rows(X, y, sample_weight, numbers)


def fewer(split, n_rows, generator):
    """So many rows to learn from, drawn at random, and not too many to be judged by."""
    validation = split.validation and some_of(split.validation, MOST_HELD_OUT, generator)
    return Split(some_of(split.fitting, n_rows, generator), validation)


def trained_on_few(network, split, loss, settings, begins):
    """As `trained`, for some rows of a table: they alone, not the whole table, are brought to another precision."""
    few = Split(*(rows and Rows(*taken(rows)) for rows in split))
    return trained(network, few, loss, settings, begins)._replace(split=split)


def taken(rows):
    """Inputs, targets and weights of some rows of a table by themselves."""
    X, (y, weight) = rows.batch()
    return X, y, weight[:, 0]


def some_of(rows, n_most, generator):
    if len(rows) <= n_most:
        return rows
    return rows[torch.randperm(len(rows), generator=generator, device="cpu")[:n_most].sort().values]


def following(history, members, network, split, settings):
    """An attempt that went on with other networks, from which the members of an ensemble are made, or a single one."""
    first, *_ = members
    kept = first.training.kept
    training = first.training._replace(
        history=history + first.training.history, kept=None if kept is None else len(history) + kept,
        interrupted=any(member.training.interrupted for member in members),
        failed=[name for member in members for name in member.training.failed],
    )  # fmt: skip
    if network.architecture.n_members is None:
        return Attempt(first.network._replace(solver="gauss_newton"), split, training)
    architecture = first.network.architecture
    module = stacked(architecture, [member.network.module for member in members])
    network = network._replace(
        architecture=architecture._replace(n_members=len(members)), module=module, solver="gauss_newton",
        member_weights=np.ones(len(members)),
    )  # fmt: skip
    net = finished_net(module, training.net.criterion, first.training.net.history, str(settings.device))
    return Attempt(network, split, training._replace(net=net))
