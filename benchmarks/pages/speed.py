"""Times and memory of layers, training and prediction."""

from benchmarks.pages.page import Page, claim, listed, read, table

PEERS = ("efficient-kan", "fast-kan", "inkan", "TruKAN", "pykan")


def layers():
    """Layers and small networks, beside a matrix product and other libraries."""
    result = read("speed")
    beside_peers = [row for row in result["layers"] if "efficient-kan" in row["ms"]]
    names = [name for name in PEERS if name in beside_peers[0]["ms"]]
    body = [
        "Forward and backward of a layer (cubic, without the base branch, float32) over the time of the matrix product "
        f"of its expanded inputs, one thread, each timed warm, turns: {result['repeats']}. Compiled kernel / plain "
        "torch:",
        by_size(result["layers"], over_product),
        f"Times of other libraries' layers over that of the compiled kernel ({', '.join(names)}):",
        by_size(beside_peers, lambda ms: " / ".join(f"{ms[name] / ms['kernel']:.1f}" for name in names)),
        "One step of Adam of a whole network over that of a plain network of the same widths (batches of "
        f"{listed(row['n'] for row in result['networks'])}):",
        networks(result["networks"]),
        memory(result["memory"]),
    ]
    return Page("Layers", claim("speed"), body, {"speed": "speed"}, "speed.md")


def over_product(ms):
    """Times of the compiled kernel and of plain torch over that of the product."""
    return f"{ms['kernel'] / ms['product']:.2f} / {ms['plain torch'] / ms['product']:.1f}"


def by_size(layers, cell):
    """Cells made of times: numbers of basis functions by sizes of layer and batch."""
    sizes = sorted({(row["in"], row["n"]) for row in layers})
    rows = []
    for n_basis in sorted({row["n_basis"] for row in layers}):
        ms = {(row["in"], row["n"]): row["ms"] for row in layers if row["n_basis"] == n_basis}
        rows.append([str(n_basis), *(cell(ms[size]) for size in sizes)])
    return table(["basis functions", *(f"{width}→{width}, batch {n}" for width, n in sizes)], rows)


def networks(rows):
    """Steps of Adam of whole networks."""
    methods = [name for name in rows[0]["ms"] if name != "MLP"]
    cells = [["-".join(map(str, row["sizes"])), *(f"{row['ms'][name] / row['ms']['MLP']:.1f}" for name in methods)]
             for row in rows]  # fmt: skip
    return table(["widths", *methods], cells)


def memory(result):
    """Peaks of a training step."""
    peaks = ", ".join(f"{name} {row['peak_mb']:.0f} MB" for name, row in result["memory"].items())
    return (
        f"Peak memory of forward and backward, {result['in']}→{result['out']}, batch {result['n']}, "
        f"{result['n_basis']} basis functions, without layer and input: {peaks}. sklearn_kan saves "
        f"{result['memory']['sklearn_kan']['saved_over_input']:.1f} times the input for backward."
    )


BEFORE = (
    "This was measured when a default estimator was a single network of 64 units. The sixteen members of 32 units of "
    "today share all that is done per column, and one matrix product. What whole fits take now stands on the page of "
    "[real tables](tables.md)."
)


def training_loop():
    """The loop of training over a bare one."""
    over = read("training_loop")["over_bare_loop"]
    body = [
        f"The training loop takes {over['training loop']:.2f} times as long as a bare torch loop, and all of `fit` "
        f"{over['fit']:.2f} times as long.",
        BEFORE,
    ]
    return Page("The training loop", claim("training_loop"), body, {"training_loop": "training_loop"})


def prediction():
    """Latency and throughput."""
    result = read("inference")
    body = [
        table(["one row, median", "µs"], [[name, f"{us:.0f}"] for name, us in result["latency_us"].items()]),
        table(["100,000 rows at a time", "rows per second"],
              [[name, f"{rate:,.0f}"] for name, rate in result["rows_per_second"].items()]),
        f"A million rows take {max(0, result['mb_beside_a_million_rows']):.0f} MB in addition to table and result.",
    ]  # fmt: skip
    return Page("Prediction", claim("inference"), body, {"inference": "inference"})


def default_fit():
    """Whole fits with default settings."""
    result = read("default_fit")
    cells = [[name, f"{row['wall']:.2f}", f"{row['cpu']:.2f}"] for name, row in result.items()
             if isinstance(row, dict) and "wall" in row]  # fmt: skip
    body = [
        table(["fit", "wall, s", "CPU, s"], cells),
        f"A million rows take {result['mb_beside_a_million_rows']:.0f} MB in addition to their table.",
        "Fits of real tables stand next to their peers' on the page of [real tables](tables.md).",
    ]
    return Page("Default fits", claim("default_fit"), body, {"default_fit": "default_fit"})


def rows():
    """Time and memory against the number of rows."""
    result = read("scale")
    cells = [
        [f"{row['n']:,}", f"`{row['how']}`", f"{row['cpu_seconds']:.1f}",
         f"{row['cpu_seconds'] / row['n'] / result['passes'] * 1e6:.1f}", f"{row['table_mb']:.0f}",
         f"{row['extra_mb']:.0f}"]
        for row in result["rows"]
    ]  # fmt: skip
    body = [
        f"{result['passes']} passes over rows of {result['columns']} float32 columns.",
        table(["rows", "way", "CPU s", "µs per row and pass", "table, MB", "memory in addition, MB"], cells),
        BEFORE,
    ]
    return Page("Time and memory by rows", claim("scale"), body, {"scale": "scale"})


def time_to_error():
    """When methods reach each other's best validation errors."""
    result = read("time_to_error")
    names = list(result["curves"])
    cells = []
    for level in result["levels"]:
        seconds = [level["cpu_seconds"][name] for name in names]
        times = ["not reached" if each is None else f"{each:.1f}" for each in seconds]
        cells.append([f"{level['rmse']:.0f}, the best of {level['best_of']}", *times])
    body = [
        f"Defaults; a method ends with the first epoch after {result['budget_cpu_seconds']} s.",
        table(["validation RMSE", *(f"{name}, CPU s" for name in names)], cells),
        BEFORE,
    ]
    return Page("Time to an error", claim("time_to_error"), body, {"time_to_error": "time_to_error"})
