"""B-splines on equally spaced knots, all of them at once by their closed formula (Schoenberg, 1946)."""

from functools import cache
from math import ceil, comb, factorial

import torch

from ..kernels import N_BUFFERS
from ..knots import HIGH, LOW


def cardinal_splines(x, n_knots, degree, slopes=False, buffers=None):
    """Values of the B-splines on uniform knots in [-1, 1], and on request their slopes; linear outside the knots.

    With the distance d of x from the middle of a spline, in units of the knots' spacing,
    ``B(d) = sum_j (-1)**j C(degree + 1, j) max((degree + 1) / 2 - j - d, 0)**degree / degree!``,
    whose terms with j >= (degree + 1) / 2 are zero: two for a cubic, and no recursion.

    Parameters
    ----------
    x : Tensor of shape (n, in)
    n_knots, degree : int
        `degree` at least 2, so that slopes are continuous.
    slopes : bool, default=False
    buffers : Tensor of shape (6, n, n_knots + degree - 1, in), optional
        Memory to work in, which then holds the result: fresh memory costs more time than the arithmetic.

    Returns
    -------
    values : Tensor of shape (n, n_knots + degree - 1, in)
        Inputs last, so that every operation runs along them.
    slopes : Tensor of the same shape, or None

    References
    ----------
    I. J. Schoenberg (1946), *Contributions to the problem of approximation of equidistant data by analytic functions*.
    """
    if buffers is None:
        buffers = x.new_empty(N_BUFFERS, len(x), n_knots + degree - 1, x.shape[1])
    rate = (n_knots - 1) / (HIGH - LOW)
    place = (x - LOW) * rate
    values, rises = inside_knots(place.clamp(0, n_knots - 1), degree, slopes, buffers)
    before, after = place.clamp(max=0), (place - (n_knots - 1)).clamp_(min=0)
    for k, slope in end_slopes(degree):  # by symmetry the same at both ends, from the first and from the last spline
        values[:, k].add_(before, alpha=slope)
        values[:, -1 - k].add_(after, alpha=-slope)
    return values, rises.mul_(rate) if slopes else None


@cache
def end_slopes(degree):
    """Slopes that are not zero at the first knot, from the right: pairs of a spline's number and its slope."""
    place = torch.zeros(1, 1, dtype=torch.float64)
    _, rises = inside_knots(place, degree, True, place.new_empty(N_BUFFERS, 1, degree + 1, 1))
    return [(k, slope) for k, slope in enumerate(rises.flatten().tolist()) if slope]


def inside_knots(place, degree, slopes, buffers):
    """The same for places counted in spacings from the first knot, slopes in their units."""
    values, rises, reach, terms, ramp, offset = buffers
    middle = torch.arange(values.shape[1], dtype=place.dtype, device=place.device) - (degree - 1) / 2
    torch.sub(place[:, None], middle[:, None], out=offset)
    torch.abs(offset, out=reach).neg_()
    for j in range(ceil((degree + 1) / 2)):
        share = (-1) ** j * comb(degree + 1, j) / factorial(degree)
        reach.add_((degree + 1) / 2 if j == 0 else -1)
        torch.clamp(reach, min=0, out=ramp)
        if slopes:
            lower = torch.pow(ramp, degree - 1, out=terms)
            rises = torch.mul(lower, -degree * share, out=rises) if j == 0 else rises.add_(lower, alpha=-degree * share)
        if j == 0:
            torch.pow(ramp, degree, out=values).mul_(share)
        else:
            values.add_(ramp.pow_(degree), alpha=share)
    return values, rises.mul_(offset.sign_()) if slopes else None
