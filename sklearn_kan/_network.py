"""Layers and networks: a univariate basis on each input, then a linear map (Liu et al., 2024, eq. 2.2)."""

from collections.abc import Iterable
from typing import cast

import torch
import torch.nn.functional as F
from torch import nn

from .bases import make_basis

SIGNAL_STD = 0.5  # of encoded inputs and normalised activations: the knots' range [-1, 1] is two of them either way
BASIS_SHARE = 0.1  # of a layer's starting variance; the rest comes from the smooth base branch
ROWS_AT_ONCE = 32  # on which a basis is measured: individual knots have a value per row, edge and function
MAX_LEVELS = 32  # a categorical input with more levels gets a factored table
EMBEDDING_DIM = 8


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
    interactions : {"product"}, optional
        ``"product"`` adds ``(sum_i f_oi x_i) (sum_i g_oi x_i)`` to output o, the product part of a quadratic unit.
        It starts as nothing, g = 0, beside which f is random: ReLinear's way of letting quadratic terms in.
    generator : torch.Generator, optional
        Source of the starting coefficients.

    Attributes
    ----------
    basis : Basis
    edge_weight : Parameter of shape (in_features, n_basis, out_features)
        The coefficients as they lie in memory: those that one value of an input needs are neighbours.
    coef : Tensor of shape (out_features, in_features, n_basis)
        A view of `edge_weight`.
    base_weight : Parameter of shape (out_features, in_features), or None
    factor, cofactor : Parameter of shape (out_features, in_features), or None
        ``f`` and ``g``.
    bias : Parameter of shape (out_features,)

    Notes
    -----
    Shape: ``(n_samples, in_features) -> (n_samples, out_features)``. Further axes before the last, such as one for the
    members of an ensemble that share the layer, are kept.

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

    def __init__(self, in_features, out_features, basis="bspline", *, base=None, basis_params=None, interactions=None,
                 generator=None, **common):  # fmt: skip
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.basis = make_basis(basis, in_features, basis_params=basis_params, out_features=out_features, **common)
        self.edge_weight = nn.Parameter(torch.empty(in_features, self.basis.n_basis, out_features))
        base = self.basis.has_base if base is None else base
        self.base_weight = nn.Parameter(torch.empty(out_features, in_features)) if base else None
        has_products = read_interactions(interactions)
        self.factor = nn.Parameter(torch.empty(out_features, in_features)) if has_products else None
        self.cofactor = nn.Parameter(torch.empty(out_features, in_features)) if has_products else None
        self.bias = nn.Parameter(torch.empty(out_features))
        self.reset_parameters(generator)

    @torch.no_grad()
    def reset_parameters(self, generator=None, x=None):
        """Draw coefficients so that the variance of `x` is kept (KAT, Yang & Wang 2024, sec. 4.4).

        Parameters
        ----------
        generator : torch.Generator, optional
        x : Tensor of shape (n_samples, in_features), optional
            Inputs on which the basis is measured; by default normal ones with the network's signal spread.
        """
        x = self.normal_inputs() if x is None else x
        variance = (x - x.mean(0)).square().mean()
        share = 1.0 if self.base_weight is None else BASIS_SHARE
        parts = [self.basis(part).square().sum(-1).flatten(1).mean(1) for part in x.split(ROWS_AT_ONCE)]
        power = torch.cat(parts).mean()
        normal = nn.init.normal_(self.coef.contiguous(), generator=generator)
        self.coef.copy_(normal.mul_(self.gain(share * variance, power)))
        if self.base_weight is not None:
            power = F.silu(x).square().mean()
            nn.init.normal_(self.base_weight, generator=generator).mul_(self.gain((1 - share) * variance, power))
        if self.factor is not None and self.cofactor is not None:
            nn.init.normal_(self.factor, generator=generator).mul_(self.gain(1.0, x.square().mean()))
            nn.init.zeros_(self.cofactor)
        nn.init.zeros_(self.bias)

    @property
    def coef(self):
        return self.edge_weight.permute(2, 0, 1)

    @torch.no_grad()
    def refine_knots(self, n_knots, x=None, sample_weight=None):
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
        coef = self.basis.refine_knots(self.coef, n_knots, x, sample_weight)
        self.edge_weight = nn.Parameter(coef.permute(1, 2, 0).contiguous())

    def normal_inputs(self, n_samples=256):
        """Quantiles of a normal distribution with the network's signal spread, for every input."""
        levels = (torch.arange(n_samples, dtype=torch.float64) + 0.5) / n_samples
        column = SIGNAL_STD * torch.special.ndtri(levels)
        return column.to(self.edge_weight)[:, None].repeat(1, self.in_features)

    def gain(self, variance, power):
        """Standard deviation of coefficients that turns features of this mean square into outputs of `variance`."""
        return (variance / (self.in_features * power)).sqrt() if self.in_features and power > 0 else 0.0

    def forward(self, x):
        if x.ndim < 2 or x.shape[-1] != self.in_features:
            raise ValueError(f"x has shape {tuple(x.shape)}. Pass (n_samples, {self.in_features}).")
        if x.ndim > 2:
            return self.forward(x.flatten(0, -2)).unflatten(0, x.shape[:-1])
        y = self.basis.contract(x, self.coef)
        y = y + (self.bias if self.base_weight is None else F.linear(F.silu(x), self.base_weight, self.bias))
        if self.factor is not None and self.cofactor is not None:
            y = y + F.linear(x, self.factor) * F.linear(x, self.cofactor)
        return y

    def edge_functions(self, x):
        """Each learned function by itself, without bias and products: ``(n, in) -> (n, out, in)``."""
        edges = self.basis.edge_functions(x, self.coef)
        return edges if self.base_weight is None else edges + F.silu(x)[:, None] * self.base_weight

    def extra_repr(self):
        return f"{self.in_features}, {self.out_features}"


