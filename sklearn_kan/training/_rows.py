"""Training rows on the learned scale, and batches of them."""

import math
from itertools import accumulate, pairwise
from typing import NamedTuple

import torch
from skorch.dataset import Dataset

from ._parallel import n_processes, own_share


class Folds(NamedTuple):
    """For which members of an ensemble rows count: each member holds out some folds of the rows.

    Parameters
    ----------
    of_row : LongTensor of shape (n_samples,)
    holds_out : BoolTensor of shape (n_folds, n_members)
        Which folds a member holds out.
    are_held_out : bool
        Whether rows count for the members that hold them out, or for the others.
    """

    of_row: torch.Tensor
    holds_out: torch.Tensor
    are_held_out: bool

    def counts(self, part):
        """Whether the rows in `part` count for the members: bool of shape (n_rows, n_members)."""
        return self.holds_out[self.of_row[part]] == self.are_held_out

    def to(self, device):
        return self._replace(of_row=self.of_row.to(device), holds_out=self.holds_out.to(device))


class Rows(Dataset):
    """Training rows as tensors: ``X`` (n, d), ``y`` (n,) or (n, k), ``sample_weight`` (n,).

    With an `index` these are the rows of that number: parts of a table share its memory, and only batches are copied.
    A scoring callback that asks for ``X`` and ``y`` of a part is given copies. With `folds` rows count for some members
    of an ensemble only. `groups`, LongTensor (n,), says which rows must not be on two sides of a split.
    """

    def __init__(self, X, y, sample_weight, index=None, folds=None, groups=None):
        self.all, self.index, self.folds, self.groups = (X, y, sample_weight), index, folds, groups

    def __len__(self):
        return len(self.all[0]) if self.index is None else len(self.index)

    def __getitem__(self, index):
        index = torch.as_tensor(index, device=self.all[0].device)
        return Rows(*self.all, index if self.index is None else self.index[index], self.folds)

    def batch(self, part=None):
        """A batch ``(X, (y, weight))`` of the rows in `part`, or of all: the tensors themselves, where that will do.

        Weights are (n, n_members), or (n, 1) where rows count alike for all members.
        """
        if self.index is not None:
            part = self.index if part is None else self.index[part]
        X, y, sample_weight = self.all if part is None else (tensor[part] for tensor in self.all)
        weight = sample_weight[:, None]
        if self.folds is not None:
            weight = weight * self.folds.counts(slice(None) if part is None else part)
        return X, (y, weight)

    @property
    def X(self):
        return self.batch()[0]

    @property
    def y(self):
        return self.batch()[1][0]

    @property
    def device(self):
        return self.all[0].device

    @property
    def dtype(self):
        return self.all[0].dtype

    def with_unit_weights(self):
        """The same rows with weights of mean 1."""
        X, y, sample_weight = self.all
        weight = still_positive(sample_weight / sample_weight.mean())
        return Rows(X, y, weight, self.index, self.folds, self.groups)

    def to(self, device, dtype):
        X, y, sample_weight = self.all
        y = y.to(device, dtype) if y.is_floating_point() else y.to(device)
        index = None if self.index is None else self.index.to(device)
        folds = None if self.folds is None else self.folds.to(device)
        return Rows(X.to(device, dtype), y, still_positive(sample_weight.to(device, dtype)), index, folds)


def still_positive(weight):
    """Weights of rows that count, which are too small for their precision only."""
    return weight.clamp(min=torch.finfo(weight.dtype).tiny)


def merged(rows):
    """Equal rows of a group as one row with their total weight, in a canonical order.

    The objective stays the same, and training becomes blind to the order of rows and to whether a row is repeated
    or weighted, down to the last bit.
    """
    X, y, sample_weight = rows.all
    parts = [X, y.reshape(len(rows), -1), *([] if rows.groups is None else [rows.groups[:, None]])]
    table = torch.cat([part.double() for part in parts], 1)
    distinct, index = torch.unique(table, dim=0, return_inverse=True)
    weight = table.new_zeros(len(distinct)).index_add_(0, index, sample_weight.double())
    widths = [part.shape[1] for part in parts]
    distinct_X, distinct_y, *groups = distinct.split(widths, 1)
    y = distinct_y.to(y.dtype).reshape(-1, *y.shape[1:])
    return Rows(distinct_X.to(X.dtype), y, weight, groups=groups[0][:, 0].long() if groups else None)


class Batches:
    """Slices of rows, shuffled afresh at every pass if a generator is given; sizes differ by one at most.

    Of shuffled rows, a process that trains together with others gets its share of every batch.
    """

    def __init__(self, rows, batch_size, generator=None):
        self.rows, self.generator = rows, generator
        self.n_batches = max(1, math.ceil(len(rows) / batch_size))

    def __len__(self):
        return self.n_batches

    def shuffled(self):
        """Places of the rows in a new order."""
        return torch.randperm(len(self.rows), generator=self.generator, device="cpu")

    def in_order(self):
        """Numbers of all rows in the table behind them, batch by batch, and where batches begin and end."""
        is_shuffled = self.n_batches > 1 and self.generator is not None
        order = self.shuffled() if is_shuffled else torch.arange(len(self.rows), device="cpu")
        sizes = [len(part) for part in order.tensor_split(self.n_batches)]
        order = order if self.rows.index is None else self.rows.index[order]
        return order, [0, *accumulate(sizes)]

    def __iter__(self):
        n_rows = len(self.rows)
        if self.n_batches == 1 and (self.generator is None or n_processes() == 1):
            yield self.rows.batch()
            return
        if self.generator is None:
            bounds = [n_rows * k // self.n_batches for k in range(self.n_batches + 1)]
            yield from (self.rows.batch(slice(*part)) for part in pairwise(bounds))
            return
        for part in self.shuffled().to(self.rows.device).tensor_split(self.n_batches):
            yield self.rows.batch(own_share(part))
