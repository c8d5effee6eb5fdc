"""Write the tables of the README from the result files of the benchmarks.

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


TABLES = {"tabular_suite": tabular_suite, "speed": speed}


def main():
    path = ROOT / "README.md"
    text = path.read_text()
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, rest = text.split(begin)
        text = before + begin + table() + "\n" + end + rest.split(end)[1]
    path.write_text(text)


if __name__ == "__main__":
    main()
