"""Roughness of edge functions: the penalty of P-splines, on second differences of coefficients (Eilers & Marx 1996)."""

import torch

from ..bases import BSpline
from ..knots import second_differences


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
