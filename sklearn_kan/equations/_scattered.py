"""Solutions on rows, as the estimator takes them over."""

from typing import Any, NamedTuple

import numpy as np

from ._collocation import collocate, root_mean_square
from ._conditioning import condition
from ._groups import linear_rows
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
    learned = learn_parameters(groups, parameters, domain, highest)
    checks = between(groups[0], learned.values)
    state = collocate(groups, checks, learned.values, domain.extent, domain.middle, highest)
    return summary(with_uncertain_parameters(state, groups, learned.moved), groups, points, learned)


def with_uncertain_parameters(state, groups, moved):
    """The state, with what the uncertainty of coefficients makes of the solution among its errors."""
    waves, columns = state.field.waves, [state.field.factor]
    for pair in moved:
        designs = [[linear_rows(group, state.field, one).design(waves) for group in groups] for one in pair]
        high, low = (condition(design, waves.amplitudes, state.noise).coefficients for design in designs)
        columns.append((high - low)[:, None] / 2)
    return state._replace(field=state.field._replace(factor=np.hstack(columns)))


def summary(state, groups, points, learned):
    """The solution, with its expected error over all points."""
    size = root_mean_square(state.field(points))
    spread = root_mean_square(state.field.deviation(points))
    noise = {group.name: sigma for group, sigma in zip(groups, state.noise, strict=True)}
    return Solution(
        state.field, state.residual, spread / size if size else 0.0, state.spectrum.centres / (2 * np.pi),
        learned.values, learned.intervals, noise, state.n_iter, points.shape[1],
        np.stack([points.min(0), points.max(0)], 1),
    )  # fmt: skip
