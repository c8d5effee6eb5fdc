"""Validation rows: a part of the table, or of an ensemble a part for each member, so that all rows are learned from."""

from itertools import chain, count
from typing import NamedTuple

import numpy as np
import torch
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, train_test_split
from sklearn.utils import check_random_state

from ._rows import Folds, Rows

EARLY_STOPPING_ROWS = 300  # tables from this size can spare validation rows
MAX_VALIDATION_ROWS = 10_000  # of an ensemble, looked at after every pass


FRACTION_TOLERANCE = 0.05  # of the smaller of the two parts that rows are split into


class Dealing(NamedTuple):
    """How many folds rows are dealt into, and how many of them a member of an ensemble holds out."""

    n_folds: int
    n_held_out: int

    def can_compare(self, n_members):
        """Whether some rows are held out by members of the first and of the latter half."""
        return n_members * self.n_held_out > self.n_folds


class Split(NamedTuple):
    """Rows to fit and to validate on; the latter None without early stopping."""

    fitting: Rows
    validation: Rows | None


def hold_out(rows, n_members, settings, given=None):
    """Split rows as `Settings` say, for an ensemble or, with `n_members` None, for a single network.

    If validation rows are `given`, no others are held out, and all members are validated on them.
    """
    if given is not None:
        return Split(rows, given)
    is_automatic = settings.early_stopping == "auto"
    is_wanted = len(rows) >= EARLY_STOPPING_ROWS if is_automatic else settings.early_stopping
    if not is_wanted or len(rows) < 2:
        return Split(rows, None)
    seed = check_random_state(settings.random_state).randint(np.iinfo(np.int32).max)
    if n_members is not None:
        return bagged(rows, n_members, settings.validation_fraction, seed)
    if rows.groups is not None:
        n_folds, n_held_out = dealing_for(rows, settings.validation_fraction)
        is_held_out = dealt_by_group(rows, n_folds, seed) < n_held_out
        return Split(rows[np.flatnonzero(~is_held_out)], rows[np.flatnonzero(is_held_out)])
    n_folds, n_held_out = dealing_for(rows, settings.validation_fraction)
    rows, n_light = spread(rows, n_folds)
    fitting, validation = single_split(rows.all[1][:n_light].numpy(), settings.validation_fraction, seed)
    heavy = np.arange(n_light, len(rows)).reshape(n_folds, -1)
    return Split(
        rows[np.append(fitting, heavy[n_held_out:])],
        rows[np.append(validation, heavy[:n_held_out])],
    )


def spread(rows, n_folds):
    """Rows with the weight of heavy ones in `n_folds` equal parts, and how many rows are not heavy: they come first.

    A heavy row outweighs a fold, or a part of it does so as far as a fold of typical rows goes: it stands for many
    equal ones. Whoever held it out as a whole would never learn what many rows say. Part k of all heavy rows comes
    before their part k + 1, and is for fold k.
    """
    X, y, weight = rows.all
    share = weight / weight.sum()
    stands_out = (n_folds**2 * share > 1) & (weight >= n_folds * weight.median())
    is_heavy = (n_folds * share > 1) | stands_out
    light, heavy = (~is_heavy).nonzero()[:, 0], is_heavy.nonzero()[:, 0]
    if not len(heavy):
        return rows, len(rows)
    order = torch.cat([light, heavy.repeat(n_folds)])
    weight = torch.where(is_heavy, weight / n_folds, weight)
    return Rows(X[order], y[order], weight[order]), len(light)


def single_split(y, validation_fraction, seed):
    """Numbers of rows to fit and to validate on; a single row is learned from."""
    rows = np.arange(len(y))
    if len(y) < 2:
        return rows, rows[:0]
    n_validation = int(np.clip(round(len(y) * validation_fraction), 1, len(y) - 1))
    if y.dtype.kind == "f":
        return train_test_split(rows, test_size=n_validation, random_state=seed)
    return stratified(y, n_validation, seed)


def stratified(labels, n_validation, seed):
    """Numbers of rows to fit and to validate on, stratified where every class can have a row on both sides.

    A class's only row stays in training.
    """
    rows, counts = np.arange(len(labels)), np.bincount(labels)
    candidates = rows[counts[labels] > 1]
    if len(candidates) <= n_validation:
        return train_test_split(rows, test_size=n_validation, random_state=seed)
    n_classes = np.count_nonzero(counts > 1)
    can_stratify = n_classes <= n_validation <= len(candidates) - n_classes
    strata = labels[candidates] if can_stratify else None
    fitting, validation = train_test_split(candidates, test_size=n_validation, random_state=seed, stratify=strata)
    return np.concatenate([fitting, rows[counts[labels] == 1]]), validation


