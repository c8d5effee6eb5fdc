"""Prediction intervals by conformal prediction: from the errors on rows that members held out."""

import math
from numbers import Real
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from ._losses import averaged, has_levels, has_log_link, predicted

SCALE_LEVELS = (0.01, 0.25, 0.5, 0.75, 0.99)  # of outputs, between which the errors' scale is log-linear
SCALE_PRIOR = 1.0  # how many rows' worth of evidence speak for one scale
SIZES = (1e-6, 1e6)  # of an error over the average one, beyond which it says nothing more about the scale
LEAST_SHARE = 0.25  # of a mean squared error, left when what few members add to it is taken off
KEPT_ERRORS = 2_000
ROUNDING = 1e-9
LEAST_WIDTH = 1e-3  # between outer quantiles, in units of the learned scale
LARGEST = 1e100  # of errors on the scale that is learned: squares stay finite


class HeldOutErrors(NamedTuple):
    """Errors of one output on held-out rows, over a scale that depends on the output (Lei et al. 2018, sec. 5.2).

    Parameters
    ----------
    places, log_scales : ndarray of shape (n_places,)
        The scale's logarithm is a straight line between outputs, and constant beyond.
    errors : ndarray of shape (n_kept,)
        Quantiles of the errors over their scale, at levels with equal distances.
    n_rows : float
        How many rows they are from; weighted ones count for fewer.
    """

    places: np.ndarray
    log_scales: np.ndarray
    errors: np.ndarray
    n_rows: float

    def offsets(self, level, output):
        """What a prediction and the target differ by, at least and at most: ``(n,) -> (n, 2)``.

        Each end is left out with probability ``(1 - level) / 2`` at most, for rows like the held-out ones.
        """
        outside = (1 - level) / 2  # on either side
        rank = math.floor((self.n_rows + 1) * outside + ROUNDING)
        if rank < 1:
            least = math.ceil(1 / outside - ROUNDING) - 1
            raise ValueError(
                f"return_interval={level} needs {least} held-out rows, and the fit had {self.n_rows:.4g}. Choose a "
                "lower level, or hold out more rows."
            )
        place = math.floor((rank - 0.5) / self.n_rows * len(self.errors))
        scale = np.exp(np.interp(output, self.places, self.log_scales))
        return scale[:, None] * self.errors[[place, -1 - place]]


class Centers(NamedTuple):
    """What errors of a regression's outputs are measured from, each of shape (..., n_outputs).

    Parameters
    ----------
    output : ndarray
        What the scale of errors is a function of.
    location : ndarray
        The prediction, on the learned scale.
    width : ndarray
        What errors are measured in: half the distance of the outer ones of several quantiles, else one.
    """

    output: np.ndarray
    location: np.ndarray
    width: np.ndarray


def centers(loss, raw):
    """The `Centers` of raw outputs, a tensor of shape (..., n_raw)."""
    if has_levels(loss):
        ends = raw.sort(-1).values[..., [0, -1]].numpy()
        location = ends.mean(-1, keepdims=True)
        width = np.diff(ends) / 2 if len(loss.level) > 1 else np.ones_like(location)
        return Centers(location, location, width.clip(LEAST_WIDTH))
    location = predicted(loss, raw).numpy()
    return Centers(raw.numpy(), location, np.ones_like(location))


def errors_by_output(loss, raw, y, weight, member_weights, *, is_sum=False):
    """The held-out errors of a regression's outputs.

    Members that hold a row out are averaged for it, as all members are for a new row. That has a smaller variance; by
    how much, the members' spread says.

    Parameters
    ----------
    loss : callable
    raw : Tensor of shape (n, k) or (n, members, k)
    y : Tensor of shape (n, k)
    weight : Tensor of shape (n, 1) or (n, members)
        Positive where a member holds a row out.
    member_weights : ndarray of shape (members,)
    is_sum : bool, default=False
        As of `averaged`.

    Returns
    -------
    list of HeldOutErrors
    """
    raw = raw.double().cpu().reshape(len(raw), len(member_weights), -1)
    y, weight = y.double().cpu().numpy(), weight.double().cpu()
    center = centers(loss, averaged(loss, raw, member_weights, (weight > 0).double(), is_sum=is_sum))
    members = centers(loss, raw).location
    share = member_weights / member_weights.sum()
    row_share = member_weights * (weight.numpy() > 0)
    row_share /= row_share.sum(1, keepdims=True)
    concentration = np.square(share).sum()  # of the variance of one member, in the average of all
    average = np.einsum("nmk,m->nk", members, share)
    spread = np.einsum("nmk,m->nk", np.square(members - average[:, None]), share) / np.square(center.width)
    variance = spread / (1 - concentration) if concentration < 1 else spread
    excess = variance * (np.square(row_share).sum(1) - concentration)[:, None]
    error = (y - center.location) / center.width
    row_weight = weight.amax(1).numpy()
    columns = zip(center.output.T, error.T, excess.T, strict=True)
    return [held_out_errors(*column, row_weight) for column in columns]


