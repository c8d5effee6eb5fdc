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

from ..network._shares import bias, group_outputs, inputs_of_parts
from ._axes import MAX_FINE_PLACES, MAX_PLACES, Axis, learn_axis

ROWS_A_PLACE, LEAST_PLACES = 100, 4  # of functions that pairs are orthogonal to; fewer rows would show chance
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
        Of its columns: where it is drawn and tabulated.
    bases : tuple of Axis
        Of its tables.
    tables : tuple of ndarray of shape (n_members, size, n_raw)
    grid : ndarray of shape (n_members, size, size_2, n_raw), or None
    shift : ndarray of shape (n_members, n_raw)
    density : ndarray of shape (size, [size_2])
        Shares of the training rows, over `axes`.
    """

    columns: tuple[int, ...]
    parts: tuple[int, ...]
    axes: tuple[Axis, ...]
    bases: tuple[Axis, ...]
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
            Of the term's bases.
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
    has_classes : bool
        Whether parts of a network count without what they have in common over raw outputs, which makes no difference.
    is_edited : bool
        Whether the sum is no longer what the network puts out.
    """

    terms: tuple[Term, ...]
    intercept: np.ndarray
    strengths: np.ndarray
    has_classes: bool = False
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

    def parts(self, module, encoded, weights=None):
        """The parts of a network as terms have them; see `parts_of`."""
        return parts_of(module, encoded, weights, self.has_classes)

    def values(self, parts, encoded):
        """All terms at the rows of an encoded table: ``(n, n_members, n_terms, n_raw)``."""
        bases = {(axis.column, axis.size): axis for term in self.terms for axis in term.bases}
        hats = {key: axis.hats(encoded) for key, axis in bases.items()}
        values = [
            term.values(parts, [hats[axis.column, axis.size] for axis in term.bases]) for term in self.terms
        ]  # fmt: skip
        return np.stack(values, 2) if values else np.zeros((*parts.shape[:2], 0, parts.shape[3]))

    def outputs(self, module, encoded):
        """Raw outputs of a network as edited: Tensor of shape (n, n_members, n_raw), or (n, n_raw) without members."""
        values = self.values(self.parts(module, encoded), encoded.double().cpu().numpy())
        raw = torch.from_numpy(values.sum(2) + self.intercept).to(encoded)
        return raw[:, 0] if module.n_members is None else raw


@torch.no_grad()
def parts_of(module, encoded, weights=None, has_classes=False):
    """The parts of a network at rows of an encoded table, in float64; of its members' average if weights are given."""
    parts = []
    for rows in encoded.split(ROWS_AT_ONCE):
        own = group_outputs(module, rows).double().cpu().numpy()
        if weights is not None:
            own = np.einsum("nmpo,m->npo", own, weights / weights.sum())[:, None]
        parts.append(centred(own) if has_classes else own)
    return np.concatenate(parts)


def centred(raw):
    """Raw outputs without what they have in common: of classes, that makes no difference."""
    return raw - raw.mean(-1, keepdims=True)


def columns_of_parts(module, encoder):
    """The columns that each part of a network reads, or None if some part reads more than two."""
    owner = encoder.column_of_input_
    columns = [tuple(sorted({int(owner[i]) for i in group})) for group in inputs_of_parts(module, len(owner))]
    return columns if columns and max(map(len, columns)) <= 2 else None


