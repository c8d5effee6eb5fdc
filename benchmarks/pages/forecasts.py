"""Forecasts of series beside models that are told the season."""

import math
from statistics import fmean

from benchmarks.pages.page import Page, claim, mean, read, table

NAIVE, ARIMA, OURS = "seasonal naive", "AutoARIMA", "ours"
ERRORS = "rmse", "mae", "crps"


def forecasts():
    """Skill, ratios to AutoARIMA, coverage and time; each series; combs and false alarms."""
    result = read("forecasts")
    rows = result["series"]
    names = list(dict.fromkeys(row["series"] for row in rows))
    seasonal = [row for row in rows if row["season"] > 1]
    body = [
        f"{len(names)} series, three origins each (60, 70 and 80 %), a fifth of each "
        "ahead. `GPSpectralRegressor()` is not told the season; with `periods=`, and all others, are. Where a peer "
        "raises an error, the seasonal naive forecast counts for it. Settings were chosen on other series; that "
        "averages are over logarithms and plain targets, too, was tried after partial results on these had been seen; "
        "exponential smoothing was added after all of them had been, and chosen on other series.",
        summary(rows),
        "Skill is one less the ratio to the error of the seasonal naive forecast. Ratios are geometric means over "
        "series, ± their standard error.",
        f"## The {len({row['series'] for row in seasonal})} series with a season",
        summary(seasonal),
        "## Each series",
        "CRPS over AutoARIMA's, geometric means over origins.",
        each(rows, names),
    ]
    for name, (text, of) in PARTS.items():
        if name in result:
            body += [text, of(result[name])]
    return Page("Forecasts beside AutoARIMA", claim("forecasts"), body, {"forecasts": "forecasts"}, "gp.md")


def named(method):
    return method.replace("ours", "GPSpectralRegressor")


def summary(rows):
    heads = ["", "skill: RMSE", "MAE", "CRPS", "RMSE / AutoARIMA's", "CRPS / AutoARIMA's"]
    lines = []
    for method in dict.fromkeys(row["method"] for row in rows):
        own = [row for row in rows if row["method"] == method]
        skills = [f"{1 - math.exp(fmean(ratios(rows, method, NAIVE, key))):.3f}" for key in ERRORS]
        beside = [with_error(ratios(rows, method, ARIMA, key)) for key in ("rmse", "crps")]
        coverage = [f"{mean(own, key):.3f}" for key in ("coverage", "coverage of 50%")]
        lines.append([named(method), *skills, *beside, *coverage, f"{mean(own, 'cpu_seconds'):.2f}"])
    return table([*heads, "coverage of 95 %", "of 50 %", "CPU s"], lines)


def ratios(rows, method, other, key):
    """Log ratios of an error between two methods, one for each series."""
    values = {(row["series"], row["origin"], row["method"]): row[key] for row in rows}
    logs: dict[str, list[float]] = {}
    for (series, origin, name), value in values.items():
        if name == method:
            least = 1e-9 * max(value, values[series, origin, other], 1e-300)
            ratio = max(value, least) / max(values[series, origin, other], least)
            logs.setdefault(series, []).append(math.log(ratio))
    return [fmean(each) for each in logs.values()]


def with_error(logs):
    center = fmean(logs)
    error = math.sqrt(fmean((x - center) ** 2 for x in logs) / max(1, len(logs) - 1))
    return f"{math.exp(center):.3f} ± {math.exp(center) * error:.3f}"


def each(rows, names):
    methods = [method for method in dict.fromkeys(row["method"] for row in rows) if method != ARIMA]
    columns = {method: dict(zip(names, ratios(rows, method, ARIMA, "crps"), strict=True)) for method in methods}
    season = {row["series"]: row["season"] for row in rows}
    steps = {row["series"]: row["steps"] for row in rows}
    lines = [
        [name, str(season[name]), str(steps[name]), *(f"{math.exp(columns[method][name]):.2f}" for method in methods)]
        for name in names
    ]
    return table(["", "season", "steps", *map(named, methods)], lines)


def found(rows):
    lines = []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        own = [row for row in rows if row["kind"] == kind]
        count = sum(row["found"] for row in own)
        lines.append([kind, f"{count} of {len(own)}", f"{mean(own, 'rmse'):.3f}", f"{mean(own, 'means'):.3f}"])
    return table(["", "found", "RMSE of the next cycle", "of seasonal means, told the period"], lines)


def sizes(rows):
    lines = [
        [row["points"], f"{row['n']:,}", row["solver"], str(row["models"]), f"{row['fit']:.2f}",
         f"{row['predict']:.2f}",
         f"{row['rmse']:.3f}", f"{row['coverage']:.2f}"]
        for row in rows
    ]  # fmt: skip
    heads = ["points", "n", "solver", "models", "fit", "1,000 predictions with std", "RMSE", "coverage of 95 %"]
    return table(heads, lines)


def alarms(rows):
    lines = [
        [row["noise"], str(row["steps"]), f"{row['draws']:,}", f"{row['passed']:.1%}", f"{row['accepted']:.1%}"]
        for row in rows
    ]
    return table(["noise", "steps", "draws", "pass the test", "and the criterion"], lines)


PARTS = {  # of the result file: a text, and the table
    "combs": ("## Seasons of many harmonics", found),
    "alarms": (
        "## False alarms\n\nA smooth model is fitted to noise, and the comb that its slope is least likely to have by "
        "chance is tested.",
        alarms,
    ),
    "scale": (
        "## By size\n\nThree sines with noise along one feature: CPU seconds, and the RMSE to the truth.",
        sizes,
    ),
}
