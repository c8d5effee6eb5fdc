"""Faults that were tried, and what became of them."""

from benchmarks.pages.page import Page, claim, read, table


def faults():
    """Signals, killed processes, cut-off files, non-finite losses, little memory, full disks."""
    result = read("faults")
    rows = result["rows"]
    outcomes = "finished", "told", "raised", "swallowed", "broken"
    n_signals = sum(row["tried"] for row in rows if row["fault"] == "signal")
    (killed,) = (row for row in rows if row["fault"] == "SIGKILL")
    body = [
        f"{n_signals} signals (SIGINT) arrive at random moments of fits of a model that was fitted before. A fit "
        "ends early with a warning and keeps the best state, or `KeyboardInterrupt` is raised. A fault is *swallowed* "
        "if neither happens. A model is *broken* if its predictions are not finite, if they are neither those of "
        "before nor those of the whole fit although an exception was raised, or if another fit gives anything else "
        "than a fresh estimator's.",
        table(
            ["fault", "in", "tried", "finished", "warned of", "raised", "swallowed", "broken"],
            [[row["fault"], row["subject"], *(str(row[key]) for key in ("tried", *outcomes))] for row in rows],
        ),
        f"Killed searches had finished {killed['kept']} trials. All of them are in the study after the search is "
        "resumed, and no trial is left running. Files are cut off at lengths from nothing to all but a byte. Gradients "
        "become NaN from a step on. A fit has little memory above what the process takes already (RLIMIT_AS). On a "
        "full disk (a quota, RLIMIT_FSIZE) Optuna's journal file may end in the middle of a line, which has to be "
        "removed before a search goes on, as here; models are saved to `/dev/full`.",
    ]
    return Page("Faults tried and survived", claim("faults"), body, {"faults": "faults"})
