"""From a table to the numbers that a network learns from.

The encoded table has the numeric inputs first, then codes of levels: one for each categorical input, one for the heavy
values of each numeric input with two scales, one for each numeric input with missing values in training, and one for
each numeric input with fine structure, which says between which of its many knots a value lies. Code 0 means unknown,
not heavy or not missing; it adds nothing. A column of dates has several inputs, others have one and its codes.
"""

from copy import copy

import numpy as np
import torch

from ._calendar import PERIODS, cycles_of, parts_of
from ._levels import learn_levels
from ._resolution import fine_places
from ._scales import Scale, learn_scale
from ._table import Column, read_columns

CLIP = 3.0  # smooth bound of an encoded value (RealMLP; Holzmueller et al. 2024, sec. 3)
ENCODED_AT_ONCE = 16_384  # rows of float64 intermediates


class TableEncoder:
    """Map a table with numbers, dates, categories and missing values to a float array.

    A numeric column is centred on its median and scaled so that its 5 % and 95 % quantiles are about -1 and 1;
    values far out are squeezed smoothly into (-3, 3). Where that leaves much of the column in one place, as codes like
    -999 do, the map is averaged with one by ranks, and heavy values get levels of their own. Dates become days, and
    the phases of the cycles that they go through. Missing values become the median and get a level of their own. All
    statistics are weighted.

    Attributes
    ----------
    names_ : list of str or int
        Of the columns; places in an array.
    kinds_ : list of {"number", "category", "date", "duration"}
        Of the columns.
    column_of_input_ : ndarray of shape (n_numeric + n_codes,)
    cycles_ : list of tuple of str
        Of each column, empty unless it holds dates.
    center_, rate_ : ndarray of shape (n_numeric,)
        A constant input has rate 0.
    range_ : ndarray of shape (n_numeric, 2)
        The 1 % and 99 % quantiles, for pictures.
    bends_ : dict of int to Bend
        Maps by ranks of the numeric inputs with two scales.
    atoms_ : dict of int to ndarray
        Heavy values of numeric inputs with two scales.
    missing_ : ndarray of int
        Numeric inputs that have missing values in training.
    levels_ : list of Levels
        One per categorical input.
    places_ : dict of int to ndarray
        Knots of the numeric inputs with fine structure.
    """

    bound = CLIP
    tables = None  # from labels to codes, once they are asked for
    right_columns: tuple = None, None  # of a frame, as it has them, and their names

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name not in ("tables", "right_columns")}

    def fit(self, columns, sample_weight=None, *, ordered=None, max_categories=None, streams=False):
        """Learn from the columns of a table.

        Parameters
        ----------
        columns : list of Column
        sample_weight : ndarray of shape (n_samples,), optional
        ordered : array-like of shape (n_features,), bool, optional
            Columns whose order has to be kept: neither heavy values nor cycles have effects of their own.
        max_categories : int, optional
            Of `OrdinalEncoder`.
        streams : bool, default=False
            Whether more rows will come. Levels that dtypes declare, and all cycles, count as seen then.
        """
        ordered = np.zeros(len(columns), dtype=bool) if ordered is None else np.asarray(ordered)
        self.names_ = [column.name for column in columns]
        self.kinds_ = [column.kind for column in columns]
        self.categorical_ = np.array([kind == "category" for kind in self.kinds_])
        self.cycles_ = [
            () if column.kind != "date" or keeps_order else tuple(PERIODS) if streams else cycles_of(column.values)
            for column, keeps_order in zip(columns, ordered, strict=True)
        ]
        numeric, categorical = self.inputs_of(columns)
        scales = learn_scales(numeric, sample_weight)
        self._adopt(scales)
        of_numeric = np.array([place for place, _ in numeric], dtype=int)
        self.atoms_ = {
            i: scale.atoms for i, scale in enumerate(scales) if len(scale.atoms) and not ordered[of_numeric[i]]
        }
        is_first = np.diff(of_numeric, prepend=-1) > 0  # of a column: one mark of missing dates is enough
        self.missing_ = np.array(
            [i for i, (_, column) in enumerate(numeric) if is_first[i] and np.isnan(column.values).any()], dtype=int
        )
        self.levels_ = [learn_levels(column, max_categories, streams) for _, column in categorical]
        of_categorical = [place for place, _ in categorical]
        self.column_of_input_ = np.array(
            [*of_numeric, *of_categorical, *of_numeric[list(self.atoms_)], *of_numeric[self.missing_]], dtype=int
        )
        self.places_ = {}
        return self

    def refined(self, columns, y, weight, ordered):
        """An encoder that gives inputs with fine structure codes of their own, but not those of ordered columns."""
        numeric, categorical = ([part.values for _, part in parts] for parts in self.inputs_of(columns))
        codes = [levels.encode(values) for levels, values in zip(self.levels_, categorical, strict=True)]
        encoder = copy(self)
        places = fine_places(numeric, codes, y, weight)
        encoder.places_ = {i: knots for i, knots in places.items() if not ordered[self.column_of_input_[i]]}
        of_places = self.column_of_input_[list(encoder.places_)]
        encoder.column_of_input_ = np.concatenate([self.column_of_input_, of_places]).astype(int)
        return encoder

    def relearned(self, columns, sample_weight, inputs):
        """An encoder with the same levels, whose scales of some numeric inputs are learned from other rows."""
        numeric, _ = self.inputs_of(columns)
        scales = [
            Scale(center, rate, low, high, self.bends_.get(i))
            for i, (center, rate, (low, high)) in enumerate(zip(self.center_, self.rate_, self.range_, strict=True))
        ]
        for i in inputs:
            (scales[i],) = learn_scales(numeric[i : i + 1], sample_weight)
        encoder = copy(self)
        encoder._adopt(scales)
        return encoder

    def _adopt(self, scales):
        statistics = np.array([scale[:4] for scale in scales]).reshape(-1, 4)
        self.center_, self.rate_ = statistics[:, :2].T.copy()
        self.range_ = statistics[:, 2:].copy()
        self.bends_ = {i: scale.bend for i, scale in enumerate(scales) if scale.bend is not None}

    @property
    def n_numeric_(self):
        return len(self.center_)

    @property
    def n_levels_(self):
        """Levels of each code column, unknown included."""
        of_atoms = [len(atoms) + 1 for atoms in self.atoms_.values()]
        return [levels.n_codes for levels in self.levels_] + of_atoms + [2] * len(self.missing_)

    def resolution(self, column):
        """Knots of a column with fine structure, by its place; 0 for others."""
        own = [len(places) for i, places in self.places_.items() if self.column_of_input_[i] == column]
        return max(own, default=0)

    @property
    def n_places_(self):
        """Knots of each input with fine structure."""
        return [len(places) for places in self.places_.values()]

    def inputs_of(self, columns):
        """What stands for the columns, as pairs (place of the column, Column): numeric ones, then categorical ones."""
        inputs = [
            (place, part)
            for place, (column, cycles) in enumerate(zip(columns, self.cycles_, strict=True))
            for part in (parts_of(column, cycles) if cycles else [column])
        ]
        numeric = [(place, part) for place, part in inputs if not part.is_categorical]
        return numeric, [(place, part) for place, part in inputs if part.is_categorical]

    def encode_numeric(self, block, rate=None):
        """Numeric inputs in their own units, (n_samples, n_numeric), as the network sees them; NaN stays."""
        with np.errstate(over="ignore", invalid="ignore"):
            z = (block - self.center_) * (self.rate_ if rate is None else rate)
            for i, bend in self.bends_.items():
                z[:, i] = (z[:, i] + np.interp(block[:, i], *bend)) / 2
            return squeeze(z)

    def transform(self, X, dtype=np.float64):
        """Encode a table.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features), or list of Column
            With the columns of the fit, by name, or by place in an array.
        dtype : dtype, default=float64

        Returns
        -------
        encoded : ndarray of shape (n_samples, n_numeric + n_codes)
        """
        is_read = isinstance(X, list) and all(isinstance(column, Column) for column in X)
        columns = X if is_read else read_columns(X, self.names_, self.kinds_)
        n_samples = len(columns[0].values)
        encoded = np.empty((n_samples, len(self.column_of_input_)), dtype=dtype)
        numeric, categorical = ([part.values for _, part in parts] for parts in self.inputs_of(columns))
        for start in range(0, n_samples if numeric else 0, ENCODED_AT_ONCE):
            part = slice(start, start + ENCODED_AT_ONCE)
            block = self.encode_numeric(np.stack([values[part] for values in numeric], axis=1, dtype=np.float64))
            encoded[part, : self.n_numeric_] = np.nan_to_num(block, copy=False, nan=0.0)
        codes = [levels.encode(values) for levels, values in zip(self.levels_, categorical, strict=True)]
        codes += [encode_atoms(atoms, numeric[i]) for i, atoms in self.atoms_.items()]
        codes += [np.isnan(numeric[i]) for i in self.missing_]
        codes += [encode_places(places, numeric[i]) for i, places in self.places_.items()]
        for i, code in enumerate(codes, start=self.n_numeric_):
            encoded[:, i] = code
        return encoded

    def transform_column(self, column):
        """One column encoded, at the place that is its name; what other columns would have is 0."""
        nothing = {True: np.full(len(column.values), None), False: np.full(len(column.values), np.nan)}
        columns = [Column(i, nothing[kind == "category"], kind) for i, kind in enumerate(self.kinds_)]
        columns[column.name] = column
        return self.transform(columns) * (self.column_of_input_ == column.name)


def learn_scales(numeric, sample_weight):
    """Scales of numeric inputs, given as pairs (place, Column)."""
    weight = None if sample_weight is None else torch.from_numpy(sample_weight).double()
    return [learn_scale(column, weight) for _, column in numeric]


def squeeze(z):
    """Smooth, monotone map to [-CLIP, CLIP] with slope 1 at 0."""
    z = z.clip(-1e100, 1e100)  # squares stay finite
    return z / np.sqrt(1 + (z / CLIP) ** 2)


def encode_atoms(atoms, values):
    """Numbers of heavy values, counted from 1; 0 for others."""
    place = np.searchsorted(atoms, values).clip(max=len(atoms) - 1)
    return np.where(atoms[place] == values, place + 1, 0)


def encode_places(places, values):
    """Where values lie among increasing places, which are numbered from 1; 0 for missing values."""
    return np.nan_to_num(np.interp(values, places, np.arange(1, len(places) + 1)))
