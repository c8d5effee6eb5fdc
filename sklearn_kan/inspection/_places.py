"""Where the effect of a column is looked at: numbers, dates, or labels in their order, missing ones last."""

from typing import NamedTuple

import numpy as np

from ..data._levels import is_none
from ..data._table import Column

N_PLACES, N_PLACES_OF_PAIR = 40, 16
MOST_FINE_PLACES = 256  # of columns with fine structure
ENDS = 0.01, 0.99  # quantiles between which a column is drawn


class Places(NamedTuple):
    """Places along a column.

    Parameters
    ----------
    column : Column
        Its values at the places; name is its place among the network's columns.
    of_row : ndarray of int, shape (n_samples,)
        The place nearest to each row of a table; -1 for labels that are not known.
    """

    column: Column
    of_row: np.ndarray

    @property
    def density(self):
        """Share of the rows at each place."""
        known = self.of_row[self.of_row >= 0]
        return np.bincount(known, minlength=len(self.column.values)) / max(1, len(known))


def places_along(encoder, number, column, n_places=N_PLACES):
    """Places along a column of a table.

    Parameters
    ----------
    encoder : TableEncoder
    number : int
        Of the column among those of the encoder.
    column : Column
    n_places : int
        Most of them, for numbers and dates; columns with fine structure have more.

    Returns
    -------
    Places
    """
    if column.is_categorical:
        return labels_along(encoder, number, column)
    values = column.values.astype(np.float64)
    present = values[~np.isnan(values)]
    if not len(present):
        present = np.zeros(1)
    places = np.unique(present)
    n_places = max(n_places, min(MOST_FINE_PLACES, encoder.resolution(number)))
    if len(places) > n_places:
        low, high = np.quantile(present, ENDS)
        even = np.linspace(low, high, n_places - n_places // 2)
        inner = np.quantile(present, np.linspace(*ENDS, n_places // 2 + 2)[1:-1])
        places = np.unique([*even, *inner])
    of_row = nearest(places, values)
    if np.isnan(values).any():
        of_row[np.isnan(values)] = len(places)
        places = np.append(places, np.nan)
    return Places(Column(number, places, column.kind), of_row)


def nearest(places, values):
    """The place nearest to each value, 0 for NaN."""
    middle = (places[1:] + places[:-1]) / 2
    return np.searchsorted(middle, np.nan_to_num(values))


def labels_along(encoder, number, column):
    """Labels that the network knows, in the order of their dtype; one that is missing comes last."""
    code = int(np.flatnonzero(encoder.column_of_input_ == number)[0]) - encoder.n_numeric_
    known = encoder.levels_[code].labels.tolist()
    declared = [] if column.declared is None else [label for label in column.declared.tolist() if label in known]
    labels = [*declared, *(label for label in known if label not in declared and label is not None)]
    place = {label: i for i, label in enumerate(labels)}
    if None in known or is_none(column.values).any():
        place[None] = len(labels)
        labels.append(None)
    of_row = np.array([place.get(label, -1) for label in column.values.tolist()])
    return Places(Column(number, np.array(labels, dtype=object), "category"), of_row)
