"""Places along a column, and the piecewise linear functions between them: what terms are purified and tabulated by."""

from typing import NamedTuple

import numpy as np
import torch

from ..data._dates import to_dates
from ..data._table import Column
from ..knots import distinct_values, quantile

MAX_PLACES = 48  # of a column of numbers; with fewer values each has a place
MAX_FINE_PLACES = 256  # of one with fine structure


class Axis(NamedTuple):
    """Places along a column, with a function for each: one there, zero at the others, linear in between.

    Parameters
    ----------
    column : int
    kind : {"number", "category", "date", "duration"}
    places : ndarray of shape (n_places,)
        In the column's own units, or all labels; NaN or None last if training had missing values.
    knots : ndarray of shape (n_knots,)
        What the network sees at the places that are numbers; empty for a category.
    number : int
        Which function belongs to a place, for each place: infrequent labels share one.
    inputs : tuple of int
        Of the encoded table: the number or the code, and the mark of missing numbers if there is one.
    """

    column: int
    kind: str
    places: np.ndarray
    knots: np.ndarray
    number: np.ndarray
    inputs: tuple[int, ...]

    @property
    def size(self):
        """How many functions there are."""
        return int(self.number.max()) + 1

    def hats(self, encoded):
        """The functions' values for rows of an encoded table: ``(n, n_columns) -> (n, size)``.

        Numbers outside the places count as the outermost ones, and labels that are unknown as none.
        """
        first = encoded[:, self.inputs[0]].astype(np.float64)
        values, rows = np.zeros((len(first), self.size)), np.arange(len(first))
        if not len(self.knots):
            known = first > 0
            values[rows[known], first[known].astype(int) - 1] = 1.0
            return values
        if len(self.knots) == 1:
            values[:, 0] = 1.0
        else:
            x = first.clip(self.knots[0], self.knots[-1])
            left = (np.searchsorted(self.knots, x, side="right") - 1).clip(0, len(self.knots) - 2)
            share = (x - self.knots[left]) / (self.knots[left + 1] - self.knots[left])
            values[rows, left], values[rows, left + 1] = 1 - share, share
        if len(self.inputs) > 1:
            is_missing = encoded[:, self.inputs[1]] > 0
            values[is_missing] = 0.0
            values[is_missing, -1] = 1.0
        return values

    @property
    def drawn(self):
        """The places as pictures have them: labels, numbers, or dates."""
        return to_dates(self.places) if self.kind == "date" else self.places


def learn_axis(encoder, place, column, weight, dtype, max_places=MAX_PLACES):
    """The axis of a column, by its place among those of an encoder, from training rows."""
    own = np.flatnonzero(encoder.column_of_input_ == place)
    if column.is_categorical:
        levels = encoder.levels_[own[0] - encoder.n_numeric_]
        labels = levels.labels
        return Axis(place, column.kind, labels, np.empty(0), levels.encode(labels).astype(int) - 1, (int(own[0]),))
    present = ~np.isnan(column.values)
    values = torch.from_numpy(column.values[present].astype(np.float64))
    distinct, mass = distinct_values(values, torch.from_numpy(weight[present]).double())
    if len(distinct) > max_places:
        levels = np.linspace(0, 1, max_places)
        distinct = torch.stack([quantile(distinct, mass, level) for level in levels]).unique()
    places = distinct.numpy()
    encoded = encoder.transform_column(Column(place, places, column.kind))[:, own[0]].astype(dtype).astype(np.float64)
    is_new = np.diff(encoded, prepend=-np.inf) > 0  # places that the network cannot tell apart are one
    places, knots = places[is_new], encoded[is_new]
    first_mark = encoder.n_numeric_ + len(encoder.levels_) + len(encoder.atoms_)
    marks = own[(own >= first_mark) & (own < first_mark + len(encoder.missing_))].tolist()
    places = np.append(places, [np.nan] * len(marks))
    return Axis(place, column.kind, places, knots, np.arange(len(places)), (int(own[0]), *marks))
