"""Learning how a series goes on: its season, and the most probable parameters of a few models of innovations."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, softmax
from scipy.stats import f as f_distribution

from ._innovations import Innovations, Series, solution

TRENDS = "drift", "damped"
COARSENESS = 20.0  # rows up to which the likelihood is believed, as of models of a process
SHARES = 0.2, 0.8  # of all of them together, at the least and at the most
FAR_BEHIND = 3.0  # log posterior density, coarsened, from which they are behind a process so far that they count less
PRIOR = {  # mean and standard deviation of each parameter, as a normal variable before it is mapped to its range
    "scale": (-1.5, 2.0), "level": (0.5, 1.5), "slope": (-2.0, 1.5), "damping": (1.0, 1.0), "seasonal": (-2.0, 1.5),
    "memory": (0.5, 0.7), "echo": (0.0, 0.5),
}  # fmt: skip
REACH = 4.0  # in standard deviations of the prior, of the search
LEAST_DAMPING, DAMPING_RANGE = 0.8, 0.19  # of a slope's share that is left after a step
MOST_MEMORY = 0.95
STEPS, TOLERANCE = 40, 1e-6
LONGEST_SEASON = 60  # steps
LONGEST_SOUGHT, FEWEST_CYCLES = 24, 3  # of a season that is looked for
USUAL = 4, 7, 12, 24  # steps of calendars' and days' seasons
ALARM, USUAL_ALARM = -8.0, -5.0  # log chance from which a season is believed
IMPOSSIBLE = 1e10


def names_of(trend, season, has_memory):
    """Parameters that a model has."""
    names = ["scale", "level"]
    names += ["slope", "damping"] * (trend == "damped") + ["seasonal"] * (season > 0)
    return names + ["memory", "echo"] * has_memory


def model_at(z, names, trend, season):
    """A model by its normal variables."""
    at = dict(zip(names, z.tolist(), strict=True))
    level = float(expit(at["level"]))
    values = {"scale": float(np.exp(at["scale"])), "level": level}
    if trend == "damped":
        values |= {
            "slope": level * float(expit(at["slope"])),
            "damping": LEAST_DAMPING + DAMPING_RANGE * float(expit(at["damping"])),
        }
    if season:
        values["seasonal"] = (1 - level) * float(expit(at["seasonal"]))
    if "memory" in at:
        values |= {"memory": MOST_MEMORY * float(np.tanh(at["memory"])), "echo": at["echo"]}
    return Innovations(trend, season, **values)


class Learned(NamedTuple):
    """A model, its normal variables, and its log posterior density less the price of its parameters."""

    model: Innovations
    z: np.ndarray
    criterion: float


def learned(series, trend, season, has_memory, start=()):
    """The most probable model of a kind; the search may start from the first of its normal variables."""
    names = names_of(trend, season, has_memory)
    mean, std = np.array([PRIOR[name] for name in names]).T

    def objective(z):
        value = series.filtered(model_at(z, names, trend, season)).log_density
        return 0.5 * np.sum(((z - mean) / std) ** 2) - value if np.isfinite(value) else IMPOSSIBLE

    first = mean.copy()
    first[0] = np.log(np.clip(0.7 * np.std(np.diff(series.y)), 1e-5, 1.0))
    bounds = np.stack([np.minimum(mean - REACH * std, first), mean + REACH * std], 1)
    first[: len(start)] = start
    result = minimize(objective, first, method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS, "ftol": TOLERANCE})
    criterion = -result.fun - 0.5 * len(names) * np.log(len(series.y))
    return Learned(model_at(result.x, names, trend, season), result.x, float(criterion))


def continuations(y, criterion, season=None):
    """Models that average over how a series may go on; their probabilities leave the rest to a process.

    Parameters
    ----------
    y : ndarray of shape (n,)
        At even steps, of about unit variance.
    criterion : float
        Log posterior density of the process, less the price of its parameters.
    season : int, optional
        Steps, 0 for none; looked for by default.
    """
    series = Series.of(y)
    if season is None:
        season = season_in(surprises(series))
    fits = []
    for trend in TRENDS:
        fits.append(learned(series, trend, season, False))
        fits.append(learned(series, trend, season, True, fits[-1].z))
    criteria = np.array([fit.criterion for fit in fits])
    belief = 1 + len(y) / COARSENESS
    ahead = (criteria.max() - criterion) / belief
    share = np.clip(expit(ahead), *SHARES) * min(1.0, 2 * expit(FAR_BEHIND + ahead))
    probabilities = share * softmax(criteria / belief)
    return [fit.model._replace(probability=float(p)) for fit, p in zip(fits, probabilities, strict=True)]


def surprises(series):
    """A series' innovations under the most probable model without a season."""
    model = learned(series, "damped", 0, True).model
    seen = series.filtered(model)
    return seen.innovations - seen.columns @ solution(seen)


def season_in(e):
    """Steps of the season whose means explain innovations least by chance (Fisher's F); 0 for none."""
    e = e[1:]
    n, seasons = len(e), np.arange(2, min(LONGEST_SOUGHT, len(e) // FEWEST_CYCLES) + 1)
    if not np.ptp(e) > 0 or not len(seasons):
        return 0
    between = np.array([sum_of_means(e - e.mean(), steps) for steps in seasons])
    within = np.maximum(np.sum(np.square(e - e.mean())) - between, np.finfo(float).tiny)
    chance = f_distribution.logsf(between / (seasons - 1) / (within / (n - seasons)), seasons - 1, n - seasons)
    excess = chance - np.where(np.isin(seasons, USUAL), USUAL_ALARM, ALARM)
    return int(seasons[excess.argmin()]) if excess.min() < 0 else 0


def sum_of_means(e, steps):
    """Sum of squares between the steps of a season."""
    place = np.arange(len(e)) % steps
    return np.sum(np.square(np.bincount(place, e)) / np.bincount(place))
