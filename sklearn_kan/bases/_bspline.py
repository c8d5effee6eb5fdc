"""B-splines (de Boor, 1978), the basis of Kolmogorov-Arnold networks (Liu et al., 2024)."""

from numbers import Integral
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from .. import kernels
from ..knots import insert_knots, quantile_knots, remove_knots, roughness, split_intervals, uniform_knots
from ._base import Basis, as_new
from ._cardinal import cardinal_splines
from ._pieces import PieceTable, evaluate_pieces, kept_table, slopes_of

NARROWEST = 1e-3  # of an input's range: an interval that is halved
ADAPTIVE_TOLERANCE = 1e-3  # of an edge function, within which adaptive knots are missing or superfluous


class BSpline(Basis, name="bspline"):
    """B-splines of `degree` on `n_knots` knots, continued linearly outside them.

    Between two knots only ``degree + 1`` functions are non-zero, and they are polynomials of the place between
    the knots. Their coefficients are tabulated once per interval; evaluation looks up one row and runs Horner's
    scheme on it, at a cost that does not grow with the number of knots. The two linear continuations are two
    more rows of the table.

    Parameters
    ----------
    in_features : int
    n_knots : int, default=8
        Knots of one input, both ends included; at least 2.
    degree : int, default=3
        0 to 5.
    knots : {"uniform", "quantile", "adaptive"} or Tensor, default="uniform"
        Equally spaced on [-1, 1], or at quantiles of the inputs given to :meth:`place_knots`, where "adaptive" ones
        start too; or the knots themselves, shape (n_knots,) or (in_features, n_knots).

    Attributes
    ----------
    n_basis : int
        ``n_knots + degree - 1``.
    knots : Tensor of shape (in_features, n_knots)
        Rows with merged ties end in ``inf``; their last basis functions are zero everywhere.

    Raises
    ------
    ValueError
        If `n_knots`, `degree` or `knots` is out of range.

    Notes
    -----
    Shape: ``(n_samples, in_features) -> (n_samples, in_features, n_basis)``. Inside the knots the values sum to one
    and equal :meth:`scipy.interpolate.BSpline.design_matrix`; as in :class:`sklearn.preprocessing.SplineTransformer`
    the knots continue outside with the outermost spacing.

    References
    ----------
    C. de Boor (1978), *A Practical Guide to Splines*, ch. X.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.bases import BSpline
    >>> phi = BSpline(1, n_knots=3, degree=1)(torch.tensor([[-1.0], [0.25]]))
    >>> phi.squeeze()
    tensor([[1.0000, 0.0000, 0.0000],
            [0.0000, 0.7500, 0.2500]])
    """

    search_space: ClassVar = {"n_knots": (4, 32), "degree": [1, 2, 3], "knots": ["uniform", "quantile", "adaptive"]}

    knots: torch.Tensor
    pieces: torch.Tensor
    origin: torch.Tensor
    rate: torch.Tensor
    first: torch.Tensor

    def __init__(self, in_features, *, n_knots=8, degree=3, knots="uniform") -> None:
        given = None if knots is None or isinstance(knots, str) else given_knots(knots, in_features)
        n_knots = n_knots if given is None else given.shape[1]
        check_spline(n_knots, degree, knots)
        super().__init__(in_features, n_basis=n_knots + degree - 1)
        self.n_knots, self.degree, self.placement = n_knots, degree, knots if given is None else "given"
        table = uniform_knots(in_features, n_knots) if given is None else given
        self.given = None if given is None else given.numpy()  # to the last digit
        self.register_buffer("knots", as_new(table))
        for name in ("pieces", "origin", "rate", "first"):
            self.register_buffer(name, None, persistent=False)
        self.tabulate()

    def place_knots(self, x, sample_weight=None) -> None:
        """Move the knots to the quantiles of `x`, shape (n_samples, in_features), if that was asked for."""
        if self.placement in ("quantile", "adaptive"):
            self.knots.copy_(quantile_knots(x, self.n_knots, sample_weight))
            self.tabulate()

    def refine_knots(self, weight, n_knots, x=None, sample_weight=None) -> torch.Tensor:
        """Add knots, up to `n_knots` for an input, and give the coefficients of the same functions.

        Intervals are halved: the widest first, or for quantile knots those that hold most of the rows `x`. Adaptive
        knots whose removal changes no function by more than 1e-3 go first; then those intervals are halved in which
        the functions are roughest, down to the same tolerance.

        Parameters
        ----------
        weight : Tensor of shape (in_features, n_basis, out_features)
        n_knots : int
        x : Tensor of shape (n_samples, in_features), optional
        sample_weight : Tensor of shape (n_samples,), optional

        Returns
        -------
        weight : Tensor of shape (in_features, n_basis, out_features)
            With the new number of functions.
        """
        knots = self.knots
        if self.placement == "adaptive":
            weight, knots = remove_knots(weight, knots, self.degree, ADAPTIVE_TOLERANCE)
            score = roughness(weight, knots, self.degree)
            score = torch.where(score > ADAPTIVE_TOLERANCE, score, 0.0)
            finer = split_intervals(knots, score, n_knots, self.degree + 1)
        elif self.placement == "quantile" and x is not None:
            finer = split_by_mass(knots, n_knots, x, sample_weight)
        else:
            finer = split_intervals(knots, torch.where(knots[:, 1:].isfinite(), knots.diff(dim=1), 0.0), n_knots)
        self.replace_knots(finer)
        return insert_knots(weight, knots, finer, self.degree)

    def replace_knots(self, knots) -> None:
        """Take another table of knots, of any length."""
        self.knots, self.n_knots = knots.contiguous(), knots.shape[1]
        self.placement = "given" if self.placement == "uniform" else self.placement
        self.n_basis = self.n_knots + self.degree - 1
        self.tabulate()

    def tabulate(self) -> None:
        """Bring the table of polynomials up to date with the knots."""
        check_spline(self.n_knots, self.degree, "uniform")
        if (self.knots.ndim, *self.knots.shape[1:], self.n_basis) != (2, self.n_knots, self.n_knots + self.degree - 1):
            raise ValueError(
                f"knots of shape {tuple(self.knots.shape)}, n_knots={self.n_knots}, degree={self.degree} and n_basis="
                f"{self.n_basis} do not belong together. Load the state of one basis."
            )
        _, self.pieces, self.origin, self.rate, self.first = kept_table(self.knots, self.degree)
        self.found_even: bool | None = None  # whether they are evenly spaced, once somebody asks

    def _load_from_state_dict(self, state_dict, prefix, *others):
        knots, errors = state_dict.get(f"{prefix}knots"), others[-1]
        if type(knots) in (torch.Tensor, nn.Parameter) and not knots.is_meta and not increase(knots):
            errors.append(f"{prefix}knots do not increase along each row, or are not finite. Load knots that do.")
            return
        super()._load_from_state_dict(state_dict, prefix, *others)
        self.tabulate()

    def __setstate__(self, state):
        super().__setstate__(state)
        if not increase(self.knots):
            raise ValueError("knots of a basis do not increase along each row, or are not finite. Load knots that do.")
        self.tabulate()  # rather than believe what came with them

    def _apply(self, fn, recurse=True):
        knots = self.knots
        super()._apply(fn, recurse)
        if self.knots is not knots:
            self.restore_digits()
            self.tabulate()  # rounded afresh from the knots rather than cast: float64 stays exact
        return self

    def restore_digits(self) -> None:
        """Take the digits of given or uniform knots that a lower precision had no room for, if they are still those."""
        if self.knots.ndim != 2 or self.knots.is_meta:
            return
        given = uniform_knots(*self.knots.shape) if self.given is None else torch.from_numpy(self.given)
        given = given.to(self.knots.device)
        if given.shape == self.knots.shape and torch.equal(given.float(), self.knots.float()):
            self.knots = given.to(self.knots)

    def table(self):
        """The polynomials between the knots."""
        return PieceTable(self.knots, self.pieces, self.origin, self.rate, self.first)

    def forward(self, x) -> torch.Tensor:
        return evaluate_pieces(x, self.table(), self.n_basis)

    def expand(self, x, slopes, buffers=None) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Values, and slopes if wanted, both ``(n, n_basis, in)``; fast, and without gradients."""
        is_single = x.dtype == torch.float32  # the precision to which uniform knots hold
        if is_single and self.placement == "uniform" and self.degree > 1:
            return cardinal_splines(x, self.n_knots, self.degree, slopes, buffers)
        table = self.table()
        values = evaluate_pieces(x, table, self.n_basis).transpose(1, 2)
        return values, evaluate_pieces(x, slopes_of(table), self.n_basis).transpose(1, 2) if slopes else None

    def find_kernel(self, operation, x, weight, table):
        """The kernel for fixed knots, if there is one and these are splines as it knows them: a subclass may differ."""
        is_own = type(self).forward.__module__.startswith(f"{__package__}.")
        if table.pieces.requires_grad or not is_own:
            return None
        return kernels.find(operation, x, weight, table.pieces, degree=self.degree, n_knots=self.n_knots)

    def contract_members(self, x, weight) -> torch.Tensor:
        table = self.table()
        kernel = self.find_kernel("member_sums", x, weight, table)
        if kernel is None:
            return super().contract_members(x, weight)
        return kernel(x, weight, table, self.degree, super().contract_members)

    def contract(self, x, weight) -> torch.Tensor:
        table = self.table()
        if kernel := self.find_kernel("spline_sums", x, weight, table):
            return kernel(x, weight, table, self.degree, super().contract)
        if kernel := self.find_kernel("expanded_sums", x, weight, table):
            return kernel(x, weight, self.expand, super().contract)
        return super().contract(x, weight)


def check_spline(n_knots, degree, knots):
    """Raise if a spline cannot be built from these."""
    if not isinstance(degree, Integral) or not 0 <= int(degree) <= 5:
        raise ValueError(f"degree={degree} is out of range. Choose an integer from 0 to 5.")
    if not isinstance(n_knots, Integral) or int(n_knots) < 2:
        raise ValueError(f"n_knots={n_knots} is too small for degree={degree}. Choose at least 2, one for each end.")
    if knots is None or (isinstance(knots, str) and knots not in ("uniform", "quantile", "adaptive")):
        raise ValueError(f"knots={knots!r} is unknown. Choose 'uniform', 'quantile' or 'adaptive', or pass knots.")


def increase(knots):
    """Whether each row of a table has at least two finite knots that increase, and nothing but ``inf`` after them."""
    if knots.ndim != 2 or not knots[:, :2].isfinite().all():
        return False
    return bool(((knots.diff(dim=1) > 0) | (knots[:, 1:] == torch.inf)).all())


def given_knots(knots, in_features):
    """A user's knots as a table, shape (in_features, n_knots)."""
    knots = torch.as_tensor(knots, dtype=torch.float64)
    table = knots.expand(in_features, -1) if knots.ndim == 1 else knots
    if table.ndim != 2 or len(table) != in_features or not increase(table):
        raise ValueError(
            f"knots has shape {tuple(knots.shape)}. Pass increasing ones, of shape (n_knots,) or "
            f"({in_features}, n_knots)."
        )
    return table.clone(memory_format=torch.contiguous_format)


