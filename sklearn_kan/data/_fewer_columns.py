"""An encoder for some of the columns of another one."""

from copy import copy

import numpy as np


def for_columns(whole, kept):
    """An encoder for some of the columns, and which of the inputs it keeps.

    Parameters
    ----------
    whole : TableEncoder
    kept : list of int
        Places of columns, increasing.

    Returns
    -------
    encoder : TableEncoder
    inputs : ndarray of int
    """
    inputs = np.flatnonzero(np.isin(whole.column_of_input_, kept))
    numeric = inputs[inputs < whole.n_numeric_].tolist()
    new = {old: place for place, old in enumerate(numeric)}
    is_level = (inputs >= whole.n_numeric_) & (inputs < whole.n_numeric_ + len(whole.levels_))
    encoder = copy(whole)
    encoder.tables = None
    encoder.names_ = [whole.names_[column] for column in kept]
    encoder.kinds_ = [whole.kinds_[column] for column in kept]
    encoder.categorical_ = whole.categorical_[kept]
    encoder.cycles_ = [whole.cycles_[column] for column in kept]
    encoder.center_, encoder.rate_ = whole.center_[numeric], whole.rate_[numeric]
    encoder.range_ = whole.range_[numeric]
    encoder.bends_ = {new[i]: bend for i, bend in whole.bends_.items() if i in new}
    encoder.atoms_ = {new[i]: atoms for i, atoms in whole.atoms_.items() if i in new}
    encoder.missing_ = np.array([new[i] for i in whole.missing_ if i in new], dtype=int)
    encoder.levels_ = [whole.levels_[i - whole.n_numeric_] for i in inputs[is_level]]
    encoder.column_of_input_ = np.searchsorted(kept, whole.column_of_input_[inputs])
    return encoder, inputs
