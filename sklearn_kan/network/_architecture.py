"""What a network is made of, as one value."""

from typing import Any, NamedTuple

from .._surroundings import reproducible
from ..bases import get_basis
from ._constrained import ConstrainedKAN, Constraints
from ._kan import KAN, for_layers

OWN_BASES = f"{__package__.rpartition('.')[0]}.bases."


class Architecture(NamedTuple):
    """What a network is made of; two fits with the same one have interchangeable weights.

    Parameters
    ----------
    in_features, out_features, n_levels, n_places, hidden_layer_sizes, basis, n_knots, degree, knots, basis_params, \
fine_knots, interactions, norm, n_members, scaled
        As in `KAN`.
    constraints : Constraints or None
        What the network keeps to.

    Examples
    --------
    >>> from sklearn_kan.network._architecture import Architecture
    >>> Architecture(3, 1, hidden_layer_sizes=(8,), n_members=4).build().n_members
    4
    """

    in_features: int
    out_features: int
    n_levels: tuple[int, ...] = ()
    n_places: tuple[int, ...] = ()
    hidden_layer_sizes: tuple[int, ...] = (64,)
    basis: Any = "bspline"
    n_knots: Any = 8
    degree: int = 3
    knots: Any = "uniform"
    basis_params: Any = None
    fine_knots: int | None = None
    interactions: str | None = None
    norm: str = "layer"
    n_members: int | None = None
    scaled: bool = False
    constraints: Constraints | None = None

    def build(self, seed=0, generator=None):
        """A network of this architecture with random coefficients, in float32 on the CPU.

        Parameters
        ----------
        seed : int, default=0
            Of what bases of users draw, as they see it from torch's default generator. That is left alone.
        generator : torch.Generator, optional
            Of the coefficients.

        Returns
        -------
        KAN
        """
        arguments = self._asdict()
        constraints = arguments.pop("constraints")
        with reproducible(seed if self.has_bases_of_users else None):
            if constraints is None:
                return KAN(**arguments, generator=generator)
            return ConstrainedKAN(**arguments, **constraints._asdict(), generator=generator)

    def single(self):
        """The same for one network, without members and factors, as exact solvers want it."""
        return self._replace(n_members=None, scaled=False)

    def refined(self, n_knots):
        """The same with these numbers of knots, one for each layer."""
        return self._replace(n_knots=n_knots, knots="uniform")

    @property
    def has_bases_of_users(self):
        """Whether some layer's basis is not one of the package's."""
        bases = for_layers(len(self.hidden_layer_sizes) + 1, basis=self.basis)
        return not all(get_basis(basis).__module__.startswith(OWN_BASES) for basis in bases)

    @property
    def is_sum(self):
        """Whether outputs are sums over groups of inputs; of a single input they are, too."""
        constraints = self.constraints
        return constraints is not None and (
            constraints.direct or len(constraints.groups) > 1 or all(len(group) == 1 for group in constraints.groups)
        )

    @property
    def is_monotone(self):
        """Whether outputs rise or fall in some inputs by construction."""
        return self.constraints is not None and any(self.constraints.directions)
