"""Levels of a categorical column and their codes: 0 for unknown, then those that were seen, missing ones last."""

from typing import NamedTuple

import numpy as np
from sklearn.preprocessing import OrdinalEncoder

UNSEEN = -1


class Levels(NamedTuple):
    """Levels of a categorical column.

    Parameters
    ----------
    encoder : OrdinalEncoder
        Of labels that are there.
    has_missing : bool
        Whether missing labels have a level too.
    """

    encoder: OrdinalEncoder
    has_missing: bool

    @property
    def labels(self):
        """All labels, None for missing ones."""
        return np.array([*self.encoder.categories_[0].tolist(), *[None] * self.has_missing], dtype=object)

    @property
    def n_known(self):
        """Codes of labels that are there; infrequent ones share one."""
        infrequent = None if self.encoder.max_categories is None else self.encoder.infrequent_categories_[0]
        return len(self.encoder.categories_[0]) - (0 if infrequent is None else len(infrequent) - 1)

    @property
    def n_codes(self):
        """All codes, 0 included."""
        return 1 + self.n_known + self.has_missing

    def encode(self, labels):
        """Codes of labels, 0 for unknown ones."""
        codes = self.encoder.transform(labels.reshape(-1, 1))[:, 0] + 1
        return np.where(is_none(labels), self.n_known + 1, codes) if self.has_missing else codes

    def strangers(self, labels):
        """Labels that have no code, missing ones left out, and whether there are no others."""
        present = set(labels.tolist()) - {None}
        unknown = present - set(self.encoder.categories_[0].tolist())
        return unknown, unknown == present


def learn_levels(column, max_categories=None, with_declared=False):
    """The levels of a column.

    Parameters
    ----------
    column : Column
    max_categories : int, optional
        Most levels that get a code of their own, the one for all infrequent levels included.
    with_declared : bool, default=False
        Whether levels that the column's dtype declares count as seen.
    """
    missing = is_none(column.values)
    labels = column.values[~missing]
    if with_declared and column.declared is not None:
        labels = np.concatenate([labels, column.declared])
    if not len(labels):
        raise ValueError(f"{column.described} of X has only missing values. Drop it, or fill it before fitting.")
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=UNSEEN, max_categories=max_categories)
    try:
        return Levels(encoder.fit(labels.reshape(-1, 1)), bool(missing.any()))
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in labels})
        raise TypeError(
            f"{column.described} of X is categorical and mixes types {kinds}. Convert its values to one type, e.g. str."
        ) from error


def is_none(labels):
    return np.array([label is None for label in labels.tolist()], dtype=bool)
