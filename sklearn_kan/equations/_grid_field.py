"""Solutions on grids: coefficients of products of the axes' functions."""

from typing import NamedTuple

import numpy as np

from ._axis import AxisBasis

BLOCK = 2_000_000  # numbers at a time


class Draws(NamedTuple):
    """Functions of one size each, drawn from what an error may be."""

    bases: list[AxisBasis]
    tensors: np.ndarray  # (S, r_1, ..., r_D)

    def square(self, points, key=()):
        """Mean square of a derivative at points, (n,)."""
        return np.mean(evaluated(self.bases, points, key, self.tensors) ** 2, axis=0)

    def size(self):
        """Root mean square over the grid."""
        matrices = [basis(basis.points) for basis in self.bases]
        return float(np.sqrt(np.mean([np.mean(applied(matrices, one) ** 2) for one in self.tensors])))


class GridField(NamedTuple):
    """``Σ W_ab… φ_a(x₀) ψ_b(x₁)…``, and draws of its independent errors."""

    bases: list[AxisBasis]
    coefficients: np.ndarray  # (r_1, ..., r_D)
    errors: tuple[Draws, ...] = ()

    def __call__(self, points, key=()):
        """Values of a derivative at points, (n,)."""
        return evaluated(self.bases, points, key, self.coefficients[None])[0]

    def deviation(self, points, key=()):
        """Root of the sum of the errors' squares, (n,)."""
        return np.sqrt(sum(error.square(points, key) for error in self.errors))


def evaluated(bases, points, key, tensors):
    """Values of a derivative of several functions at points, (S, n)."""
    size = max(1, BLOCK // max(int(np.prod(tensors.shape[2:])), 1))
    parts = [
        evaluated_block(bases, points[start : start + size], key, tensors) for start in range(0, len(points), size)
    ]
    return np.concatenate(parts, axis=1) if parts else np.zeros((len(tensors), 0))


def evaluated_block(bases, points, key, tensors):
    columns = [basis(points[:, d], key.count(d)) for d, basis in enumerate(bases)]
    results = []
    for tensor in tensors:
        value = np.tensordot(columns[0], tensor, axes=1)  # (n, r_2, ..., r_D)
        for matrix in columns[1:]:
            value = np.einsum("nb,nb...->n...", matrix, value)
        results.append(value)
    return np.array(results)


def applied(matrices, tensor):
    """A matrix along each axis of a tensor; None leaves an axis as it is."""
    for d, matrix in enumerate(matrices):
        if matrix is not None:
            tensor = np.moveaxis(np.tensordot(matrix, tensor, axes=(1, d)), 0, d)
    return tensor
