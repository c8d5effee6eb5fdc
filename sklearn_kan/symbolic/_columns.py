"""A user's table as numbers: columns as they are, and indicators of the levels of categories."""

from collections import Counter
from typing import NamedTuple

import numpy as np
import sympy as sp
from sklearn.utils.validation import validate_data

from ..data._masked import unmasked
from ..data._native import native
from ..data._table import holds_numbers, read_table

LEAST_ROWS = 5  # of a level that has an indicator
LEAST, MOST = 1e-50, 1e50  # size of a column's and the target's largest value


class Columns(NamedTuple):
    """What formulas know of a table.

    Parameters
    ----------
    names : tuple of str
        Of the numbers that formulas have: columns, and ``column=label`` of indicators.
    kinds : tuple of str
        Of the table's columns, ``"number"`` or ``"category"``.
    levels : tuple of tuple
        The labels of each column that have an indicator, none for numbers.
    """

    names: tuple
    kinds: tuple
    levels: tuple

    @property
    def symbols(self):
        return tuple(sp.Symbol(name) for name in self.names)

    @property
    def indicators(self):
        """A pair of a column's name and a label for each symbol of an indicator."""
        pairs, names = {}, iter(self.names)
        for kind, labels in zip(self.kinds, self.levels, strict=True):
            for label in labels:
                name = next(names)
                pairs[sp.Symbol(name)] = name.removesuffix(f"={label}"), label
            if kind == "number":
                next(names)
        return pairs


def read_first(reader, X):
    """Columns of a table, and its numbers; `reader` notes what it saw.

    Returns
    -------
    columns : Columns
    X : ndarray of shape (n_samples, n_numbers), float64
    """
    X = unmasked(native(X))
    if holds_numbers(X):
        X = validate_data(reader, X, dtype=np.float64, ensure_min_samples=2)
        names = getattr(reader, "feature_names_in_", None)
        names = [f"x{i}" for i in range(X.shape[1])] if names is None else names
        columns = Columns(tuple(map(str, names)), ("number",) * X.shape[1], ((),) * X.shape[1])
        return checked(columns, X)
    reader.categorical_features = "from_dtype"
    table = [named(column) for column in read_table(reader, X, reset=True)]
    levels = tuple(frequent(column.values) if column.is_categorical else () for column in table)
    names = []
    for column, labels in zip(table, levels, strict=True):
        names += [f"{column.name}={label}" for label in labels] if column.is_categorical else [str(column.name)]
    columns = Columns(tuple(names), tuple(column.kind for column in table), levels)
    X = numbers_of(table, columns)
    if len(X) < 2:
        raise ValueError(f"X has {len(X)} row, and a formula needs at least 2.")
    return checked(columns, X)


def read_again(estimator, X, columns):
    """The numbers of a table that is like the one of the fit."""
    X = unmasked(native(X))
    if "category" not in columns.kinds and holds_numbers(X):
        return validate_data(estimator, X, reset=False, dtype=np.float64)
    return numbers_of(read_table(estimator, X, reset=False, kinds=list(columns.kinds)), columns)


def named(column):
    """A column of an array, which has a place, by the name that formulas give it."""
    return column if isinstance(column.name, str) else column._replace(name=f"x{column.name}")


def checked(columns, X):
    for name, values in zip(columns.names, X.T, strict=True):
        check_size(f"Column {name!r} of X", values)
    return columns, X


def check_size(what, values):
    """Raise if numbers are so large or small that products of a few of them are no floats."""
    largest = np.abs(values).max()
    if largest > MOST or 0 < largest < LEAST:
        raise ValueError(
            f"{what} has values of {largest:.0e}, and formulas are computed with sizes from {LEAST:.0e} to {MOST:.0e}. "
            "Convert it to another unit."
        )


def frequent(labels):
    """Labels that have an indicator: frequent ones, in their order, and one less where there are no others."""
    counts = Counter(labels.tolist())
    kept = sorted((label for label, n in counts.items() if label is not None and n >= LEAST_ROWS), key=str)
    return tuple(kept[1:] if len(kept) == len(counts) == 2 else kept)


def numbers_of(table, columns):
    """Numbers and indicators; an unknown or missing label has none of the indicators."""
    parts = []
    for column, labels in zip(table, columns.levels, strict=True):
        if column.is_categorical:
            parts += [(column.values == label).astype(float) for label in labels]
            continue
        if column.kind != "number":
            raise TypeError(f"{column.described} of X holds {column.kind}s. Convert it to numbers.")
        n_missing = int(np.isnan(column.values).sum())
        if n_missing:
            raise ValueError(
                f"{column.described} of X contains NaN in {n_missing} rows, which formulas cannot have. Impute it, or "
                "leave those rows out."
            )
        parts.append(column.values.astype(float))
    n_rows = len(table[0].values)
    return np.stack(parts, 1) if parts else np.zeros((n_rows, 0))
