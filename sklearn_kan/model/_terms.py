"""The terms of a network that is a sum of functions of one or two columns: a functional analysis of variance.

A network's parts are not unique: what two columns do together may hold what one of them does alone. Purified terms
are (Hooker 2007; Lengerich et al. 2020): each has mean zero under the training rows, and a pair is orthogonal to every
function of one of its columns, piecewise linear between places, at which columns of few values or labels have all of
them. So a pair's mean at each value of such a column is zero. What is taken from a pair goes to its columns' own terms,
and prediction stays what it is.

Layout: everything of members is ``(..., n_members, ..., n_raw)``, in raw outputs; see `in_units` of `_effect`.
"""

from typing import NamedTuple

import numpy as np
import torch

from ..network._shares import bias, group_outputs
from ._axes import Axis, learn_axis

MAX_ROWS = 10_000  # of the training rows, that terms are purified on
ROWS_AT_ONCE = 2_048


class Term(NamedTuple):
    """A function of one or two columns.

    It is the sum of a network's parts, of a table along each column, of a table over both, and of a constant.

    Parameters
    ----------
    columns : tuple of int
        Among the columns that the network gets.
    parts : tuple of int
        Numbers of the network's parts; none where tables are all there is.
    axes : tuple of Axis
    tables : tuple of ndarray of shape (n_members, size, n_raw)
    grid : ndarray of shape (n_members, size, size_2, n_raw), or None
    shift : ndarray of shape (n_members, n_raw)
    density : ndarray of shape (size, [size_2])
        Shares of the training rows.
    """

    columns: tuple[int, ...]
    parts: tuple[int, ...]
    axes: tuple[Axis, ...]
    tables: tuple[np.ndarray, ...]
    grid: np.ndarray | None
    shift: np.ndarray
    density: np.ndarray

    def values(self, parts, hats):
        """The term at some rows: ``(n, n_members, n_raw)``.

        Parameters
        ----------
        parts : ndarray of shape (n, n_members, n_parts, n_raw)
        hats : sequence of ndarray of shape (n, size)
            Of the term's axes.
        """
        total = parts[:, :, list(self.parts)].sum(2) + self.shift
        for table, own in zip(self.tables, hats, strict=False):  # a grid has taken the place of tables
            total = total + np.einsum("nk,mko->nmo", own, table, optimize=True)
        if self.grid is not None:
            total = total + np.einsum("nj,nk,mjko->nmo", *hats, self.grid, optimize=True)
        return total


class Terms(NamedTuple):
    """A prediction as a sum.

    Parameters
    ----------
    terms : tuple of Term
    intercept : ndarray of shape (n_members, n_raw)
    strengths : ndarray of shape (n_terms, n_units)
        Standard deviations under the training rows, of the members' average, in the units that users see.
    is_edited : bool
        Whether the sum is no longer what the network puts out.
    """

    terms: tuple[Term, ...]
    intercept: np.ndarray
    strengths: np.ndarray
    is_edited: bool = False

    def averaged(self, weights):
        """The same for the members' average, with one member."""
        share = weights / weights.sum()

        def mean(array):
            return np.tensordot(share, array, (0, 0))[None]

        terms = tuple(
            term._replace(
                tables=tuple(map(mean, term.tables)), grid=None if term.grid is None else mean(term.grid),
                shift=mean(term.shift),
            ) for term in self.terms
        )  # fmt: skip
        return self._replace(terms=terms, intercept=mean(self.intercept))

    def values(self, parts, encoded):
        """All terms at the rows of an encoded table: ``(n, n_members, n_terms, n_raw)``."""
        axes = {axis.column: axis for term in self.terms for axis in term.axes}
        hats = {column: axis.hats(encoded) for column, axis in axes.items()}
        values = [term.values(parts, [hats[column] for column in term.columns]) for term in self.terms]
        return np.stack(values, 2) if values else np.zeros((*parts.shape[:2], 0, parts.shape[3]))

    def outputs(self, module, encoded):
        """Raw outputs of a network as edited: Tensor of shape (n, n_members, n_raw), or (n, n_raw) without members."""
        values = self.values(parts_of(module, encoded), encoded.double().cpu().numpy())
        raw = torch.from_numpy(values.sum(2) + self.intercept).to(encoded)
        return raw[:, 0] if module.n_members is None else raw


@torch.no_grad()
def parts_of(module, encoded, weights=None):
    """The parts of a network at rows of an encoded table, in float64; of its members' average if weights are given."""
    parts = []
    for rows in encoded.split(ROWS_AT_ONCE):
        own = group_outputs(module, rows).double().cpu().numpy()
        if weights is not None:
            own = np.einsum("nmpo,m->npo", own, weights / weights.sum())[:, None]
        parts.append(own)
    return np.concatenate(parts)


