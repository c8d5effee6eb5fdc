"""Tables to predict for that can be read as they lie in memory, without taking them apart column by column first."""

import narwhals.stable.v2 as nw
import numpy as np

from ._encoding import encode_atoms, encode_places

DTYPES = np.dtype(np.float64), np.dtype(np.float32)
NUMBERS = {float, int, bool}
FEW_ROWS = 64  # up to which whole rows are asked for: to take a column out of a frame takes pandas as long as ten rows


def direct_parts(encoder, X, names):
    """An array of numbers, or a pandas frame with the columns of the fit, taken apart.

    Parameters
    ----------
    encoder : TableEncoder
    X : object
    names : ndarray of str, or None
        Of the columns in the fit.

    Returns
    -------
    numbers : ndarray of shape (n_samples, n_numeric), float32 or float64
    codes : ndarray of shape (n_samples, n_categories), int64, or None
        Of categories. Instead of both, None for any other table, and where the user has to be told of something.
    """
    if any(encoder.cycles_) or not set(encoder.kinds_) <= {"number", "category"}:
        return None
    if type(X) is np.ndarray:
        parts = None if names is not None or encoder.levels_ else numbers_of_array(encoder, X)
    else:
        parts = parts_of_frame(encoder, X) if names is not None and is_frame_of(encoder, X, names) else None
    if parts is None or not len(parts[0]) or any(map(is_strange, parts[1], encoder.levels_)):
        return None
    numbers, codes = parts
    return numbers, np.array(codes, dtype=np.int64).T.copy() if codes else None


def encode_parts(encoder, numbers, codes, dtype):
    """Encode what `direct_parts` has found; None if a number is infinite, of which the user is told."""
    if np.isinf(numbers).any():
        return None
    numbers = numbers.astype(np.float64, copy=False)
    encoded = np.empty((len(numbers), len(encoder.column_of_input_)), dtype=dtype)
    block = encoder.encode_numeric(numbers)
    block[np.isnan(block)] = 0.0
    encoded[:, : encoder.n_numeric_] = block
    columns = [] if codes is None else list(codes.T)
    columns += [encode_atoms(atoms, numbers[:, i]) for i, atoms in encoder.atoms_.items()]
    columns += [np.isnan(numbers[:, i]) for i in encoder.missing_]
    columns += [encode_places(places, numbers[:, i]) for i, places in encoder.places_.items()]
    for i, column in enumerate(columns, start=encoder.n_numeric_):
        encoded[:, i] = column
    return encoded


def is_strange(codes, levels):
    """Whether no row has a label that is known, of which the user is told."""
    if len(codes) == 1:
        return not 0 < codes[0] <= levels.n_known
    codes = np.asarray(codes)
    return not ((codes > 0) & (codes <= levels.n_known)).any()


def numbers_of_array(encoder, X):
    is_usual = X.ndim == 2 and X.shape[1] == encoder.n_numeric_ and X.dtype in DTYPES and X.flags.aligned
    return (X, []) if is_usual else None


def is_frame_of(encoder, X, names):
    """Whether this is a pandas frame with these columns; those that were found right are known again."""
    if not nw.dependencies.is_pandas_dataframe(X):
        return False
    columns, (known, known_names) = X.columns, encoder.right_columns
    if names is known_names and columns.is_(known):
        return True
    is_right = columns.tolist() == names.tolist()
    if is_right:
        encoder.right_columns = columns, names
    return is_right


def parts_of_frame(encoder, X):
    """Numbers (n_samples, n_numeric), and codes of each categorical column; None if some column has to be read."""
    is_small, is_category = len(X) <= FEW_ROWS, encoder.categorical_
    if is_small:
        values = X.to_numpy()
        if values.dtype in DTYPES and not encoder.levels_:
            return values, []
        parts = parts_of_rows(encoder, values.tolist())
        if parts is not None:
            return parts
    dtypes = np.array(X.dtypes, dtype=object)
    if not all(isinstance(dtype, np.dtype) and dtype.kind in "fiub" for dtype in dtypes[~is_category]):
        return None
    numbers = X.iloc[:, np.flatnonzero(~is_category)] if is_category.any() else X
    places = np.flatnonzero(is_category)
    codes = [codes_of_labels(X.iloc[:, i].array, table) for i, table in zip(places, codes_of(encoder), strict=True)]
    return None if any(code is None for code in codes) else (numbers.to_numpy(dtype=np.float64), codes)


def parts_of_rows(encoder, rows):
    """The same of rows as lists, which are quicker to get of a few than columns are."""
    columns = list(zip(*rows, strict=True))
    numbers = [column for column, kind in zip(columns, encoder.kinds_, strict=True) if kind == "number"]
    if not all(NUMBERS.issuperset(map(type, column)) for column in numbers):
        return None
    labels = [column for column, kind in zip(columns, encoder.kinds_, strict=True) if kind == "category"]
    if not all(type(label) is str or is_gap(label) for column in labels for label in column):
        return None
    codes = [
        [table.get(label if type(label) is str else None, 0) for label in column]
        for column, table in zip(labels, codes_of(encoder), strict=True)
    ]
    return np.array(numbers, dtype=np.float64).reshape(len(numbers), len(rows)).T, codes


def is_gap(label):
    return label is None or (type(label) is float and label != label)


def codes_of_labels(values, table):
    """Codes of labels by a dictionary; None where labels are of a kind that has to be read."""
    if hasattr(values, "categories"):
        if getattr(values.categories.dtype, "kind", "O") not in "OUifb":
            return None
        of_category = np.array([*(table.get(label, 0) for label in values.categories), table.get(None, 0)])
        return of_category[values.codes]
    labels = values.to_numpy(dtype=object).tolist()
    if not all(type(label) is str for label in labels):
        return None
    return np.array([table.get(label, 0) for label in labels])


def codes_of(encoder):
    """A dictionary from labels to codes for each categorical column."""
    if encoder.tables is None:
        encoder.tables = [
            dict(zip(levels.labels.tolist(), levels.encode(levels.labels).astype(int).tolist(), strict=True))
            for levels in encoder.levels_
        ]
    return encoder.tables