class LookupLayer(nn.Module):
    """The edge functions of categorical inputs: one table per input, summed. Level 0 is unknown and adds nothing.

    An input with more than 32 levels has its table factored through an embedding of 8 dimensions.

    Parameters
    ----------
    n_levels : sequence of int
        Levels of each input, level 0 included.
    out_features : int
    generator : torch.Generator, optional

    Notes
    -----
    Shape: ``(n_samples, n_inputs)``, integers held in any dtype, ``-> (n_samples, out_features)``.
    """

    def __init__(self, n_levels, out_features, generator=None):
        super().__init__()
        self.n_levels = list(n_levels)
        self.direct = [i for i, n in enumerate(n_levels) if n <= MAX_LEVELS + 1]
        self.factored = [i for i, n in enumerate(n_levels) if n > MAX_LEVELS + 1]
        self.table = nn.Parameter(torch.empty(sum(n_levels[i] for i in self.direct), out_features))
        self.embeddings = nn.ParameterList(torch.empty(n_levels[i], EMBEDDING_DIM) for i in self.factored)
        self.mixing = nn.Parameter(torch.empty(out_features, EMBEDDING_DIM * len(self.factored)))
        sizes = torch.tensor([0] + [n_levels[i] for i in self.direct])
        self.offsets: torch.Tensor
        self.register_buffer("offsets", sizes.cumsum(0)[:-1], persistent=False)
        self.reset_parameters(generator)

    @torch.no_grad()
    def reset_parameters(self, generator=None):
        scale = SIGNAL_STD / max(len(self.n_levels), 1) ** 0.5
        nn.init.normal_(self.table, generator=generator).mul_(scale)
        self.table[self.offsets] = 0.0
        for embedding in self.embeddings:
            nn.init.normal_(embedding, generator=generator)
            embedding[0] = 0.0
        nn.init.normal_(self.mixing, generator=generator).mul_(scale / EMBEDDING_DIM**0.5)

    def forward(self, codes):
        codes = codes.long()
        total = codes.new_zeros(len(codes), self.table.shape[1], dtype=self.table.dtype)
        if self.direct:
            known = (codes[:, self.direct] > 0)[..., None]
            total = (F.embedding(codes[:, self.direct] + self.offsets, self.table) * known).sum(1)
        if self.factored:
            vectors = [
                F.embedding(codes[:, i], embedding) * (codes[:, i : i + 1] > 0)
                for i, embedding in zip(self.factored, self.embeddings, strict=True)
            ]
            total = total + F.linear(torch.cat(vectors, 1), self.mixing)
        return total


