"""Networks: layers one after the other, with a norm before each but the first (Liu et al., 2024, eq. 2.7)."""

from collections.abc import Iterable
from itertools import islice
from numbers import Integral
from typing import Any, cast

import torch
from torch import nn

from ._layer import KANLayer
from ._lookup import LookupLayer
from ._norms import make_norm


class KAN(nn.Module):
    """A Kolmogorov-Arnold network.

    Parameters
    ----------
    in_features : int
        Numeric inputs.
    out_features : int
    hidden_layer_sizes : sequence of int or int, default=(64,)
        Empty for an additive model.
    n_levels : sequence of int, default=()
        Levels of the categorical inputs, which follow the numeric ones in the columns of `x`; see `LookupLayer`.
    n_places : sequence of int, default=()
        Knots of fine inputs, which follow these: columns at a higher resolution, as codes between 1 and their number.
    basis : str, subclass of Basis, or sequence of them, default="bspline"
        A sequence names one basis for each layer, first to last: one more than there are hidden layers.
    n_knots, degree, knots, basis_params, fine_knots
        Parameters of the basis. ``knots="quantile"``, or a tensor of shape (n_knots,) or (in_features, n_knots), is
        for the first layer; hidden ones start with uniform knots. A sequence as `n_knots` has one number for each
        layer, as `basis_params` one dict, or None. `fine_knots` is for the first layer.
    interactions : {"product", "mixed"}, optional
        As of `KANLayer`, in all layers; ``"mixed"`` only if there are hidden ones.
    n_members : int, optional
        Networks of an ensemble, trained side by side in one module; see `KANLayer`.
    scaled : bool, default=False
        Of the first layer.
    norm : {"layer", "batch", "none"}, default="layer"
        How hidden activations are kept in the knots' range.
    generator : torch.Generator, optional

    Notes
    -----
    Shape: ``(n_samples, in_features + n_codes) -> (n_samples, out_features)``, with members
    ``-> (n_samples, n_members, out_features)``.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan import KAN
    >>> KAN(3, 1, hidden_layer_sizes=(8,), n_knots=5)(torch.zeros(10, 3)).shape
    torch.Size([10, 1])
    """

    def __init__(self, in_features, out_features, *, hidden_layer_sizes=(64,), n_levels=(), n_places=(),
                 basis="bspline", n_knots=8, degree=3, knots="uniform", basis_params=None, fine_knots=None,
                 interactions=None, n_members=None, scaled=False, norm="layer", generator=None) -> None:  # fmt: skip
        super().__init__()
        hidden_layer_sizes = layer_sizes(hidden_layer_sizes)
        sizes = [in_features, *hidden_layer_sizes, out_features]
        n_layers = len(sizes) - 1
        bases, params = for_layers(n_layers, basis=basis), for_layers(n_layers, basis_params=basis_params)
        sizes_of_knots = for_layers(n_layers, n_knots=n_knots)
        if interactions == "mixed" and not hidden_layer_sizes:
            interactions = None
        fine = [fine_knots] + [None] * (n_layers - 1)
        hidden = knots if isinstance(knots, str) and knots == "adaptive" else "uniform"
        self.layers = nn.ModuleList(
            KANLayer(sizes[i], sizes[i + 1], bases[i], n_knots=sizes_of_knots[i], degree=degree, is_first=i == 0,
                     knots=hidden if i else knots, basis_params=params[i], fine_knots=fine[i],
                     interactions=interactions, n_members=n_members, scaled=scaled and i == 0, generator=generator)
            for i in range(n_layers)
        )  # fmt: skip
        self.n_members = n_members
        members = () if n_members is None else (n_members,)
        self.norms = nn.ModuleList(make_norm(norm, (*members, size)) for size in hidden_layer_sizes)
        has_codes = n_levels or n_places
        lookup = LookupLayer(n_levels, sizes[1], n_members, scaled, n_places, generator) if has_codes else None
        self.lookup = lookup
        self.stored: Any = None  # how it was packed for the compiled library; see `_stored`
        self.is_shown = False
        self.remembered: dict = {}  # what was found out about it; see `_holdings`

    def __getstate__(self):
        return {**self.__dict__, "stored": None, "is_shown": False, "remembered": {}}

    def place_knots(self, x, sample_weight=None) -> None:
        """Place the first layer's knots on training rows, shape (n_samples, in_features + n_codes)."""
        first = cast(KANLayer, self.layers[0])
        first.basis.place_knots(x[:, : first.in_features], sample_weight)

    def refine_knots(self, n_knots, x=None, sample_weight=None) -> None:
        """Add knots to every layer, up to `n_knots`; the network's function stays what it is.

        With ``knots="adaptive"`` knots are moved as well, which changes edge functions by 1e-3 at most.

        Parameters
        ----------
        n_knots : int
        x : Tensor of shape (n_samples, in_features + n_codes), optional
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
    def kinds(self):
        """How many members are alike, kind by kind."""
        first = cast(KANLayer, self.layers[0])
        return [size // first.out_features for _, size in first.basis.parts(first.n_units)]

    @property
    def n_outputs(self):
        """Numbers that one row gives, of all members."""
        return cast(KANLayer, self.layers[-1]).n_units

    @property
    def widest(self):
        """Most numbers that one row takes up at a time: a layer's expanded inputs."""
        layers = cast(Iterable[KANLayer], self.layers)
        n_levels = 0 if self.lookup is None else len(self.lookup.table)
        return n_levels + max(layer.in_features * layer.basis.n_basis + layer.n_units for layer in layers)

    def forward(self, x, sample_weight=None, depth=None) -> torch.Tensor:
        """Outputs; or what the layer of number `depth` is given, counted from 0."""
        first = cast(KANLayer, self.layers[0])
        n_columns = first.in_features + (0 if self.lookup is None else len(self.lookup.n_levels))
        if x.ndim != 2 or x.shape[1] != n_columns:
            raise ValueError(f"x has shape {tuple(x.shape)}. Pass (n_samples, {n_columns}).")
        h = x[:, : first.in_features]
        for number, layer in enumerate(islice(self.layers, depth)):  # a slice of them would be a module
            h = layer(h)
            if number == 0 and self.lookup is not None:
                h = h + self.lookup(x[:, first.in_features :]).unflatten(1, h.shape[1:])
            if number < len(self.norms):
                h = self.norms[number](h, sample_weight)
        return h


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


def layer_sizes(hidden_layer_sizes):
    """The sizes of hidden layers as a tuple."""
    sizes = [hidden_layer_sizes] if isinstance(hidden_layer_sizes, Integral) else hidden_layer_sizes
    if not all(isinstance(size, Integral) and not isinstance(size, bool) and int(size) >= 1 for size in sizes):
        raise ValueError(
            f"hidden_layer_sizes={hidden_layer_sizes!r} is not usable. Pass integers of at least 1, "
            "or () for an additive model."
        )
    return tuple(int(size) for size in sizes)
