"""Write the tables of the README and the docs from the result files of the benchmarks.

python -m benchmarks.readme
"""

import json
from collections import defaultdict
from pathlib import Path
from statistics import geometric_mean

from benchmarks.tabular.tables import ablation, fresh_tables, matched, tabular_suite, third_tables

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"


def speed():
    """Time of a layer over that of the product of its expanded inputs."""
    result = json.loads((RESULTS / "speed.json").read_text())
    lines = [
        "Forward and backward of a layer (cubic, without the base branch, float32) over the time of the matrix product "
        f"of its expanded inputs, {result['threads']} thread ({result['device']}), each timed warm, "
        f"turns: {result['repeats']}. Compiled kernel / plain torch.",
        "",
        *layer_table(result["layers"], lambda ms: f"{ms['kernel'] / ms['product']:.2f} / "
                                                  f"{ms['plain torch'] / ms['product']:.1f}"),
    ]  # fmt: skip
    return "\n".join(lines)


def layer_table(layers, cell):
    """Rows of a table of layers: numbers of basis functions by sizes."""
    sizes = sorted({(row["in"], row["n"]) for row in layers})
    heads = " | ".join(f"{width}→{width}, batch {n}" for width, n in sizes)
    lines = [f"| basis functions | {heads} |", "|---" * (len(sizes) + 1) + "|"]
    for n_basis in sorted({row["n_basis"] for row in layers}):
        ms = {(row["in"], row["n"]): row["ms"] for row in layers if row["n_basis"] == n_basis}
        lines.append(f"| {n_basis} | " + " | ".join(cell(ms[size]) for size in sizes) + " |")
    return lines


PEERS = ("efficient-kan", "fast-kan", "inkan", "TruKAN", "pykan")


def speed_of_peers():
    """How many times as long other libraries take."""
    result = json.loads((RESULTS / "speed.json").read_text())
    layers = [row for row in result["layers"] if "efficient-kan" in row["ms"]]
    names = [name for name in PEERS if name in layers[0]["ms"]]
    lines = [
        f"Times of other libraries' layers over that of the compiled kernel ({', '.join(names)}):",
        "",
        *layer_table(layers, lambda ms: " / ".join(f"{ms[name] / ms['kernel']:.1f}" for name in names)),
        "",
        "One step of Adam of a whole network over that of a plain network of the same widths (batches of "
        f"{' and '.join(str(row['n']) for row in result['networks'])}):",
        "",
    ]
    methods = [name for name in result["networks"][0]["ms"] if name != "MLP"]
    lines += ["| widths | " + " | ".join(methods) + " |", "|---" * (len(methods) + 1) + "|"]
    for row in result["networks"]:
        cells = (f"{row['ms'][name] / row['ms']['MLP']:.1f}" for name in methods)
        lines.append(f"| {'-'.join(map(str, row['sizes']))} | " + " | ".join(cells) + " |")
    memory = result["memory"]
    peaks = ", ".join(f"{name} {row['peak_mb']:.0f} MB" for name, row in memory["memory"].items())
    lines += [
        "",
        f"Peak memory of forward and backward, {memory['in']}→{memory['out']}, batch {memory['n']}, "
        f"{memory['n_basis']} basis functions, beside layer and input: {peaks}. Saved for backward: "
        f"{memory['memory']['sklearn_kan']['saved_over_input']:.1f} times the input.",
    ]
    return "\n".join(lines)


