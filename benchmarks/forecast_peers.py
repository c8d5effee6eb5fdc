"""What `benchmarks.forecasts` compares: functions of (values, horizon, season) to quantiles and an expectation."""

import logging
import warnings

import numpy as np
import pandas as pd

from sklearn_kan import GPSpectralRegressor

PROBABILITIES = np.arange(0.05, 1, 0.1)  # evenly spaced, for the CRPS
OUTER = np.array([0.025, 0.975])
LEVELS = [10, 30, 50, 70, 90, 95]  # of intervals with these bounds
STEPS = {12: "MS", 4: "QS", 7: "D"}  # of dates, by season; else years


def ours(y, horizon, periods=None):
    t = np.arange(len(y), dtype=float)[:, None]
    model = GPSpectralRegressor(periods=periods).fit(t, y)
    frames = {level: model.forecast(horizon, level=level / 100) for level in LEVELS}
    bounds = {level: (frame["lower"].to_numpy(), frame["upper"].to_numpy()) for level, frame in frames.items()}
    return frames[95]["mean"].to_numpy(), bounds


def without_season(y, horizon, season):
    return ours(y, horizon)


def with_periods(y, horizon, season):
    return ours(y, horizon, [season] if season > 1 else None)


def statsforecast(name):
    """A model of statsforecast by its name, told the season."""

    def forecast(y, horizon, season):
        from statsforecast import models

        told = {"season_length": [season]} if name == "MSTL" else {"season_length": season}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = getattr(models, name)(**told).forecast(y=y, h=horizon, level=LEVELS)
        return result["mean"], {level: (result[f"lo-{level}"], result[f"hi-{level}"]) for level in LEVELS}

    return forecast


def prophet(y, horizon, season):
    from prophet import Prophet

    for name in ("prophet", "cmdstanpy"):
        logging.getLogger(name).setLevel(logging.ERROR)
    dates = pd.date_range("1750-01-01", periods=len(y) + horizon, freq=STEPS.get(season, "YS"))
    model = Prophet(yearly_seasonality=season in (4, 12), weekly_seasonality=season == 7, daily_seasonality=False)
    if season == 11:
        model.add_seasonality("cycle", 11 * 365.25, 3)
    model.fit(pd.DataFrame({"ds": dates[: len(y)], "y": y}), seed=0)
    np.random.seed(0)  # noqa: NPY002 - Prophet draws by it
    draws = model.predictive_samples(pd.DataFrame({"ds": dates[len(y) :]}))["yhat"]
    bounds = {level: np.quantile(draws, [0.5 - level / 200, 0.5 + level / 200], axis=1) for level in LEVELS}
    return draws.mean(1), bounds


METHODS = {
    "ours": without_season, "ours, periods=": with_periods, "AutoARIMA": statsforecast("AutoARIMA"),
    "AutoETS": statsforecast("AutoETS"), "AutoTheta": statsforecast("AutoTheta"), "MSTL": statsforecast("MSTL"),
    "Prophet": prophet, "seasonal naive": statsforecast("SeasonalNaive"),
}  # fmt: skip
