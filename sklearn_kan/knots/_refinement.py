"""Knots added to splines and taken away: exactly, or within a tolerance.

Splines are those of `sklearn_kan.bases.BSpline`: the knots of a row, continued on either side with its outermost
spacing. All is computed in float64, one input (row of knots) at a time.
"""

import heapq

import torch

from ._placement import extended


def insertion_matrix(knots, finer, degree):
    """The linear map from a spline's coefficients to those of the same function on more knots.

    A coefficient is the polar form of any of the polynomials in its support, taken at the ``degree`` knots inside
    (Ramshaw, 1987); with one new knot this is Boehm's (1980) rule, with many the Oslo algorithm (Cohen, Lyche,
    Riesenfeld, 1980). It holds as well if the continuation of the knots beyond the ends has changed.

    Parameters
    ----------
    knots : Tensor of shape (n_knots,)
    finer : Tensor of shape (n_finer,)
        Has all of `knots`, with the same ends.
    degree : int

    Returns
    -------
    matrix : Tensor of shape (n_finer + degree - 1, n_knots + degree - 1), float64

    Raises
    ------
    ValueError
        If a knot is missing from `finer`, or `finer` goes beyond the ends.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.knots import insertion_matrix
    >>> insertion_matrix(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 0.25, 1.0]), degree=1)
    tensor([[1.0000, 0.0000],
            [0.7500, 0.2500],
            [0.0000, 1.0000]], dtype=torch.float64)
    """
    knots, finer = knots.double().cpu(), finer.double().cpu()
    if not torch.isin(knots, finer).all() or finer[0] != knots[0] or finer[-1] != knots[-1]:
        raise ValueError(f"finer={finer.tolist()} does not hold knots={knots.tolist()} with the same ends.")
    old, new = extended(knots, degree), extended(finer, degree)
    n_old, n_new = len(knots) + degree - 1, len(finer) + degree - 1
    j = torch.arange(n_new)
    interval = (j + degree // 2).clamp(degree, degree + len(finer) - 2)  # one in the support of j, inside the ends
    middle = (new[interval] + new[interval + 1]) / 2
    piece = (torch.searchsorted(old, middle, right=True) - 1).clamp(degree, degree + len(knots) - 2)
    first = piece - degree
    polar = torch.eye(n_old, dtype=torch.float64)[first[:, None] + torch.arange(degree + 1)]
    for r in range(1, degree + 1):
        at = new[j + r]
        for q in range(degree, r - 1, -1):
            low, high = old[first + q], old[first + q + degree + 1 - r]
            share = ((at - low) / (high - low))[:, None]
            polar[:, q] = torch.lerp(polar[:, q - 1], polar[:, q], share)
    return polar[:, degree]


def insert_knots(weight, knots, finer, degree):
    """Coefficients of the same functions on more knots.

    Parameters
    ----------
    weight : Tensor of shape (n_inputs, n_knots + degree - 1, n_outputs)
        Coefficients.
    knots, finer : Tensor of shape (n_inputs, n_knots) and (n_inputs, n_finer)
        Each row of `finer` has the knots of the row in `knots`, with the same ends. Rows may end in ``inf``.
    degree : int

    Returns
    -------
    weight : Tensor of shape (n_inputs, n_finer + degree - 1, n_outputs)

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.knots import insert_knots
    >>> weight = torch.tensor([[[0.0], [2.0]]])
    >>> insert_knots(weight, torch.tensor([[0.0, 1.0]]), torch.tensor([[0.0, 0.5, 1.0]]), degree=1).squeeze()
    tensor([0., 1., 2.])
    """
    result = weight.new_zeros(len(weight), finer.shape[1] + degree - 1, weight.shape[2])
    for i, (row, finer_row) in enumerate(zip(knots, finer, strict=True)):
        matrix = insertion_matrix(finite(row), finite(finer_row), degree)
        n_new, n_old = matrix.shape
        result[i, :n_new] = (weight[i, :n_old].T.double() @ matrix.T.to(weight.device)).T.to(weight)
    return result


def remove_knots(weight, knots, degree, tol):
    """Take away inner knots whose absence changes no function by more than `tol`.

    Knots are tried in the order of what their removal alone would cost. A function without them is the one closest
    in the coefficients on all knots, and its distance is measured there: functions differ by no more than their
    coefficients do (B-splines are positive and sum to one).

    Parameters
    ----------
    weight : Tensor of shape (n_inputs, n_knots + degree - 1, n_outputs)
        Coefficients.
    knots : Tensor of shape (n_inputs, n_knots)
        Rows may end in ``inf``.
    degree : int
    tol : float

    Returns
    -------
    weight : Tensor of shape (n_inputs, n_fewer + degree - 1, n_outputs)
    knots : Tensor of shape (n_inputs, n_fewer)

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.knots import remove_knots
    >>> line = torch.tensor([[[0.0], [1.0], [2.0]]])
    >>> weight, knots = remove_knots(line, torch.tensor([[0.0, 0.5, 1.0]]), 1, tol=1e-6)
    >>> knots
    tensor([[0., 1.]])
    """
    rows = [finite(row).double().cpu() for row in knots]
    coarse = [coarser(coef, row, degree, tol) for coef, row in zip(weight.double().cpu(), rows, strict=True)]
    table = stacked([row for _, row in coarse])
    result = weight.new_zeros(len(weight), table.shape[1] + degree - 1, weight.shape[2])
    for i, (coef, _) in enumerate(coarse):
        result[i, : len(coef)] = coef.to(weight)
    return result, table.to(knots)


def coarser(coef, knots, degree, tol):
    """One input's coefficients (n_basis, n_outputs) and knots after removal."""
    coef = coef[: len(knots) + degree - 1]

    def without(kept):
        matrix = insertion_matrix(knots[kept], knots, degree)
        fewer = torch.linalg.lstsq(matrix, coef).solution
        return fewer, (matrix @ fewer - coef).abs().max().item()

    every = torch.ones(len(knots), dtype=torch.bool)
    costs = [(without(every.index_fill(0, torch.tensor(j), False))[1], j) for j in range(1, len(knots) - 1)]
    kept, values = every, coef
    for _, j in sorted(costs):
        fewer = kept.index_fill(0, torch.tensor(j), False)
        candidate, change = without(fewer)
        if change > tol:
            break
        kept, values = fewer, candidate
    return values, knots[kept]


def split_intervals(knots, score, n_knots, order=1):
    """Halve the intervals of highest score until there are `n_knots` knots.

    Parameters
    ----------
    knots : Tensor of shape (n_inputs, n_old)
        Rows may end in ``inf``.
    score : Tensor of shape (n_inputs, n_old - 1)
        Of each interval; one of score zero is left alone.
    n_knots : int
        Most knots of a row.
    order : int, default=1
        Half an interval has ``2**-order`` of its score.

    Returns
    -------
    finer : Tensor of shape (n_inputs, n_new)
        ``n_new`` is at most `n_knots`; shorter rows end in ``inf``.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.knots import split_intervals
    >>> split_intervals(torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[3.0, 1.0]]), n_knots=5)
    tensor([[0.0000, 0.2500, 0.5000, 1.0000, 2.0000]])
    """
    rows = []
    for row, scores in zip(knots, score, strict=True):
        ends = finite(row).tolist()
        heap = [(-s, a, b) for s, a, b in zip(scores.tolist(), ends[:-1], ends[1:], strict=False) if s > 0]
        heapq.heapify(heap)
        while heap and len(ends) < n_knots:
            negative, a, b = heapq.heappop(heap)
            middle = (a + b) / 2
            ends.append(middle)
            for half in ((a, middle), (middle, b)):
                heapq.heappush(heap, (negative / 2**order, *half))
        rows.append(torch.tensor(sorted(ends), dtype=knots.dtype))
    return stacked(rows).to(knots)


def roughness(weight, knots, degree):
    """Size of what is missing on each interval: ``h**(p+1) |f^(p+1)|``, root mean square over outputs.

    The derivative of order ``p + 1`` is estimated from the jumps of the p-th, which is constant between knots
    (de Boor 1978, ch. XII, for the choice of new knots).

    Parameters
    ----------
    weight : Tensor of shape (n_inputs, n_knots + degree - 1, n_outputs)
        Coefficients.
    knots : Tensor of shape (n_inputs, n_knots)
    degree : int

    Returns
    -------
    score : Tensor of shape (n_inputs, n_knots - 1), float64
        Zero where there is no interval.
    """
    score = torch.zeros(len(knots), knots.shape[1] - 1, dtype=torch.float64)
    for i, row in enumerate(knots):
        row = finite(row).double().cpu()
        t, top = extended(row, degree), weight[i, : len(row) + degree - 1].T.double().cpu()
        for r in range(1, degree + 1):
            low = t[r : len(t) - degree - 1]
            top = (degree + 1 - r) * top.diff(dim=1) / (t[degree + 1 : len(t) - r] - low)
        width = row.diff()
        jump = top.diff(dim=1).abs() / ((width[1:] + width[:-1]) / 2)
        beside = torch.nn.functional.pad(jump, (1, 1))
        derivative = torch.maximum(beside[:, 1:], beside[:, :-1])
        score[i, : len(width)] = derivative.square().mean(0).sqrt() * width ** (degree + 1)
    return score


def stacked(rows):
    """Rows of different lengths as a table, filled up with ``inf``."""
    if not rows:
        return torch.zeros(0, 2)
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=torch.inf)


def finite(row):
    return row[row.isfinite()]
