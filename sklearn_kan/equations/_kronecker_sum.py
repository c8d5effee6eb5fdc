"""Solving with a sum of one matrix along each axis of a tensor."""

import numpy as np
from scipy import linalg


def kronecker_sum_solver(matrices):
    """A function that solves ``Σ_d (T_d along axis d) V = R`` for V.

    Along two axes it is Sylvester's equation, by real Schur forms (Bartels & Stewart 1972), decomposed once. Along
    three or more the matrices are diagonalised.
    """
    if len(matrices) == 2:
        return sylvester(*matrices)
    values, left, right = zip(*map(diagonal, matrices), strict=True)
    total = sum(value.reshape([-1 if d == k else 1 for k in range(len(values))]) for d, value in enumerate(values))
    total = np.where(np.abs(total) < 1e-14 * np.abs(total).max(), 1e-14 * np.abs(total).max(), total)

    def solve(R):
        V = R.astype(complex)
        for d, matrix in enumerate(left):
            V = np.moveaxis(np.tensordot(matrix, V, axes=(1, d)), 0, d)
        V = V / total
        for d, matrix in enumerate(right):
            V = np.moveaxis(np.tensordot(matrix, V, axes=(1, d)), 0, d)
        return V.real

    return solve


def diagonal(matrix):
    """Eigenvalues, the inverse of eigenvectors, and eigenvectors."""
    values, vectors = linalg.eig(matrix)
    return values, linalg.inv(vectors), vectors


def sylvester(A, B):
    """Solves ``A V + V Bᵀ = R``."""
    S, Q = linalg.schur(A, output="real")
    T, P = linalg.schur(B.T, output="real")
    (trsyl,) = linalg.get_lapack_funcs(("trsyl",), (S, T))

    def solve(R):
        V, scale, _ = trsyl(S, T, Q.T @ R @ P)
        return Q @ (V / scale) @ P.T

    return solve
