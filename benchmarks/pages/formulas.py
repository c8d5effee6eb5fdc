"""Known laws that were to be found."""

from statistics import median

from benchmarks.laws import FIRST, LISTS
from benchmarks.pages.page import Page, claim, read, table

OF_LIST = {name: title for title, laws in LISTS.items() for name in laws}


def formulas():
    """Laws found by list and noise, and what became of the others."""
    rows = longest(read("formulas")["rows"])
    groups: dict = {}
    for row in rows:
        title = "first 32" if row["law"] in FIRST else f"further {OF_LIST[row['law']]}"
        groups.setdefault((title, row["noise"]), []).append(row)
    body = [
        "Each law was fitted with the time limit that is given, in CPU seconds of one thread; laws that were not found "
        "with a shorter limit may have been tried again. *As it is* counts formulas with the law's values on wider "
        "ranges, *as its form* those that have them with constants fitted to rows without noise. *Called exact, and "
        "wrong* is what must not happen.",
        table(
            ["laws", "noise", "tried", "as it is", "as its form", "called exact, and wrong", "median seconds", "limit"],
            [summary(title, noise, part) for (title, noise), part in groups.items()],
        ),
        "Laws that were not found:",
        table(
            ["law", "noise", "R² without noise", "nodes of the formula", "seconds"],
            [
                [row["law"], f"{row['noise']:.1%}", f"{row['r2']:.6f}", str(row["complexity"]), f"{row['seconds']:.0f}"]
                for row in rows
                if row["found"] == "no"
            ],
        ),
    ]
    return Page("Laws found in tables", claim("formulas"), body, {"formulas": "formulas"})


def longest(rows):
    """Of each law the fit with the highest limit."""
    kept: dict = {}
    for row in rows:
        key = row["law"], row["noise"], row["seed"]
        if key not in kept or row["max_seconds"] > kept[key]["max_seconds"]:
            kept[key] = row
    return list(kept.values())


def summary(title, noise, rows):
    counts = {kind: sum(row["found"] == kind for row in rows) for kind in ("exact", "form")}
    wrong = sum(row["called_exact"] and row["found"] == "no" for row in rows)
    limits = sorted({row["max_seconds"] for row in rows})
    return [
        title, f"{noise:.1%}", str(len(rows)), *(str(counts[kind]) for kind in ("exact", "form")), str(wrong),
        f"{median(row['seconds'] for row in rows):.1f}", " or ".join(f"{limit:g}" for limit in limits),
    ]  # fmt: skip