def loops():
    """Training loop, inference, scale and time to an error."""
    loop, inference, scale, race = (
        json.loads((RESULTS / f"{name}.json").read_text())
        for name in ("training_loop", "inference", "scale", "time_to_error")
    )
    latency = ", ".join(f"{name} {us:.0f} µs" for name, us in inference["latency_us"].items())
    rates = ", ".join(f"{name} {rate:,.0f}" for name, rate in inference["rows_per_second"].items())
    names = list(race["curves"])
    race_lines = [
        "| validation RMSE on diamonds | " + " | ".join(f"{name}, CPU s" for name in names) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for level in race["levels"]:
        seconds = (level["cpu_seconds"][name] for name in names)
        cells = " | ".join("not reached" if second is None else f"{second:.1f}" for second in seconds)
        race_lines.append(f"| {level['rmse']:.0f}, the best of {level['best_of']} | {cells} |")
    lines = [
        f"- Training loop at 10,000 rows, batches of 256: {loop['over_bare_loop']['training loop']:.2f} times a bare "
        f"torch loop; all of `fit`: {loop['over_bare_loop']['fit']:.2f}.",
        f"- One row predicted (median): {latency}.",
        f"- Rows per second, 100,000 at a time: {rates}. A million rows take "
        f"{max(0, inference['mb_beside_a_million_rows']):.0f} MB beside table and result.",
        "- Training on 53,940 diamonds, defaults; a method ends with the first epoch after "
        f"{race['budget_cpu_seconds']} s:",
        "",
        *race_lines,
        "",
        f"| rows of {scale['columns']} float32 columns, {scale['passes']} passes | way | CPU s | µs per row and pass "
        "| table, MB | memory beside it, MB |",
        "|---|---|---|---|---|---|",
    ]
    for row in scale["rows"]:
        per_row = row["cpu_seconds"] / row["n"] / scale["passes"] * 1e6
        lines.append(
            f"| {row['n']:,} | `{row['how']}` | {row['cpu_seconds']:.1f} | {per_row:.1f} | {row['table_mb']:.0f} "
            f"| {row['extra_mb']:.0f} |"
        )
    return "\n".join(lines)


def bases():
    """All families at equal size and at equal time, and what a layer costs."""
    result = json.loads((RESULTS / "bases.json").read_text())
    settings, rows = result["settings"], result["rows"]
    groups = sorted({row["group"] for row in rows})
    n_splits = len({row["seed"] for row in rows})
    names = {group: sorted({row["data"] for row in rows if row["group"] == group}) for group in groups}
    lines = [
        f"One hidden layer, at most {settings['rows']:,} rows, {settings['passes']} passes (equal size) or "
        f"{settings['seconds']:g} s of CPU time (equal time), {n_splits} split{'s' if n_splits > 1 else ''}; shifted "
        "geometric mean of nRMSE or error rate on "
        + " and on ".join(f"{len(names[group])} {group} ({', '.join(names[group])})" for group in groups)
        + ". In brackets: over the best family. Layer: forward and backward, 64→64, batch 1024, six knots or degree 8. "
        f"One thread ({result['device']}, torch {result['versions']['torch']}).",
        "",
        "| | " + " | ".join(f"{protocol}, {group}" for protocol in result["summary"] for group in groups)
        + " | layer, ms |",
        "|---" * (2 + len(groups) * len(result["summary"])) + "|",
    ]  # fmt: skip
    first = next(iter(result["summary"].values()))[groups[0]]
    for method in sorted(first, key=lambda method: first[method]["loss"]):
        cells = [part[group][method] for part in result["summary"].values() for group in groups]
        losses = " | ".join(f"{cell['loss']:.3f} ({cell['over_best']:.2f})" for cell in cells)
        lines.append(f"| {method} | {losses} | {result['layer_ms'].get(method, '')} |")
    return "\n".join(lines)


def gaussian_processes():
    """Forecasts, tables and large data."""
    result = json.loads((RESULTS / "gp.json").read_text())
    lines = [
        f"RMSE / coverage of 95 % intervals / mean negative log density, means over runs; {result['device']}, "
        f"{result['threads']} thread. GPyTorch: {result['steps']} steps of Adam. Given series: five origins, 60 to "
        "80 %, a fifth of the series ahead. Artificial series: five draws, the first of them for the others. Tables: "
        "five splits, three of those for development.",
        "",
    ]
    for part, key in (
        ("listed", "series"), ("development", "series"), ("tables", "table"), ("development tables", "table"),
    ):  # fmt: skip
        rows = result[part]
        methods = list(dict.fromkeys(row["method"] for row in rows))
        lines += [f"| {part} | " + " | ".join(methods) + " |", "|---" * (len(methods) + 1) + "|"]
        for name in dict.fromkeys(row[key] for row in rows):
            cells = []
            for method in methods:
                runs = [row for row in rows if row[key] == name and row["method"] == method]
                scores = ((sum(run[s] for run in runs) / len(runs), d) for s, d in SCORES if runs)
                cells.append(" / ".join(f"{value:{digits}}" for value, digits in scores))
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        lines.append("")
    lines += ["| large | solver | CPU s of a fit | RMSE to the truth | coverage |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['case']} | {row['solver']} | {row['cpu_seconds']:.1f} | {row['error']:.2g} | {row['coverage']:.3f} |"
        for row in result["large"]
    ]
    lines += ["", "| one likelihood with gradient, n = 2,000 | CPU s | GPyTorch |", "|---|---|---|"]
    lines += [f"| {r['inputs']} | {r['GPSpectralRegressor']:.3f} | {r['GPyTorch']:.2f} |" for r in result["likelihood"]]
    return "\n".join(lines)


SCORES = (("rmse", ".4g"), ("coverage", ".2f"), ("nlpd", ".2f"))


def adaptive_knots():
    """Knots placed for a tolerance, and as many uniform ones as reach the same error."""
    result = json.loads((RESULTS / "adaptive_knots.json").read_text())
    lines = ["| | placed knots | largest error over the tolerance | uniform knots for it |", "|---|---|---|---|"]
    for row in result["rows"]:
        name = row["function"].replace("|", "\\|")
        lines.append(f"| {name} | {row['placed']} | {row['error_over_tolerance']:.2f} | {row['uniform']:,} |")
    return "\n".join(lines)


def papers():
    """Values and steps of layers beside the papers' own code."""
    result = json.loads((RESULTS / "papers.json").read_text())
    worst = max(result["differences"].values())
    knots = result["individual_knots"]
    lines = [
        f"A training step (forward, backward, Adam) of a layer 64→64, batch {result['n']:,}, float32, one thread, "
        f"timed in turn. Where formulas agree, the largest difference of values in float64 is {worst:.0e}.",
        "",
        "| | published, ms | ours, ms |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {ms['published']:.1f} | {ms['ours']:.1f} |" for name, ms in result["step_ms"].items()]
    time, memory = (knots[key]["individual"] / knots[key]["shared"] for key in ("ms", "peak_mb"))
    lines += [
        "",
        f"Individual knots take {time:.1f} times the time of shared ones, and a step at {result['n_of_memory']:,} rows "
        f"{memory:.1f} times the memory.",
    ]
    return "\n".join(lines)


def search():
    """Best cross-validated scores of searches at equal numbers of fits, and what pruning saves."""
    result = json.loads((RESULTS / "search.json").read_text())
    names = ["KANSearchCV", "KANSearchCV, pruned", "OptunaSearchCV", "RandomizedSearchCV"]
    lines = [
        f"Best cross-validated score (R2, or minus log-loss) of {result['n_trials']} settings, {result['n_folds']} "
        f"folds of {result['rows']} rows, `max_iter={result['max_iter']}`, "
        f"`hidden_layer_sizes={result['hidden_layer_sizes']}`; the pruned search goes on until it has made as many "
        "passes. Last column: how much sooner it reached the unpruned one's best score. One thread.",
        "",
        "| | " + " | ".join(names) + " | sooner |",
        "|---" * (2 + len(names)) + "|",
    ]
    for table, of in result["summary"].items():
        scores = [f"{of[name]['best_score']:.3f}" for name in names]
        lines.append(f"| {table} | " + " | ".join(scores) + f" | {of['pruning']['times_faster_to_score']:.1f}x |")
    return "\n".join(lines)


def solvers():
    """Errors of solvers after the same times, and on tables with noise."""
    result = json.loads((RESULTS / "solvers.json").read_text())
    rows, summary = result["functions"], result["summary"]
    budgets, names = sorted({row["seconds"] for row in rows}), list(summary)
    lines = [
        f"Test RMSE over the target's spread after {' / '.join(f'{b:g}' for b in budgets)} CPU seconds, formulas "
        f"without noise, {result['train_rows']:,} training rows, one network of 16 units; geometric means over seeds: "
        f"{', '.join(map(str, result['seeds_of_functions']))}. Below, how many times lower than that of tuned Adam: "
        f"geometric mean, and in brackets the least. One thread ({result['device']}).",
        "",
        "| | " + " | ".join(names) + " |",
        "|---" * (1 + len(names)) + "|",
    ]
    for target in dict.fromkeys(row["target"] for row in rows):
        cells = []
        for name in names:
            errors = [[r["error"] for r in rows if (r["target"], r["solver"], r["seconds"]) == (target, name, budget)]
                      for budget in budgets]  # fmt: skip
            cells.append(" / ".join(f"{geometric_mean(error):.1e}" if error else "" for error in errors))
        lines.append(f"| {target} | " + " | ".join(cells) + " |")
    for budget in budgets:
        of = [summary[name].get(str(budget)) for name in names]
        cells = [f"{ratio['times_lower']:.1f} ({ratio['least']:.1f})" if ratio else "" for ratio in of]
        lines.append(f"| times lower, {budget:g} s | " + " | ".join(cells) + " |")
    if "tables" in result:
        tables = result["tables"]
        names = list(dict.fromkeys(row["solver"] for row in tables))
        lines += ["", "Tables with noise: RMSE over the target's spread, or log-loss (CPU seconds of the fit).", ""]
        lines += ["| | " + " | ".join(names) + " |", "|---" * (1 + len(names)) + "|"]
        for table in dict.fromkeys(row["table"] for row in tables):
            of = [[row for row in tables if (row["table"], row["solver"]) == (table, name)] for name in names]
            cells = [f"{mean(runs, 'error'):.3f} ({mean(runs, 'cpu_seconds'):.1f})" if runs else "" for runs in of]
            lines.append(f"| {table} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def pykan_headline():
    """Test errors and times beside pykan on the KAN paper's examples."""
    result = json.loads((RESULTS / "pykan_headline.json").read_text())
    methods = sorted({row["method"] for row in result["rows"]}, key=lambda method: (method != "pykan", method))
    seeds = sorted({row["seed"] for row in result["rows"]})
    lines = [
        f"Test RMSE, and CPU seconds: {result['rows_per_table']:,} rows without noise, up to "
        f"{result['grids'][-1]} intervals, one thread ({result['device']}, torch {result['versions']['torch']}, pykan "
        f"{result['versions']['pykan']}); seeds {', '.join(map(str, seeds))}. pykan's is its best grid in hindsight.",
        "",
        "| | seed | " + " | ".join(methods) + " |",
        "|---" * (2 + len(methods)) + "|",
    ]
    for example, sizes in result["sizes"].items():
        for seed in seeds:
            runs = {row["method"]: row for row in result["rows"] if row["example"] == example and row["seed"] == seed}
            cells = [f"{runs[m]['rmse']:.1e}, {runs[m]['cpu_seconds']:.1f} s" if m in runs else "" for m in methods]
            lines.append(f"| {example}, {sizes} | {seed} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def constraints():
    """Free, monotone, pairwise and additive models of two families."""
    result = json.loads((RESULTS / "constraints.json").read_text())
    cells = defaultdict(list)
    for row in result["rows"]:
        cells[row["table"], row["family"], row["kind"]].append(row)
    names = {"free": "free", "monotone": "monotone", "pairwise": "pairs", "no_interactions": "additive"}
    seeds = sorted({row["seed"] for row in result["rows"]})
    lines = [
        f"At most {result['rows_per_table']:,} rows to fit to, defaults, splits: {', '.join(map(str, seeds))}; nRMSE, "
        "or log-loss for `default`. In brackets: share of held-out rows from which a constrained column's sweep breaks "
        "its constraint. Last column: CPU seconds of a monotone fit over those of a free one. One thread "
        f"({result['device']}, torch {result['versions']['torch']}).",
        "",
        "| | " + " | ".join(names.values()) + " | time |",
        "|---" * (2 + len(names)) + "|",
    ]
    for table, family in dict.fromkeys(key[:2] for key in cells):
        kinds = [cells[table, family, kind] for kind in names]
        losses = [f"{mean(rows, 'loss'):.3f} ({mean(rows, 'violations'):.0%})" for rows in kinds]
        ratio = mean(kinds[1], "fit_cpu_seconds") / mean(kinds[0], "fit_cpu_seconds")
        lines.append(f"| {table}, {family} | " + " | ".join(losses) + f" | {ratio:.1f} |")
    return "\n".join(lines)


def hedging():
    """Policies by Adam and by K-FAC."""
    result = json.loads((RESULTS / "hedging.json").read_text())
    lines = [
        f"One thread ({result['device']}, torch {result['versions']['torch']}).",
        "",
        "| | Adam | K-FAC | change |",
        "|---|---|---|---|",
    ]
    for quantity, found in result["summary"].items():
        cells = [f"{s['mean']:.3g} ({s['low']:.3g} to {s['high']:.3g})" for s in (found["Adam"], found["K-FAC"])]
        change = found["change"]
        cells.append(f"{change['mean']:+.1%} ({change['low']:+.1%} to {change['high']:+.1%})")
        lines.append(f"| {quantity} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def mean(rows, key):
    return sum(row[key] for row in rows) / len(rows)


TABLES = {
    "README.md": {"tabular_suite": tabular_suite, "speed": speed},
    "docs/bases.md": {"bases": bases, "adaptive_knots": adaptive_knots, "papers": papers},
    "docs/constraints.md": {"constraints": constraints},
    "docs/gp.md": {"gp": gaussian_processes},
    "docs/hedging.md": {"hedging": hedging},
    "docs/search.md": {"search": search},
    "docs/solvers.md": {"solvers": solvers, "pykan_headline": pykan_headline},
    "docs/tables.md": {
        "tabular_suite": tabular_suite, "fresh_tables": fresh_tables, "third_tables": third_tables,
        "ablation": ablation, "matched": matched,
    },
    "docs/speed.md": {"speed": speed, "speed_of_peers": speed_of_peers, "loops": loops},
}  # fmt: skip


def main():
    for file, tables in TABLES.items():
        path = ROOT / file
        text = path.read_text()
        for name, table in tables.items():
            begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
            before, rest = text.split(begin)
            text = before + begin + table() + "\n" + end + rest.split(end)[1]
        path.write_text(text)


if __name__ == "__main__":
    main()