def columns_of_parts(module, encoder):
    """The columns that each part of a network reads, or None if some part reads more than two."""
    owner = encoder.column_of_input_
    groups = module.groups if len(module.layers) > 1 else [[i] for i in range(len(owner))]
    columns = [tuple(sorted({int(owner[i]) for i in group})) for group in groups]
    return columns if columns and max(map(len, columns)) <= 2 else None


def learn_terms(module, encoder, columns, weight, rows):
    """The purified terms of a network that is a sum; None if some part reads more than two columns.

    Parameters
    ----------
    module : ConstrainedKAN
    encoder : TableEncoder
    columns : list of Column
        Of the training rows.
    weight : ndarray of shape (n_samples,)
    rows : Rows
        The same rows, as the network takes them; equal ones may be merged.

    Returns
    -------
    Terms
        Without strengths.
    """
    of_parts = columns_of_parts(module, encoder)
    if of_parts is None:
        return None
    module.eval()
    X, share = sampled(rows)
    dtype, share = str(X.dtype).removeprefix("torch."), share.double().cpu().numpy()
    axes = {i: learn_axis(encoder, i, column, weight, dtype) for i, column in enumerate(columns)}
    return purified(module, of_parts, axes, X, X.double().cpu().numpy(), share / share.sum())


def sampled(rows):
    """The encoded table and the weights of rows; of very many some, evenly spread."""
    X, _, weight = rows.all
    if len(X) <= MAX_ROWS:
        return X, weight
    chosen = torch.linspace(0, len(X) - 1, MAX_ROWS, dtype=torch.float64, device="cpu").round().long()
    return X[chosen], weight[chosen]


def purified(module, of_parts, axes, X, encoded, share):
    """Terms of a network from the columns of its parts, and from rows with their shares of the weight."""
    names = sorted({(column,) for columns in of_parts for column in columns}) + sorted(
        {columns for columns in of_parts if len(columns) == 2}
    )
    sums = Sums(names, of_parts, axes)
    device = next(module.parameters()).device
    for start in range(0, len(X), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        sums.add(parts_of(module, X[part].to(device)), encoded[part], share[part])
    return sums.solved(bias(module).detach().double().cpu().numpy())


class Sums:
    """Weighted sums over rows that purification needs, rows coming in parts.

    Parameters
    ----------
    names : list of tuple of int
        Columns of the terms, single ones first.
    of_parts : list of tuple of int
        Columns of the network's parts.
    axes : dict of int to Axis
    """

    def __init__(self, names, of_parts, axes):
        self.names, self.axes = names, axes
        self.parts = [tuple(i for i, columns in enumerate(of_parts) if columns == name) for name in names]
        self.grams, self.products, self.means, self.masses = (
            [np.zeros(())] * len(names) for _ in range(4)
        )  # of shapes that the first rows tell

    def add(self, parts, encoded, share):
        hats = {column: axis.hats(encoded) for column, axis in self.axes.items()}
        for number, (name, own) in enumerate(zip(self.names, self.parts, strict=True)):
            values = parts[:, :, list(own)].sum(2).reshape(len(parts), -1)
            basis = np.concatenate([hats[column] for column in name], 1)
            weighted = basis * share[:, None]
            self.means[number] = self.means[number] + share @ values
            self.masses[number] = self.masses[number] + share @ basis
            self.grams[number] = self.grams[number] + weighted.T @ basis
            self.products[number] = self.products[number] + weighted.T @ values
        self.shape = parts.shape[1], parts.shape[3]

    def solved(self, intercept):
        """The terms, given what the network adds to its parts."""
        n_members, n_raw = self.shape
        tables = {name: np.zeros((n_members, self.axes[name[0]].size, n_raw)) for name in self.names if len(name) == 1}
        pairs = {}
        for name, gram, product in zip(self.names, self.grams, self.products, strict=True):
            if len(name) == 2:
                alone = np.linalg.lstsq(gram, product, rcond=1e-12)[0]
                alone += np.linalg.lstsq(gram, product - gram @ alone, rcond=1e-12)[0]
                alone = alone.reshape(-1, n_members, n_raw).transpose(1, 0, 2)
                both = np.split(alone, [self.axes[name[0]].size], 1)
                for column, own in zip(name, both, strict=True):
                    tables[column,] += own
                pairs[name] = tuple(-own for own in both)
        terms = []
        for number, name in enumerate(self.names):
            axes = tuple(self.axes[column] for column in name)
            own = pairs.get(name) or (tables[name],)
            size, masses = axes[0].size, np.split(self.masses[number], [axes[0].size])
            mean = self.means[number].reshape(n_members, n_raw)
            for mass, table in zip(masses, own, strict=False):
                mean = mean + np.einsum("k,mko->mo", mass, table)
            density = masses[0] if len(name) == 1 else self.grams[number][:size, size:]
            terms.append(Term(name, self.parts[number], axes, own, None, -mean, density))
            intercept = intercept + mean
        return Terms(tuple(terms), intercept, np.empty(0))
