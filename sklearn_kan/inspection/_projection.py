"""Projection of predictions on sums of smooth functions of one column each, and of surfaces of two."""

from typing import NamedTuple

import numpy as np
from scipy.interpolate import BSpline

from ._dependence import effect_of, joint_density
from ._places import N_PLACES, N_PLACES_OF_PAIR, Places, places_along
from ._purity import centred, purified

DEGREE, N_PIECES, N_PIECES_OF_PAIR = 3, 8, 4
ROWS_A_PIECE = 100  # at least
N_FOLDS = 5
RIDGE = 1e-8  # of the mean square of a basis function


class Smooth(NamedTuple):
    """A basis for functions of one column: B-splines of numbers, indicators of labels and of missing values.

    Parameters
    ----------
    knots : ndarray or None
        None for a categorical column.
    places : Places
        Its labels, and places to look at.
    """

    knots: np.ndarray | None
    places: Places

    def of_rows(self, column):
        """Values of the basis in the rows of a table: ``(n_samples, n_basis)``."""
        return self.basis(column.values, self.places.of_row)

    def of_places(self):
        """Values of the basis at its places: ``(n_places, n_basis)``."""
        values = self.places.column.values
        return self.basis(values, np.arange(len(values)))

    def basis(self, values, of_row):
        n_places = len(self.places.column.values)
        if self.knots is None:
            return (of_row[:, None] == np.arange(n_places)).astype(float)
        values = values.astype(np.float64)
        is_there = ~np.isnan(values)
        inner = np.clip(np.where(is_there, values, self.knots[0]), self.knots[0], self.knots[-1])
        splines = BSpline.design_matrix(inner, self.knots, DEGREE).toarray() * is_there[:, None]
        return np.column_stack([splines, ~is_there])


def smooth_of(rows, number, n_pieces, n_places):
    """A basis for a column of a table."""
    column = rows.columns[number]
    places = places_along(rows.response.model.encoder, number, column, n_places)
    if column.is_categorical:
        return Smooth(None, places)
    present = column.values[~np.isnan(column.values)].astype(np.float64)
    n_pieces = max(n_pieces, rows.response.model.encoder.resolution(number))
    n_pieces = min(n_pieces, max(2, len(present) // ROWS_A_PIECE))
    inner = np.unique(np.quantile(present, np.linspace(0, 1, n_pieces + 1))) if len(present) else np.zeros(1)
    if len(inner) < 2:
        inner = np.array([inner[0], inner[0] + 1.0])
    return Smooth(np.concatenate([[inner[0]] * DEGREE, inner, [inner[-1]] * DEGREE]), places)


def products(one, other):
    """Products of two bases' functions: ``(n, a), (n, b) -> (n, a b)``."""
    return (one[:, :, None] * other[:, None, :]).reshape(len(one), -1)


def solved(design, target):
    """Coefficients of least squares, of the smallest size where they are not settled."""
    scale = np.square(design).mean()
    gram = design.T @ design / len(design) + RIDGE * scale * np.eye(design.shape[1])
    return np.linalg.solve(gram, design.T @ target / len(design))


def projected(rows, terms):
    """The projection of a network's predictions on a sum of all columns' functions, and of some pairs' surfaces.

    Parameters
    ----------
    rows : Reading
    terms : list of tuple of int
        Which are returned. Surfaces are fitted to what the columns' functions leave.

    Returns
    -------
    list of Effect
        Their places are of type Column.
    """
    model = rows.response.model
    target = rows.response.with_members(rows.encoded)
    shape, flat = target.shape[1:], target.reshape(len(target), -1)
    flat = flat - flat.mean(0)
    smooths = [smooth_of(rows, number, N_PIECES, N_PLACES) for number in range(len(rows.columns))]
    designs = [smooth.of_rows(column) for smooth, column in zip(smooths, rows.columns, strict=True)]
    coef = solved(np.hstack(designs), flat)
    ends = np.cumsum([design.shape[1] for design in designs])
    parts = np.split(coef, ends[:-1])
    left = flat - np.hstack(designs) @ coef
    found = []
    for term in terms:
        numbers = [rows.selected.index(column) for column in term]
        if len(term) == 1:
            places = [smooths[numbers[0]].places]
            values, density = smooths[numbers[0]].of_places() @ parts[numbers[0]], places[0].density
            clean = centred
        else:
            pair = [smooth_of(rows, number, N_PIECES_OF_PAIR, N_PLACES_OF_PAIR) for number in numbers]
            places = [smooth.places for smooth in pair]
            both = products(*(s.of_rows(rows.columns[i]) for s, i in zip(pair, numbers, strict=True)))
            grid = np.kron(pair[0].of_places(), pair[1].of_places())
            values, density = grid @ solved(both, left), joint_density(*places)
            values = values.reshape(*density.shape, -1)
            clean = purified
        values = clean(values, density).reshape(*density.shape, *shape)
        found.append(effect_of(term, places, values, density, model.member_weights))
    return found


def additive_part(rows):
    """How much of the predictions' variance the best sum of functions of one column each has, by output.

    Each fifth of the rows is judged by functions that were fitted to the others.
    """
    target = rows.response(rows.encoded)
    bases = [smooth_of(rows, number, N_PIECES, N_PLACES).of_rows(column) for number, column in enumerate(rows.columns)]
    design, fold = np.hstack(bases), np.random.RandomState(0).permutation(len(target)) % N_FOLDS
    left = np.empty_like(target)
    for number in range(N_FOLDS):
        out, others = fold == number, fold != number
        mean = target[others].mean(0)
        left[out] = target[out] - mean - design[out] @ solved(design[others], target[others] - mean)
    total = np.square(target - target.mean(0)).sum(0)
    return np.where(total > 0, 1 - np.square(left).sum(0) / np.where(total > 0, total, 1.0), 1.0).clip(min=0)
