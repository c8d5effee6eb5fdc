"""Differential equations."""

import numpy as np

from benchmarks.pages.page import Page, claim, read, table


def equations():
    """The paper's problems, variants of them, hopeless ones, and unknown coefficients."""
    result, peer = read("pde"), read("pde_peer")
    settings = result["settings"]
    runs = result["inverse"] + result["grid_inverse"]
    body = [
        f"Relative L2 errors at {settings['fine_points']:,} points, of the one solution that is returned; CPU time of "
        "one thread. Expected: `relative_error_`, what the solver itself says. GP-HM: the lowest of 20 checkpoints on "
        "the test grid in the authors' logs, whose runs take 10³ to 10⁴ s. Chebyshev "
        "collocation has as many points along each axis, and its error in two dimensions is taken at them; splines are "
        "quintic, with as many pieces as points.",
        table(["problem", "error", "expected", "CPU s", "GP-HM's best", "Chebyshev", "splines"], [
            [row["problem"], small(row["error"]), small(row["expected"]), f"{row['seconds']:.1f}", small(row["paper"]),
             small(row["chebyshev"]), small(row["spline"])] for row in result["paper"]
        ]),
        beaten(result["paper"]),
        "## GP-HM's own code",
        f"Its authors' code with their configuration (commit {peer['commit'][:7]}, JAX {peer['versions']['jax']}) on "
        f"{peer['problem']}, one thread, for eight minutes of the {peer['peer'][0]['steps_asked']:,} steps that it "
        "asks for; compiling is not counted. It was written for GPUs.",
        table(["", "steps", "CPU s", "error"], against_time(peer)),
        "## Variants",
        "Nothing was chosen on these, and no setting is changed. An error above "
        f"{settings['silent_above']:.0%} without a warning would be silent.",
        scores(result["variants"]),
        "## Twelve more",
        "Written down when conditions by side, time and circles were new, before any of them was run; nothing was "
        "changed for them.",
        scores(result["fresh"]),
        "## Six more",
        "Other domains, terms and sides, written down after all that came before and before any was run; nothing was "
        "changed for them.",
        scores(result["second"]),
        "## Eleven more",
        "Fourth and fractional orders, an odd one in time, sides of every kind, corners, layers, and coefficients to "
        "be found, written down after all that came before and before any was run. Two things were changed after that: "
        "a solution's errors have those of unknown coefficients in them, and expected errors on grids are closer to "
        "the true ones.",
        scores(result["third"]),
        "## Problems that cannot be solved as given",
        "A warning is the right answer.",
        scores(result["unsolvable"]),
        "## Noise",
        f"{len(result['noisy'][0]['covered'])} runs ({len(result['noisy'][-1]['covered'])} of transport) with noise of "
        "their own in the source or where values are given. The "
        "errors of one run depend on each other, so coverage is that of all points of all runs, plus or minus its "
        "standard error over runs.",
        table(["problem", "points in intervals of 90 %", "median error", "median expected error"],
              [noisy(row) for row in result["noisy"]]),
        "## Unknown coefficients",
        "Runs with coefficients, places and noise of their own: the coefficient of "
        "diffusion in u″ from 20 values of a steady solution, the speed of a wave from 20 values anywhere in space and "
        "time; on rows, and on grids whose sides determine the solution.",
        table(["", "intervals of 90 % that hold it", "median error", "median width"], [
            inverse(runs, what) for what in dict.fromkeys(row["what"] for row in runs)
        ]),
    ]  # fmt: skip
    return Page("Differential equations", claim("pde"), body, {"pde": "pde", "pde_peer": "pde_peer"}, "equations.md")


def against_time(peer):
    """Errors of the peer as its time goes by, and ours."""
    names = {"Matern52_Cos_1d": "GP-HM, Student-t", "SE_Cos_1d": "GP-HM, Gaussians"}
    rows = [
        [names[run["kernel"]], row["steps"], f"{row['seconds']:.1f}", small(row["error"])]
        for run in peer["peer"] for row in run["errors"]
    ]  # fmt: skip
    return [*rows, ["`GPEquationSolver`", "", f"{peer['ours']['seconds']:.1f}", small(peer["ours"]["error"])]]


def small(value):
    """An error, or nothing."""
    return "" if value is None else f"{value:.1e}"


def beaten(rows):
    """On how many problems the error is lower than each of the others'."""
    parts = []
    for key, name in (("paper", "GP-HM's best"), ("chebyshev", "Chebyshev collocation"), ("spline", "quintic splines")):
        compared = [row for row in rows if row[key] is not None]
        wins = sum(row["error"] < row[key] for row in compared)
        parts.append(f"than {name} on {wins} of {len(compared)}")
    return (
        f"The error is lower {', '.join(parts)}. Chebyshev collocation needs π points in a wave, which 200 for sin 500x"
        " are not."
    )


def scores(rows):
    """Errors and what was said of them."""
    return table(["problem", "error", "expected", "CPU s", "points within ±1.96 std", "warning"], [
        [row["problem"], small(row["error"]), small(row["expected"]), f"{row['seconds']:.1f}",
         f"{row['coverage']:.2f}", "yes" if row["warned"] else "no"] for row in rows
    ])  # fmt: skip


def noisy(row):
    """Coverage and errors of one problem."""
    spread = np.std(row["covered"]) / len(row["covered"]) ** 0.5
    return [row["problem"], f"{np.mean(row['covered']):.0%} ± {spread:.0%}", small(np.median(row["error"])),
            small(np.median(row["expected"]))]  # fmt: skip


def inverse(rows, what):
    """Coverage, error and width of one coefficient's intervals."""
    rows = [row for row in rows if row["what"] == what]
    errors = sorted(abs(row["found"] / row["true"] - 1) for row in rows)
    widths = sorted((row["interval"][1] - row["interval"][0]) / row["true"] for row in rows)
    held = sum(row["covered"] for row in rows) / len(rows)
    return [what, f"{held:.0%} of {len(rows)}", f"{errors[len(rows) // 2]:.1%}", f"{widths[len(rows) // 2]:.1%}"]
