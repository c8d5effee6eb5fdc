"""Real tables: the defaults beside other methods, their recipe part by part, and splines beside plain weights."""

import math
from collections import defaultdict

from scipy.stats import wilcoxon

from benchmarks.pages.page import Page, claim, listed, mean, read, table

OFFSET = 0.01
MEASURE = "shifted geometric mean of nRMSE (regression) or error rate (classification), lower is better"
OURS = "sklearn_kan"


def tables():
    """The defaults beside other methods, on three suites."""
    first, second, third = map(read, ("tabular_suite", "fresh_tables", "third_tables"))
    body = [
        f"Default settings of every method, one thread, 75/25 splits. Scores are the {MEASURE}; log-loss and AUC are "
        "means over the classification tables.",
        "The second table of each suite compares fit by fit. Change: of the loss plus "
        f"{OFFSET}, geometric mean over tables and splits; p: Wilcoxon's signed-rank test on its logarithms. Negative "
        f"changes of errors and log-losses, and positive ones of the AUC, are in favour of {OURS}.",
        "## The suite of development",
        suite(first),
        f"The longest fit of {OURS} took {longest(first)}. RealMLP-TD-S (Holzmüller et al. 2024) comes from pytabkit "
        f"{first['versions']['pytabkit']} with its defaults, and was run on another day. The other methods were run "
        f"within an hour, with other work on both cores, and fits of {OURS} are those of today's defaults, alone. When "
        "training ends, and in which batches small tables are learned, was chosen on inner splits, but a first choice "
        "was given up after it had been measured here. In the two suites below the other methods were run earlier, and "
        f"fits of {OURS} are those of today's defaults, with other work on both cores.",
        "## A second suite",
        suite(second),
        "The defaults were chosen on splits of the training parts of these two suites. Products in half of the members "
        "were once the default and were measured on test splits of both; they brought no gain and were taken out.",
        "## A third suite, on which nothing was chosen",
        suite(third),
        "Nothing of these tables was seen before the defaults were settled. Later, by how much the training loss has "
        "to have fallen where training ends was tried on an inner split of their training parts, too; it changed two "
        "of twenty fits.",
        "The first suite was measured before the temperature of probabilities got a prior, vehicle excepted. The prior "
        "changes log-losses where few rows are held out, but no error rate; nothing in these tables led to it.",
    ]
    sources = {
        "tabular.suite --suite FOLDER": "tabular_suite",
        "tabular.suite --suite SECOND --name fresh_tables": "fresh_tables",
        "tabular.suite --suite THIRD --name third_tables": "third_tables",
    }
    return Page("Default settings on real tables", claim("tabular.suite"), body, sources, "tables.md")


def suite(result):
    """Scores of all methods, best first, and paired comparisons."""
    names = sorted({row["table"] for row in result["rows"]})
    what = f"{len(names)} public tables ({', '.join(names)}), mean over {len(result['seeds'])} splits."
    return "\n\n".join([what, scores(result), comparisons(result)])


def scores(result):
    """Losses and times of all methods, best first."""
    heads = ["", "all", "regression", "classification", "mean rank", "log-loss", "AUC", "median fit, CPU s"]
    rows = [
        [
            method, f"{s['all']:.4f}", f"{s['regression']:.3f}", f"{s['classification']:.3f}", f"{s['mean_rank']:.2f}",
            f"{s['log_loss']:.3f}", f"{s['auc']:.3f}", f"{s['median_fit_cpu_seconds']:.1f}",
        ]
        for method, s in by_loss(result)
    ]  # fmt: skip
    return table(heads, rows)


def by_loss(result):
    """Methods and their summaries, the best first."""
    return sorted(result["summary"].items(), key=lambda item: item[1]["all"])


def comparisons(result):
    """Our losses against those of each peer on the same fits, and the tables on which it is ahead."""
    losses = {key: entries_by_fit(result["rows"], key) for key in ("loss", "log_loss", "auc")}
    is_regression = {row["table"]: row["task"] == "regression" for row in result["rows"]}
    means = {method: means_by_table(losses["loss"][method]) for method in result["summary"]}
    heads = [f"{OURS} against", "error", "regression", "classification", "log-loss", "AUC", "peer ahead on"]
    rows = []
    for peer in (method for method, _ in by_loss(result) if method != OURS):
        ours, theirs = losses["loss"][OURS], losses["loss"][peer]
        of_task = [
            {fit: loss for fit, loss in theirs.items() if is_regression[fit[0]] == flag} for flag in (True, False)
        ]
        ahead = [name for name, loss in means[peer].items() if loss < means[OURS][name]]
        pairs = [(ours, theirs), *((ours, part) for part in of_task)]
        pairs += [(losses[key][OURS], losses[key][peer]) for key in ("log_loss", "auc")]
        rows.append([peer, *(paired(*pair) for pair in pairs), ", ".join(sorted(ahead))])
    return table(heads, rows)


