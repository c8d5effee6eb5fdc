"""Where another method is the better choice, from the result files of the other pages."""

from benchmarks.pages.page import Page, read, table
from benchmarks.pages.tables import OURS, entries_by_fit, means_by_table

SUITES = {
    "tabular.suite --suite FOLDER": "tabular_suite",
    "tabular.suite --suite SECOND --name fresh_tables": "fresh_tables",
    "tabular.suite --suite THIRD --name third_tables": "third_tables",
}
CLEAR = 0.02  # of the loss: a lead that is worth another method


def others_ahead():
    """Tables on which a peer has the lower error, and what peers save in time."""
    results = [read(name) for name in SUITES.values()]
    n_tables = sum(len({row["table"] for row in result["rows"]}) for result in results)
    leads = sorted((row for result in results for row in behind(result)), key=lambda row: -row[-1])
    clear = [row for row in leads if row[-1] > CLEAR]
    cells = [
        [name, task, f"{ours:.4f}", f"{theirs:.4f}", peer, f"{100 * lead:.1f} %"]
        for name, task, ours, theirs, peer, lead in leads
    ]
    body = [
        "## Error",
        f"Tables of three suites, {n_tables} in all, where another method has a lower mean error than the defaults "
        f"of {OURS}: {len(leads)}, of which {len(clear)} by more than {100 * CLEAR:.0f} %. Each is shown "
        "next to the best of all methods that were run on it, which for a user who knows no answers beforehand is an "
        "optimistic comparison. nRMSE or error rate, lower is better.",
        table(["table", "task", OURS, "the best", "which is", f"{OURS} behind by"], cells),
        "## Time",
        "Medians of fits with default settings, and predictions. On the second and the third suite fits of the others "
        f"were run earlier, and those of {OURS} with other work on both cores.",
        table(["fit, CPU s", "development", "second suite", "third suite"], fit_times(results)),
        table(["100,000 rows at a time", "rows per second"],
              [[name, f"{rate:,.0f}"] for name, rate in read("inference")["rows_per_second"].items()]),
    ]  # fmt: skip
    question = "**Question:** on which tables is another method the better choice, and how much time do others save?"
    return Page("Where others are ahead", question, body, SUITES | {"inference": "inference"}, "tables.md")


def behind(result):
    """Tables on which a peer is ahead: task, both losses, the peer, and by which share of our loss."""
    losses = {method: means_by_table(fits) for method, fits in entries_by_fit(result["rows"], "loss").items()}
    is_regression = {row["table"]: row["task"] == "regression" for row in result["rows"]}
    found = []
    for name, ours in losses[OURS].items():
        peer = min((method for method in losses if name in losses[method]), key=lambda method: losses[method][name])
        theirs = losses[peer][name]
        if peer != OURS and theirs < ours:
            task = "regression" if is_regression[name] else "classification"
            found.append((name, task, ours, theirs, peer, 1 - theirs / ours))
    return found


def fit_times(results):
    """Median fits of each method on the suites it was run on."""
    methods = list(dict.fromkeys(method for result in results for method in result["summary"]))
    return [
        [method, *(f"{result['summary'][method]['median_fit_cpu_seconds']:.1f}" if method in result["summary"] else ""
                   for result in results)]
        for method in methods
    ]  # fmt: skip
