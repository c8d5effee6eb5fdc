"""Which packages estimators work in."""

from benchmarks.pages.page import Page, claim, read, table


def clients():
    """Each client: what was done, what came of it, what users have to know."""
    result = read("clients")
    rows = result["rows"]
    counts = {outcome: sum(row["outcome"] == outcome for row in rows) for outcome in ("works", "fails", "not run")}
    body = [
        f"{counts['works']} clients work, {counts['fails']} fail, and {counts['not run']} were not run, since they or "
        "something that they need was not installed.",
        table(
            ["client", "used", "version", "outcome", "note"],
            [
                [row["client"], row["use"], row.get("version", ""), outcome(row), row["note"]]
                for row in rows
            ],
        ),
        f"The table has 160 rows, three columns of numbers and one of labels; networks have "
        f"{result['settings']['n_members']} members.",
    ]  # fmt: skip
    return Page("Clients", claim("clients"), body, {"clients": "clients"})


def outcome(row):
    """What became of a client, with the reason if it does not work."""
    if row["outcome"] == "works":
        return "works, with a note" if row["note"] else "works"
    return f"{row['outcome']}: {row['reason']}"
