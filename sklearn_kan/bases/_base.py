"""What every univariate basis has in common, and the registry of their names.

Layout: inputs ``x`` are ``(n_samples, in_features)``, values of a basis ``(n_samples, in_features, n_basis)``,
coefficients ``weight`` are ``(in_features, n_basis, out_features)``: those that one value of an input needs are
neighbours. What a layer shows as ``coef``, ``(out_features, in_features, n_basis)``, is a view of them.
"""

import inspect
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import nn

BASES: dict[str, type["Basis"]] = {}


class Basis(nn.Module, ABC):
    """A univariate basis, applied to each input by itself.

    A subclass is one file: it computes :meth:`forward` and, with ``class Mine(Basis, name="mine")``, can be chosen by
    that name. (A worker process knows the name only if it imports the file; the class itself can always be passed.)
    Its constructor takes ``in_features`` and keyword arguments; one named ``n_knots``, ``degree``, ``knots``,
    ``out_features`` or ``is_first`` is filled from the estimator's, the network's or the layer's value of that name.

    Parameters
    ----------
    in_features : int
    n_basis : int
        Number of basis functions of one input.

    Attributes
    ----------
    search_space : dict
        Ranges ``{parameter: (low, high) or list of choices}`` for hyperparameter search.
    has_base : bool
        Whether a layer adds a smooth branch ``v silu(x)`` to the basis.

    Notes
    -----
    Shape: ``(n_samples, in_features) -> (n_samples, in_features, n_basis)``. The methods that take coefficients take
    them as they lie in a layer's `edge_weight`, ``(in_features, n_basis, out_features)``. A family that can sum its
    edge functions without storing the values of all rows overrides :meth:`contract`.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.bases import Basis
    >>> class Monomials(Basis):
    ...     def __init__(self, in_features, *, degree=3):
    ...         super().__init__(in_features, n_basis=degree + 1)
    ...     def forward(self, x):
    ...         return torch.stack([x**k for k in range(self.n_basis)], dim=-1)
    >>> Monomials(2)(torch.zeros(5, 2)).shape
    torch.Size([5, 2, 4])
    """

    search_space: ClassVar[dict[str, Any]] = {}
    has_base: ClassVar[bool] = True

    def __init_subclass__(cls, *, name=None, **kwargs):
        super().__init_subclass__(**kwargs)
        if name is not None:
            if name in BASES and BASES[name].__module__.startswith(f"{__package__}."):
                raise ValueError(f"name={name!r} is taken by {BASES[name].__name__}. Choose another name.")
            BASES[name] = cls

    def __init__(self, in_features, n_basis) -> None:
        super().__init__()
        self.in_features = in_features
        self.n_basis = n_basis

    @abstractmethod
    def forward(self, x) -> torch.Tensor:
        """Values of the basis, ``(n_samples, in_features) -> (n_samples, in_features, n_basis)``."""

    def place_knots(self, x, sample_weight=None) -> None:
        """Fit whatever the basis fixes from its layer's training inputs; by default nothing.

        What it stores is a buffer of a shape known at construction, or a plain attribute without tensors.
        """

    def parts(self, n_outputs):
        """Bases, each with how many of the outputs it is for, in their order: this one for all."""
        return [(self, n_outputs)]

    def contract(self, x, weight) -> torch.Tensor:
        """Sum of all edge functions: ``(n, in), (in, n_basis, out) -> (n, out)``."""
        return self(x).flatten(1) @ weight.flatten(0, 1)

    def contract_members(self, x, weight) -> torch.Tensor:
        """The same where members of an ensemble have inputs and outputs of their own.

        ``(n, members, in), (in, n_basis, members * out) -> (n, members * out)``.
        """
        parts = weight.chunk(x.shape[1], 2)
        return torch.cat([self.contract(x[:, k], part) for k, part in enumerate(parts)], 1)

    def edge_functions(self, x, weight) -> torch.Tensor:
        """Each edge function by itself: ``(n, in), (in, n_basis, out) -> (n, out, in)``."""
        return torch.einsum("nik,iko->noi", self(x), weight)

    def edge_functions_of_members(self, x, weight) -> torch.Tensor:
        """The same of members with inputs of their own: ``(n, members, in) -> (n, members, out, in)``."""
        parts = weight.chunk(x.shape[1], 2)
        return torch.stack([self.edge_functions(x[:, k], part) for k, part in enumerate(parts)], 1)


def make_basis(basis, in_features, *, basis_params=None, **common):
    """Build a basis from its name or class.

    Parameters
    ----------
    basis : str or subclass of Basis
    in_features : int
    basis_params : dict, optional
        Keyword arguments of this family; an unknown one is an error.
    **common
        Keyword arguments that all families are offered (``n_knots``, ``degree``, …); those that the family's
        constructor does not name are left out.

    Raises
    ------
    ValueError
        If the name or one of `basis_params` is unknown.
    """
    family = get_basis(basis)
    accepted = set(inspect.signature(family.__init__).parameters) - {"self", "in_features"}
    own = sorted(accepted - set(common))
    unknown = sorted(set(basis_params or {}) - set(own))
    if unknown:
        choice = f"Choose from {own}." if own else "It has no parameters of its own."
        raise ValueError(f"basis_params={basis_params!r} has unknown keys {unknown} for basis={basis!r}. {choice}")
    arguments = {key: value for key, value in common.items() if key in accepted}
    return family(in_features, **{**arguments, **(basis_params or {})})


def get_basis(basis):
    """The class behind a name, or the class itself."""
    if isinstance(basis, type) and issubclass(basis, Basis):
        return basis
    if isinstance(basis, str) and basis in BASES:
        return BASES[basis]
    names = ", ".join(map(repr, sorted(BASES)))
    raise ValueError(f"basis={basis!r} is unknown. Choose one of {names}, or pass a subclass of Basis.")


def as_new(tensor):
    """A tensor with the dtype and on the device of new ones: torch's defaults, unless a mode of this thread differs."""
    return tensor.to(torch.empty(0))


def damping(frequency, power=2.0):
    """Factors ``frequency**-power`` for functions of rising frequency; at 2 their second derivatives are of one size.

    In these coordinates weight decay is the penalty of smoothing splines, the integral of ``f''**2``, and equal steps
    of Adam change the smooth part of a function first. Functions of equal size are fitted to noise first.
    """
    return (frequency / frequency[0]) ** -power if len(frequency) else frequency


def check_least(least, basis, **parameter):
    """Raise if a parameter is below the `least` that its family can do with."""
    ((name, value),) = parameter.items()
    if value < least:
        raise ValueError(f"{name}={value} is too small for basis={basis!r}. Choose at least {least}.")
