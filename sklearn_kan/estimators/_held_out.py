"""Rows that a fit does not learn from: given by the user, or left to training to hold out."""

import torch

from ..data._table import read_table
from ..training._holdout import hold_out
from ..training._rows import Rows
from ._design import is_wide


def sides(estimator, data, before, X_val, y_val, sample_weight_val):
    """Rows to learn from, and rows to validate on, as far as they are settled before training.

    Of a wide table validation rows are set aside before columns are screened: where columns were chosen by the targets
    of all rows, no row would be new.

    Parameters
    ----------
    estimator : KANClassifier or KANRegressor
    data : Data
        The rows that may be learned from.
    before : State or None
        What is gone on with.
    X_val, y_val, sample_weight_val
        As in `fit`.

    Returns
    -------
    data : Data
    held_out : Data or None
        None if there are none, or training holds them out.

    Raises
    ------
    ValueError, TypeError
        If something is missing or cannot be used, or if there would be no validation row.
    """
    if X_val is None and y_val is None and sample_weight_val is None:
        check_can_hold_out(estimator, len(data.y))
        return set_aside(data, estimator._settings()) if before is None and is_wide(data) else (data, None)
    if X_val is None or y_val is None:
        given, missing = ("y_val", "X_val") if X_val is None else ("X_val", "y_val")
        given = "sample_weight_val" if X_val is None and y_val is None else given
        raise ValueError(f"{given} is passed without {missing}. Pass X_val and y_val, or none of them.")
    if estimator.early_stopping is False:
        raise ValueError("early_stopping=False has no use for X_val and y_val. Set it to True or 'auto'.")
    if data.groups is not None:
        raise ValueError("groups say how rows are held out, which X_val and y_val replace. Pass one of them.")
    known = (data.kinds, None) if before is None else (before.design.kinds, before.design.selected)
    try:
        columns = read_table(data.reader, X_val, reset=False, kinds=known[0], selected=known[1])
        return data, estimator._read_rows(data.reader, columns, y_val, sample_weight_val, data.target, streams=True)
    except (TypeError, ValueError) as error:
        raise type(error)(f"In the validation rows X_val, y_val: {error}") from error


def set_aside(data, settings):
    """Hold rows out as training would for a single network."""
    groups = None if data.groups is None else torch.from_numpy(data.groups)
    weight = torch.from_numpy(data.weight)
    numbered = Rows(torch.arange(len(data.y))[:, None], torch.from_numpy(data.y), weight, groups=groups)
    fitting, validation = hold_out(numbered, None, settings)
    if validation is None:
        return data, None
    parts = []
    for rows in (fitting, validation):
        places, (_, weight) = rows.batch()  # of a heavy row some of the weight
        parts.append(data.at(places[:, 0].numpy())._replace(weight=weight[:, 0].numpy()))
    return parts[0], parts[1]


def check_can_hold_out(estimator, n_samples):
    """Raise if validation rows are wanted, and there are too few rows."""
    if estimator.early_stopping is True and n_samples * estimator.validation_fraction < 1:
        raise ValueError(
            f"early_stopping=True with validation_fraction={estimator.validation_fraction} leaves no validation row "
            f"of n_samples={n_samples}. Raise validation_fraction, or set early_stopping=False."
        )
