"""Solvers after the same time, beside pykan, and on an option to be hedged."""

from collections import defaultdict
from statistics import geometric_mean, median

from benchmarks.pages.page import Page, claim, counted, listed, mean, read, table


def solvers():
    """Errors of solvers after the same times, and on tables with noise."""
    result = read("solvers")
    seconds = sorted({row["seconds"] for row in result["functions"]})
    body = [
        f"Test RMSE over the target's spread after {' / '.join(f'{s:g}' for s in seconds)} CPU seconds: formulas of "
        f"Feynman's lectures without noise, {result['train_rows']:,} training rows, one network of 16 units; geometric "
        f"means over seeds {listed(result['seeds_of_functions'])}. The last rows say how many times lower an error is "
        "than that of tuned Adam: the geometric mean, and in brackets the least.",
        "Adam has a schedule that ends at each of these times, at the learning rate of three that was best on held-out "
        "rows after the shortest. Other work shared the two cores.",
        functions(result, seconds),
        "Tables with noise: RMSE over the target's spread, or log-loss (CPU seconds of the fit); means over seeds "
        f"{listed(result['seeds_of_tables'])}.",
        noisy(result),
    ]
    sources = {"solvers --seeds 0 1 2 --budgets 2 10 30": "solvers"}
    return Page("Solvers after the same time", claim("solvers"), body, sources, "solvers.md")


def smooth():
    """Errors of the default on smooth functions, beside Adam alone and other models."""
    result = read("smooth")
    errors, seconds = defaultdict(list), defaultdict(list)
    for row in result["results"]:
        errors[row["function"], row["rows"], row["noise"], row["method"]].append(row["error"])
        seconds[row["rows"], row["noise"], row["method"]].append(row["cpu_seconds"])
    groups = {row["function"]: row["group"] for row in result["results"]}
    methods = list(dict.fromkeys(row["method"] for row in result["results"]))
    body = [
        "RMSE on rows without noise over the target's spread: means over "
        f"{counted(len(result['seeds']), 'draw')} of the rows; median CPU seconds of a fit in the last row. In "
        "brackets, functions that the constants of the rule above 1,000 rows were chosen on, with other rows; the "
        "others had not been looked at. The rule for small tables was chosen on all of them, with other rows. The "
        "Gaussian process is scikit-learn's, with a Matérn kernel and a length scale for each column. "
        "MLPRegressor has up to 500 passes over all rows.",
    ]
    for n_rows in result["rows"]:
        for noise in result["noise"]:
            known = [method for method in methods if (n_rows, noise, method) in seconds]
            rows = []
            for name, group in groups.items():
                cells = [errors[name, n_rows, noise, method] for method in known]
                shown = name if group == "fresh" else f"({name})"
                rows.append([shown, *(f"{sum(each) / len(each):.2g}" for each in cells)])
            ratio = geometric_mean(
                mine / other
                for name in groups
                for mine, other in zip(
                    errors[name, n_rows, noise, "default"], errors[name, n_rows, noise, "Adam alone"], strict=True
                )
            )
            rows.append(["CPU seconds", *(f"{median(seconds[n_rows, noise, method]):.1f}" for method in known)])
            head = f"{n_rows:,} rows, noise of {noise:.0%} of the spread"
            body += [f"## {head}", table(["", *known], rows), f"Default over Adam alone, geometric mean: {ratio:.2f}."]
    return Page("Smooth tables", claim("smooth"), body, {"smooth": "smooth"}, "solvers.md")


def functions(result, seconds):
    """Errors on formulas without noise."""
    errors = defaultdict(list)
    for row in result["functions"]:
        errors[row["target"], row["solver"], row["seconds"]].append(row["error"])
    names = list(result["summary"])
    rows = []
    for target in dict.fromkeys(row["target"] for row in result["functions"]):
        cells = [[f"{geometric_mean(errors[target, name, s]):.1e}" for s in seconds] for name in names]
        rows.append([target, *map(" / ".join, cells)])
    for s in seconds:
        ratios = [result["summary"][name][str(s)] for name in names]
        rows.append([f"times lower, {s:g} s", *(f"{r['times_lower']:.1f} ({r['least']:.1f})" for r in ratios)])
    return table(["", *names], rows)