class KAN(nn.Module):
    """A Kolmogorov-Arnold network.

    Parameters
    ----------
    in_features : int
        Numeric inputs.
    out_features : int
    hidden_layer_sizes : sequence of int, default=(64,)
        Empty for an additive model.
    n_levels : sequence of int, default=()
        Levels of the categorical inputs, which follow the numeric ones in the columns of `x`; see `LookupLayer`.
    basis : str, subclass of Basis, or sequence of them, default="bspline"
        A sequence names one basis for each layer, first to last: one more than there are hidden layers.
    n_knots, degree, knots, basis_params
        Of the basis. ``knots="quantile"``, or a tensor of shape (n_knots,) or (in_features, n_knots), holds for the
        first layer; hidden ones start with uniform knots. A sequence as `n_knots` has one number for each layer, as
        `basis_params` one dict, or None.
    interactions : {"product"}, optional
        Of the layers, in all of them.
    norm : {"layer", "batch", "none"}, default="layer"
        How hidden activations are kept in the knots' range.
    generator : torch.Generator, optional

    Notes
    -----
    Shape: ``(n_samples, in_features + len(n_levels)) -> (n_samples, out_features)``.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan import KAN
    >>> KAN(3, 1, hidden_layer_sizes=(8,), n_knots=5)(torch.zeros(10, 3)).shape
    torch.Size([10, 1])
    """

    def __init__(self, in_features, out_features, *, hidden_layer_sizes=(64,), n_levels=(), basis="bspline", n_knots=8,
                 degree=3, knots="uniform", basis_params=None, interactions=None, norm="layer",
                 generator=None):  # fmt: skip
        super().__init__()
        sizes = [in_features, *hidden_layer_sizes, out_features]
        n_layers = len(sizes) - 1
        bases, params = for_layers(n_layers, basis=basis), for_layers(n_layers, basis_params=basis_params)
        sizes_of_knots = for_layers(n_layers, n_knots=n_knots)
        hidden = knots if isinstance(knots, str) and knots == "adaptive" else "uniform"
        self.layers = nn.ModuleList(
            KANLayer(sizes[i], sizes[i + 1], bases[i], n_knots=sizes_of_knots[i], degree=degree, is_first=i == 0,
                     knots=hidden if i else knots, basis_params=params[i], interactions=interactions,
                     generator=generator)
            for i in range(n_layers)
        )  # fmt: skip
        self.norms = nn.ModuleList(make_norm(norm, size) for size in hidden_layer_sizes)
        self.lookup = LookupLayer(n_levels, sizes[1], generator) if n_levels else None

    def place_knots(self, x, sample_weight=None):
        """Place the first layer's knots on training rows, shape (n_samples, in_features + len(n_levels))."""
        first = cast(KANLayer, self.layers[0])
        first.basis.place_knots(x[:, : first.in_features], sample_weight)

    def refine_knots(self, n_knots, x=None, sample_weight=None):
        """Add knots to every layer, up to `n_knots`; the network's function stays what it is.

        With ``knots="adaptive"`` knots are moved as well, which changes edge functions by 1e-3 at most.

        Parameters
        ----------
        n_knots : int
        x : Tensor of shape (n_samples, in_features + len(n_levels)), optional
            Training rows, for quantile knots of the first layer.
        sample_weight : Tensor of shape (n_samples,), optional

        Raises
        ------
        ValueError
            If a layer's basis has no knots that can be added to.

        Examples
        --------
        >>> import torch
        >>> from sklearn_kan import KAN
        >>> net, x = KAN(3, 1, n_knots=5).double(), torch.rand(10, 3, dtype=torch.float64)
        >>> before = net(x)
        >>> net.refine_knots(9)
        >>> (net(x) - before).abs().max() < 1e-10
        tensor(True)
        """
        first, *others = cast(Iterable[KANLayer], self.layers)
        first.refine_knots(n_knots, None if x is None else x[:, : first.in_features], sample_weight)
        for layer in others:
            layer.refine_knots(n_knots)

    @property
    def n_knots(self):
        """Knots of each layer; None for a basis without them."""
        return [getattr(layer.basis, "n_knots", None) for layer in cast(Iterable[KANLayer], self.layers)]

    @property
    def widest(self):
        """Most numbers that one row takes up at a time: a layer's expanded inputs."""
        layers = cast(Iterable[KANLayer], self.layers)
        return max(layer.in_features * layer.basis.n_basis + layer.out_features for layer in layers)

    def forward(self, x, sample_weight=None):
        first, *others = cast(Iterable[KANLayer], self.layers)
        n_columns = first.in_features + (0 if self.lookup is None else len(self.lookup.n_levels))
        if x.ndim != 2 or x.shape[1] != n_columns:
            raise ValueError(f"x has shape {tuple(x.shape)}. Pass (n_samples, {n_columns}).")
        h = first(x[:, : first.in_features])
        if self.lookup is not None:
            h = h + self.lookup(x[:, first.in_features :])
        for norm, layer in zip(self.norms, others, strict=True):
            h = layer(norm(h, sample_weight))
        return h


