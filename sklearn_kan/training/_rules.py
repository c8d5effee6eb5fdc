"""When small networks are fitted by Gauss-Newton, and kept, by the kind of target."""

from typing import NamedTuple

from ._losses import cross_entropy, squared_error

SMOOTH_SHARE = 0.03  # of a target's variance, left on held-out rows, below which more digits are looked for
WIDTHS = 4, 8, 16  # units, if they are left to the fit: as many as pay
N_KNOTS = 5
WORTH_REPLACING = 0.7  # of an ensemble's held-out loss, which one member of the new one leaves
WORTH_THERE = 0.95  # likewise, what all of them leave on small tables


class Rules(NamedTuple):
    """What small networks are tried on, and kept for, by the kind of target.

    Parameters
    ----------
    smooth : float
        Share of the loss of a constant, left on held-out rows, below which tables of any size are tried.
    told : float
        Likewise, below which small tables are not: classes are told apart already, and more would only take time.
    is_tried_blindly : bool
        Whether small tables are tried that have too few rows to hold some out.
    work : float
        Of a step on them: rows and parameters times the square of the number of parameters.
    n_members : int
        There at most.
    going_on, next_ones : float
        Of an ensemble's held-out loss, what the first member may leave for others to be fitted, and what these may.
    by_far : float
        Likewise, what all of them may leave to be kept without a look at chance.
    certain : float
        Standard errors by which they are better otherwise.
    knots : dict
        Of the networks, which have as many of `WIDTHS` as pay.
    n_widths : int
    """

    smooth: float
    told: float
    is_tried_blindly: bool
    work: float
    n_members: int
    going_on: float
    next_ones: float
    by_far: float
    certain: float
    knots: dict[str, int]
    n_widths: int


RULES = {
    squared_error: Rules(
        smooth=SMOOTH_SHARE, told=0.0, is_tried_blindly=True, work=1.2e8,
        n_members=7,  # which hold out each row once
        going_on=0.9, next_ones=WORTH_THERE, by_far=WORTH_REPLACING, certain=2.0,
        knots={"n_knots": N_KNOTS}, n_widths=len(WIDTHS),
    ),
    # Losses are those of a few rows above all, and say little before all members are fitted. A row counts for each
    # class, and steps have a curvature for each, but more units are not tried. Products make quadrics of lines. Single
    # members are compared with averages of two or three, so less certainty is enough.
    cross_entropy: Rules(
        smooth=0.0, told=0.15, is_tried_blindly=False, work=6e8, n_members=4,
        going_on=1.2, next_ones=1.0, by_far=0.0, certain=1.25, knots={"n_knots": 2, "degree": 1}, n_widths=1,
    ),
}  # fmt: skip
