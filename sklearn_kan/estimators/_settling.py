"""What the first calls of `partial_fit` leave open: scales that settle, and what later rows show too late."""

from itertools import compress

import numpy as np

from ..data._news import constant_inputs, strangers, without_gaps
from ._design import Seen

SETTLED_ROWS = 256  # from which scales are learned for good
LARGEST_CHANGE = 100.0  # of a target's scale; rows that change it more are left to be judged by their loss


def first_seen(design, data):
    """What is kept of the first rows; given knots settle all scales at once."""
    is_open = len(data.y) < SETTLED_ROWS and isinstance(data.reader.knots, str)
    columns = list(compress(data.columns, design.selected))
    return Seen(data._replace(reader=None, columns=columns) if is_open else None)


def settled_further(design, data):
    """A design after more rows, and the rows to place knots on; None if knots stay.

    Scales are learned from all rows until there are enough of them; then those of columns and targets that were
    constant until now from these rows.
    """
    encoder, target, seen = design.encoder, design.target, design.seen
    is_open = seen.rows is not None
    rows = together(seen.rows, data) if is_open else together(constants(encoder, target, data), data)
    scaler = getattr(target, "scaler", None)
    if scaler is not None and (is_open or scaler.is_constant_):
        target = data.reader._learn_target(target, rows.y, rows.weight)
        if not scaler.is_constant_ and (target.scaler.scale_ > LARGEST_CHANGE * scaler.scale_).any():
            return design, None
    inputs = range(encoder.n_numeric_) if is_open else constant_inputs(encoder, data.columns)
    if len(inputs):
        encoder = encoder.relearned(rows.columns, rows.weight, inputs)
    kept = rows if is_open and len(rows.y) < SETTLED_ROWS else None
    new = design._replace(encoder=encoder, target=target, seen=seen._replace(rows=kept))
    return new, new.rows(rows, rows.weight) if is_open else None


def informed(design, data):
    """The design with the names of columns of which these rows show something too late, and a message if any is new."""
    unknown = {column.name: labels for column, labels, _ in strangers(design.encoder, data.columns)}
    reasons = {column.name: "missing values" for column in without_gaps(design.encoder, data.columns)}
    reasons |= {name: f"labels such as {min(labels, key=str)!r}" for name, labels in unknown.items()}
    news = [f"{name!r} ({reason})" for name, reason in reasons.items() if name not in design.seen.told]
    message = (
        f"The first call had none of what these columns have now: {', '.join(news)}. Such labels count as nothing, and "
        "missing numbers as the median, for good. Pass rows of all kinds first, or declare all labels by a dtype, such "
        "as pandas.Categorical."
    )
    seen = design.seen._replace(told=(*design.seen.told, *(name for name in reasons if name not in design.seen.told)))
    return design._replace(seen=seen), message if news else None


def together(first, second):
    """Rows of two tables as one."""
    columns = [
        one._replace(values=np.concatenate([one.values, other.values]))
        for one, other in zip(first.columns, second.columns, strict=True)
    ]
    y, weight = (np.concatenate([getattr(first, name), getattr(second, name)]) for name in ("y", "weight"))
    return first._replace(columns=columns, y=y, weight=weight)


def constants(encoder, target, data):
    """A row of what columns and targets were if they were constant."""
    owner = encoder.column_of_input_[: encoder.n_numeric_].tolist()
    columns = [
        column._replace(values=np.array([None if column.is_categorical else encoder.center_[owner.index(place)]]))
        for place, column in enumerate(data.columns)
    ]
    scaler = getattr(target, "scaler", None)
    y = data.y[:1] if scaler is None else scaler.center_[None]
    return data._replace(reader=None, columns=columns, y=y, weight=data.weight.mean(keepdims=True))
