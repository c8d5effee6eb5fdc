"""What is settled before training: how a table is encoded, and which network it is for."""

from collections.abc import Callable
from copy import deepcopy
from itertools import compress
from typing import Any, NamedTuple

import numpy as np
import torch

from ..data._encoding import TableEncoder
from ..data._given_knots import encode_knots
from ..data._screening import WIDE, screened
from ..data._table import Column
from ..network._architecture import Architecture
from ..network._constrained import Constraints, edges_of_layers
from ..training._holdout import EARLY_STOPPING_ROWS, dealing
from ..training._phases import SINGLE, STREAMING
from ..training._rows import Rows, merged
from ._cst import is_searched, on_inputs, read_constraints
from ._parameters import Settled, has_fixed_knots, settled_by

MERGED_ROWS = 2_000  # tables up to this size are learned in float64 if they hold it, equal rows merged into one
MAX_EDGES_OF_MEMBERS = 2**18  # of the largest layer of a network with constraints, in all members
FINE_KNOTS = 16  # of fine_knots="auto", on larger tables
FINE_KNOTS_OF_SUMS = 24  # likewise, on all


class Data(NamedTuple):
    """A checked table with its target, without rows of weight zero.

    Parameters
    ----------
    reader : KANClassifier or KANRegressor
        The estimator's parameters, and the columns' number and names.
    columns : list of Column
    y : ndarray
        Places of classes, or numbers of shape (n_samples, n_outputs).
    weight : ndarray of shape (n_samples,)
    target : Classes or Numbers
    groups : ndarray of int, shape (n_samples,), or None
        Rows of a group are on one side of a split.
    """

    reader: Any
    columns: list[Column]
    y: np.ndarray
    weight: np.ndarray
    target: Any
    groups: np.ndarray | None = None

    @property
    def kinds(self):
        """Of the columns."""
        return [column.kind for column in self.columns]

    def at(self, places):
        """Some of the rows."""
        columns = [column.rows(places) for column in self.columns]
        groups = None if self.groups is None else self.groups[places]
        return self._replace(columns=columns, y=self.y[places], weight=self.weight[places], groups=groups)


class Seen(NamedTuple):
    """What the first calls of `partial_fit` have shown.

    Parameters
    ----------
    rows : Data or None
        The rows that scales were learned from, without a reader; None once there are enough.
    told : tuple
        Names of columns of which something is lost for good, and the user knows.
    """

    rows: Data | None
    told: tuple[Any, ...] = ()


class Design(NamedTuple):
    """What stays as it is when training goes on.

    Parameters
    ----------
    encoder : TableEncoder
    target : Classes or Numbers
    loss : callable
    architecture : Architecture
        Of a new network.
    dtype : {"float32", "float64"}
        Of the network.
    unit_weight : float
        The mean weight of the first rows: what chunks of a table are weighed by.
    settled : Settled
        Parameters that must stay.
    selected : ndarray of shape (n_features,), bool
        The columns that the network gets.
    seen : Seen
    """

    encoder: TableEncoder
    target: Any
    loss: Callable
    architecture: Architecture
    dtype: str
    unit_weight: float
    settled: Settled
    selected: np.ndarray

    seen: Seen = Seen(None)

    @property
    def kinds(self):
        """Of the columns; None for those that are not selected."""
        kinds = np.full(len(self.selected), None)
        kinds[self.selected] = self.encoder.kinds_
        return kinds.tolist()

    def columns_of(self, data):
        """The selected ones of a table's columns, of which it may have others."""
        is_whole = len(data.columns) == len(self.selected)
        return list(compress(data.columns, self.selected)) if is_whole else data.columns

    def rows(self, data, weight):
        """The rows of a table as tensors; equal rows of a small one are merged."""
        X = torch.from_numpy(self.encoder.transform(self.columns_of(data), dtype=self.dtype))
        groups = None if data.groups is None else torch.from_numpy(np.require(data.groups, requirements="W"))
        rows = Rows(X, self.target.encode(data.y), torch.from_numpy(weight), groups=groups)
        return merged(rows) if len(rows) <= MERGED_ROWS else rows


def designed(data, streams):
    """A design for the first table that an estimator sees; `streams` if more rows will come."""
    estimator = data.reader
    selected = selected_columns(data, streams)
    directions, groups = read_constraints(estimator, data.columns, selected)
    columns = list(compress(data.columns, selected))
    encoder = TableEncoder().fit(
        columns, data.weight, ordered=directions != 0, max_categories=estimator.max_categories, streams=streams
    )
    target = estimator._learn_target(data.target, data.y, data.weight)
    if estimator.fine_knots == "auto" and has_fixed_knots(estimator) and not streams:
        y, weight = target.encode(data.y).numpy(), data.weight / data.weight.mean()
        encoder = encoder.refined(columns, y, weight, ordered=directions != 0)
    of_numeric = selected[[kind != "category" for kind in data.kinds]]
    dtype = chosen_dtype(estimator.dtype, columns)
    architecture = unconstrained(estimator, encoder, of_numeric, target.n_raw, len(data.y), streams, dtype)
    if directions.any() or groups is not None:
        check_can_be_constrained(estimator)
        signs = estimator._output_directions(target.n_raw) if directions.any() else None
        of_inputs, groups_of_inputs = on_inputs(directions, groups, encoder)
        constraints = Constraints(of_inputs, groups_of_inputs, signs)
        architecture = constrained(architecture, constraints, estimator)
    return Design(
        encoder, target, estimator._loss(), architecture, dtype, data.weight.mean(), settled_by(estimator), selected,
    )  # fmt: skip


