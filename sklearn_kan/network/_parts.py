"""Several bases in one layer, such as coarse and fine ones of an ensemble's members."""

from typing import cast

import torch
import torch.nn.functional as F
from torch import nn

from ..bases._base import Basis


class Parts(Basis):
    """Bases of the same inputs, each for a part of the outputs.

    Coefficients are as many for all outputs; the last ones of an output whose basis has fewer functions are zero.

    Parameters
    ----------
    bases : sequence of Basis
    sizes : sequence of int
        How many outputs each has, in their order.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.bases import BSpline
    >>> from sklearn_kan.network._parts import Parts
    >>> parts = Parts([BSpline(1, n_knots=3), BSpline(1, n_knots=9)], [2, 2])
    >>> parts.contract(torch.zeros(5, 1), torch.ones(1, 11, 4)).shape
    torch.Size([5, 4])
    """

    def __init__(self, bases, sizes):
        super().__init__(bases[0].in_features, n_basis=max(basis.n_basis for basis in bases))
        self.bases, self.sizes = nn.ModuleList(bases), list(sizes)

    def place_knots(self, x, sample_weight=None):
        for basis in self.bases:
            cast(Basis, basis).place_knots(x, sample_weight)

    def refine_knots(self, *args):
        raise ValueError(
            f"fine_knots={self.bases[-1].n_knots} cannot be refined. Build the network with fine_knots=None."
        )

    def parts(self, n_outputs):
        return list(zip(self.bases, self.sizes, strict=True))

    def split(self, weight):
        """Each basis with its own coefficients."""
        parts = zip(self.bases, weight.split(self.sizes, 2), strict=True)
        return [(basis, part[:, : basis.n_basis]) for basis, part in parts]

    def forward(self, x):
        """Values by output, ``(n, in) -> (n, out, in, n_basis)``."""
        values = [
            F.pad(basis(x), (0, self.n_basis - basis.n_basis))[:, None].expand(-1, size, -1, -1)
            for basis, size in zip(self.bases, self.sizes, strict=True)
        ]
        return torch.cat(values, 1)

    def contract(self, x, weight):
        return torch.cat([basis.contract(x, part) for basis, part in self.split(weight)], 1)

    def contract_members(self, x, weight):
        shares = [size * x.shape[1] // weight.shape[2] for size in self.sizes]
        parts = zip(x.split(shares, 1), self.split(weight), strict=True)
        return torch.cat([basis.contract_members(own, part) for own, (basis, part) in parts], 1)

    def edge_functions(self, x, weight):
        return torch.cat([basis.edge_functions(x, part) for basis, part in self.split(weight)], 1)
