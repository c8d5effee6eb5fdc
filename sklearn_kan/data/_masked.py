"""Masked arrays: what is under a mask is missing."""

import numpy as np


def unmasked(values):
    """An array-like with what is masked as missing: NaN, NaT, or None among texts and objects.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan.data._masked import unmasked
    >>> unmasked(np.ma.array([1, 2], mask=[True, False]))
    array([nan,  2.])
    """
    if not has_mask(values):
        return values
    values = np.ma.array(values)
    mask, kind = np.ma.getmaskarray(values), values.dtype.kind
    if not mask.any():
        return values.data
    if kind in "biu":
        values = values.astype(np.float64)
    elif kind in "US":
        values = values.astype(object)
    missing = np.array("NaT", values.dtype) if kind in "mM" else np.nan if values.dtype.kind in "fc" else None
    return np.where(mask, missing, values.data)


def check_unmasked(name, values):
    """Raise if some of a target's or weight's values are masked."""
    n_masked = np.ma.count_masked(np.ma.array(values)) if has_mask(values) else 0
    if n_masked:
        raise ValueError(f"{name} has {n_masked} masked values. Drop those rows before fitting.")


def has_mask(values):
    """Whether an array-like is a masked array, or a list that holds some, or masked items."""
    parts = values if isinstance(values, list | tuple) else [values]
    return any(isinstance(part, np.ma.MaskedArray) for part in parts)