def means_by_table(losses):
    """Mean over splits for each table."""
    by_table = defaultdict(list)
    for (name, _), loss in losses.items():
        by_table[name].append(loss)
    return {name: sum(each) / len(each) for name, each in by_table.items()}


def paired(ours, theirs):
    """Our change against theirs, and the p-value of its sign."""
    return f"{100 * average(log_ratios(theirs, ours)):+.1f}% ({p_value(ours, theirs)})"


def p_value(ours, theirs):
    """Wilcoxon's signed-rank test on the logarithms of ratios."""
    p = wilcoxon(log_ratios(theirs, ours)).pvalue
    return f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"


def entries_by_fit(rows, key):
    """One entry of each row that has it, by method, then by table and split."""
    entries = defaultdict(dict)
    for row in rows:
        if key in row:
            entries[row["method"]][row["table"], row["seed"]] = row[key]
    return entries


def log_ratios(before, after):
    """Logarithms of the ratios of losses plus the offset, on the fits of `before`."""
    return [math.log((after[fit] + OFFSET) / (before[fit] + OFFSET)) for fit in before]


def average(ratios):
    """Geometric mean of ratios given by their logarithms, less one."""
    return math.expm1(sum(ratios) / len(ratios))


def change(before, after):
    """Geometric mean of the ratios of losses plus the offset, as a change in percent, and its standard error."""
    ratios = log_ratios(before, after)
    mean = sum(ratios) / len(ratios)
    error = (sum((ratio - mean) ** 2 for ratio in ratios) / len(ratios) / max(1, len(ratios) - 1)) ** 0.5
    return f"{100 * math.expm1(mean):+.1f}% ± {100 * math.exp(mean) * error:.1f}"


def longest(result):
    """The longest of our fits, and its table."""
    row = max((row for row in result["rows"] if row["method"] == OURS), key=lambda row: row["fit_cpu_seconds"])
    return f"{row['fit_cpu_seconds']:.0f} CPU seconds ({row['table']})"


def recipe():
    """From a plain network to the default, part by part."""
    result = read("ablation")
    losses = entries_by_fit(result["rows"], "loss")
    methods = list(dict.fromkeys(row["method"] for row in result["rows"]))
    heads = ["", "all", "regression", "classification", "log-loss", "change", "median fit, CPU s"]
    rows = []
    for before, method in zip([None, *methods], methods, strict=False):
        s = result["summary"][method]
        rows.append([
            method, f"{s['all']:.4f}", f"{s['regression']:.3f}", f"{s['classification']:.3f}", f"{s['log_loss']:.3f}",
            change(losses[before], losses[method]) if before else "", f"{s['median_fit_cpu_seconds']:.1f}",
        ])  # fmt: skip
    body = [
        f"{len({row['table'] for row in result['rows']})} tables, splits {listed(result['seeds'])}; "
        f"{MEASURE}. Each row has all that stands above it. Change: of the loss plus {OFFSET} from the row above, "
        "geometric mean over tables and splits, with its standard error.",
        table(heads, rows),
        f"{result['note']} Log-losses were measured before temperatures had a prior, which matters only where few rows "
        "are held out.",
    ]
    sources = {"tabular.ablation --suite FOLDER --seeds 0 1 2": "ablation"}
    return Page("The default recipe, part by part", claim("tabular.ablation"), body, sources, "tables.md")


def matched():
    """Networks of splines and plain ones, in one harness."""
    result = read("matched")
    losses = entries_by_fit(result["rows"], "loss")
    methods = list(dict.fromkeys(row["method"] for row in result["rows"]))
    names = list(dict.fromkeys(row["table"] for row in result["rows"]))
    rows = []
    for name in names:
        means = (means_by_table(losses[method])[name] for method in methods)
        rows.append([name, *(f"{loss:.4f}" for loss in means)])
    rows.append(["**all**", *(f"{result['summary'][method]['all']:.4f}" for method in methods)])
    rows.append(["change", "", *(change(losses[methods[0]], losses[method]) for method in methods[1:])])
    for key, what in (("n_parameters", "parameters, sum"), ("fit_cpu_seconds", "CPU seconds of all fits")):
        totals = (sum(row[key] for row in result["rows"] if row["method"] == method) for method in methods)
        rows.append([what, *(f"{total:,.0f}" for total in totals)])
    body = [
        "Everything but the basis is the same: encoder, members, optimizer, schedule, decay, validation and "
        "calibration. Plain networks (linear maps and SiLU) are as wide as the KAN's number of parameters allows, or "
        "as its time for one pass allows. The recipe's rates, decay and passes were chosen for splines, which favours "
        "them; a plain network with a recipe of its own is RealMLP on [another page](tables.md).",
        f"Mean loss, splits {listed(result['seeds'])}; last rows: {MEASURE}, and its change against the "
        f"first column (of the loss plus {OFFSET}, geometric mean with its standard error).",
        table(["", *methods], rows),
        "Diamonds and magic would have taken as long as all the others, and are left out.",
    ]
    sources = {"tabular.matched --suite FOLDER": "matched"}
    return Page("Splines and plain weights, all else equal", claim("tabular.matched"), body, sources, "tables.md")