def mass_between(knots, x, sample_weight=None):
    """Weight of the rows strictly inside each interval: ``(in, n_knots), (n, in) -> (in, n_knots - 1)``."""
    columns, order = x.detach().T.to(knots).contiguous().sort(dim=1)
    weight = torch.ones(len(x)) if sample_weight is None else sample_weight
    total = F.pad(weight.to(knots)[order].cumsum(1), (1, 0))
    left_of = total.gather(1, torch.searchsorted(columns, knots))
    up_to = total.gather(1, torch.searchsorted(columns, knots, right=True))
    return (left_of[:, 1:] - up_to[:, :-1]).clamp(min=0)


def split_by_mass(knots, n_knots, x, sample_weight=None):
    """Halve the heaviest interval of each input, one after the other, until there are `n_knots` knots.

    Narrow ones are left alone: a value that most rows have would draw all knots to it, until halves had no width.
    """
    reach = torch.where(knots.isfinite(), knots, knots[:, :1]).amax(1, keepdim=True) - knots[:, :1]
    for n in range(knots.shape[1] + 1, n_knots + 1):
        is_wide = knots.diff(dim=1) > NARROWEST * reach
        knots = split_intervals(knots, torch.where(is_wide, mass_between(knots, x, sample_weight), 0.0), n)
    return knots
