"""Data-parallel training: processes of ``torch.distributed`` share every batch and average their gradients."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
import torch.distributed as dist

_group: ContextVar[Any] = ContextVar("group", default=None)


@contextmanager
def data_parallel(group=None) -> Iterator[None]:
    """Train with several processes that were started by ``torchrun`` or the like.

    Inside the context every process calls `fit` with the same rows, parameters and integer `random_state`. Each
    computes gradients on its share of every batch. These are averaged, and all processes end with the same model: the
    one that a single process would have fitted, up to rounding. L-BFGS shares all rows likewise.

    Parameters
    ----------
    group : torch.distributed.ProcessGroup, optional
        By default the one that ``torch.distributed.init_process_group`` made.

    Raises
    ------
    RuntimeError
        If torch.distributed has not been initialised.

    See Also
    --------
    KANRegressor.partial_fit : One process, and tables that do not fit into memory.

    Notes
    -----
    `fit` raises a ValueError if the model cannot be shared: a `random_state` that is not an integer,
    ``norm="batch"``, or fewer rows in a batch than processes.

    Examples
    --------
    Saved as ``train.py`` and started by ``torchrun --nproc-per-node 2 train.py``::

        import torch.distributed
        from sklearn_kan import KANRegressor, data_parallel

        torch.distributed.init_process_group("gloo")
        with data_parallel():
            model = KANRegressor(random_state=0).fit(X, y)
    """
    if not (dist.is_available() and dist.is_initialized()):
        raise RuntimeError(
            "data_parallel() needs torch.distributed. Call torch.distributed.init_process_group in every process first."
        )
    token = _group.set(dist.group.WORLD if group is None else group)
    try:
        yield
    finally:
        _group.reset(token)


def n_processes():
    """How many processes share the work; 1 outside of `data_parallel`."""
    group = _group.get()
    return 1 if group is None else dist.get_world_size(group)


def own_share(rows):
    """Part of a tensor of row numbers that this process works on."""
    group = _group.get()
    return rows if group is None else rows.tensor_split(n_processes())[dist.get_rank(group)]


def average(tensors, n_rows):
    """Average tensors over the processes in place, each process counting for its rows; returns the rows of all."""
    group = _group.get()
    if group is None:
        return n_rows
    flat = torch.cat([tensor.reshape(-1) * n_rows for tensor in tensors] + [tensors[0].new_tensor([n_rows])])
    dist.all_reduce(flat, group=group)
    averages = (flat[:-1] / flat[-1]).split([tensor.numel() for tensor in tensors])
    for tensor, value in zip(tensors, averages, strict=True):
        tensor.copy_(value.view_as(tensor))
    return flat[-1]
