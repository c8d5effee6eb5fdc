"""Families of bases, knots, published layers, constraints and searches."""

from collections import defaultdict

from benchmarks.pages.page import Page, claim, counted, listed, mean, read, table


def bases():
    """All families at equal size and at equal time, and what a layer costs."""
    result = read("bases")
    settings, rows, summary = result["settings"], result["rows"], result["summary"]
    groups = sorted({row["group"] for row in rows})
    names = {group: sorted({row["data"] for row in rows if row["group"] == group}) for group in groups}
    columns = [(protocol, group) for protocol in summary for group in groups]
    losses = next(iter(summary.values()))[groups[0]]
    cells = []
    for method in sorted(losses, key=lambda method: losses[method]["loss"]):
        found = [summary[protocol][group][method] for protocol, group in columns]
        texts = [f"{each['loss']:.3f} ({each['over_best']:.2f})" for each in found]
        cells.append([method, *texts, str(result["layer_ms"].get(method, ""))])
    body = [
        f"One hidden layer, at most {settings['rows']:,} rows, {settings['passes']} passes (equal size) or "
        f"{settings['seconds']:g} s of CPU time (equal time), {counted(len({row['seed'] for row in rows}), 'split')}; "
        "shifted geometric mean of nRMSE or error rate on "
        + " and on ".join(f"{len(names[group])} {group} ({', '.join(names[group])})" for group in groups)
        + ". In brackets: over the best family. Layer: forward and backward, 64→64, batch 1024, six knots or degree 8.",
        table(["", *(f"{protocol}, {group}" for protocol, group in columns), "layer, ms"], cells),
        " ".join(worst_family(summary, protocol, group) for protocol, group in columns),
    ]  # fmt: skip
    sources = {"bases --suite FOLDER --seeds 0 1 2": "bases"}
    return Page("Families of bases at equal size and time", claim("bases"), body, sources, "bases.md")


def worst_family(summary, protocol, group):
    """How far the worst family is from the best one, scikit-learn's MLP left out."""
    over = {name: each["over_best"] for name, each in summary[protocol][group].items() if name != "MLP"}
    worst = max(over, key=over.get)
    return f"Largest ratio at {protocol} on {group}: {over[worst]:.2f} ({worst})."


def adaptive_knots():
    """Knots placed for a tolerance, and as many uniform ones as reach the same error."""
    result = read("adaptive_knots")
    rows = [
        [row["function"].replace("|", "\\|"), str(row["placed"]), f"{row['error_over_tolerance']:.2f}",
         f"{row['uniform']:,}"]
        for row in result["rows"]
    ]  # fmt: skip
    body = [
        "`sklearn_kan.knots.adaptive_knots` with a relative tolerance of 1e-6, checked on a dense grid, and the number "
        "of uniform knots that reach the same error.",
        table(["", "placed knots", "largest error over the tolerance", "uniform knots for it"], rows),
    ]
    return Page("Knots placed for a tolerance", claim("adaptive_knots"), body, {"adaptive_knots": "adaptive_knots"})


def papers():
    """Values and steps of layers beside the papers' own code."""
    result = read("papers")
    knots = result["individual_knots"]
    time, memory = (knots[key]["individual"] / knots[key]["shared"] for key in ("ms", "peak_mb"))
    rows = [[name, f"{ms['published']:.1f}", f"{ms['ours']:.1f}"] for name, ms in result["step_ms"].items()]
    body = [
        f"A training step (forward, backward, Adam) of a layer 64→64, batch {result['n']:,}, float32, one thread, "
        "timed in turn. Published layers take part where they can be imported.",
        table(["", "published, ms", "ours, ms"], rows),
        "Where formulas agree, the largest difference of values in float64 is "
        f"{max(result['differences'].values()):.0e}; that of rational_kat_cu comes from its rounded coefficients.",
        f"Individual knots take {time:.1f} times the time of shared ones, and a step at {result['n_of_memory']:,} rows "
        f"takes {memory:.1f} times the memory.",
    ]
    return Page("The papers' own layers", claim("papers"), body, {"papers": "papers"})


KINDS = {"free": "free", "monotone": "monotone", "pairwise": "pairs", "no_interactions": "additive"}


def constraints():
    """Free, monotone, pairwise and additive models of two families."""
    result = read("constraints")
    cells = defaultdict(list)
    for row in result["rows"]:
        cells[row["table"], row["family"], row["kind"]].append(row)
    seeds = sorted({row["seed"] for row in result["rows"]})
    rows = []
    for name, family in dict.fromkeys(key[:2] for key in cells):
        kinds = [cells[name, family, kind] for kind in KINDS]
        ratio = mean(kinds[1], "fit_cpu_seconds") / mean(kinds[0], "fit_cpu_seconds")
        losses = [f"{mean(runs, 'loss'):.3f} ({mean(runs, 'violations'):.0%})" for runs in kinds]
        rows.append([f"{name}, {family}", *losses, f"{ratio:.1f}"])
    body = [
        "A noisy function that is monotone in two columns, and three tables of which that is only expected. At most "
        f"{result['rows_per_table']:,} rows to fit to, defaults, splits {listed(seeds)}; nRMSE, or "
        "log-loss for `default`. In brackets: share of held-out rows from which the sweep of a constrained column "
        "breaks its constraint. Last column: CPU seconds of a monotone fit over those of a free one.",
        table(["", *KINDS.values(), "time"], rows),
        "A free KAN is an ensemble of sixteen. When this was measured, one with constraints was a single network.",
    ]
    sources = {"constraints --rows 1000 --seeds 0 1": "constraints"}
    return Page("Constraints, kept and paid for", claim("constraints"), body, sources, "constraints.md")


