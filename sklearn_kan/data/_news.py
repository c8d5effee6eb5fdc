"""What a table holds that the encoder of an earlier one has not learned."""

import numpy as np

from ._levels import is_none


def strangers(encoder, columns):
    """Labels that there is no level for, of each column that has such: (column, set of labels, whether all are)."""
    inputs = zip(encoder.inputs_of(columns)[1], encoder.levels_, strict=True)
    found = ((columns[place], *levels.strangers(part.values)) for (place, part), levels in inputs)
    return [(column, labels, are_all) for column, labels, are_all in found if column.is_categorical and labels]


def without_gaps(encoder, columns):
    """Columns with missing values that training had none of."""
    numeric, categorical = encoder.inputs_of(columns)
    has_level = {encoder.column_of_input_[i] for i in encoder.missing_}
    has_level |= {place for (place, _), levels in zip(categorical, encoder.levels_, strict=True) if levels.has_missing}
    gaps = [place for place, part in numeric if np.isnan(part.values).any()]
    gaps += [place for place, part in categorical if is_none(part.values).any()]
    return [columns[place] for place in dict.fromkeys(gaps) if place not in has_level]


def constant_inputs(encoder, columns):
    """Numeric inputs that were constant so far and vary in these columns."""
    varies = [
        np.any(~np.isnan(part.values) & (part.values != center))
        for (_, part), center in zip(encoder.inputs_of(columns)[0], encoder.center_, strict=True)
    ]
    return np.flatnonzero((encoder.rate_ == 0) & np.array(varies, dtype=bool))
