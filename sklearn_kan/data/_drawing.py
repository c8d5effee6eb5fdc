"""Where to draw what is learned of a column."""

import numpy as np

from ._table import Column

CURVE_POINTS = 201


def places_to_draw(encoder, column):
    """Places of a column, by its place: a `Column` of numbers, dates, or all labels."""
    i = int(np.flatnonzero(encoder.column_of_input_ == column)[0])
    if encoder.categorical_[column]:
        return Column(column, encoder.levels_[i - encoder.n_numeric_].labels, "category")
    low, high = encoder.range_[i]
    values = np.linspace(low, high, CURVE_POINTS)
    if i in encoder.bends_:  # evenly on the network's axis
        ends = [low, high, *encoder.bends_[i].places]
        inner = np.unique(np.clip(ends, low, high))
        block = np.repeat(inner[:, None], encoder.n_numeric_, axis=1)
        z = encoder.encode_numeric(block)[:, i]
        values = np.unique([*np.interp(np.linspace(z[0], z[-1], CURVE_POINTS), z, inner), *encoder.atoms_.get(i, ())])
    if i in encoder.places_:
        values = np.unique([*values, *np.clip(encoder.places_[i], low, high)])
    return Column(column, values, encoder.kinds_[column])