GLASS = ("glass box", "EBM", "glass box without pairs", "EBM without pairs", "default network")


def glass_box():
    """Glass boxes, explainable boosting machines and the default network: losses and times."""
    result = read("glass_box")
    cells = defaultdict(dict)
    for row in result["rows"]:
        cells[row["table"], row["seed"]][row["method"]] = row
    rows = [
        [
            f"{name}, {seed}",
            *(
                f"{loss_of(runs[method]):.3f} ({runs[method]['fit_cpu_seconds']:.0f})" if method in runs else ""
                for method in GLASS
            ),
        ]
        for (name, seed), runs in cells.items()
    ]
    complete = {key: runs for key, runs in cells.items() if len(runs) == len(GLASS)}
    means = [mean([{"loss": loss_of(runs[method])} for runs in complete.values()], "loss") for method in GLASS]
    body = [
        "Tables of the development suite and seeds of their splits. nRMSE or log-loss on held-out rows, in brackets "
        "CPU seconds of the fit. EBM is `interpret-core` with its defaults, and with `interactions=0`.",
        table(["table, seed", *GLASS], [*rows, ["mean of full rows", *(f"{loss:.3f}" for loss in means)]]),
    ]
    tables, seeds = (dict.fromkeys(str(key[i]) for key in cells) for i in range(2))
    command = f"glass_box --suite FOLDER --seeds {' '.join(seeds)} --tables {' '.join(tables)}"
    return Page(
        "Glass boxes and explainable boosting machines",
        claim("glass_box"),
        body,
        {command: "glass_box"},
        "glass_box.md",
    )


def loss_of(row):
    """What a row of a table is judged by: log-loss of classes, else nRMSE."""
    return row.get("log_loss", row["loss"])


SEARCHES = ("KANSearchCV", "KANSearchCV, pruned", "OptunaSearchCV", "RandomizedSearchCV")


def search():
    """Best cross-validated scores of searches at equal numbers of fits, and what pruning saves."""
    result = read("search")
    rows = []
    for name, found in result["summary"].items():
        scores = (f"{found[method]['best_score']:.3f}" for method in SEARCHES)
        pruning = found["pruning"]
        rows.append(
            [name, *scores, *(f"{pruning[key]:.1f}x" for key in ("times_faster_20_trials", "times_faster_to_score"))]
        )
    n_seeds = len({run["seed"] for run in result["runs"]})
    body = [
        f"Best cross-validated score (R2, or minus log-loss) of {result['n_trials']} settings in {result['n_folds']} "
        f"folds of {result['rows']} rows, `max_iter={result['max_iter']}`, "
        f"`hidden_layer_sizes={result['hidden_layer_sizes']}`, mean over {counted(n_seeds, 'seed')}, one thread. The "
        "pruned search goes on until it has made as many passes as the unpruned one. Last columns: how much sooner it "
        f"had tried {result['n_trials']} settings, and how much sooner it reached the unpruned search's best score.",
        table(["", *SEARCHES, f"{result['n_trials']} settings", "same score"], rows),
    ]
    sources = {"search --suite FOLDER --tables concrete phoneme vehicle bikeshare": "search"}
    return Page("Searches at equal numbers of fits", claim("search"), body, sources, "search.md")


def pruning():
    """How much smaller networks get at a small loss."""
    result = read("pruning")
    cells = []
    for name in dict.fromkeys(row["table"] for row in result["rows"]):
        own = [row for row in result["rows"] if row["table"] == name]
        keys = "columns", "members", "units"
        sizes = [f"{mean_of(own, key, 0):.3g} to {mean_of(own, key, 1):.3g}" for key in keys]
        cells.append([name, *sizes, *changes(own)])
    cells.append(["mean", "", "", "", *changes(result["rows"])])
    limit, splits = f"{100 * result['max_loss_increase']:g} %", counted(len(result["seeds"]), "split")
    body = [
        f"`prune` with a limit of {limit}, on a third of the training rows, which the model had not seen; {splits}. "
        "The loss is that of test rows, over that of the whole model.",
        table(["", "columns", "members", "units", "edges gone", "loss", "times as fast"], cells),
    ]
    command = "pruning --suite FOLDER --tables concrete ames phoneme satimage bikeshare magic --seeds 0 1"
    return Page("Smaller models", claim("pruning"), body, {command: "pruning"}, "reading.md")


def changes(rows):
    """Edges that are gone, the loss, and the speed-up, in words."""
    gone, loss = 1 - mean(rows, "edges_left"), mean(rows, "loss_ratio") - 1
    return [f"{100 * gone:.0f} %", f"{100 * loss:+.1f} %", f"{mean(rows, 'speed_up'):.1f}"]


def mean_of(rows, key, place):
    """Mean of one of an entry's numbers over rows."""
    return sum(row[key][place] for row in rows) / len(rows)
