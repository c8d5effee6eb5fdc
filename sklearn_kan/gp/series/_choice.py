"""Which series may be continued by models of innovations, and with what season."""

import numpy as np

from ..inference._points import is_uniform
from ._learning import LONGEST_SEASON, continuations

FEWEST_ROWS, MOST_ROWS = 10, 5_000
LEAST_SHARE = 1e-2  # of predictions
WHOLE = 0.1  # of a cycle over the series, that a season may be off a whole number of steps


def continued(data, known, criterion):
    """Models of how a series goes on; none where there is no series, or its known seasons do not last whole steps.

    Parameters
    ----------
    data : Data
    known : tuple of float
        Frequencies of known seasons.
    criterion : float
        Of the process that they are averaged with.
    """
    n, n_features = data.X.shape
    if not (n_features == 1 and data.y.shape[1] == 1 and FEWEST_ROWS <= n <= MOST_ROWS):
        return []
    if not is_uniform(data) or data.extra.any() or not np.ptp(data.y) > 0:
        return []
    step, seasons = (data.X[-1, 0] - data.X[0, 0]) / (n - 1), set()
    for frequency in known:
        period = 1 / (frequency * step)
        if abs(period - round(period)) * n / period**2 > WHOLE or not 2 <= round(period) <= LONGEST_SEASON:
            return []
        seasons.add(round(period))
    if len(seasons) > 1:
        return []
    models = continuations(data.y[:, 0], criterion, *seasons)
    return models if sum(model.probability for model in models) > LEAST_SHARE else []
