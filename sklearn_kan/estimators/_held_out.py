"""Rows that a fit does not learn from: given by the user, or left to training to hold out."""

from ..data._table import read_table


def read_validation(estimator, data, X_val, y_val, sample_weight_val):
    """Check validation rows beside those to learn from; None if there are none.

    Parameters
    ----------
    estimator : KANClassifier or KANRegressor
    data : Data
        The rows to learn from.
    X_val, y_val, sample_weight_val
        As in `fit`.

    Returns
    -------
    Data or None

    Raises
    ------
    ValueError, TypeError
        If something is missing or cannot be used, or if there would be no validation row.
    """
    if X_val is None and y_val is None and sample_weight_val is None:
        check_can_hold_out(estimator, len(data.y))
        return None
    if X_val is None or y_val is None:
        given, missing = ("y_val", "X_val") if X_val is None else ("X_val", "y_val")
        given = "sample_weight_val" if X_val is None and y_val is None else given
        raise ValueError(f"{given} is passed without {missing}. Pass X_val and y_val, or none of them.")
    if estimator.early_stopping is False:
        raise ValueError("early_stopping=False has no use for X_val and y_val. Set it to True or 'auto'.")
    if data.groups is not None:
        raise ValueError("groups say how rows are held out, which X_val and y_val replace. Pass one of them.")
    try:
        columns = read_table(data.reader, X_val, reset=False, kinds=data.kinds)
        return estimator._read_rows(data.reader, columns, y_val, sample_weight_val, data.target, streams=True)
    except (TypeError, ValueError) as error:
        raise type(error)(f"In the validation rows X_val, y_val: {error}") from error


def check_can_hold_out(estimator, n_samples):
    """Raise if validation rows are wanted, and there are too few rows."""
    if estimator.early_stopping is True and n_samples * estimator.validation_fraction < 1:
        raise ValueError(
            f"early_stopping=True with validation_fraction={estimator.validation_fraction} leaves no validation row "
            f"of n_samples={n_samples}. Raise validation_fraction, or set early_stopping=False."
        )
