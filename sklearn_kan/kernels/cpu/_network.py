"""Whole ensembles in the compiled library: steps of training on a batch, and outputs, in one call each."""

import ctypes

from . import _library
from ._library import SUFFIXES, check_status, share_out

ORDER = 4  # powers and functions of all polynomials, as the library knows it
PADDING = 16  # outputs of a layer, and parameters of a kind, fill up so many lanes
MAX_LAYERS = 4
NARROW_OUTPUTS, NARROW_KNOTS = 8, 32  # up to which rows fill a layer's vectors better than outputs do
NONE = -1  # in place of an offset

Integer, Number, Pointer = ctypes.c_int64, ctypes.c_double, ctypes.c_void_p


def structure(name, **fields):
    """A structure of the library, by its fields in order."""
    return type(name, (ctypes.Structure,), {"_fields_": list(fields.items())})


def integers(*names):
    return dict.fromkeys(names, Integer)


def pointers(*names):
    return dict.fromkeys(names, Pointer)


Spline = structure(
    "Spline", **pointers("knots", "pieces", "origin", "rate", "first"), **integers("n_knots", "n_basis")
)  # fmt: skip
Layer = structure(
    "Layer",
    **integers("n_inputs", "n_outputs", "width", "weight", "base", "bias", "scale", "norm_weight", "norm_bias",
               "has_norm", "is_narrow", "polynomials"),
    spline=Spline * 2,
)  # fmt: skip
Segment = structure("Segment", start=Integer, size=Integer * 2, has_decay=Integer, is_absolute=Integer, rate=Number)
Network = structure(
    "Network",
    **integers("n_members", "n_layers", "n_fine", "n_outputs", "n_columns", "n_numbers", "n_codes", "n_vectors"),
    **pointers("code_columns", "code_starts", "vector_columns", "vector_starts"),
    **integers("table", "table_scale", "mixing", "n_dim"),
    layers=Layer * MAX_LAYERS,
    **integers("n_segments", "stride", "table_stride", "n_embeddings"),
    **pointers("segments", "parameters", "scaled", "gradients", "mean", "square", "tables"),
    embedding_rate=Number,
    **pointers("embeddings", "embedding_gradients", "embedding_mean", "embedding_square"),
    **integers("n_parts"),
    **pointers("parts", "inputs", "codes", "prepared"),
)  # fmt: skip
Task = structure(
    "Task",
    **pointers("x", "y", "weight", "classes", "fold", "holds_out"),
    **integers("are_held_out", "n_targets", "loss"),
    **pointers("levels"),
    **dict.fromkeys(("power", "largest", "beta", "beta_square", "epsilon", "decay"), Number),
)  # fmt: skip


def expand(net, dtype):
    """Bring what is computed from a network's parameters up to date with them."""
    check_status(function("expand", dtype)(ctypes.byref(net), Integer(0), Integer(net.n_members)))


AVERAGES = {"outputs": 1, "exponentials": 2, "probabilities": 3}  # what averages of members are of


def outputs(net, x, rows, members, n_multiply_adds, weights=None, average=0):
    """Outputs of some members, or their average.

    Parameters
    ----------
    net : Network
        Expanded.
    x : Tensor of shape (n, n_columns)
    rows : LongTensor of shape (n_rows,), or None for all
    members : LongTensor of shape (n_chosen,)
    n_multiply_adds : int
        Of one member and row, about.
    weights : Tensor of shape (n_chosen,), optional
        They sum to one.
    average : int, default=0
        None, or one of `AVERAGES`; of the latter two the logarithm is given.

    Returns
    -------
    y : Tensor of shape (n_rows, n_chosen, n_outputs), or (n_rows, n_outputs) if they are averaged
    """
    n, n_outputs = len(x) if rows is None else len(rows), net.n_outputs
    y = x.new_empty((n, n_outputs) if average else (n, len(members), n_outputs))
    arguments = (
        ctypes.byref(net), *map(address, (x, rows, members)), Integer(len(members)), address(weights),
        Integer(average), address(y),
    )  # fmt: skip
    call = function("outputs", x.dtype)

    def part(start, stop):
        check_status(call(*arguments, Integer(start), Integer(stop)))

    share_out(part, n, n * len(members) * n_multiply_adds)
    return y


def steps(net, task, rows, bounds, shares, n_before, losses, n_multiply_adds, *, dtype):
    """Steps of AdamW on batches; threads take members each, which never wait for one another.

    Parameters
    ----------
    net : Network
    task : Task
    rows : LongTensor of shape (n_rows,)
        Numbers of rows, batch by batch.
    bounds : LongTensor of shape (n_steps + 1,)
        Where batches begin and end.
    shares : Tensor of shape (n_steps,), float64, or None
        Learning rates, each as a share of the segments'; without them gradients alone are computed.
    n_before : int
        Steps that were taken before.
    losses : Tensor of shape (n_members,), float64
        Gets the sums of the weighted losses added.
    n_multiply_adds : int
        Of one member and row, about.
    dtype : torch.dtype
    """
    arguments = (
        ctypes.byref(net), ctypes.byref(task), address(rows), address(bounds), address(shares),
        Integer(len(bounds) - 1), Integer(n_before), address(losses),
    )  # fmt: skip
    call = function("steps", dtype)

    def part(start, stop):
        check_status(call(*arguments, Integer(start), Integer(stop)))

    is_shared = net.n_vectors > 0  # embedded levels belong to all members
    share_out(part, net.n_members, 0 if is_shared else len(rows) * net.n_members * n_multiply_adds)


def function(name, dtype):
    return getattr(_library.LIBRARY, f"network_{name}_{SUFFIXES[dtype]}")


def address(tensor):
    """Where a tensor's numbers lie, null for None."""
    if tensor is not None and not (tensor.device.type == "cpu" and tensor.is_contiguous()):
        raise ValueError(f"A tensor on {tensor.device} cannot be read by the library. Pass contiguous ones on the CPU.")
    return Pointer(None if tensor is None else tensor.data_ptr())


def array(kind, items):
    """Structures of a kind one after the other, from their fields."""
    return (kind * len(items))(*[kind(*item) for item in items])


def address_of(structures):
    """Where an array of structures begins."""
    return Pointer(ctypes.addressof(structures))
