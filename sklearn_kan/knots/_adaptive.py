"""Knots for a function that can be evaluated, placed where its cubic spline needs them (AutoKnots)."""

import torch

FIRST_KNOTS = 6
CHECKED_PLACES = (0.2, 0.5, 0.8)  # in an interval, once all have passed
ERROR_MARGIN = 2.0  # the error at places checked has to be smaller by this factor, for those between them
NARROWEST_SHARE = 1e-10  # of the whole range, for one interval


def adaptive_knots(f, a, b, *, rtol=1e-6, atol=None):
    """Knots on which the cubic spline through `f` is everywhere within a tolerance.

    Begins with 6 knots. An interval passes if spline and function agree at its middle, and so do the spline's
    integral and Simpson's rule for the function; one that fails gets its middle as a knot. When all have passed,
    three places of every interval are checked on the final spline, which finds intervals that have passed by chance
    or on a plateau; what fails there is halved too, and the loop goes on.

    Parameters
    ----------
    f : callable
        Maps a float64 tensor of shape (n,) to values of the same shape.
    a, b : float
        Ends of the range.
    rtol, atol : float, default=1e-6 and rtol times the largest value of ``|f|``
        Spline and function agree where they differ by less than ``rtol * |f| + atol``.

    Returns
    -------
    knots : Tensor of shape (n_knots,), float64

    Raises
    ------
    ValueError
        If the range is empty, a value is not finite, or a jump would need infinitely many knots.

    References
    ----------
    Vitenti, de Simoni, Penna-Lima, Barroso (2024), *AutoKnots*, arXiv:2412.13423.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.knots import adaptive_knots
    >>> knots = adaptive_knots(lambda x: torch.tanh(50 * x), -1.0, 1.0)
    >>> (knots.diff().max() / knots.diff().min()).round()
    tensor(128., dtype=torch.float64)
    """
    if not a < b:
        raise ValueError(f"a={a} and b={b} do not bound a range. Pass a < b.")
    knots = torch.linspace(a, b, FIRST_KNOTS, dtype=torch.float64)
    values = evaluate(f, knots)
    passed = torch.zeros(len(knots) - 1, dtype=torch.bool)
    while True:
        tolerance = rtol * values.abs().max() if atol is None else atol
        guards = bool(passed.all())
        is_open = torch.ones_like(passed) if guards else ~passed
        pieces, width, left = cubic_pieces(knots, values)[is_open], knots.diff()[is_open], knots[:-1][is_open]
        middle = left + 0.5 * width
        at_middle = evaluate(f, middle)
        if guards:
            fails = torch.zeros_like(is_open)
            for place in CHECKED_PLACES:
                fails |= differs(polynomial(pieces, place * width), evaluate(f, left + place * width), rtol, tolerance)
        else:
            simpson = (values[:-1][is_open] + 4 * at_middle + values[1:][is_open]) / 6
            fails = differs(polynomial(pieces, 0.5 * width), at_middle, rtol, tolerance)
            fails |= differs(mean_value(pieces, width), simpson, rtol, tolerance)
        if guards and not fails.any():
            return knots
        if fails.any() and width[fails].min() < NARROWEST_SHARE * (b - a):
            place = middle[fails][width[fails].argmin()].item()
            raise ValueError(f"f seems to jump near x={place:g}. Split [a, b] there, or raise rtol={rtol} or atol.")
        is_split = torch.zeros_like(passed).masked_scatter(is_open, fails)
        passed = (~is_split).repeat_interleave(1 + is_split.long())
        knots, order = torch.cat([knots, middle[fails]]).sort()
        values = torch.cat([values, at_middle[fails]])[order]


def evaluate(f, x):
    y = torch.as_tensor(f(x), dtype=torch.float64)
    if y.shape != x.shape or not y.isfinite().all():
        raise ValueError(f"f gives shape {tuple(y.shape)} for {tuple(x.shape)}, or a value that is not finite.")
    return y


def differs(spline, function, rtol, atol):
    return ERROR_MARGIN * (spline - function).abs() > rtol * function.abs() + atol


def cubic_pieces(x, y):
    """Coefficients of ``1, u, u**2, u**3``, u = x - x_j, of the not-a-knot cubic spline, ``(n - 1, 4)``."""
    h = x.diff()
    secant = y.diff() / h
    slope = not_a_knot_slopes(h, secant)
    bend = (slope[:-1] + slope[1:] - 2 * secant) / h
    return torch.stack([y[:-1], slope[:-1], (secant - slope[:-1]) / h - bend, bend / h], 1)


def not_a_knot_slopes(h, secant):
    """Slopes at the knots: a tridiagonal system (de Boor 1978, ch. IV), by elimination without pivoting."""
    first, last = h[0] + h[1], h[-1] + h[-2]
    lower = torch.cat([h[1:], last[None]]).tolist()
    main = torch.cat([h[1:2], 2 * (h[1:] + h[:-1]), h[-2:-1]]).tolist()
    upper = torch.cat([first[None], h[:-1]]).tolist()
    right = torch.cat([
        (((h[0] + 2 * first) * h[1] * secant[0] + h[0] ** 2 * secant[1]) / first)[None],
        3 * (h[1:] * secant[:-1] + h[:-1] * secant[1:]),
        ((h[-1] ** 2 * secant[-2] + (2 * last + h[-1]) * h[-2] * secant[-1]) / last)[None],
    ]).tolist()  # fmt: skip
    for j in range(1, len(main)):
        factor = lower[j - 1] / main[j - 1]
        main[j] -= factor * upper[j - 1]
        right[j] -= factor * right[j - 1]
    slope = [right[-1] / main[-1]]
    for j in range(len(main) - 2, -1, -1):
        slope.append((right[j] - upper[j] * slope[-1]) / main[j])
    return torch.tensor(slope[::-1], dtype=torch.float64)


def polynomial(pieces, u):
    return ((pieces[:, 3] * u + pieces[:, 2]) * u + pieces[:, 1]) * u + pieces[:, 0]


def mean_value(pieces, width):
    return polynomial(pieces / torch.arange(1, 5, dtype=torch.float64), width)