def held_out_errors(output, error, excess, weight):
    """What errors on held-out rows say about errors on new ones.

    Parameters
    ----------
    output : ndarray of shape (n,)
        Raw output, of members that hold a row out.
    error : ndarray of shape (n,)
        Target minus prediction.
    excess : ndarray of shape (n,)
        How much more variance their prediction has than that of all members.
    weight : ndarray of shape (n,)

    Returns
    -------
    HeldOutErrors
    """
    error = np.nan_to_num(error).clip(-LARGEST, LARGEST)
    unit = np.average(np.abs(error), weights=weight) or 1.0
    places = np.unique(weighted_quantiles(output, weight, SCALE_LEVELS))
    log_scales = fitted_log_scales(places, output, np.abs(error) / unit, weight / weight.mean())
    scale = np.exp(np.interp(output, places, log_scales))
    scaled = error / unit / scale
    variance = max(np.average(np.square(scaled), weights=weight), np.finfo(float).tiny)
    share = np.square(np.sqrt(excess) / unit / scale) / variance
    scaled *= np.sqrt(np.clip(1 - share, LEAST_SHARE, 1))
    n_kept = min(len(scaled), KEPT_ERRORS)
    errors = weighted_quantiles(scaled, weight, (np.arange(n_kept) + 0.5) / n_kept)
    return HeldOutErrors(
        places, log_scales + math.log(unit), errors, float(weight.sum() ** 2 / np.square(weight).sum())
    )


def fitted_log_scales(places, output, size, weight):
    """The likeliest logarithms of a scale at some outputs, if errors of this size, one on average, are exponential."""
    hats = np.stack([np.interp(output, places, hat) for hat in np.eye(len(places))], axis=1)
    size = size.clip(*SIZES)

    def objective(log_scales):
        log_scale, deviation = hats @ log_scales, log_scales - log_scales.mean()
        ratio = size * np.exp(-log_scale)
        value = weight @ (ratio + log_scale) + SCALE_PRIOR / 2 * deviation @ deviation
        return value, hats.T @ (weight * (1 - ratio)) + SCALE_PRIOR * deviation

    bounds = [tuple(np.log(SIZES))] * len(places)
    return minimize(objective, np.zeros(len(places)), jac=True, method="L-BFGS-B", bounds=bounds).x


def interval_ends(loss, raw, errors, level):
    """Lower and upper ends on the learned scale, ``(n, n_raw) -> (n, n_outputs, 2)``; means are not negative."""
    center = centers(loss, raw.double())
    offsets = [of_output.offsets(level, output) for of_output, output in zip(errors, center.output.T, strict=True)]
    ends = center.location[..., None] + center.width[..., None] * np.stack(offsets, 1)
    return ends.clip(0) if has_log_link(loss) else ends


def weighted_quantiles(values, weight, levels):
    """The lowest values with at least these shares of the weight at or below them."""
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weight[order])
    places = np.searchsorted(share, np.multiply(levels, share[-1]))
    return values[order][np.minimum(places, len(values) - 1)]


def check_level(level, errors):
    """Raise if a level is none, or there are no held-out errors."""
    if not (isinstance(level, Real) and 0 < float(level) < 1):
        raise ValueError(f"return_interval={level!r} is no probability. Pass a number between 0 and 1, such as 0.9.")
    if not errors:
        raise ValueError(
            f"return_interval={level} needs rows that the fit held out, and it had none. Fit with early_stopping=True, "
            "or with X_val and y_val; partial_fit and fit_chunks hold no rows out."
        )
