"""Write the tables of the README and the docs from the result files of the benchmarks.

python -m benchmarks.readme
"""

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"


def tabular_suite():
    """Scores on the suite of real tables."""
    result = json.loads((RESULTS / "tabular_suite.json").read_text())
    tables, n_splits = sorted({row["table"] for row in result["rows"]}), len(result["seeds"])
    lines = [
        f"Default settings on {len(tables)} public tables ({', '.join(tables)}), mean over {n_splits} splits; "
        "shifted geometric mean of "
        "nRMSE (regression) or error rate (classification), lower is better; one thread "
        f"({result['device']}, torch {result['versions']['torch']}).",
        "",
        "| | all | regression | classification | log-loss | median fit, CPU s |",
        "|---|---|---|---|---|---|",
    ]
    for method, s in sorted(result["summary"].items(), key=lambda item: item[1]["all"]):
        lines.append(
            f"| {method} | {s['all']:.3f} | {s['regression']:.3f} | {s['classification']:.3f} | {s['log_loss']:.3f} "
            f"| {s['median_fit_cpu_seconds']:.1f} |"
        )
    return "\n".join(lines)


def speed():
    """Time of a layer over that of the product of its expanded inputs."""
    result = json.loads((RESULTS / "speed.json").read_text())
    layers = result["layers"]
    sizes = sorted({(row["in"], row["n"]) for row in layers})
    lines = [
        "Forward and backward of a layer (cubic, without the base branch, float32) over the time of the matrix product "
        f"of its expanded inputs, {result['threads']} thread ({result['device']}): C kernel / plain torch.",
        "",
        "| basis functions | " + " | ".join(f"{width}→{width}, batch {n}" for width, n in sizes) + " |",
        "|---" * (len(sizes) + 1) + "|",
    ]
    for n_basis in sorted({row["n_basis"] for row in layers}):
        ms = {(row["in"], row["n"]): row["ms"] for row in layers if row["n_basis"] == n_basis}
        cells = (
            f"{ms[s]['kernel'] / ms[s]['product']:.2f} / {ms[s]['plain torch'] / ms[s]['product']:.1f}" for s in sizes
        )
        lines.append(f"| {n_basis} | " + " | ".join(cells) + " |")
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


def adaptive_knots():
    """Knots placed for a tolerance, and as many uniform ones as reach the same error."""
    result = json.loads((RESULTS / "adaptive_knots.json").read_text())
    lines = ["| | placed knots | largest error over the tolerance | uniform knots for it |", "|---|---|---|---|"]
    for row in result["rows"]:
        name = row["function"].replace("|", "\\|")
        lines.append(f"| {name} | {row['placed']} | {row['error_over_tolerance']:.2f} | {row['uniform']:,} |")
    return "\n".join(lines)


TABLES = {
    "tabular_suite": ("README.md", tabular_suite),
    "speed": ("README.md", speed),
    "bases": ("docs/bases.md", bases),
    "adaptive_knots": ("docs/bases.md", adaptive_knots),
}


def main():
    for name, (file, table) in TABLES.items():
        path = ROOT / file
        text = path.read_text()
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, rest = text.split(begin)
        path.write_text(before + begin + table() + "\n" + end + rest.split(end)[1])


if __name__ == "__main__":
    main()
