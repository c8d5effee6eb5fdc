"""Solutions on rows, as the estimator takes them over."""

from typing import Any, NamedTuple

import numpy as np

from ._collocation import collocate, root_mean_square
from ._inverse import learn_parameters
from ._reading import Domain, between, highest_frequency, order_of, with_hard_conditions


class Solution(NamedTuple):
    """What a solve has found."""

    field: Any  # Field or GridField
    residual: float
    relative_error: float
    frequencies: np.ndarray  # (n_peaks, D), cycles per unit
    parameters: dict
    intervals: dict
    noise: dict
    n_iter: int
    n_features_in_: int
    domain: np.ndarray  # (D, 2)


def solve_rows(groups, parameters):
    """Solve on groups of rows, the equation first."""
    points = np.vstack([group.points for group in groups])
    domain = Domain.of(points)
    start = {name: float(np.mean(value)) for name, value in parameters.items()}
    groups = with_hard_conditions(groups, order_of(groups[0], start))
    highest = highest_frequency(groups[0].points, domain)
    parameters, intervals = learn_parameters(groups, parameters, domain, highest)
    checks = between(groups[0], parameters)
    state = collocate(groups, checks, parameters, domain.extent, domain.middle, highest)
    return summary(state, groups, points, parameters, intervals)


def summary(state, groups, points, parameters, intervals):
    """The solution, with its expected error over all points."""
    size = root_mean_square(state.field(points))
    spread = root_mean_square(state.field.deviation(points))
    return Solution(
        state.field, state.residual, spread / size if size else 0.0, state.spectrum.centres / (2 * np.pi), parameters,
        intervals, {group.name: sigma for group, sigma in zip(groups, state.noise, strict=True)}, state.n_iter,
        points.shape[1], np.stack([points.min(0), points.max(0)], 1),
    )  # fmt: skip
