"""An effect of one or two columns on what a model predicts, as values over places: what displays draw."""

from typing import NamedTuple

import numpy as np


class Effect(NamedTuple):
    """What one or two columns add to a prediction.

    Parameters
    ----------
    columns : tuple of int
        One or two places of columns.
    places : tuple of ndarray
        Along each column, in its own units; labels of a categorical column. A missing value comes last, as NaN or
        None, if training had some.
    values : ndarray of shape (n_places, [n_places_2,] n_outputs)
        Centred under the training rows, in target units, or log-odds or logarithms where the model has a link.
    spread : ndarray of the same shape
        Standard deviation over the members.
    density : ndarray of shape (n_places, [n_places_2])
        Share of the rows nearest to each place.
    """

    columns: tuple[int, ...]
    places: tuple[np.ndarray, ...]
    values: np.ndarray
    spread: np.ndarray
    density: np.ndarray
