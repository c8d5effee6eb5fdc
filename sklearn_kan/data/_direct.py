"""Tables to predict for that can be encoded as they lie in memory, without reading them column by column first."""

import narwhals.stable.v2 as nw
import numpy as np

from ._encoding import encode_atoms, encode_places


def encode_directly(encoder, X, names, dtype):
    """Encode an array of numbers, or a pandas frame with the columns of the fit.

    Parameters
    ----------
    encoder : TableEncoder
    X : object
    names : ndarray of str, or None
        Of the columns in the fit.
    dtype : {"float32", "float64"}

    Returns
    -------
    encoded : ndarray of shape (n_samples, n_numeric + n_codes), or None
        None for any other table, and where the user has to be told of something.
    """
    if any(encoder.cycles_) or not set(encoder.kinds_) <= {"number", "category"}:
        return None
    if type(X) is np.ndarray:
        parts = None if names is not None or encoder.levels_ else numbers_of_array(encoder, X)
    else:
        parts = parts_of_frame(encoder, X) if names is not None and is_frame_of(X, names) else None
    if parts is None:
        return None
    table, codes = parts
    if not len(table) or np.isinf(table).any() or any(map(is_strange, codes, encoder.levels_)):
        return None
    encoded = np.empty((len(table), len(encoder.column_of_input_)), dtype=dtype)
    block = encoder.encode_numeric(table)
    block[np.isnan(block)] = 0.0
    encoded[:, : encoder.n_numeric_] = block
    codes += [encode_atoms(atoms, table[:, i]) for i, atoms in encoder.atoms_.items()]
    codes += [np.isnan(table[:, i]) for i in encoder.missing_]
    codes += [encode_places(places, table[:, i]) for i, places in encoder.places_.items()]
    for i, code in enumerate(codes, start=encoder.n_numeric_):
        encoded[:, i] = code
    return encoded


def is_strange(codes, levels):
    """Whether no row has a label that is known, of which the user is told."""
    return not ((codes > 0) & (codes <= levels.n_known)).any()


def numbers_of_array(encoder, X):
    is_usual = X.ndim == 2 and X.shape[1] == encoder.n_numeric_ and X.dtype in (np.float64, np.float32)
    return (X.astype(np.float64, copy=False), []) if is_usual else None


def is_frame_of(X, names):
    return nw.dependencies.is_pandas_dataframe(X) and X.columns.tolist() == names.tolist()


def parts_of_frame(encoder, X):
    """Numbers (n_samples, n_numeric), and codes of each categorical column; None if some column has to be read."""
    is_category = encoder.categorical_
    dtypes = np.array(X.dtypes, dtype=object)
    if not all(isinstance(dtype, np.dtype) and dtype.kind in "fiub" for dtype in dtypes[~is_category]):
        return None
    numbers = X.iloc[:, np.flatnonzero(~is_category)] if is_category.any() else X
    places = np.flatnonzero(is_category)
    codes = [codes_of_labels(X.iloc[:, i].array, table) for i, table in zip(places, codes_of(encoder), strict=True)]
    return None if any(code is None for code in codes) else (numbers.to_numpy(dtype=np.float64), codes)


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
