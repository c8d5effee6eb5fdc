"""A layer: a univariate basis on each input, then a linear map (Liu et al., 2024, eq. 2.2)."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from ..bases import BSpline, get_basis, make_basis
from ._maps import EdgeMap, ProductMap
from ._norms import SIGNAL_STD
from ._parts import Parts

BASIS_SHARE = 0.1  # of a layer's starting variance; the rest comes from the smooth base branch
MEASURED_AT_ONCE = 2**18  # values of a basis, of which individual knots have one per row, edge and function


class KANLayer(nn.Module):
    """A layer whose edges are functions: ``y_o = b_o + sum_i [v_oi silu(x_i) + sum_k W_oik phi_k(x_i)]``.

    Parameters
    ----------
    in_features, out_features : int
    basis : str or subclass of Basis, default="bspline"
        Which functions phi_k.
    base : bool, optional
        Whether edges have the branch ``v silu(x)``; by default they do unless the basis makes it superfluous.
    n_knots, degree, knots, is_first
        Offered to the basis, where it has such parameters; its own defaults otherwise.
    basis_params : dict, optional
        Further parameters of the basis.
    fine_knots : int, optional
        Number of knots in the second half of an ensemble's members, if the basis is ``"bspline"``.
    interactions : {"product", "mixed"}, optional
        ``"product"`` adds ``(sum_i f_oi x_i) (sum_i g_oi x_i)`` to output o, the product part of a quadratic unit. It
        starts at zero, with g = 0 and a random f: ReLinear's way of letting quadratic terms in. ``"mixed"`` adds it
        in the second half of an ensemble's members only.
    n_members : int, optional
        Number of members of an ensemble whose layers are held in this one, each with its own `out_features` outputs.
    scaled : bool, default=False
        Whether all functions of an input share a learned factor, one for each member, which lets inputs that matter
        get ahead of others. RealMLP's scaling layer does this to values (Holzmüller et al. 2024, sec. 3.1); here it
        is done to functions.
    generator : torch.Generator, optional
        Source of the starting coefficients.

    Attributes
    ----------
    basis : Basis
    n_units : int
        Outputs of all members together, member by member; `out_features` without members.
    edge_weight : Parameter of shape (in_features, n_basis, n_units)
        The coefficients as they lie in memory: those that one value of an input needs are neighbours.
    scale : Parameter of shape (in_features, n_members or 1), or None
        Factors of the inputs.
    coef : Tensor of shape (n_units, in_features, n_basis)
        A view of `edge_weight`, or of its product with `scale`.
    base_weight : Parameter of shape (n_units, in_features), or None
    factor, cofactor : Parameter of shape (n_products, in_features), or None
        ``f`` and ``g`` of the last `n_products` units.
    bias : Parameter of shape (n_units,)

    Notes
    -----
    Shape: ``(n_samples, in_features) -> (n_samples, out_features)``; further axes before the last are kept. With
    members ``(n_samples, in_features)``, expanded once for all of them, or ``(n_samples, n_members, in_features)``
    ``-> (n_samples, n_members, out_features)``.

    References
    ----------
    Liu et al. (2024), *KAN: Kolmogorov-Arnold Networks*, arXiv:2404.19756, eq. 2.2 and 2.10.

    Fan et al. (2021), *Training Quadratic Neural Networks* (ReLinear), arXiv:2110.06081.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan import KANLayer
    >>> KANLayer(3, 2, n_knots=5)(torch.zeros(10, 3)).shape
    torch.Size([10, 2])
    """

    def __init__(self, in_features, out_features, basis="bspline", *, base=None, basis_params=None, fine_knots=None,
                 interactions=None, n_members=None, scaled=False, generator=None, **common) -> None:  # fmt: skip
        super().__init__()
        self.in_features, self.out_features, self.n_members = in_features, out_features, n_members
        self.n_units = n_units = out_features * (n_members or 1)
        make = partial(make_basis, basis, in_features, basis_params=basis_params, out_features=n_units)
        self.basis = make(**common)
        n_fine = out_features * ((n_members or 1) // 2)
        if fine_knots is not None and n_fine and get_basis(basis) is BSpline:
            self.basis = Parts([self.basis, make(**common | {"n_knots": fine_knots})], [n_units - n_fine, n_fine])
        self.edge_weight = nn.Parameter(torch.empty(in_features, self.basis.n_basis, n_units))
        base = self.basis.has_base if base is None else base
        self.base_weight = nn.Parameter(torch.empty(n_units, in_features)) if base else None
        n_products = out_features * members_with_products(interactions, n_members)
        self.factor = nn.Parameter(torch.empty(n_products, in_features)) if n_products else None
        self.cofactor = nn.Parameter(torch.empty(n_products, in_features)) if n_products else None
        self.bias = nn.Parameter(torch.empty(n_units))
        self.scale = nn.Parameter(torch.empty(in_features, n_members or 1)) if scaled else None
        self.reset_parameters(generator)

    @torch.no_grad()
    def reset_parameters(self, generator=None, x=None) -> None:
        """Draw coefficients so that the variance of `x` is kept (KAT, Yang & Wang 2024, sec. 4.4).

        Parameters
        ----------
        generator : torch.Generator, optional
        x : Tensor of shape (n_samples, in_features), optional
            Inputs on which the basis is measured; by default normal ones with the network's signal spread.
        """
        if self.edge_weight.is_meta:  # there is nothing to draw
            return
        x = normal_inputs(self.in_features, like=self.edge_weight) if x is None else x
        variance = (x - x.mean(0)).square().mean()
        share = 1.0 if self.base_weight is None else BASIS_SHARE
        parts = self.basis.parts(self.n_units)
        power = sum(size / self.n_units * mean_square(basis, x) for basis, size in parts)
        normal = nn.init.normal_(self.edge_weight.permute(2, 0, 1).contiguous(), generator=generator)
        self.edge_weight.copy_(normal.mul_(self.gain(share * variance, power)).permute(1, 2, 0))
        for (basis, _), weight in zip(parts, self.edge_weight.split([size for _, size in parts], 2), strict=True):
            weight[:, basis.n_basis :] = 0  # what a coarser part has no functions for
        if self.scale is not None:
            nn.init.ones_(self.scale)
        if self.base_weight is not None:
            power = F.silu(x).square().mean()
            nn.init.normal_(self.base_weight, generator=generator).mul_(self.gain((1 - share) * variance, power))
        if self.factor is not None and self.cofactor is not None:
            nn.init.normal_(self.factor, generator=generator).mul_(self.gain(1.0, x.square().mean()))
            nn.init.zeros_(self.cofactor)
        nn.init.zeros_(self.bias)

    @property
    def coef(self):
        return self.scaled_weight.permute(2, 0, 1)

    @property
    def scaled_weight(self):
        """The coefficients with their inputs' factors, as they lie in memory: ``(in, n_basis, n_units)``."""
        return self.scaled(self.edge_weight)

    def scaled(self, weight) -> torch.Tensor:
        """Weights of shape (in, ..., n_units) times their inputs' factors."""
        if self.scale is None:
            return weight
        factor = self.scale.repeat_interleave(self.out_features if self.n_members else self.n_units, 1)
        return weight * (factor[:, None] if weight.ndim > 2 else factor)

    @torch.no_grad()
    def refine_knots(self, n_knots, x=None, sample_weight=None) -> None:
        """Add knots to the basis, up to `n_knots`; the layer's function stays what it is.

        Parameters
        ----------
        n_knots : int
        x : Tensor of shape (n_samples, in_features), optional
            Rows that show where knots are needed.
        sample_weight : Tensor of shape (n_samples,), optional

        Raises
        ------
        ValueError
            If the basis has no knots that can be added to.
        """
        check_has_knots(type(self.basis))
        weight = self.basis.refine_knots(self.scaled_weight, n_knots, x, sample_weight).contiguous()
        self.edge_weight = weight if is_parametrized(self, "edge_weight") else nn.Parameter(weight)
        if self.scale is not None:  # it is in the coefficients now
            if self.base_weight is not None:
                self.base_weight.copy_(self.scaled(self.base_weight.T).T)
            nn.init.ones_(self.scale)

    def gain(self, variance, power):
        """Standard deviation of coefficients that turns features of this mean square into outputs of `variance`."""
        return (variance / (self.in_features * power)).sqrt() if self.in_features and power > 0 else 0.0

    def forward(self, x) -> torch.Tensor:
        if x.ndim < 2 or x.shape[-1] != self.in_features:
            raise ValueError(f"x has shape {tuple(x.shape)}. Pass (n_samples, {self.in_features}).")
        if self.n_members is None:
            return self.sums(x) if x.ndim == 2 else self.sums(x.flatten(0, -2)).unflatten(0, x.shape[:-1])
        if x.ndim > 2 and x.shape[1:-1] != (self.n_members,):
            raise ValueError(
                f"x has shape {tuple(x.shape)}. Pass (n_samples, {self.in_features}), or (n_samples, "
                f"{self.n_members}, {self.in_features}) for inputs of each member's own."
            )
        return self.sums(x).unflatten(1, (self.n_members, self.out_features))

    def sums(self, x) -> torch.Tensor:
        """Sums over edges: ``(n, in)`` or ``(n, members, in)`` to ``(n, n_units)``."""
        y = (self.basis.contract if x.ndim == 2 else self.basis.contract_members)(x, self.scaled_weight) + self.bias
        if self.base_weight is not None:
            y = y + linear(F.silu(x), self.scaled(self.base_weight.T).T)
        if self.factor is not None and self.cofactor is not None:
            n_others = self.n_units - len(self.factor)
            x = x if x.ndim == 2 else x[:, n_others // self.out_features :]
            y = y + F.pad(linear(x, self.factor) * linear(x, self.cofactor), (n_others, 0))
        return y

    def edge_functions(self, x) -> torch.Tensor:
        """Each learned function by itself, without bias and products: ``(n, in) -> (n, n_units, in)``."""
        edges = self.basis.edge_functions(x, self.scaled_weight)
        return edges if self.base_weight is None else edges + F.silu(x)[:, None] * self.scaled(self.base_weight.T).T

    def linear_maps(self):
        """The linear maps that optimizers may use, none where coefficients are multiplied or computed."""
        if self.n_members is not None or self.scale is not None or is_parametrized(self):
            return []
        edges = EdgeMap(self)
        if self.factor is None:
            return [edges]
        return [edges, ProductMap(self, self.factor, self.cofactor), ProductMap(self, self.cofactor, self.factor)]

    def extra_repr(self):
        members = "" if self.n_members is None else f", n_members={self.n_members}"
        return f"{self.in_features}, {self.out_features}{members}"


def normal_inputs(in_features, like, n_samples=256):
    """Quantiles of a normal distribution with the network's signal spread, for every input."""
    levels = (torch.arange(n_samples, dtype=torch.float64) + 0.5) / n_samples
    column = SIGNAL_STD * torch.special.ndtri(levels)
    return column.to(like)[:, None].repeat(1, in_features)


def mean_square(basis, x):
    """Sum of a basis's squared functions, averaged over inputs."""
    n_rows = max(1, MEASURED_AT_ONCE // max(1, basis(x[:1]).numel()))
    parts = [basis(part).square().sum(-1).flatten(1).mean(1) for part in x.split(n_rows)]
    return torch.cat(parts).mean()


def linear(x, weight):
    """A linear map of ``(n, in)``, or of each member's ``(n, members, in)`` to its part of the outputs."""
    if x.ndim == 2:
        return F.linear(x, weight)
    if len(weight) == x.shape[1]:  # products with single columns are slow one by one
        return (x * weight).sum(2)
    return torch.einsum("nmi,moi->nmo", x, weight.unflatten(0, (x.shape[1], -1))).flatten(1)


def members_with_products(interactions, n_members):
    """How many members' units have products, the last ones; a network without members counts as one."""
    numbers = {None: 0, "product": n_members or 1, "mixed": (n_members or 1) // 2}
    if interactions not in numbers:
        raise ValueError(f"interactions={interactions!r} is unknown. Choose 'product', 'mixed', or None.")
    return numbers[interactions]


def check_has_knots(family):
    """Raise unless a family has knots that can be given and added to."""
    if not hasattr(family, "refine_knots"):
        raise ValueError(
            f"basis={family.__name__} has no knots to place or refine. Choose 'bspline' or 'truncated_power', or leave "
            "refine_knots at None and knots at its default."
        )
