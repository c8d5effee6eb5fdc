"""The scale of a numeric column: what its values are multiplied by, and where it has two scales at once.

One factor for all values loses what is small beside the distance of the 5 % and 95 % quantiles: values from 0 to 1
beside the code -999, two clusters far apart, many decades. There the linear map is averaged with one by ranks.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from ..knots import distinct_values, quantile

SPREAD_LEVELS = (0.05, 0.95)  # of a column, mapped to -1 and 1
RANGE_LEVELS = (0.01, 0.99)
NARROW = ((0.05, 0.25), (0.005, 0.1))  # a width on the linear map, and the share of the weight that is lost in it
HEAVIEST_RANK = 0.1  # a value takes up this share of the ranks at most, of the weight outside the heaviest value
ATOM = 0.03  # share of the weight from which a value has an effect of its own, in a column with two scales
MAX_PLACES = 1_000  # where the map by ranks is tabulated


class Bend(NamedTuple):
    """A map by ranks, between whose places it is linear.

    Parameters
    ----------
    places, ranks : ndarray of shape (n_places,)
        Both increasing; 5 % and 95 % of the weight are about -1 and 1.
    """

    places: np.ndarray
    ranks: np.ndarray


class Scale(NamedTuple):
    """The scale of a numeric column.

    Parameters
    ----------
    center, rate : float
        Weighted median, and the inverse of half the distance between outer quantiles; 0 for a constant column.
    low, high : float
        Range of most values.
    bend : Bend or None
        For a column with two scales.
    atoms : sequence of float
        Its heavy values, increasing.
    """

    center: float
    rate: float
    low: float
    high: float
    bend: Bend | None = None
    atoms: Sequence[float] = ()


def learn_scale(column, weight=None):
    """The scale of a column, from its values that are present and weights of the rows, a tensor."""
    present = ~np.isnan(column.values)
    if not present.any():
        raise ValueError(f"{column.described} of X has only missing values. Drop it, or fill it before fitting.")
    if weight is not None and not present.all():  # millions of weights are not copied for nothing
        weight = weight[torch.from_numpy(present)]
    distinct, mass = distinct_values(torch.from_numpy(column.values[present].astype(np.float64)), weight)
    low, center, high = (quantile(distinct, mass, level) for level in (SPREAD_LEVELS[0], 0.5, SPREAD_LEVELS[1]))
    if low == high:  # nearly constant: its rare values are all there is to see
        low, high = distinct[0], distinct[-1]
    rate = float(1 / (high / 2 - low / 2)) if high > low else 0.0
    least, most = (float(quantile(distinct, mass, level)) for level in RANGE_LEVELS)
    scale = Scale(float(center), rate, least, most)
    distinct, mass = distinct.numpy(), mass.numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        if not rate or not has_two_scales((distinct - scale.center) * rate, mass):
            return scale
        return scale._replace(bend=by_ranks(distinct, mass), atoms=distinct[mass >= ATOM * mass.sum()])


def has_two_scales(z, mass):
    """Whether linearly mapped values have much of their weight where they cannot be told apart.

    The weight of the heaviest value is left out, in a window and in all: zeros of an inflated column lose nothing.
    """
    outside = mass.sum() - mass.max()
    for width, share in NARROW:
        for shift in (0.0, 0.5):  # a cluster of half a window's width is in one of the windows
            window = np.floor(z / width + shift)
            first = np.flatnonzero(np.diff(window, prepend=-np.inf))
            lost = np.add.reduceat(mass, first) - np.maximum.reduceat(mass, first)
            if lost.max() > 0 and lost.max() >= share * outside:
                return True
    return False


def by_ranks(distinct, mass):
    """The map by ranks of distinct values with weights, heavy ones counted less."""
    mass = np.minimum(mass, HEAVIEST_RANK * (mass.sum() - mass.max()))
    cdf = (mass.cumsum() - mass / 2) / mass.sum()
    levels = cdf if len(cdf) <= MAX_PLACES else np.linspace(cdf[0], cdf[-1], MAX_PLACES)
    chosen = np.unique(np.searchsorted(cdf, levels))
    return Bend(distinct[chosen], (cdf[chosen] - 0.5) / (SPREAD_LEVELS[1] - 0.5))
