"""Effects of a model's columns on what it predicts, as values over places: what displays draw, and glass boxes are."""

from typing import NamedTuple

import numpy as np
import torch

from ..data._table import Column
from ..network._shares import group_outputs, on_grid
from ..training._losses import cross_entropy, has_log_link
from ._terms import centred


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


def in_units(model, raw, is_level=False):
    """Raw outputs ``(..., n_raw)``, or differences of them, in the units of a model's terms: ``(..., n_outputs)``.

    A regression's own units, with a log link logarithms of the mean; log-odds of the second of two classes; of more
    classes logarithms of probabilities up to what they have in common.

    Parameters
    ----------
    model : Model
    raw : ndarray
    is_level : bool, default=False
        Whether these are outputs rather than differences: a target's centre is added.
    """
    if model.loss is cross_entropy:
        raw = raw / model.temperature
        return raw[..., 1:] - raw[..., :1] if raw.shape[-1] == 2 else raw
    scaler = model.target.scaler
    if has_log_link(model.loss):
        return raw + np.log(scaler.scale_) if is_level else raw
    return scaler.scale_ * raw + (scaler.center_ if is_level else 0.0)


def in_raw(model, values, is_level=False):
    """Raw outputs that mean these values in the units of a model's terms; what `in_units` undoes."""
    if model.loss is cross_entropy:
        values = values * model.temperature
        return np.concatenate([-values, values], -1) / 2 if values.shape[-1] == 1 else values
    scaler = model.target.scaler
    if has_log_link(model.loss):
        return values - np.log(scaler.scale_) if is_level else values
    return (values - (scaler.center_ if is_level else 0.0)) / scaler.scale_


def strengths(model, terms, X, weight):
    """Standard deviations of a model's terms over rows of an encoded table: ndarray of shape (n_terms, n_outputs)."""
    share = weight.double().cpu().numpy()
    device = next(model.module.parameters()).device
    parts = terms.parts(model.module, X.to(device), model.member_weights)
    values = terms.averaged(model.member_weights).values(parts, X.double().cpu().numpy())[:, 0]
    values = in_units(model, values)
    center = np.average(values, axis=0, weights=share)
    return np.sqrt(np.average(np.square(values - center), axis=0, weights=share))


def model_effects(estimator):
    """The effects that a glass box is the sum of.

    Parameters
    ----------
    estimator : KANClassifier or KANRegressor
        Fitted, with ``terms_``.

    Returns
    -------
    list of Effect
        In the order of ``terms_``; columns are numbered as those of the estimator's `X`.
    """
    model, selected = estimator.model_, np.flatnonzero(estimator.selected_features_)
    return [effect_of(model, term, selected[list(term.columns)].tolist()) for term in model.terms.terms]


def effect_of(model, term, columns):
    """A term's effect; its columns are numbered as the estimator's `X` has them."""
    values, density = evaluated(model, term)
    values = in_units(model, values)
    mean = np.average(values, axis=-2, weights=model.member_weights)
    deviation = np.square(values - mean[..., None, :])
    spread = np.sqrt(np.average(deviation, axis=-2, weights=model.member_weights))
    return Effect(tuple(columns), tuple(axis.drawn for axis in term.axes), mean, spread, density)


def evaluated(model, term):
    """Members' raw values of a term at all combinations of its axes' places, and the rows' density there.

    Returns
    -------
    values : ndarray of shape (n_places, [n_places_2,] n_members, n_raw)
    density : ndarray of shape (n_places, [n_places_2])
    """
    values, density = tabulated(model, term), term.density
    for number, axis in enumerate(term.axes):
        values = values.take(axis.number, number)
        share = 1 / np.bincount(axis.number)[axis.number]  # labels with a function in common
        density = density.take(axis.number, number) * np.expand_dims(share, tuple(range(1, density.ndim - number)))
    return values, density


@torch.no_grad()
def tabulated(model, term):
    """A term at one place for each of its axes' functions: ndarray of shape (size, [size_2,] n_members, n_raw)."""
    module, parameter = model.module, next(model.module.parameters())
    rows = []
    for axis in term.axes:
        first = np.unique(axis.number, return_index=True)[1]
        column = Column(axis.column, axis.places[first], axis.kind)
        rows.append(torch.from_numpy(model.encoder.transform_column(column)).to(parameter))
    shape, n_members = [len(own) for own in rows], len(model.member_weights)
    total = np.zeros((*shape, n_members, model.target.n_raw)) + term.shift
    for part in term.parts:
        own = group_outputs(module, rows[0])[:, :, part] if len(rows) == 1 else on_grid(module, rows[0], rows[1], part)
        own = own.double().cpu().numpy()
        total += centred(own) if model.terms.has_classes else own
    hats = [base.hats(row.double().cpu().numpy()) for base, row in zip(term.bases, rows, strict=True)]
    for number, (hat, table) in enumerate(zip(hats, term.tables, strict=False)):
        own = np.einsum("nk,mko->nmo", hat, table)
        total += own if number or len(hats) == 1 else own[:, None]
    return total if term.grid is None else total + term.grid.transpose(1, 2, 0, 3)


def term_values(estimator, X):
    """What every term of a glass box adds to its predictions.

    Parameters
    ----------
    estimator : KANClassifier or KANRegressor
        Fitted, with ``terms_``.
    X : dataframe or array-like of shape (n_samples, n_features)

    Returns
    -------
    ndarray of shape (n_samples, n_terms, n_outputs), float64
        With ``intercept_`` they add up to the prediction, or to its logarithm or log-odds.
    """
    return estimator.model_.term_values(estimator._columns(X))
