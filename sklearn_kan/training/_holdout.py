"""Validation rows of an ensemble: each member holds out rows of its own, so that all rows are learned from."""

import numpy as np
import torch

from ._rows import Rows

MAX_VALIDATION_ROWS = 10_000  # looked at after every pass


def folds_of(validation_fraction):
    """How many parts rows are dealt into, one of which a member holds out."""
    return max(2, round(1 / validation_fraction))


def bagged(rows, n_members, validation_fraction, seed):
    """Rows to fit and to validate on, with weights (n_samples, n_members) that say whose they are.

    Rows are dealt into folds, stratified by class, or by size of a single target. Member k leaves out fold k, and is
    validated on it; folds without a member are learned from by all.
    """
    X, (y, sample_weight) = rows.batch()
    n_folds = folds_of(validation_fraction)
    order = np.random.RandomState(seed).permutation(len(rows))
    target = y.numpy().reshape(len(rows), -1)[:, 0]
    fold = np.empty(len(rows), dtype=np.int64)
    fold[order[np.argsort(target[order], kind="stable")]] = np.arange(len(rows)) % n_folds
    holds_out = torch.from_numpy(fold)[:, None] == torch.arange(n_members) % n_folds
    held_out = holds_out.any(1).nonzero()[:, 0]
    chosen = held_out[torch.from_numpy(np.random.RandomState(seed).permutation(len(held_out))[:MAX_VALIDATION_ROWS])]
    weight = sample_weight[:, None]
    share = n_folds / (n_folds - 1)  # of each member's rows: their weights still average to one
    return Rows(X, y, share * weight * ~holds_out), Rows(X, y, weight * holds_out, chosen.sort().values)
