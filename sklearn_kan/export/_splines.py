"""Steps for piecewise polynomials: powers of the places on all intervals, clipped to [0, 1], add up to the function."""

from typing import NamedTuple

import numpy as np


def numbers(tensor):
    """A tensor as a float64 array of its own."""
    return tensor.detach().cpu().numpy().astype(np.float64)


class Ramps(NamedTuple):
    """Where the intervals of piecewise polynomials lie: arrays (n_tables, n_intervals), ends (n_tables, 1)."""

    origin: np.ndarray
    rate: np.ndarray
    is_there: np.ndarray
    start: np.ndarray
    end: np.ndarray
    slopes: np.ndarray
    last: np.ndarray


def ramps(table, degree):
    n_tables, n_knots = table.knots.shape
    origin, rate = (numbers(part).reshape(n_tables, n_knots + 1) for part in (table.origin, table.rate))
    knots = numbers(table.knots)
    count = np.maximum(2, np.isfinite(knots).sum(1))
    end = np.take_along_axis(knots, count[:, None] - 1, 1)
    is_there = np.arange(1, n_knots) < count[:, None]
    begin = origin[:, 1:n_knots] if degree else knots[:, :-1]
    return Ramps(begin, rate[:, 1:n_knots], is_there, knots[:, :1], end, rate[:, [0]], count)


def spline_parts(do, x, grid, degree):
    """Features (..., n_intervals) of inputs (..., 1), one table for each power, and the two continuations."""
    if degree == 0:
        has_steps = grid.origin.shape[-1] > 1
        return [do("Real", do("GreaterOrEqual", x, grid.origin[..., 1:])) if has_steps else do("Mul", x, np.float64(0))]
    place = do.clipped(do("Mul", do("Sub", x, grid.origin), grid.rate), 0, 1)
    powers = [place]
    for _ in range(degree - 1):
        powers.append(do("Mul", powers[-1], place))
    below = do("Min", do("Sub", x, grid.start), np.float64(0))
    above = do("Max", do("Sub", x, grid.end), np.float64(0))
    return [*powers, below, above]


def part_weights(local, grid, degree):
    """Coefficients of those features from polynomials (n_tables, n_knots + 1, degree + 1, units), and the start."""
    start = local[:, 1, 0]
    if degree == 0:
        if grid.origin.shape[1] < 2:
            return [np.zeros_like(local[:, :1, 0])], start
        steps = np.diff(local[:, 1:-1, 0], axis=1)
        return [steps * grid.is_there[:, 1:, None]], start
    inner = local[:, 1:-1] * grid.is_there[..., None, None]
    after = np.take_along_axis(local, grid.last[:, None, None, None], 1)[:, :, 1]
    end_rate = np.take_along_axis(grid.rate, grid.last[:, None] - 2, 1)[..., None]
    return [
        *(inner[:, :, p] for p in range(1, degree + 1)), local[:, :1, 1] * grid.slopes[..., None], after * end_rate
    ], start  # fmt: skip
