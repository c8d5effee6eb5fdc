"""Validation rows: a part of the table, or of an ensemble a part for each member, so that all rows are learned from."""

from typing import NamedTuple

import numpy as np
import torch
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, train_test_split
from sklearn.utils import check_random_state

from ._rows import Folds, Rows

EARLY_STOPPING_ROWS = 300  # tables from this size can spare validation rows
MAX_VALIDATION_ROWS = 10_000  # of an ensemble, looked at after every pass


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
        fold = dealt_by_group(rows, folds_for(rows, settings.validation_fraction), seed)
        return Split(rows[np.flatnonzero(fold)], rows[np.flatnonzero(fold == 0)])
    n_validation = int(np.clip(round(len(rows) * settings.validation_fraction), 1, len(rows) - 1))
    has_classes = not rows.y.is_floating_point()
    fitting, validation = (
        stratified(rows.y.numpy(), n_validation, seed)
        if has_classes
        else train_test_split(np.arange(len(rows)), test_size=n_validation, random_state=seed)
    )
    return Split(rows[fitting], rows[validation])


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


def folds_of(validation_fraction):
    """How many parts rows are dealt into, one of which a member holds out."""
    return max(2, round(1 / validation_fraction))


def folds_for(rows, validation_fraction):
    """The same for these rows, whose groups each fill a fold at least."""
    if rows.groups is None:
        return folds_of(validation_fraction)
    n_groups = len(rows.groups.unique())
    if n_groups < 2:
        raise ValueError(
            "groups has one group, which cannot be on both sides of a split. Pass more, or early_stopping=False."
        )
    return min(folds_of(validation_fraction), n_groups)


def dealt_by_row(rows, n_folds, seed):
    """A fold for each row, so that the folds have alike targets."""
    order = np.random.RandomState(seed).permutation(len(rows))
    target = rows.y.numpy().reshape(len(rows), -1)[:, 0]
    fold = np.empty(len(rows), dtype=np.int64)
    fold[order[np.argsort(target[order], kind="stable")]] = np.arange(len(rows)) % n_folds
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

    Rows are dealt into folds, stratified by class, or by size of a single target; groups are dealt as wholes. Member k
    leaves out fold k, and is validated on it; folds without a member are learned from by all.
    """
    X, y, sample_weight = rows.all
    n_folds = folds_for(rows, validation_fraction)
    fold = (dealt_by_row if rows.groups is None else dealt_by_group)(rows, n_folds, seed)
    of_row, of_member = torch.from_numpy(fold), torch.arange(n_members, device="cpu") % n_folds
    held_out = torch.isin(of_row, of_member).nonzero()[:, 0]
    chosen = held_out[torch.from_numpy(np.random.RandomState(seed).permutation(len(held_out))[:MAX_VALIDATION_ROWS])]
    share = n_folds / (n_folds - 1)  # of each member's rows: their weights still average to one
    return Split(
        Rows(X, y, share * sample_weight, folds=Folds(of_row, of_member, are_held_out=False)),
        Rows(X, y, sample_weight, chosen.sort().values, Folds(of_row, of_member, are_held_out=True)),
    )
