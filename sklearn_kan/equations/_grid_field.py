"""Solutions on grids: coefficients of products of the axes' functions."""

from typing import NamedTuple

import numpy as np

from ._axis import AxisBasis

BLOCK = 2_000_000  # numbers at a time


class GridField(NamedTuple):
    """``Σ W_ab… φ_a(x₀) ψ_b(x₁)…``, and draws of its error."""

    bases: list[AxisBasis]
    coefficients: np.ndarray  # (r_1, ..., r_D)
    draws: np.ndarray  # (S, r_1, ..., r_D)

    def __call__(self, points, key=()):
        """Values of a derivative at points, (n,)."""
        return self._each(points, key, self.coefficients[None])[0]

    def deviation(self, points, key=()):
        """Root mean square of the draws, (n,)."""
        return np.sqrt(np.mean(self._each(points, key, self.draws) ** 2, axis=0))

    def _each(self, points, key, tensors):
        size = max(1, BLOCK // max(int(np.prod(tensors.shape[2:])), 1))
        parts = [self._block(points[start : start + size], key, tensors) for start in range(0, len(points), size)]
        return np.concatenate(parts, axis=1) if parts else np.zeros((len(tensors), 0))

    def _block(self, points, key, tensors):
        columns = [basis(points[:, d], key.count(d)) for d, basis in enumerate(self.bases)]
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
