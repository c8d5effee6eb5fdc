"""Where knots are, and how they are added and removed.

Layout of this package: a table of knots has shape ``(n_inputs, n_knots)``, each row strictly increasing. A row with
fewer distinct knots than columns is filled up with ``inf`` on the right, so no interval is empty.
"""

from ._adaptive import adaptive_knots
from ._differences import second_differences
from ._placement import (
    HIGH,
    LOW,
    distinct_values,
    extended,
    merge_ties,
    quantile,
    quantile_knots,
    quantiles,
    uniform_knots,
)
from ._refinement import insert_knots, insertion_matrix, remove_knots, roughness, split_intervals, stacked

__all__ = [
    "HIGH",
    "LOW",
    "adaptive_knots",
    "distinct_values",
    "extended",
    "insert_knots",
    "insertion_matrix",
    "merge_ties",
    "quantile",
    "quantile_knots",
    "quantiles",
    "remove_knots",
    "roughness",
    "second_differences",
    "split_intervals",
    "stacked",
    "uniform_knots",
]
