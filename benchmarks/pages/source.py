"""Models as source code: differences, time, size."""

from benchmarks.pages.page import Page, claim, read, table

LANGUAGES = {"c": "C", "python": "Python", "sql": "SQL", "json": "JSON"}


def source():
    """Glass boxes in four languages, table by table."""
    result = read("source")
    rows = result["tables"]
    names = list(LANGUAGES.values())
    not_run = [row["table"] for row in rows if "sql" not in row["difference"]]
    body = [
        "The largest difference from what the model predicts, over the standard deviation of that. C and Python are "
        "the network's own steps; SQL and JSON are polynomials found to 5e-8 of the strongest term.",
        table(
            ["table", "columns", *names],
            [
                [row["table"], str(row["n_features"]),
                 *(f"{row['difference'][key]:.0e}" if key in row["difference"] else "not run" for key in LANGUAGES)]
                for row in rows
            ],
        ),
        "CPU time for one row in microseconds (of SQL with reading the query, over all rows), and size in kilobytes.",
        table(
            ["table", *(f"{name}, us" for name in names[:3]), *(f"{name}, kB" for name in names)],
            [
                [row["table"],
                 *(f"{row['us_per_row'][key]:,.0f}" if key in row["us_per_row"] else "not run"
                   for key in ("c", "python", "sql")),
                 *(f"{row['size_kb'][key]:,.0f}" for key in LANGUAGES)]
                for row in rows
            ],
        ),
        f"{rows[0]['n_predicted']} rows of each table, {result['by_python']} of them by Python. Members are the "
        f"default 16, trained for {result['max_iter']} passes. C by `cc -O1`, SQL by SQLite {result['sqlite']}"
        + (f", where queries of more than 3 MB are not run ({', '.join(not_run)})." if not_run else "."),
    ]  # fmt: skip
    return Page("Glass boxes as source code", claim("source"), body, {"source --suite FOLDER": "source"})