def noisy(result):
    """Errors on tables with noise, and times of the fits."""
    runs = defaultdict(list)
    for row in result["tables"]:
        runs[row["table"], row["solver"]].append(row)
    names = list(dict.fromkeys(row["solver"] for row in result["tables"]))
    rows = []
    for name in dict.fromkeys(row["table"] for row in result["tables"]):
        of = [runs[name, solver] for solver in names]
        rows.append([name, *(f"{mean(each, 'error'):.3f} ({mean(each, 'cpu_seconds'):.1f})" for each in of)])
    return table(["", *names], rows)


def pykan():
    """Test errors and times beside pykan on the KAN paper's examples."""
    result = read("pykan_headline")
    runs = {(row["example"], row["seed"], row["method"]): row for row in result["rows"]}
    methods = sorted({row["method"] for row in result["rows"]}, key=lambda method: (method != "pykan", method))
    seeds = sorted({row["seed"] for row in result["rows"]})
    cases = [(example, seed) for example in result["sizes"] for seed in seeds]
    rows = []
    for example, seed in cases:
        of = [runs.get((example, seed, method)) for method in methods]
        cells = [f"{run['rmse']:.1e}, {run['cpu_seconds']:.1f} s" if run else "" for run in of]
        rows.append([f"{example}, {result['sizes'][example]}", str(seed), *cells])
    pairs = [(runs[*case, "pykan"], runs[*case, "gauss_newton, best of 3 starts"]) for case in cases]
    better = [theirs["rmse"] / ours["rmse"] for theirs, ours in pairs if ours["rmse"] < theirs["rmse"]]
    sooner = sum(ours["cpu_seconds"] <= theirs["cpu_seconds"] / 10 for theirs, ours in pairs)
    body = [
        f"Test RMSE and CPU seconds on the examples of the KAN paper (arXiv:2404.19756): {result['rows_per_table']:,} "
        f"rows without noise, up to {result['grids'][-1]} intervals. pykan's error is that of its best grid in "
        "hindsight. Of three starts of Gauss-Newton, the one with the lowest *training* loss counts.",
        table(["", "seed", *methods], rows),
        f"The best of three starts ends below pykan's test error in {len(better)} of {len(pairs)} cases, by factors of "
        f"{min(better):.1f} to {max(better):,.0f}. It takes a tenth of pykan's time or less in {sooner}.",
    ]
    sources = {"pykan_headline --seeds 0 1 2": "pykan_headline"}
    return Page("pykan on the KAN paper's examples", claim("pykan_headline"), body, sources, "solvers.md")


def hedging():
    """Policies by Adam and by K-FAC."""
    result = read("hedging")
    rows = []
    for quantity, found in result["summary"].items():
        means = (f"{s['mean']:.3g} ({s['low']:.3g} to {s['high']:.3g})" for s in (found["Adam"], found["K-FAC"]))
        change = found["change"]
        rows.append([quantity, *means, f"{change['mean']:+.1%} ({change['low']:+.1%} to {change['high']:+.1%})"])
    costs, variance = (-100 * result["paper"][key] for key in ("costs", "variance"))
    n_seeds = len({row["seed"] for row in result["rows"]})
    body = [
        f"Mueller (2024), *Deep Hedging with K-FAC*, reports costs that are {costs:.1f}% lower and a variance of the "
        f"profit that is {variance:.1f}% lower. This is not a replication of that set-up.",
        "The contract is an at-the-money call of 30 days under Heston's model, hedged in ten steps at costs of 0.5% of "
        "the traded value. A policy sees time, price, variance and its position. It is a KAN (4, 8, 1), or an LSTM of "
        "16 units made of `torch.nn.Linear`. The mean squared profit, premium included, is minimised, which makes the "
        "curvature of the loss at the profit a constant. K-FAC is given the whole book as its module: paths in, profit "
        "out. The module calls its layers ten times, and the factors are those of independent calls.",
        "There are 4,096 training paths. A step of Adam uses 256 of them, a step of K-FAC 1,024. Both rates fall as a "
        "cosine, and the best validated state counts. Adam has the better of two learning rates; the search for it is "
        "not charged.",
        f"After {result['budget_cpu_seconds']} CPU seconds on one thread, {n_seeds} seeds, 20,000 test paths: means "
        "with 95% bootstrap intervals over seeds.",
        table(["", "Adam", "K-FAC", "change"], rows),
    ]
    return Page("Hedging with K-FAC", claim("hedging"), body, {"hedging": "hedging"}, "hedging.md")