def intervals():
    """How many new rows prediction intervals hold."""
    result = read("intervals")
    rows = []
    for name in dict.fromkeys(row["table"] for row in result["rows"]):
        own = [row for row in result["rows"] if row["table"] == name]
        each = ", ".join(f"{100 * row['coverage']:.1f}" for row in own)
        rows.append(
            [name, f"{own[0]['n_rows']:,}", f"{100 * mean(own, 'coverage'):.1f}", each, f"{mean(own, 'width'):.2f}",
             f"{100 * mean(own, 'coverage_of_spread'):.1f}"]
        )  # fmt: skip
    body = [
        f"Rows of the test side within intervals of {result['level']:.0%}, in percent. At most {result['most_rows']:,} "
        f"rows were learned from, by default settings; splits {listed(result['seeds'])}. Widths are over the standard "
        "deviation of the target. The last column shows that the members' spread is no interval.",
        table(["", "rows", "coverage", "on each split", "width", "±1.645 `return_std`"], rows),
    ]
    sources = {"tabular.intervals --suite FOLDER": "intervals"}
    return Page("Prediction intervals", claim("tabular.intervals"), body, sources)


def headline():
    """The table of the README, and what the two other suites say."""
    first, second, third = map(read, ("tabular_suite", "fresh_tables", "third_tables"))
    means = {method: means_by_table(losses) for method, losses in entries_by_fit(third["rows"], "loss").items()}
    n_best = sum(all(loss <= of[name] for of in means.values()) for name, loss in means[OURS].items())
    n_second = len({row["table"] for row in second["rows"]})
    return "\n\n".join([
        f"Default settings on {len({row['table'] for row in first['rows']})} public tables, mean over "
        f"{len(first['seeds'])} splits; {MEASURE}; {first['device']}, one thread.",
        scores(first),
        f"A suite of {len(means[OURS])} further tables had no part in the choice of defaults: {OURS} has the lowest "
        f"error on {n_best} of them, and on average its error is {against_catboost(third)}. On a suite of {n_second} "
        f"others it is {against_catboost(second)}.",
    ])  # fmt: skip


def against_catboost(result):
    """How far our error is from CatBoost's, in words."""
    losses = entries_by_fit(result["rows"], "loss")
    ours, theirs = losses[OURS], losses["CatBoost"]
    percent = 100 * average(log_ratios(theirs, ours))
    return f"{abs(percent):.1f}% {'above' if percent > 0 else 'below'} CatBoost's ({p_value(ours, theirs)})"


def fine_structure():
    """Columns that need hundreds of knots."""
    result = read("fine_structure")
    names = list(result["rows"][0]["rmse"])
    lines = []
    for name in dict.fromkeys(row["table"] for row in result["rows"]):
        rows = [row for row in result["rows"] if row["table"] == name]
        rmse = {peer: mean([row["rmse"] for row in rows], peer) for peer in names}
        seconds = {peer: mean([row["seconds"] for row in rows], peer) for peer in names}
        knots = sorted({str([n for n in row["fine_knots"] if n]).strip("[]") or "none" for row in rows})
        lines.append([
            name, *(f"{rmse[peer]:.3f}" for peer in names), f"{rmse['sklearn_kan'] / rmse['CatBoost']:.2f}",
            *(f"{seconds[peer]:.1f}" for peer in names), "; ".join(knots),
        ])  # fmt: skip
    heads = ["table", *names, "sklearn_kan / CatBoost", *(f"{peer}, s" for peer in names), "knots of fine columns"]
    body = ["Test RMSE and CPU seconds of fits, means over splits.", table(heads, lines)]
    return Page("Columns with fine structure", claim("fine_structure"), body,
                {"fine_structure FOLDER": "fine_structure"})  # fmt: skip
