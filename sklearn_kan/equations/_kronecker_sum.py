"""Solving with a sum of one matrix along each axis of a tensor."""

import numpy as np
from scipy import linalg


def kronecker_sum_solver(matrices):
    """A function that solves ``Σ_d (T_d along axis d) V = R`` for V.

    Along two axes it is Sylvester's equation, by real Schur forms (Bartels & Stewart 1972), decomposed once. Along
    three or more all matrices but the least normal one are diagonalised, and that one is solved for by its Schur form.
    """
    if len(matrices) == 1:
        factors = linalg.lu_factor(matrices[0])
        return lambda R: linalg.lu_solve(factors, R)
    if len(matrices) == 2:
        return sylvester(*matrices)
    parts = [diagonal(matrix) for matrix in matrices]
    last = int(np.argmax([np.linalg.cond(vectors) for _, _, vectors in parts]))
    others = [d for d in range(len(matrices)) if d != last]
    S, Q = linalg.schur(matrices[last], output="complex")
    total = sum(parts[d][0].reshape([-1 if k == d else 1 for k in others]) for d in others)[None]
    smallest = 1e-14 * (np.abs(S.diagonal()).max() + np.abs(total).max())

    def solve(R):
        V = along(R.astype(complex), [Q.conj().T if d == last else parts[d][1] for d in range(len(matrices))])
        V = np.moveaxis(V, last, 0).copy()
        for i in range(len(S) - 1, -1, -1):
            shifted = S[i, i] + total[0]
            shifted = np.where(np.abs(shifted) < smallest, smallest, shifted)
            V[i] = (V[i] - np.tensordot(S[i, i + 1 :], V[i + 1 :], axes=1)) / shifted
        V = np.moveaxis(V, 0, last)
        return along(V, [Q if d == last else parts[d][2] for d in range(len(matrices))]).real

    return solve


def along(tensor, matrices):
    """A matrix along each axis."""
    for d, matrix in enumerate(matrices):
        tensor = np.moveaxis(np.tensordot(matrix, tensor, axes=(1, d)), 0, d)
    return tensor


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