def read_interactions(interactions):
    """Whether units have products."""
    if interactions not in (None, "product"):
        raise ValueError(f"interactions={interactions!r} is unknown. Choose 'product', or None.")
    return interactions is not None


def check_has_knots(family):
    """Raise unless a family has knots that can be given and added to."""
    if not hasattr(family, "refine_knots"):
        raise ValueError(
            f"basis={family.__name__} has no knots to place or refine. Choose 'bspline' or 'truncated_power', or leave "
            "refine_knots at None and knots at its default."
        )


def for_layers(n_layers, **parameter):
    """A parameter's value for each layer: its items if it is a sequence, else the same for all."""
    ((name, value),) = parameter.items()
    if not isinstance(value, list | tuple):
        return [value] * n_layers
    if len(value) != n_layers:
        raise ValueError(
            f"{name}={value!r} has {len(value)} items, and the network has {n_layers} layers. Pass one for each hidden "
            "layer and one for the last."
        )
    return list(value)


class LayerNorm(nn.LayerNorm):
    """Layer normalisation to the network's signal spread."""

    def reset_parameters(self):
        nn.init.constant_(self.weight, SIGNAL_STD)
        nn.init.zeros_(self.bias)

    def forward(self, x, sample_weight=None):
        return super().forward(x)


class BatchNorm(nn.Module):
    """Batch normalisation in which a row of weight 2 counts as two rows; running statistics in evaluation."""

    def __init__(self, size, momentum=0.1, eps=1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.running_mean: torch.Tensor
        self.running_var: torch.Tensor
        self.weight = nn.Parameter(torch.full((size,), SIGNAL_STD))
        self.bias = nn.Parameter(torch.zeros(size))
        self.register_buffer("running_mean", torch.zeros(size))
        self.register_buffer("running_var", torch.ones(size))

    def forward(self, x, sample_weight=None):
        mean, var = self.running_mean, self.running_var
        if self.training:
            share = torch.ones_like(x[:, :1]) if sample_weight is None else sample_weight[:, None]
            share = share / share.sum()
            mean = (share * x).sum(0)
            var = (share * (x - mean).square()).sum(0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var, self.momentum)
        return (x - mean) * (var + self.eps).rsqrt() * self.weight + self.bias


class NoNorm(nn.Module):
    """Hidden activations as they are."""

    def __init__(self, size):
        super().__init__()

    def forward(self, x, sample_weight=None):
        return x


NORMS = {"layer": LayerNorm, "batch": BatchNorm, "none": NoNorm}


def make_norm(norm, size):
    """A normalisation by its name; a single unit is left as it is by ``"layer"``, which would make it constant."""
    return NORMS["none" if norm == "layer" and size == 1 else norm](size)
