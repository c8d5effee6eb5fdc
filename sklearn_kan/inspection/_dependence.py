"""Partial dependence: the mean prediction if all rows had the same value in a column (Friedman 2001, sec. 8.2)."""

import numpy as np

from ..model._effect import Effect
from ..model._sums import FirstSums, has_sums
from ._purity import centred, purified

CALLS_AT_ONCE = 2**17  # of the network


def dependence_of(rows, term, places):
    """The partial dependence on one column, or what that on two columns adds to it.

    Parameters
    ----------
    rows : Reading
    term : tuple of int
    places : list of Places
        For each of its columns.

    Returns
    -------
    Effect
        Its places are of type Column.
    """
    values = averaged_over_rows(rows, term, places)
    density = places[0].density if len(term) == 1 else joint_density(*places)
    clean = centred if len(term) == 1 else purified
    pure = clean(values.reshape(*density.shape, -1), density).reshape(values.shape)
    return effect_of(term, places, pure, density, rows.response.model.member_weights)


def effect_of(term, places, values, density, weights):
    """An effect from values of the ensemble followed by those of its members, ``(n_places, ..., 1 + members, k)``."""
    whole, each = values[..., 0, :], np.moveaxis(values[..., 1:, :], -2, 0)
    mean = np.average(each, axis=0, weights=weights)
    spread = np.sqrt(np.average(np.square(each - mean), axis=0, weights=weights))
    return Effect(term, tuple(along.column for along in places), whole, spread, density)


def averaged_over_rows(rows, term, places):
    """Predictions with the columns of a term at each combination of their places, averaged over the rows.

    Returns
    -------
    values : ndarray of shape (n_places, [n_places_2,] 1 + n_members, n_outputs)
        Of the ensemble, then of its members.
    """
    encoder, encoded = rows.response.model.encoder, rows.encoded
    along = [encoder.transform_column(place.column).astype(encoded.dtype) for place in places]
    shape = [len(table) for table in along]
    flat = np.stack(np.unravel_index(np.arange(np.prod(shape)), shape), 1)
    numbers = [rows.selected.index(column) for column in term]
    inputs = [np.flatnonzero(encoder.column_of_input_ == number) for number in numbers]
    table = np.zeros((len(flat), encoded.shape[1]), dtype=encoded.dtype)
    for own, part, at in zip(inputs, along, flat.T, strict=True):
        table[:, own] = part[at][:, own]
    exchange = by_sums if has_sums(rows.response.model) else by_predictions
    values = exchange(rows, np.concatenate(inputs), table)
    return values.reshape(*shape, *values.shape[1:])


def by_predictions(rows, inputs, table):
    """Mean predictions with some inputs of all rows taken from each row of a table."""
    encoded, found = rows.encoded, []
    step = max(1, CALLS_AT_ONCE // len(encoded))
    for start in range(0, len(table), step):
        some = table[start : start + step]
        mixed = np.repeat(encoded[None], len(some), axis=0)
        mixed[:, :, inputs] = some[:, None, inputs]
        predicted = rows.response.with_members(mixed.reshape(-1, encoded.shape[1]))
        found.append(predicted.reshape(len(some), len(encoded), *predicted.shape[1:]).mean(1))
    return np.concatenate(found)


def by_sums(rows, inputs, table):
    """The same from the first layer's sums, in which the rest of the columns stay."""
    raw = FirstSums.of(rows.response.model, rows.encoded).exchanged(inputs, table)
    predicted = rows.response.read_members(raw.reshape(-1, *raw.shape[2:]))
    return predicted.reshape(*raw.shape[:2], *predicted.shape[1:]).mean(1)


def joint_density(one, other):
    """Share of the rows at each combination of places."""
    n, m = len(one.column.values), len(other.column.values)
    known = (one.of_row >= 0) & (other.of_row >= 0)
    counts = np.bincount(one.of_row[known] * m + other.of_row[known], minlength=n * m)
    return counts.reshape(n, m) / max(1, known.sum())
