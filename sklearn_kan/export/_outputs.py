"""A fitted model from tables of numbers and codes to predictions, as steps; and what its columns are."""

import numpy as np

from ..data._calendar import PERIODS
from ..data._targets import LOG_LINK, Classes
from ..training._losses import MAX_LOG_MEAN, Tweedie, cross_entropy, poisson, what_is_averaged
from ._edited import edited, kept_parts
from ._encoding import encoded
from ._layers import outputs_of
from ._saving import check_exportable
from ._steps import Steps

OUTPUTS = "outputs"  # the table that holds probabilities, or predictions (n, n_outputs)


def steps_of(model):
    """The steps of a fitted estimator's predictions, from tables ``numbers`` and ``codes`` to ``outputs``.

    Raises
    ------
    TypeError
        If it is another estimator, or a basis is not one of the package's.
    ValueError
        If it is not fitted.
    """
    check_exportable(model)
    state = model._state
    do, fitted = Steps(), state.model
    is_edited = state.terms is not None and state.terms.is_edited
    x, codes = encoded(do, fitted.encoder, state.design.dtype)
    raw = together(
        do, fitted, outputs_of(do, fitted.module.eval(), x, codes, kept_parts(fitted) if is_edited else None)
    )
    raw = within_reach(do, fitted.loss, edited(do, fitted, x, codes, raw) if is_edited else raw)
    decoded(do, fitted, raw)
    return do


def together(do, model, raw):
    """What members predict together: ``(n_members, n, n_raw) -> (n, n_raw)``."""
    if model.module.n_members is None:
        return do("Squeeze", raw, np.array([0]))
    share = (model.member_weights / model.member_weights.sum())[:, None, None]
    what = "outputs" if model.architecture.is_sum else what_is_averaged(model.loss)
    if what == "outputs":
        return do.reduced("ReduceSum", do("Mul", raw, share), 0, keepdims=0)
    with np.errstate(divide="ignore"):
        logarithm = np.log(share)
    raw = do("Sub", raw, log_sum(do, raw, -1)) if what == "probabilities" else raw
    return do("Squeeze", log_sum(do, do("Add", raw, logarithm), 0), np.array([0]))


def within_reach(do, loss, raw):
    """Raw outputs whose exponentials are finite."""
    if loss is poisson:
        return do("Min", raw, np.float64(MAX_LOG_MEAN))
    if isinstance(loss, Tweedie):
        return do.clipped(raw, -loss.max_log_mean, loss.max_log_mean)
    return raw


def log_sum(do, table, axis):
    """Logarithm of a sum of exponentials along an axis, which stays."""
    highest = do.reduced("ReduceMax", table, axis)
    total = do.reduced("ReduceSum", do("Exp", do("Sub", table, highest)), axis)
    return do("Add", do("Log", total), highest)


def decoded(do, model, raw):
    """Probabilities, or numbers in the target's units."""
    if model.loss is cross_entropy:
        logits = do("Mul", raw, np.float64(1 / model.temperature))
        do("Exp", do("Sub", logits, log_sum(do, logits, -1)), output=OUTPUTS)
        return
    scaler, quantiles = model.target.scaler, model.target.n_quantiles
    value = do("Exp", raw) if scaler.loss in LOG_LINK else raw
    scaled, output = do("Mul", value, scaler.scale_), None if quantiles else OUTPUTS
    shift = np.zeros_like(scaler.center_) if scaler.loss in LOG_LINK else scaler.center_
    y = do("Add", scaled, shift, output=output)
    if quantiles:
        do("Sorted", y, output=OUTPUTS)


def columns_of(model):
    """Each column of the table that a model was fitted to, as a dict that JSON can hold.

    Raises
    ------
    TypeError
        If a column's name or its labels are neither texts nor numbers.
    """
    design, n_columns = model._state.design, model.n_features_in_
    names = list(getattr(model, "feature_names_in_", range(n_columns)))
    encoder = design.encoder
    levels = iter(encoder.levels_)
    kinds, cycles = iter(encoder.kinds_), iter(encoder.cycles_)
    columns = []
    for name, is_used in zip(names, design.selected.tolist(), strict=True):
        if not is_used:
            columns.append({"name": plain(name), "kind": None, "used": False})
            continue
        kind = next(kinds)
        column = {"name": plain(name), "kind": kind, "used": True, "cycles": [], "range": None}
        if kind == "category":
            column |= table_of(next(levels), name)
        for cycle in next(cycles):
            assert cycle in PERIODS
            column["cycles"].append({"name": cycle, **(table_of(next(levels), name) if cycle == "week" else {})})
        columns.append(column)
    return columns


def table_of(levels, name):
    """Codes of a column's labels."""
    labels = levels.labels.tolist()
    codes = levels.encode(levels.labels).astype(int).tolist()
    known = [[plain(label, name), code] for label, code in zip(labels, codes, strict=True) if label is not None]
    return {"codes": known, "missing": int(levels.n_known + 1) if levels.has_missing else 0}


def plain(label, column=None):
    """A label as JSON holds it."""
    value = label.item() if isinstance(label, np.generic) else label
    if type(value) not in (str, int, float, bool):
        where = "A column's name" if column is None else f"A label of column {column!r}"
        raise TypeError(f"{where} is {label!r}, of type {type(label).__name__}. Convert it to text before fitting.")
    return value


def classes_of(model):
    """Classes as a list that JSON holds, and their dtype; None and None for a regression."""
    target = model._state.design.target
    if not isinstance(target, Classes):
        return None, None
    return [plain(label) for label in target.labels.tolist()], target.labels.dtype.str


def is_flat(model):
    """Whether predictions are numbers (n,)."""
    target = model._state.design.target
    return not isinstance(target, Classes) and bool(target.is_flat) and not target.n_quantiles
