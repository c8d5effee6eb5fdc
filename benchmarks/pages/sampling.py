"""Points for least squares."""

from benchmarks.pages.page import Page, claim, read, table

NAMES = {
    "determinantal": "determinantal (default)", "volume": "volume sampling", "christoffel": "Christoffel",
    "sobol": "without replacement", "uniform": "uniform",
}  # fmt: skip


def sampling():
    """Errors as ratios to the best approximation's, by the number of points."""
    result = read("sampling")
    rows = result["rows"]
    body = [
        f"Error in the mean square as a ratio to that of the best polynomial: median of {result['draws']} draws, and "
        "the 95 % quantile in parentheses. Points are drawn from 2,000 even ones of the domain.",
    ]
    for name in dict.fromkeys(row["function"] for row in rows):
        of = [row for row in rows if row["function"] == name]
        sizes = list(dict.fromkeys(row["points"] for row in of))
        at = {(row["method"], row["points"]): row for row in of}
        body += [
            f"## {name}, by {of[0]['functions']} polynomials",
            table(["", *(f"{n} points" for n in sizes)], [
                [words, *(f"{short(at[key, n]['median'])} ({short(at[key, n]['worst of 20'])})" for n in sizes)]
                for key, words in NAMES.items()
            ]),
        ]  # fmt: skip
    return Page("Points for least squares", claim("sampling"), body, {"sampling": "sampling"}, "gp.md")


def short(ratio):
    return f"{ratio:.2f}" if ratio < 100 else f"{ratio:.0e}"
