"""The pages of ``docs/measured``, each made from result files alone."""

from benchmarks.pages import equations, export, faults, formulas, gp, network, solvers, speed, tables

PAGES = {
    "tables": tables.tables,
    "recipe": tables.recipe,
    "matched": tables.matched,
    "fine_structure": tables.fine_structure,
    "intervals": tables.intervals,
    "bases": network.bases,
    "adaptive_knots": network.adaptive_knots,
    "papers": network.papers,
    "constraints": network.constraints,
    "pruning": network.pruning,
    "glass_box": network.glass_box,
    "search": network.search,
    "solvers": solvers.solvers,
    "pykan": solvers.pykan,
    "hedging": solvers.hedging,
    "layers": speed.layers,
    "training_loop": speed.training_loop,
    "default_fit": speed.default_fit,
    "prediction": speed.prediction,
    "rows": speed.rows,
    "time_to_error": speed.time_to_error,
    "gp_forecasts": gp.forecasts,
    "gp_tables": gp.tables,
    "gp_large": gp.large,
    "equations": equations.equations,
    "formulas": formulas.formulas,
    "export": export.export,
    "faults": faults.faults,
}
