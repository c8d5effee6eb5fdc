"""Networks compared on the rows that both hold out."""

import torch

from ._evaluation import held_out_parts
from ._holdout import Split
from ._losses import combined
from ._rows import Rows


def held_out_losses(attempt, loss):
    """Numbers of the rows that an attempt holds out, and their losses times their weights."""
    rows = attempt.split.validation
    losses = []
    for raw, y, weight in held_out_parts(attempt.training.net, rows):
        together = combined(loss, raw, weight) if raw.ndim == 3 else raw
        losses.append((loss(together, y) * weight.amax(1)).double().cpu())
    numbers = torch.arange(len(rows.all[0]), device="cpu") if rows.index is None else rows.index
    return numbers.cpu(), torch.cat(losses)


def share_left(members, other):
    """What members leave of another's loss, over the rows that both hold out, and by how many standard errors less.

    Each is what `held_out_losses` gives.
    """
    numbers, losses = other
    place = torch.full((1 + max(int(n.max()) for n, _ in [*members, other]),), -1, device="cpu")
    place[numbers] = torch.arange(len(numbers), device="cpu")
    ours = torch.cat([own[place[n] >= 0] for n, own in members])
    theirs = torch.cat([losses[place[n][place[n] >= 0]] for n, _ in members])
    difference = theirs - ours
    error = float(difference.std()) * len(difference) ** 0.5 if len(difference) > 1 else 0.0
    least = torch.finfo(ours.dtype).tiny
    return float(ours.sum()) / max(float(theirs.sum()), least), float(difference.sum()) / max(error, least)


def of_first_members(split, n_members):
    """A split for the first members of an ensemble only."""
    fitting, validation = split
    if fitting.folds is None:
        return split
    fitting, validation = (with_members(rows, n_members) for rows in split)
    if validation.folds is None:
        return Split(fitting, validation)
    numbers = torch.arange(len(validation.all[0]), device="cpu") if validation.index is None else validation.index
    index = numbers[validation.folds.counts(numbers).any(1)]
    return Split(fitting, rows_at(validation, index, validation.folds))


def with_members(rows, n_members):
    """Rows that count for the first members of an ensemble as they do, and for no others."""
    folds = rows.folds and rows.folds._replace(holds_out=rows.folds.holds_out[:, :n_members])
    return rows_at(rows, rows.index, folds)


def rows_at(rows, index, folds):
    X, y, sample_weight = rows.all
    return Rows(X, y, sample_weight, index, folds)
