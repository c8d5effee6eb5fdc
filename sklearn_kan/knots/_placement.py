"""Where knots stand: uniformly, or at quantiles of a column."""

import torch

LOW, HIGH = -1.0, 1.0  # the range that encoder and normalisation map signals to


def uniform_knots(n_inputs, n_knots):
    """Equally spaced knots from -1 to 1, the same for every input.

    Parameters
    ----------
    n_inputs, n_knots : int

    Returns
    -------
    knots : Tensor of shape (n_inputs, n_knots), float64

    Examples
    --------
    >>> from sklearn_kan.knots import uniform_knots
    >>> uniform_knots(1, 3)
    tensor([[-1.,  0.,  1.]], dtype=torch.float64)
    """
    return torch.linspace(LOW, HIGH, n_knots, dtype=torch.float64).repeat(n_inputs, 1)


def quantile_knots(x, n_knots, sample_weight=None, levels=None):
    """Knots at quantiles of each column; ties are merged.

    A column with at most `n_knots` distinct values gets its values as knots. A constant column gets the two
    knots half a unit of the knot range either side of its value.

    Parameters
    ----------
    x : Tensor of shape (n_samples, n_inputs)
    n_knots : int
        Most knots of one column, at least 2.
    sample_weight : Tensor of shape (n_samples,), optional
        A row of weight 2 counts as two rows.
    levels : Tensor of shape (n_knots,) or (n_sets, n_knots), optional
        Probabilities of the knots, from 0 to 1; equally spaced by default. Each row makes a set of knots.

    Returns
    -------
    knots : Tensor of shape (n_inputs, n_knots) or (n_sets, n_inputs, n_knots), float64
        Rows with merged ties end in ``inf``.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.knots import quantile_knots
    >>> quantile_knots(torch.tensor([[0.], [1.], [1.], [1.]]), n_knots=3)
    tensor([[0., 1., inf]], dtype=torch.float64)
    """
    levels = torch.linspace(0, 1, n_knots, dtype=torch.float64) if levels is None else levels.double()
    table = torch.full((*levels.shape[:-1], x.shape[1], n_knots), torch.inf, dtype=torch.float64)
    for i, column in enumerate(x.detach().cpu().T):
        values, mass = distinct_values(column.double(), sample_weight)
        for level, rows in zip(levels.reshape(-1, n_knots), table.reshape(-1, x.shape[1], n_knots), strict=True):
            knots = knots_from_distinct(values, mass, level)
            rows[i, : len(knots)] = knots
    return table


def knots_from_distinct(values, mass, levels):
    """Knots of one column, at most ``len(levels)``."""
    if len(values) == 1:
        half_range = (HIGH - LOW) / 2
        return torch.cat([values - half_range, values + half_range])
    if len(values) <= len(levels):
        return merge_ties(values)
    return merge_ties(quantiles(values, mass, levels))


def distinct_values(column, sample_weight=None):
    """Distinct values of a column, increasing, and the weight that each carries."""
    values, index = torch.unique(column, return_inverse=True)
    weight = torch.ones_like(column) if sample_weight is None else sample_weight.to(column)
    mass = torch.zeros_like(values).index_add_(0, index, weight)
    is_there = mass > 0
    return (values, mass) if is_there.all() else (values[is_there], mass[is_there])  # copies of millions take memory


def quantiles(values, mass, levels):
    """Quantiles of distinct `values` with weights `mass`, by interpolating the mid-distribution function.

    Continuous in the weights, and a row of weight 2 equals two rows: what scikit-learn's check of weight
    equivalence needs and `torch.quantile` does not offer.
    """
    if len(values) == 1:
        return values.expand(len(levels))
    cdf = mass.cumsum(0) - 0.5 * mass
    cdf = (cdf - cdf[0]) / (cdf[-1] - cdf[0])
    right = torch.searchsorted(cdf, levels).clamp(1, len(values) - 1)
    step = (levels - cdf[right - 1]) / (cdf[right] - cdf[right - 1])
    step = step.nan_to_num(0.0).clamp(0, 1)  # values that weigh next to nothing beside others share a place
    return torch.lerp(values[right - 1], values[right], step)


def quantile(values, mass, level):
    """One of the `quantiles`, a tensor without axes."""
    return quantiles(values, mass, torch.tensor([level], dtype=torch.float64))[0]


def merge_ties(knots):
    """Drop inner knots closer to a neighbour than a twentieth of an even spacing: steep pieces extrapolate wildly."""
    least = 0.05 * (knots[-1] - knots[0]) / len(knots)
    kept = [knots[0]]
    for knot in knots[1:-1]:
        if knot - kept[-1] > least and knots[-1] - knot > least:
            kept.append(knot)
    return torch.stack([*kept, knots[-1]])


def extended(knots, degree):
    """Knots of B-splines: rows continued by `degree` more on either side, at the outermost spacing, instead of ``inf``.

    Shape ``(..., n_knots) -> (..., n_knots + 2 * degree)``.
    """
    is_there = knots.isfinite()
    last = (is_there.sum(-1, keepdim=True) - 1).clamp(min=1)  # before a state is loaded there may be anything
    end = knots.gather(-1, last)
    step = end - knots.gather(-1, last - 1)
    beyond = torch.arange(knots.shape[-1], dtype=knots.dtype, device=knots.device) - last
    inner = torch.where(is_there, knots, end + step * beyond)
    reach = torch.arange(1, degree + 1, dtype=knots.dtype, device=knots.device)
    before = knots[..., :1] - (knots[..., 1:2] - knots[..., :1]) * reach.flip(0)
    return torch.cat([before, inner, inner[..., -1:] + step * reach], -1)
