"""The results on real tables as tables of the README and the docs."""

import json
import math
from collections import defaultdict
from pathlib import Path

OFFSET = 0.01
RESULTS = Path(__file__).parent.parent / "results"
MEASURE = "shifted geometric mean of nRMSE (regression) or error rate (classification), lower is better"


def read(name):
    return json.loads((RESULTS / f"{name}.json").read_text())


def tabular_suite():
    """Scores on the development suite."""
    return scores(read("tabular_suite"), "Default settings")


def fresh_tables():
    """Scores on a second suite."""
    return scores(read("fresh_tables"), "Default settings, second suite")


def third_tables():
    """Scores on tables that no default was chosen on."""
    return scores(read("third_tables"), "Default settings, tables that nothing was chosen on")


def scores(result, what):
    """Losses and times of methods, best first."""
    tables, n_splits = sorted({row["table"] for row in result["rows"]}), len(result["seeds"])
    lines = [
        f"{what}: {len(tables)} public tables ({', '.join(tables)}), mean over {n_splits} splits; {MEASURE}; one "
        f"thread ({result['device']}, torch {result['versions']['torch']}).",
        "",
        "| | all | regression | classification | mean rank | log-loss | AUC | median fit, CPU s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for method, s in sorted(result["summary"].items(), key=lambda item: item[1]["all"]):
        lines.append(
            f"| {method} | {s['all']:.4f} | {s['regression']:.3f} | {s['classification']:.3f} | {s['mean_rank']:.2f} "
            f"| {s['log_loss']:.3f} | {s['auc']:.3f} | {s['median_fit_cpu_seconds']:.1f} |"
        )
    return "\n".join(lines)


def ablation():
    """From a plain network to the default, part by part."""
    result = read("ablation")
    lines = [
        f"{len({row['table'] for row in result['rows']})} tables, splits: {', '.join(map(str, result['seeds']))}; "
        f"{MEASURE}. Each row has all that stands above it. Change: of the loss plus {OFFSET}, from the row above, "
        "geometric mean over tables and splits with its standard error.",
        "",
        "| | all | regression | classification | log-loss | change | median fit, CPU s |",
        "|---|---|---|---|---|---|---|",
    ]
    losses = losses_by_fit(result["rows"])
    methods = list(dict.fromkeys(row["method"] for row in result["rows"]))
    for before, method in zip([None, *methods], methods, strict=False):
        s = result["summary"][method]
        lines.append(
            f"| {method} | {s['all']:.4f} | {s['regression']:.3f} | {s['classification']:.3f} | {s['log_loss']:.3f} "
            f"| {change(losses[before], losses[method]) if before else ''} | {s['median_fit_cpu_seconds']:.1f} |"
        )
    return "\n".join(lines)


def matched():
    """Networks of splines and plain ones, in one harness."""
    result = read("matched")
    losses = losses_by_fit(result["rows"])
    methods = list(dict.fromkeys(row["method"] for row in result["rows"]))
    tables = list(dict.fromkeys(row["table"] for row in result["rows"]))
    lines = [
        f"Mean loss over splits {', '.join(map(str, result['seeds']))}; last rows: {MEASURE}, with the change against "
        "the first column as above; CPU seconds of all fits.",
        "",
        "| | " + " | ".join(methods) + " |",
        "|---" * (1 + len(methods)) + "|",
    ]
    for table in tables:
        means = [[loss for (name, _), loss in losses[method].items() if name == table] for method in methods]
        lines.append(f"| {table} | " + " | ".join(f"{sum(each) / len(each):.4f}" for each in means) + " |")
    summary = [result["summary"][method]["all"] for method in methods]
    lines.append("| **all** | " + " | ".join(f"{value:.4f}" for value in summary) + " |")
    changes = [change(losses[methods[0]], losses[method]) if method != methods[0] else "" for method in methods]
    lines.append("| change | " + " | ".join(changes) + " |")
    for name, digits in (("n_parameters", "{:,.0f}"), ("fit_cpu_seconds", "{:,.0f}")):
        total = defaultdict(float)
        for row in result["rows"]:
            total[row["method"]] += row[name]
        lines.append(f"| {name}, sum | " + " | ".join(digits.format(total[method]) for method in methods) + " |")
    return "\n".join(lines)


def losses_by_fit(rows):
    losses = defaultdict(dict)
    for row in rows:
        losses[row["method"]][row["table"], row["seed"]] = row["loss"]
    return losses


def change(before, after):
    """Geometric mean of the ratios of losses plus the offset, as a change in percent, and its standard error."""
    ratios = [math.log((after[fit] + OFFSET) / (before[fit] + OFFSET)) for fit in after]
    mean = sum(ratios) / len(ratios)
    error = (sum((ratio - mean) ** 2 for ratio in ratios) / len(ratios) / max(1, len(ratios) - 1)) ** 0.5
    return f"{100 * math.expm1(mean):+.1f} % ± {100 * math.exp(mean) * error:.1f}"