def is_wide(data):
    """Whether columns are screened before the network gets them."""
    return len(data.columns) > WIDE


def selected_columns(data, streams):
    """Which columns the network gets: all, but of wide tables; a first chunk needs some rows to tell."""
    if is_wide(data) and (not streams or len(data.y) >= EARLY_STOPPING_ROWS):
        return screened(data.columns, data.y, data.weight)
    return np.ones(len(data.columns), dtype=bool)


def chosen_dtype(dtype, columns):
    """Precision of a network; for ``"auto"`` as the table has it, or single on large ones."""
    if dtype != "auto":
        return dtype
    is_single = all(column.values.dtype == np.float32 for column in columns if not column.is_categorical)
    return "float32" if is_single or len(columns[0].values) > MERGED_ROWS else "float64"


def unconstrained(estimator, encoder, of_numeric, n_outputs, n_samples, streams, dtype):
    """The network that an estimator's parameters ask for, apart from constraints.

    `of_numeric` says which of all numeric columns are selected.
    """
    solver, sizes = "adam" if estimator.solver == "auto" else estimator.solver, estimator._hidden_sizes()
    names = "basis", "n_knots", "degree", "knots", "basis_params", "interactions", "norm"
    architecture = Architecture(
        encoder.n_numeric_, n_outputs, tuple(encoder.n_levels_), tuple(encoder.n_places_),
        sizes,
        **{name: deepcopy(getattr(estimator, name)) for name in names},
        fine_knots=fine_knots(estimator, n_samples, streams) if sizes else None,
        n_members=estimator.n_members if estimator.n_members > 1 and solver not in SINGLE else None,
        scaled=solver in STREAMING,  # factors need the rates that Adam gives them
    )  # fmt: skip
    if isinstance(estimator.knots, str):
        return architecture
    table = np.asarray(estimator.knots)
    is_by_column = table.ndim == 2 and table.shape[1] == len(of_numeric)
    knots = encode_knots(encoder, table[:, of_numeric] if is_by_column else table)
    precision = "float32" if estimator.dtype == "auto" else dtype  # that of Adam's steps
    if not (np.diff(knots.astype(precision), axis=1) > 0).all():
        raise ValueError(
            f"knots has some that cannot be told apart in {precision}, once they are scaled as the columns are. Spread "
            "them over the columns' ranges, or pass knots of shape (n_knots, n_columns)."
        )
    n_knots = [knots.shape[1]] + [estimator.n_knots] * len(architecture.hidden_layer_sizes)
    return architecture._replace(knots=knots, n_knots=n_knots)


def fine_knots(estimator, n_samples, streams):
    """Knots of the finer members; None for none."""
    if not has_fixed_knots(estimator) or estimator.fine_knots != "auto":
        return estimator.fine_knots if has_fixed_knots(estimator) else None
    folds = dealing(estimator.validation_fraction)
    can_be_weighed = estimator.early_stopping is not False and folds.can_compare(estimator.n_members)
    is_wanted = n_samples > MERGED_ROWS and estimator.n_knots < FINE_KNOTS and can_be_weighed and not streams
    return FINE_KNOTS if is_wanted else None


def constrained(architecture, constraints, estimator):
    """The architecture under constraints: no products, no factors, which have any sign, and fewer members if large.

    Half of a sum's members have finer knots on all tables: its few edges may need them.
    """
    architecture = architecture._replace(scaled=False, interactions=None, constraints=constraints)
    if not is_searched(estimator.interaction_cst):
        architecture = architecture._replace(n_members=members_within(architecture, len(constraints.groups)))
    is_fixed = has_fixed_knots(estimator) and estimator.fine_knots is not None and estimator.basis == "bspline"
    if not (is_fixed and len(constraints.groups) > 1):
        return architecture
    n_knots = max(FINE_KNOTS_OF_SUMS, estimator.n_knots) if estimator.fine_knots == "auto" else estimator.fine_knots
    if (architecture.n_members or 1) == 1:
        return architecture._replace(n_knots=n_knots, fine_knots=None)
    return architecture._replace(fine_knots=n_knots)


def members_within(architecture, n_groups):
    """How many members a network with groups has, as far as it is not too large; None for a single one."""
    n_edges = max([1, *edges_of_layers(architecture, n_groups)])
    n_members = min(architecture.n_members or 1, MAX_EDGES_OF_MEMBERS // n_edges)
    return n_members if n_members > 1 else None


def check_can_be_constrained(estimator):
    """Raise if a solver would not see that coefficients are made of others."""
    if estimator.solver == "kfac":
        raise ValueError("solver='kfac' cannot hold monotonic_cst or interaction_cst. Choose another solver.")
    if estimator.smoothness:
        raise ValueError(
            f"smoothness={estimator.smoothness} cannot be combined with monotonic_cst or interaction_cst, whose "
            "coefficients are made of others. Set smoothness=0."
        )