def learn_terms(module, encoder, columns, weight, rows, has_classes):
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
    has_classes : bool
        Of the terms.

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
    numbered = list(enumerate(columns))
    n_places = {i: int(np.clip(encoder.resolution(i), MAX_PLACES, MAX_FINE_PLACES)) for i, _ in numbered}
    axes = {i: learn_axis(encoder, i, column, weight, dtype, n_places[i]) for i, column in numbered}
    n = int(np.clip(len(X) // ROWS_A_PLACE, LEAST_PLACES, MAX_PLACES))
    bases = {i: learn_axis(encoder, i, column, weight, dtype, n) for i, column in numbered}
    sums = Sums(names_of_terms(of_parts), of_parts, axes, bases)
    share, encoded = share / share.sum(), X.double().cpu().numpy()
    device = next(module.parameters()).device
    for start in range(0, len(X), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        sums.add(parts_of(module, X[part].to(device), None, has_classes), encoded[part], share[part])
    intercept = bias(module).detach().double().cpu().numpy()
    return sums.solved(centred(intercept) if has_classes else intercept)._replace(has_classes=has_classes)


def names_of_terms(of_parts):
    """Columns of the terms, single ones first, from those of a network's parts."""
    pairs = {columns for columns in of_parts if len(columns) == 2}
    return [(column,) for column in sorted({column for columns in of_parts for column in columns})] + sorted(pairs)


def sampled(rows):
    """The encoded table and the weights of rows; of very many some, evenly spread."""
    X, _, weight = rows.all
    if len(X) <= MAX_ROWS:
        return X, weight
    chosen = torch.linspace(0, len(X) - 1, MAX_ROWS, dtype=torch.float64, device="cpu").round().long()
    return X[chosen], weight[chosen]


class Sums:
    """Weighted sums over rows that purification needs, rows coming in parts.

    Parameters
    ----------
    names : list of tuple of int
        Columns of the terms, single ones first.
    of_parts : list of tuple of int
        Columns of the network's parts.
    axes, bases : dict of int to Axis
        Where terms are drawn, and what pairs are orthogonal to.
    """

    def __init__(self, names, of_parts, axes, bases):
        self.names, self.axes, self.bases = names, axes, bases
        self.parts = [tuple(i for i, columns in enumerate(of_parts) if columns == name) for name in names]
        self.grams, self.products, self.means, self.masses, self.densities = (
            [np.zeros(())] * len(names) for _ in range(5)
        )  # of shapes that the first rows tell

    def add(self, parts, encoded, share):
        hats = {column: axis.hats(encoded) for column, axis in self.bases.items()}
        places = {column: axis.hats(encoded) for column, axis in self.axes.items()}
        for number, (name, own) in enumerate(zip(self.names, self.parts, strict=True)):
            values = parts[:, :, list(own)].sum(2).reshape(len(parts), -1)
            basis = np.concatenate([hats[column] for column in name], 1)
            weighted = basis * share[:, None]
            self.means[number] = self.means[number] + share @ values
            self.masses[number] = self.masses[number] + share @ basis
            density = places[name[0]].T @ (share if len(name) == 1 else share[:, None] * places[name[1]])
            self.densities[number] = self.densities[number] + density
            self.grams[number] = self.grams[number] + weighted.T @ basis
            self.products[number] = self.products[number] + weighted.T @ values
        self.shape = parts.shape[1], parts.shape[3]

    def solved(self, intercept):
        """The terms, given what the network adds to its parts."""
        n_members, n_raw = self.shape
        tables = {name: np.zeros((n_members, self.bases[name[0]].size, n_raw)) for name in self.names if len(name) == 1}
        pairs = {}
        for name, gram, product in zip(self.names, self.grams, self.products, strict=True):
            if len(name) == 2:
                alone = np.linalg.lstsq(gram, product, rcond=1e-12)[0]
                alone += np.linalg.lstsq(gram, product - gram @ alone, rcond=1e-12)[0]
                alone = alone.reshape(-1, n_members, n_raw).transpose(1, 0, 2)
                both = np.split(alone, [self.bases[name[0]].size], 1)
                for column, own in zip(name, both, strict=True):
                    tables[column,] += own
                pairs[name] = tuple(-own for own in both)
        terms = []
        for number, name in enumerate(self.names):
            axes, bases = (tuple(each[column] for column in name) for each in (self.axes, self.bases))
            own = pairs.get(name) or (tables[name],)
            masses = np.split(self.masses[number], [bases[0].size])
            mean = self.means[number].reshape(n_members, n_raw)
            for mass, table in zip(masses, own, strict=False):
                mean = mean + np.einsum("k,mko->mo", mass, table)
            terms.append(Term(name, self.parts[number], axes, bases, own, None, -mean, self.densities[number]))
            intercept = intercept + mean
        return Terms(tuple(terms), intercept, np.empty(0))
