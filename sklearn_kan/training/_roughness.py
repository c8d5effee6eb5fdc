"""Roughness of edge functions: the penalty of P-splines, on second differences of coefficients (Eilers & Marx 1996)."""

import torch

from ..bases import BSpline
from ..bases._bspline import extended


def second_differences(knots, degree):
    """Matrices D whose ``|D c|**2`` is the roughness of splines: about ``h**3`` times the integral of ``f''**2``.

    With h the mean spacing of coefficients. For uniform knots these are the second differences of P-splines; for
    others divided ones, which are the coefficients of ``f''`` (Li & Cao 2022, arXiv:2201.06808; de Boor, ch. X), so
    that straight lines have none, each weighted by the part of the axis that it stands for.

    Parameters
    ----------
    knots : Tensor of shape (in_features, n_knots)
        Rows may end in ``inf``.
    degree : int

    Returns
    -------
    Tensor of shape (in_features, n_basis - 2, n_basis), float64
    """
    t, count = extended(knots.double(), degree)
    n_basis = knots.shape[1] + degree - 1
    sites = t[:, 1:-1].unfold(1, degree, 1).mean(2) if degree else (t[:, 1:] + t[:, :-1]) / 2
    spacing = (sites[:, -1:] - sites[:, :1]) / (n_basis - 1)
    step = sites.diff(dim=1) / spacing
    if degree > 1:
        reach = t[:, 2:-2].unfold(1, degree - 1, 1).mean(2).diff(dim=1) / spacing
    else:
        reach = (step[:, 1:] + step[:, :-1]) / 2
    eye = torch.eye(n_basis, dtype=t.dtype, device=t.device)
    slopes = eye.diff(dim=0) / step[..., None]
    is_there = torch.arange(n_basis - 2, device=t.device) < (count + degree - 3)[:, None]
    return slopes.diff(dim=1) * (is_there / reach.sqrt())[..., None]


def parts_of(layer):
    """Bases of a layer, with their coefficients: views of shape (in, n_basis, n_outputs)."""
    parts = layer.basis.parts(layer.n_units)
    weights = layer.edge_weight.split([size for _, size in parts], 2)
    return [(basis, weight[:, : basis.n_basis]) for (basis, _), weight in zip(parts, weights, strict=True)]


def check_can_be_smoothed(layer):
    """Raise unless a layer's coefficients follow one another along fixed knots."""
    for basis, _ in parts_of(layer):
        if isinstance(basis, BSpline) and len(basis.knots) == layer.in_features and not list(basis.parameters()):
            continue
        raise ValueError(
            f"smoothness needs splines on knots that stay where they are, not basis={type(basis).__name__}. Choose "
            "'bspline', or 'truncated_power' without learned or individual knots, or set smoothness=0."
        )


class Roughness:
    """Roughness of all edges of a network's layers, with a strength.

    Parameters
    ----------
    layers : sequence of KANLayer
    strength : float
    """

    def __init__(self, layers, strength):
        self.strength, self.layers = strength, list(layers)
        self.spectra: list[list[list[torch.Tensor]]] = []
        for layer in self.layers:
            self.spectra.append([])
            for basis, weight in parts_of(layer):
                D = second_differences(basis.knots, basis.degree)
                self.spectra[-1].append([part.to(weight) for part in torch.linalg.eigh(D.mT @ D)])

    def parts(self):
        """Layers, coefficients that follow one another, eigenvalues and vectors of their roughness."""
        for layer, spectra in zip(self.layers, self.spectra, strict=True):
            for (_, weight), (values, vectors) in zip(parts_of(layer), spectra, strict=True):
                yield layer, weight, values.clamp(min=0), vectors

    def penalty(self):
        """Strength times half the sum over edges."""
        parts = (
            (values[..., None] * (vectors.mT @ weight).square()).sum() for _, weight, values, vectors in self.parts()
        )
        return 0.5 * self.strength * sum(parts)

    @torch.no_grad()
    def shrink(self, rates):
        """An implicit step of gradient descent on the penalty alone, as decoupled weight decay is for norms.

        Parameters
        ----------
        rates : dict
            Learning rates by parameter.
        """
        for layer, weight, values, vectors in self.parts():
            share = 1 / (1 + rates[layer.edge_weight] * self.strength * values)
            weight.copy_(vectors @ (share[..., None] * (vectors.mT @ weight)))
