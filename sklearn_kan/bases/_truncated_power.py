"""Truncated powers with shared or individual, fixed or learnable knots (TruKAN; Bayeh et al., 2026)."""

import math
from collections.abc import Iterator
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from .. import kernels
from ..knots import HIGH, LOW, quantile_knots
from ._bspline import BSpline, given_knots
from ._pieces import PieceTable, evaluate_pieces, horner, locate, piece_table, polynomials_of

EDGES_AT_ONCE = 2**20  # values of individual edge functions held in memory
MIN_WIDTH = 1e-3  # of a learnable interval before rescaling, so that knots never meet


class TruncatedPower(BSpline, name="truncated_power"):
    """Truncated powers ``1, x, ..., x**p, (x - t_1)_+**p, ..., (x - t_m)_+**p``, m = n_knots - 2 inner knots.

    Their span is that of the B-splines on the same knots, but their Gram matrix has a condition number of 1e9
    and more (1e3 for B-splines), on which training stalls. Coefficients are therefore held in B-spline
    coordinates; :meth:`power_coef` gives them for the truncated powers, by an exact change of basis.

    Parameters
    ----------
    in_features : int
    out_features : int, optional
        Needed for individual knots; a layer passes its own.
    n_knots : int, default=8
        Knots of one edge, both ends included.
    degree : int, default=3
        0 to 5; at least 1 if knots are learned.
    knots : {"uniform", "quantile", "adaptive"} or Tensor, default="uniform"
        Where the knots are, or start; as in `BSpline`.
    individual_knots : bool, default=False
        Each edge (output, input) has its own knots, which start staggered between outputs. Such a layer is no longer
        one matrix product: it costs about four times as much on the CPU, and memory is held down by recomputing in
        backward.
    learn_knots : bool, default=False
        Train the inner knots too. They stay ordered: widths are ``softplus(r) + 1e-3``, summed up and rescaled
        to the knots' range, whose ends stay put.

    Notes
    -----
    Shape: ``(n_samples, in_features) -> (n_samples, in_features, n_basis)`` with
    ``n_basis = n_knots + degree - 1``; ``(n_samples, out_features, in_features, n_basis)`` for individual knots.
    Departures from the authors' code: the coordinates, the linear continuation outside the knots, and no
    learnable knot on the end of the range, where its function is zero.

    References
    ----------
    Bayeh, Sadaoui, Mouhoub (2026), *TruKAN*, arXiv:2602.03879.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.bases import TruncatedPower
    >>> basis = TruncatedPower(2, n_knots=5, degree=3, learn_knots=True)
    >>> basis(torch.zeros(10, 2)).shape
    torch.Size([10, 2, 7])
    """

    search_space: ClassVar = {**BSpline.search_space, "learn_knots": [False, True]}

    def __init__(self, in_features, *, out_features=None, n_knots=8, degree=3, knots="uniform",
                 individual_knots=False, learn_knots=False) -> None:  # fmt: skip
        if learn_knots and degree == 0:
            raise ValueError("learn_knots=True needs degree >= 1, got degree=0: steps have no gradient in their knots.")
        if individual_knots and out_features is None:
            raise ValueError("individual_knots=True needs out_features, got None. Pass the layer's number of outputs.")
        n_repeats = out_features if individual_knots else 1
        if not isinstance(knots, str):
            knots = given_knots(knots, in_features).repeat(n_repeats, 1)
        super().__init__(in_features * n_repeats, n_knots=n_knots, degree=degree, knots=knots)
        self.in_features = in_features
        self.out_features = out_features if individual_knots else None
        self.raw_widths = nn.Parameter(torch.zeros_like(self.knots[:, 1:])) if learn_knots else None
        self.set_knots(self.knots.double() if self.placement == "given" else self.starting_knots())

    def place_knots(self, x, sample_weight=None) -> None:
        """Move the knots to the quantiles of `x`, shape (n_samples, in_features), if that was asked for."""
        if self.placement in ("quantile", "adaptive"):
            knots = quantile_knots(x, self.n_knots, sample_weight, knot_levels(self.n_knots, self.out_features))
            self.set_knots(knots.reshape(-1, self.n_knots))

    def starting_knots(self) -> torch.Tensor:
        """Uniform knots, staggered between outputs if they are individual."""
        levels = knot_levels(self.n_knots, self.out_features).reshape(-1, 1, self.n_knots)
        return (LOW + (HIGH - LOW) * levels).repeat(1, self.in_features, 1).reshape(-1, self.n_knots)

    @torch.no_grad()
    def set_knots(self, knots) -> None:
        self.knots.copy_(knots)
        if self.raw_widths is not None:
            width = knots.diff(dim=1)
            width = torch.where(width.isfinite(), width, 0.0)
            share = (self.n_knots - 1) * width / width.sum(1, keepdim=True)
            self.raw_widths.copy_(torch.log(torch.expm1((share - MIN_WIDTH).clamp(min=MIN_WIDTH))))
        self.tabulate()

    @torch.no_grad()
    def refine_knots(self, weight, n_knots, x=None, sample_weight=None) -> torch.Tensor:
        self.knots.copy_(self.current_knots())
        if self.out_features is None:
            return super().refine_knots(weight, n_knots, x, sample_weight)
        x = None if x is None else x.repeat(1, self.out_features)
        edges = by_edge(weight)[..., None]  # each an input of its own
        refined = super().refine_knots(edges, n_knots, x, sample_weight)
        return refined.view(self.out_features, self.in_features, self.n_basis).permute(1, 2, 0)

    @torch.no_grad()
    def replace_knots(self, knots) -> None:
        super().replace_knots(knots)
        if self.raw_widths is not None:
            self.raw_widths = nn.Parameter(torch.zeros_like(knots[:, 1:]))
            self.set_knots(knots)

    def current_knots(self) -> torch.Tensor:
        """Knots as they now are, shape (n_tables, n_knots); gradients flow to learnable ones."""
        return self.knots if self.raw_widths is None else learned_knots(self.knots, self.raw_widths)

    def table(self):
        """The polynomials between the knots; gradients flow to learnable ones."""
        return super().table() if self.raw_widths is None else piece_table(self.current_knots(), self.degree)

    def forward(self, x) -> torch.Tensor:
        if self.out_features is None:
            return super().forward(x)
        repeated = x.repeat(1, self.out_features)
        return super().forward(repeated).unflatten(1, (self.out_features, -1))

    def contract(self, x, weight) -> torch.Tensor:
        if self.out_features is None:
            return self.contract_shared(x, weight)
        kernel = kernels.find("edge_sums", x, weight, n_knots=self.n_knots) if self.in_features else None
        if kernel is None:
            return torch.cat([edges.sum(2) for edges in self.edges_by_output(x, weight)], 1)
        table = self.table()
        return kernel(x, edge_polynomials(table, weight), table.knots, table.origin, table.rate)

    def contract_shared(self, x, weight) -> torch.Tensor:
        """The kernel for fixed knots takes learned ones if each interval has functions of its own, the powers."""
        table = self.table()
        kernel = kernels.find("spline_sums", x, weight, table.pieces, degree=self.degree, n_knots=self.n_knots)
        if kernel is None or not table.pieces.requires_grad:
            return super().contract(x, weight)
        powers, by_interval = interval_powers(table, weight)

        def differentiable(x, weight):
            return evaluate_pieces(x, powers, weight.shape[1]).flatten(1) @ weight.flatten(0, 1)

        return kernel(x, by_interval, powers, self.degree, differentiable)

    def contract_members(self, x, weight) -> torch.Tensor:
        if self.out_features is None:
            return super().contract_members(x, weight)
        n_members = x.shape[1]
        sums = self.contract(x.flatten(0, 1), weight)  # of everybody's inputs for everybody
        sums = sums.unflatten(1, (n_members, -1)).unflatten(0, (-1, n_members))
        return sums.diagonal(dim1=1, dim2=2).transpose(1, 2).flatten(1)

    def edge_functions(self, x, weight) -> torch.Tensor:
        if self.out_features is None:
            return super().edge_functions(x, weight)
        return torch.cat(list(self.edges_by_output(x, weight)), 1)

    def edge_functions_of_members(self, x, weight) -> torch.Tensor:
        if self.out_features is None:
            return super().edge_functions_of_members(x, weight)
        n_members = x.shape[1]  # everybody's outputs at everybody's inputs
        own = [self.edge_functions(x[:, k], weight).chunk(n_members, 1)[k] for k in range(n_members)]
        return torch.stack(own, 1)

    def edges_by_output(self, x, weight) -> Iterator[torch.Tensor]:
        """Edge functions, some outputs at a time, each ``(n, n_outputs, in)``; backward evaluates them again."""
        edges = self.table()
        n_outputs = max(1, EDGES_AT_ONCE // max(1, x.numel()))
        if torch.compiler.is_compiling():
            n_outputs = self.out_features  # a graph must not depend on the number of rows
        tables = edge_polynomials(edges, weight), edges.knots, edges.origin, edges.rate
        parts = (table.unflatten(0, (self.out_features, -1)).split(n_outputs) for table in tables)
        for part in zip(*parts, strict=True):
            if n_outputs >= self.out_features:
                yield evaluate_edges(x, *part)
            else:
                yield checkpoint(evaluate_edges, x, *part, use_reentrant=False)

    @torch.no_grad()
    def power_coef(self, coef) -> torch.Tensor:
        """Coefficients of the truncated powers that give the same functions between the outer knots.

        Parameters
        ----------
        coef : Tensor of shape (out_features, in_features, n_basis)
            In B-spline coordinates, as a layer holds them.

        Returns
        -------
        coef : Tensor of shape (out_features, in_features, n_basis), float64
            Of ``1, x, ..., x**p``, then of ``(x - t_j)_+**p`` for each inner knot.
        """
        knots = self.current_knots().double()
        return power_coefficients(knots if self.out_features else knots.repeat(len(coef), 1), self.degree, coef)

    def power_basis(self, x) -> torch.Tensor:
        """Values of the truncated powers themselves, in the order of :meth:`power_coef`.

        Shape ``(n, in) -> (n, in, n_basis)``, or ``(n, out, in, n_basis)`` for individual knots.
        """
        x = x if self.out_features is None else x[:, None]
        knots = self.current_knots()
        knots = knots if self.out_features is None else knots.unflatten(0, (self.out_features, -1))
        monomials = torch.stack([x**k for k in range(self.degree + 1)], -1)
        offset = x[..., None] - knots[..., 1:-1]
        truncated = torch.where(offset >= 0, offset.clamp(min=0) ** self.degree, 0.0)
        return torch.cat([monomials.expand(*truncated.shape[:-1], -1), truncated], -1)


def knot_levels(n_knots, out_features=None):
    """Probabilities of knots, one row, or with knots of their own one row per output: they are staggered."""
    levels = torch.linspace(0, 1, n_knots, dtype=torch.float64)
    if out_features is None:
        return levels
    stagger = (torch.arange(out_features, dtype=torch.float64) + 0.5) / out_features - 0.5
    levels = levels.repeat(out_features, 1)
    levels[:, 1:-1] += 0.9 * stagger[:, None] / (n_knots - 1)
    return levels


def learned_knots(knots, raw_widths):
    """Knots between the ends of `knots` whose distances are as `raw_widths` says; those at infinity stay there."""
    exists = knots[:, 1:].isfinite()
    width = torch.where(exists, F.softplus(raw_widths) + MIN_WIDTH, 0.0)
    start = knots[:, :1]
    span = torch.where(knots.isfinite(), knots, start).amax(1, keepdim=True) - start
    inner = start + span * width.cumsum(1) / width.sum(1, keepdim=True)
    return torch.cat([start, torch.where(exists, inner, torch.inf)], 1)


def power_coefficients(knots, degree, coef):
    """What `TruncatedPower.power_coef` gives, from knots with a row for each edge, ``(out * in, n_knots)``."""
    table, n_knots = piece_table(knots, degree), knots.shape[1]
    local, origin, rate = (
        part.reshape(*coef.shape[:2], n_knots + 1, -1)
        for part in (edge_polynomials(table, coef.permute(1, 2, 0).double()), table.origin, table.rate)
    )
    powers = torch.arange(degree + 1, device=coef.device)
    taylor = local * rate**powers  # in powers of x - origin
    start = -origin[..., 1, 0]
    monomials = torch.stack([
        sum(math.comb(k, j) * taylor[..., 1, k] * start ** (k - j) for k in range(j, degree + 1))
        for j in range(degree + 1)
    ], dim=-1)  # fmt: skip
    jumps = taylor[..., 2:n_knots, -1] - taylor[..., 1 : n_knots - 1, -1]
    is_inner = knots[:, 2:].isfinite().reshape(*coef.shape[:2], n_knots - 2)
    return torch.cat([monomials, torch.where(is_inner, jumps, 0.0)], -1)


def interval_powers(table, weight):
    """The same splines in the powers of the place on each interval: their table, fixed, and coefficients.

    Gradients flow from these coefficients, ``(in, rows * (degree + 1), out)``, to `weight` and to the table.
    """
    polynomials = polynomials_of(table)
    order = polynomials.shape[1]
    index = (table.first[:, None] + torch.arange(order, device=weight.device))[:, None].expand(-1, order, -1)
    change = polynomials.new_zeros(len(polynomials), order, weight.shape[1]).scatter(2, index, polynomials)
    n_powers = order * (len(polynomials) // max(1, len(table.knots)))
    change = change.view(len(table.knots), n_powers, weight.shape[1])
    identity = torch.eye(order, dtype=weight.dtype, device=weight.device).flatten().repeat(len(polynomials), 1)
    start = order * torch.arange(change.shape[1] // order, device=weight.device).repeat(len(table.knots))
    powers = PieceTable(table.knots.detach(), identity, table.origin, table.rate, start)
    return powers, change @ weight


def by_edge(weight):
    """The coefficients of each edge, outputs major as tables of individual knots are: ``(out * in, n_basis)``."""
    return weight.permute(2, 0, 1).flatten(0, 1)


def edge_polynomials(table, weight):
    """Polynomial of each edge on each interval, ``(out * in * rows, degree + 1)``, from a table with a row per edge."""
    polynomials = polynomials_of(table)
    order, n_rows = polynomials.shape[1], table.knots.shape[1] + 1
    index = table.first[:, None] + torch.arange(order, device=weight.device)
    local = by_edge(weight).gather(1, index.reshape(-1, n_rows * order)).reshape(-1, 1, order)
    return (polynomials * local).sum(-1)


def evaluate_edges(x, polynomials, knots, origin, rate):
    """Edge functions of some outputs, ``(n, in) -> (n, n_outputs, in)``; tables are ``(n_outputs, in * rows, ...)``."""
    n_outputs = len(knots)
    row, u = locate(x.repeat(1, n_outputs), knots.flatten(0, 1), origin.flatten(), rate.flatten())
    edges = horner(F.embedding(row, polynomials.flatten(0, 1)), u, n_functions=1)
    return edges.squeeze(-1).unflatten(1, (n_outputs, -1))
