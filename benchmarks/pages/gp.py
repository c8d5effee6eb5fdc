"""Gaussian processes: forecasts, tables, large data."""

from benchmarks.pages.page import Page, claim, listed, mean, read, table

OURS = "GPSpectralRegressor"
SCORES = (("rmse", ".4g"), ("coverage", ".2f"), ("nlpd", ".2f"))
WHAT = "RMSE / coverage of 95% intervals / mean negative log density, means over runs; one thread."


def forecasts():
    """Series, given and artificial, and those that the defaults were chosen on."""
    result = read("gp")
    body = [
        f"{WHAT} Given series: five origins, 60 to 80%, and a fifth of the series ahead. Forecasts from overlapping "
        "origins depend on each other. Artificial series: five draws, the first of them for the peers. GPyTorch's "
        f"spectral mixture takes {result['steps']} steps of Adam.",
        scores(result["listed"], "series"),
        coverage(result["listed"]),
        "## Series of development",
        "What predictions average over was chosen on these.",
        scores(result["development"], "series"),
    ]
    sources = {"gp --parts listed development": "gp"}
    return Page("Forecasts of series", claim("gp"), body, sources, "gp.md")


def tables():
    """Tables beside GPyTorch's ARD kernels."""
    result, fresh = read("gp"), read("gp_sizes")
    question = "**Question:** how do its predictions on tables compare with those of GPyTorch's ARD kernels?"
    body = [
        f"{WHAT} Five splits; three for the tables of development. GPyTorch takes {result['steps']} steps of Adam. The "
        "three models that were averaged then were chosen by test splits of diabetes, Boston, Auto and Hitters, which "
        "makes the ratios of these four optimistic; concrete was not looked at. These and those of development "
        "were measured before the average had five models.",
        scores(result["tables"], "table"),
        behind(result["tables"]),
        "## Small tables that nothing was chosen on",
        f"{len(fresh['seeds'])} splits.",
        scores(fresh["tables"], "table"),
        behind(fresh["tables"]),
        "## Tables of development",
        "Stacking and the draws of parameters were chosen on these.",
        scores(result["development tables"], "table"),
        behind(result["development tables"]),
    ]
    sources = {'gp --parts tables "development tables"': "gp", "gp_sizes --parts tables": "gp_sizes"}
    return Page("Gaussian processes on tables", question, body, sources, "gp.md")


def large():
    """Large data, and one likelihood with its gradient."""
    result, sizes = read("gp"), read("gp_sizes")
    fits = [
        [row["case"], row["solver"], f"{row['cpu_seconds']:.1f}", f"{row['error']:.2g}", f"{row['coverage']:.3f}"]
        for row in result["large"]
    ]
    likelihoods = [
        [row["inputs"], f"{row['GPSpectralRegressor']:.3f}", f"{row['GPyTorch']:.2f}"] for row in result["likelihood"]
    ]
    question = "**Question:** what does a fit to a grid or to millions of points cost, and do its intervals cover?"
    body = [
        table(["", "solver", "CPU s of a fit", "RMSE to the truth", "coverage of 95% intervals"], fits),
        f"One likelihood with its gradient, n = {result['likelihood'][0]['n']:,}:",
        table(["points", "CPU s", "GPyTorch, CPU s"], likelihoods),
        "## Scattered rows of two features, by their number",
        f"A smooth function, and one with a kink and a step, with noise of {sizes['noise']}.",
        table(["function", "rows", "solver", "CPU s of a fit", "RMSE to the truth", "coverage of 95% intervals"], [
            [row["function"], f"{row['n']:,}", row["solver"], f"{row['seconds']:.1f}", f"{row['rmse']:.3f}",
             f"{row['coverage']:.3f}"] for row in sizes["sizes"]
        ]),
    ]  # fmt: skip
    sources = {"gp --parts likelihood large": "gp", "gp_sizes --parts sizes": "gp_sizes"}
    return Page("Gaussian processes on large data", question, body, sources)


def names(rows, key):
    """The values of one entry, each once, in their order."""
    return list(dict.fromkeys(row[key] for row in rows))


def runs_of(rows, method, key, name):
    """Rows of one method on one series or table."""
    return [row for row in rows if row["method"] == method and row[key] == name]


def scores(rows, key):
    """Mean scores of all methods."""
    methods = names(rows, "method")
    lines = []
    for name in names(rows, key):
        of = [runs_of(rows, method, key, name) for method in methods]
        cells = (" / ".join(f"{mean(runs, s):{digits}}" for s, digits in SCORES) if runs else "" for runs in of)
        lines.append([name, *cells])
    return table(["", *methods], lines)


def coverage(rows):
    """In how many series 95% intervals cover 90 to 98%."""
    shares = {name: mean(runs_of(rows, OURS, "series", name), "coverage") for name in names(rows, "series")}
    missed = [f"{name} ({share:.0%})" for name, share in shares.items() if not 0.9 <= round(share, 2) <= 0.98]
    return (
        f"The 95% intervals of {OURS} cover 90 to 98% in {len(shares) - len(missed)} of {len(shares)} series. Missed: "
        f"{listed(missed)}."
    )


def behind(rows):
    """On how many tables the RMSE is at most 1% above that of the best peer, and on which it is not."""
    peers = [method for method in names(rows, "method") if method != OURS]
    over = {}
    for name in names(rows, "table"):
        errors = {method: mean(runs_of(rows, method, "table", name), "rmse") for method in (OURS, *peers)}
        over[name] = errors[OURS] / min(errors[peer] for peer in peers) - 1
    worse = [f"{name} ({excess:.1%})" for name, excess in over.items() if excess > 0.01]
    text = f"The RMSE is within 1% of the better peer's, or below it, on {len(over) - len(worse)} of {len(over)} tables"
    return f"{text}; it is higher on {listed(worse)}." if worse else f"{text}."
