"""Knots that a user gives in the units of the columns."""

import numpy as np


def encode_knots(encoder, knots):
    """Knots in the columns' own units as a table (n_numeric, n_knots).

    They are of shape (n_knots,) or (n_knots, n_columns), with a column for each that is not categorical. Those of
    dates are days since 1970-01-01; the phases of cycles have even ones.
    """
    knots = np.asarray(knots, dtype=np.float64)
    columns = np.flatnonzero(~encoder.categorical_)
    table = np.repeat(knots[:, None], len(columns), axis=1) if knots.ndim == 1 else knots
    is_table = table.ndim == 2 and table.shape[1] == len(columns) and len(table) >= 2
    if not (is_table and (np.diff(table, axis=0) > 0).all()):
        raise ValueError(
            f"knots has shape {knots.shape}. Pass two or more increasing ones, of shape (n_knots,) or "
            f"(n_knots, {len(columns)}): a column for each numeric column."
        )
    owner = encoder.column_of_input_[: encoder.n_numeric_]
    of_input = table[:, np.searchsorted(columns, owner)]
    of_input[:, np.diff(owner, prepend=-1) == 0] = np.linspace(-1, 1, len(table))[:, None]
    rate = np.where(encoder.rate_ == 0, 1.0, encoder.rate_)  # a constant column keeps its units
    return encoder.encode_numeric(of_input, rate).T