def dealing(validation_fraction):
    """The fewest folds of which a member holds out one, or several if one would not be the fraction asked for."""
    slack = FRACTION_TOLERANCE * min(validation_fraction, 1 - validation_fraction)
    one = Dealing(max(2, round(1 / validation_fraction)), 1)
    several = (Dealing(n_folds, round(n_folds * validation_fraction)) for n_folds in count(3))
    return next(
        way for way in chain([one], several)
        if 0 < way.n_held_out < way.n_folds and abs(way.n_held_out / way.n_folds - validation_fraction) <= slack
    )  # fmt: skip


def dealing_for(rows, validation_fraction):
    """The same for these rows, whose groups each fill a fold at least."""
    way = dealing(validation_fraction)
    n_groups = len(rows) if rows.groups is None else len(rows.groups.unique())
    if way.n_folds > n_groups and way.n_held_out > 1:  # a fold may be empty, but not all that a member learns from
        way = Dealing(max(2, round(1 / validation_fraction)), 1)
    if rows.groups is None:
        return way
    if n_groups < 2:
        raise ValueError(
            "groups has one group, which cannot be on both sides of a split. Pass more, or early_stopping=False."
        )
    return way._replace(n_folds=min(way.n_folds, n_groups))


def dealt_by_row(y, n_folds, seed):
    """A fold for each row, so that the folds have alike targets."""
    order = np.random.RandomState(seed).permutation(len(y))
    target = (y if y.ndim == 1 else y[:, 0]).numpy()
    fold = np.empty(len(y), dtype=np.int64)
    fold[order[np.argsort(target[order], kind="stable")]] = np.arange(len(y)) % n_folds
    return fold


def dealt_by_group(rows, n_folds, seed):
    """A fold for each row, the same for all rows of a group; of classes, the folds have alike shares."""
    groups, y = rows.groups.numpy(), rows.y.numpy()
    has_classes = not rows.y.is_floating_point()
    deal = (StratifiedGroupKFold if has_classes else GroupKFold)(n_folds, shuffle=True, random_state=seed)
    counts = np.bincount(y) if has_classes else None
    strata = y if counts is None else np.where(counts[y] < n_folds, counts.argmax(), y)
    fold = np.empty(len(rows), dtype=np.int64)
    for number, (_, part) in enumerate(deal.split(groups, strata, groups)):
        fold[part] = number
    return fold


def bagged(rows, n_members, validation_fraction, seed):
    """A split that differs from member to member.

    Rows are dealt into folds, stratified by class, or by size of a single target; groups are dealt as wholes, and heavy
    rows in parts. Member k leaves out fold k, or the k-th few of them, and is validated on it; folds without a member
    are learned from by all.
    """
    n_folds, n_held_out = dealing_for(rows, validation_fraction)
    if rows.groups is not None:
        fold = dealt_by_group(rows, n_folds, seed)
    else:
        rows, n_light = spread(rows, n_folds)
        of_parts = np.repeat(np.arange(n_folds), (len(rows) - n_light) // n_folds)
        fold = np.append(dealt_by_row(rows.all[1][:n_light], n_folds, seed), of_parts)
    X, y, sample_weight = rows.all
    of_row, holds_out = torch.from_numpy(fold), torch.zeros(n_folds, n_members, dtype=torch.bool, device="cpu")
    for member in range(n_members):
        holds_out[[(member * n_held_out + k) % n_folds for k in range(n_held_out)], member] = True
    held_out = holds_out.any(1)[of_row].nonzero()[:, 0]
    chosen = held_out[torch.from_numpy(np.random.RandomState(seed).permutation(len(held_out))[:MAX_VALIDATION_ROWS])]
    share = n_folds / (n_folds - n_held_out)  # of each member's rows: their weights still average to one
    return Split(
        Rows(X, y, share * sample_weight, folds=Folds(of_row, holds_out, are_held_out=False)),
        Rows(X, y, sample_weight, chosen.sort().values, Folds(of_row, holds_out, are_held_out=True)),
    )
