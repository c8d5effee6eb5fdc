"""From a table to the numbers that a network learns from, and back from its outputs to targets.

The encoded table has the numeric columns first, then level codes: one column per categorical input, then one per
numeric column with missing values in training. Code 0 means unknown or not missing; it adds nothing.
"""

import numpy as np
import torch
from sklearn.preprocessing import OrdinalEncoder

from ..knots import distinct_values, quantile
from ._table import describe

SPREAD_LEVELS = (0.05, 0.95)  # of a column, mapped to -1 and 1
RANGE_LEVELS = (0.01, 0.99)
CLIP = 3.0  # smooth bound of an encoded value (RealMLP; Holzmueller et al. 2024, sec. 3)
UNSEEN = -1
ENCODED_AT_ONCE = 16_384  # rows of float64 intermediates


class TableEncoder:
    """Map a table with numbers, categories and missing values to a float array.

    A numeric column is centred on its median and scaled so that its 5 % and 95 % quantiles are about -1 and 1;
    values far out are squeezed smoothly into (-3, 3). Missing values become the median and get a level of their
    own. All statistics are weighted.

    Attributes
    ----------
    categorical_ : ndarray of shape (n_features,), bool
    center_, rate_ : ndarray of shape (n_numeric,)
        A constant column has rate 0.
    range_ : ndarray of shape (n_numeric, 2)
        The 1 % and 99 % quantiles, for pictures.
    missing_ : ndarray of int
        Numeric columns (places among the numeric ones) that have missing values in training.
    levels_ : list of OrdinalEncoder
        One per categorical column.
    """

    def fit(self, columns, sample_weight=None):
        """Learn from the columns of a table, as `read_table` gives them, and weights of shape (n_samples,)."""
        self.categorical_ = np.array([column.is_categorical for column in columns])
        numeric = [column for column in columns if not column.is_categorical]
        weight = None if sample_weight is None else torch.from_numpy(sample_weight).double()
        statistics = np.array([summary(column.name, column.values, weight) for column in numeric]).reshape(-1, 4)
        self.center_, self.rate_ = statistics[:, :2].T.copy()
        self.range_ = statistics[:, 2:].copy()
        self.missing_ = np.array([i for i, column in enumerate(numeric) if np.isnan(column.values).any()], dtype=int)
        self.levels_ = [fit_levels(column.name, column.values) for column in columns if column.is_categorical]
        return self

    @property
    def n_numeric_(self):
        return len(self.center_)

    @property
    def n_levels_(self):
        """Levels of each code column, unknown included."""
        return [len(encoder.categories_[0]) + 1 for encoder in self.levels_] + [2] * len(self.missing_)

    def encode_knots(self, knots):
        """Knots in the columns' own units, (n_knots,) or (n_knots, n_numeric), as a table (n_numeric, n_knots)."""
        knots = np.asarray(knots, dtype=np.float64)
        table = np.repeat(knots[:, None], self.n_numeric_, axis=1) if knots.ndim == 1 else knots
        is_table = table.ndim == 2 and table.shape[1] == self.n_numeric_ and len(table) >= 2
        if not (is_table and (np.diff(table, axis=0) > 0).all()):
            raise ValueError(
                f"knots has shape {knots.shape}. Pass two or more increasing ones, of shape (n_knots,) or "
                f"(n_knots, {self.n_numeric_}): a column for each numeric column."
            )
        rate = np.where(self.rate_ == 0, 1.0, self.rate_)  # a constant column keeps its units
        return squeeze((table - self.center_) * rate).T

    def transform(self, columns, dtype=np.float64):
        """Encode columns; returns an array of shape (n_samples, n_numeric + n_codes)."""
        n_samples = len(columns[0].values)
        encoded = np.empty((n_samples, self.n_numeric_ + len(self.n_levels_)), dtype=dtype)
        numeric = [column.values for column in columns if not column.is_categorical]
        for start in range(0, n_samples if numeric else 0, ENCODED_AT_ONCE):
            part = slice(start, start + ENCODED_AT_ONCE)
            block = np.stack([values[part] for values in numeric], axis=1, dtype=np.float64)
            with np.errstate(over="ignore", invalid="ignore"):
                block = squeeze((block - self.center_) * self.rate_)
            encoded[part, : self.n_numeric_] = np.nan_to_num(block, copy=False, nan=0.0)
        categorical = [column.values for column in columns if column.is_categorical]
        codes = [encode_levels(encoder, values) for encoder, values in zip(self.levels_, categorical, strict=True)]
        codes += [np.isnan(numeric[i]) for i in self.missing_]
        for i, code in enumerate(codes, start=self.n_numeric_):
            encoded[:, i] = code
        return encoded


def summary(name, values, weight):
    """Weighted median, inverse of half the distance between outer quantiles, and range of a column."""
    present = ~np.isnan(values)
    if not present.any():
        raise ValueError(f"{describe(name)} of X has only missing values. Drop it, or fill it before fitting.")
    column = torch.from_numpy(values[present].astype(np.float64))
    distinct, mass = distinct_values(column, None if weight is None else weight[torch.from_numpy(present)])
    low, center, high = (quantile(distinct, mass, level) for level in (SPREAD_LEVELS[0], 0.5, SPREAD_LEVELS[1]))
    if low == high:  # nearly constant: its rare values are all there is to see
        low, high = distinct[0], distinct[-1]
    rate = float(1 / (high / 2 - low / 2)) if high > low else 0.0
    return float(center), rate, *(float(quantile(distinct, mass, level)) for level in RANGE_LEVELS)


def squeeze(z):
    """Smooth, monotone map to [-CLIP, CLIP] with slope 1 at 0."""
    z = z.clip(-1e100, 1e100)  # squares stay finite
    return z / np.sqrt(1 + (z / CLIP) ** 2)


def fit_levels(name, values):
    if all(value is None for value in values):
        raise ValueError(f"{describe(name)} of X has only missing values. Drop it, or fill it before fitting.")
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=UNSEEN)
    try:
        return encoder.fit(values.reshape(-1, 1))
    except TypeError as error:
        kinds = sorted({type(value).__name__ for value in values if value is not None})
        raise TypeError(
            f"{describe(name)} of X is categorical and mixes types {kinds}. Convert its values to one type, e.g. str."
        ) from error


def encode_levels(encoder, values):
    codes = encoder.transform(values.reshape(-1, 1))[:, 0]
    missing = encoder.categories_[0].size - 1  # OrdinalEncoder sorts a missing level last, and encodes it as NaN
    return np.where(np.isnan(codes), missing, codes) + 1
