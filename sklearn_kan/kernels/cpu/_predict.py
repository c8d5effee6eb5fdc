"""Prediction by a whole ensemble in one call, from rows as they lie in memory."""

import ctypes
from itertools import accumulate, chain

import torch

from ._library import check_status, share_out
from ._network import AVERAGES, Integer, Pointer, address, function, integers, pointers, structure

NOT_FINITE = 4  # what a call comes to where a number is infinite

OfInputs = structure("OfInputs", n=Integer, **pointers("inputs", "starts", "x", "y"))
Encoder = structure(
    "Encoder",
    **integers("n_numbers", "n_categories"),
    **pointers("center", "rate", "bound"),
    **dict.fromkeys(("bends", "atoms", "missing", "places"), OfInputs),
)  # fmt: skip
Table = structure(
    "Table",
    **pointers("encoder", "numbers"),
    **integers("is_double", "row_stride", "column_stride"),
    **pointers("categories"),
)  # fmt: skip


def prepare(net, dtype):
    """Bring what prediction needs of a network, which has been expanded, up to date with it.

    Returns
    -------
    Tensor or None
        The memory that the structure now points to; None for networks that are not served.
    """
    size = function("prepared", dtype)
    size.restype = Integer
    n = size(ctypes.byref(net))
    if not n:
        return None
    memory = torch.zeros(n, dtype=dtype, device="cpu")
    net.prepared = address(memory)
    check_status(function("prepare", dtype)(ctypes.byref(net)))
    return memory


class Reader:
    """An encoder as the library reads it.

    Parameters
    ----------
    center, rate : ndarray of shape (n_numbers,)
    bound : float
        Of squeezed numbers.
    n_categories : int
    bends : dict of int to tuple of ndarray
        Corners (x, y) of the polygons that inputs are averaged with.
    atoms, places : dict of int to ndarray
        Numbers that have codes, of inputs.
    missing : sequence of int
        Inputs whose missing values have a code.
    """

    def __init__(self, *, center, rate, bound, n_categories, bends, atoms, missing, places):
        self.kept = []  # what the structure points to
        self.structure = Encoder(
            len(center), n_categories, *map(self.numbers, (center, rate, [bound])),
            self.of_inputs({i: x for i, (x, _) in bends.items()}, {i: y for i, (_, y) in bends.items()}),
            self.of_inputs(atoms), self.of_inputs({int(i): [] for i in missing}), self.of_inputs(places),
        )  # fmt: skip
        self.address = ctypes.addressof(self.structure)
        self.n_columns = len(center) + n_categories + len(atoms) + len(missing) + len(places)

    def of_inputs(self, x, y=None):
        starts = [0, *accumulate(map(len, x.values()))]
        return OfInputs(
            len(x), self.keep(torch.tensor(list(x), dtype=torch.int64, device="cpu")),
            self.keep(torch.tensor(starts, dtype=torch.int64, device="cpu")), self.numbers(chain(*x.values())),
            None if y is None else self.numbers(chain(*y.values())),
        )  # fmt: skip

    def numbers(self, values):
        return self.keep(torch.tensor([float(value) for value in values], dtype=torch.float64, device="cpu"))

    def keep(self, tensor):
        self.kept.append(tensor)
        return tensor.data_ptr()


def table_of(reader, numbers, categories):
    """Rows that a reader encodes.

    Parameters
    ----------
    reader : Reader
    numbers : ndarray of shape (n, n_numbers), float32 or float64
    categories : ndarray of shape (n, n_categories), int64 and contiguous, or None
    """
    table = Table(
        reader.address, numbers.ctypes.data, numbers.itemsize == 8, *numbers.strides,
        None if categories is None else categories.ctypes.data,
    )  # fmt: skip
    table.kept = reader, numbers, categories
    return table


def encoded_table(X):
    """Rows that have been encoded: a contiguous Tensor of shape (n, n_columns)."""
    table = Table(None, address(X), 0, 0, 0, None)
    table.kept = X
    return table


def predict(net, table, n, dtype, n_multiply_adds, weights=None, average=None):
    """Outputs of all members of a prepared network, or their average, for the n rows of a table.

    Parameters
    ----------
    net : Network
    table : Table
    n : int
    dtype : torch.dtype
    n_multiply_adds : int
        Of one member and row, about.
    weights : Tensor of shape (n_members,), optional
        They sum to one.
    average : {"outputs", "exponentials", "probabilities"}, optional

    Returns
    -------
    y : Tensor of shape (n, n_members, n_outputs), or (n, n_outputs) if they are averaged; None if a number is infinite
    """
    shape = (n, net.n_outputs) if average else (n, net.n_members, net.n_outputs)
    y = torch.empty(shape, dtype=dtype, device="cpu")
    of_average = Integer(AVERAGES[average] if average else 0)
    arguments = ctypes.byref(net), ctypes.byref(table), address(weights), of_average, Pointer(y.data_ptr())
    call, statuses, kept = function("predict", dtype), set(), (y, weights)

    def part(start, stop, kept=kept):  # an interrupted caller leaves; they stay until the last thread is done
        statuses.add(call(*arguments, Integer(start), Integer(stop)))

    share_out(part, n, n * net.n_members * n_multiply_adds)
    if NOT_FINITE in statuses:
        return None
    for status in statuses:
        check_status(status)
    return y
