"""Collocation with B-splines: the classical way, for second-order equations and for the Riesz operator."""

from typing import Any

import numpy as np
from scipy import sparse
from scipy.fft import dst, idst, rfft
from scipy.interpolate import BSpline
from scipy.sparse.linalg import LinearOperator, gmres, spsolve

from ._riesz import RieszMatrix, splines_on_unit_interval

DENSE = 600  # unknowns up to which the Riesz matrix is decomposed


def spline_collocation(
    source, interval, boundary=(0.0, 0.0), *, degree=3, n_pieces=100, order=2.0, coefficients=None
) -> Any:
    """Solve a boundary value problem along one axis with B-splines, at their Greville points.

    Parameters
    ----------
    source : callable
        f of points, (m,) -> (m,).
    interval : (float, float)
    boundary : (float, float), default=(0.0, 0.0)
        Values at its ends; zero for the Riesz operator, whose solutions are zero outside the interval.
    degree : int, default=3
        At least 2.
    n_pieces : int, default=100
        Of equal length.
    order : float, default=2.0
        2 for ``a D²u + b Du + c u = f``, or α between 1 and 2 for the Riesz derivative ``∂^α u / ∂|x|^α = f``.
    coefficients : callable, optional
        Of points, (m,), to a, b and c, each a number or of shape (m,); (1, 0, 0) by default. For order 2 only.

    Returns
    -------
    solution : scipy.interpolate.BSpline

    Raises
    ------
    ValueError
        If parameters are out of range or exclude each other.

    Notes
    -----
    For the Riesz operator and smooth solutions the error falls as ``h^(p + 2 - α)`` for even degrees p, and as
    ``h^(p + 1 - α)`` for odd ones. All but the outermost rows and columns of its matrix are Toeplitz; above some 600
    pieces it is multiplied by FFT and solved by GMRES, preconditioned by a discrete sine transform.

    References
    ----------
    Mazza, Donatelli, Manni, Speleers (2021), *On the matrices in B-spline collocation methods for Riesz fractional
    equations and their spectral properties*, arXiv:2106.14834.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan.equations import spline_collocation
    >>> solution = spline_collocation(lambda x: -np.sin(x), (0, np.pi), degree=4, n_pieces=50)
    >>> x = np.linspace(0, np.pi, 9)
    >>> bool(np.abs(solution(x) - np.sin(x)).max() < 1e-6)
    True
    """
    if degree < 2 or int(degree) != degree:
        raise ValueError(
            f"degree={degree!r} must be an integer of at least 2: an equation of second order needs curves."
        )
    if n_pieces < 2 * degree + 1:
        raise ValueError(f"n_pieces={n_pieces} must be at least {2 * degree + 1} for degree={degree}.")
    if not 1 < order <= 2:
        raise ValueError(f"order={order} must be 2, or between 1 and 2 for the Riesz derivative.")
    start, end = map(float, interval)
    if not end > start:
        raise ValueError(f"interval=({start}, {end}) must have its lower end first.")
    if order < 2 and (coefficients is not None or any(boundary)):
        raise ValueError(f"order={order} takes no coefficients, and boundary=(0, 0). Set order=2 for others.")
    knots, points = splines_on_unit_interval(degree, n_pieces)
    length = end - start
    right = np.broadcast_to(np.asarray(source(start + length * points[1:-1]), dtype=float), len(points) - 2)
    if order < 2:
        inner = riesz_solution(RieszMatrix.of(degree, n_pieces, order), right * length**order)
        values = np.concatenate([[0.0], inner, [0.0]])
    else:
        values = second_order(start + length * knots, start + length * points, degree, right, boundary, coefficients)
    return BSpline(start + length * knots, values, degree, extrapolate=False)


def second_order(knots, points, degree, right, boundary, coefficients):
    """Spline coefficients of ``a D²u + b Du + c u = f`` with given ends."""
    inner = points[1:-1]
    a, b, c = coefficients(inner) if coefficients is not None else (1.0, 0.0, 0.0)
    terms = [
        design(knots, degree, inner, nu).multiply(np.broadcast_to(factor, len(inner))[:, None])
        for factor, nu in ((c, 0), (b, 1), (a, 2)) if np.any(factor)
    ]  # fmt: skip
    matrix = sum(terms[1:], start=terms[0]).tocsc()
    right = right - matrix[:, [0, -1]] @ np.asarray(boundary, dtype=float)
    return np.concatenate([[boundary[0]], spsolve(matrix[:, 1:-1], right), [boundary[1]]])


def design(knots, degree, points, nu):
    """Derivatives of all B-splines at points, sparse: differences of those of lower degree (de Boor 1978, ch. X)."""
    matrix = BSpline.design_matrix(points, knots[nu : len(knots) - nu], degree - nu).tocsr()
    for k in range(nu, 0, -1):  # from degree - nu back to degree
        p = degree - k + 1
        inner = knots[k - 1 : len(knots) - k + 1]
        width = inner[p + 1 : -1] - inner[1 : -p - 1]
        scaled = matrix.multiply(p / width).tocsc()
        zero = scaled[:, :1] * 0
        from_left = sparse.hstack([zero, scaled])
        matrix = (from_left - sparse.hstack([scaled, zero])).tocsr()
    return matrix


def riesz_solution(matrix, right):
    """Solves with a Riesz matrix."""
    N = len(right)
    if N <= DENSE:
        return np.linalg.solve(matrix.dense(), right)
    n = len(matrix.column)
    border = (N - n) // 2
    # the block's eigenvalues if sines were its eigenvectors, as they nearly are (the natural tau matrix)
    even = (matrix.column + matrix.row) / 2
    symbol = 2 * rfft(even, 2 * (n + 1)).real[1 : n + 1] - even[0]

    def precondition(vector):
        inner = idst(dst(vector[border:-border], type=1) / symbol, type=1)
        return np.concatenate([vector[:border], inner, vector[-border:]])

    scaled = np.ones(N)
    scaled[:border], scaled[-border:] = np.abs(matrix.top).max(1), np.abs(matrix.bottom).max(1)
    ends = np.r_[:border, N - border : N]

    def product(vector):
        result = matrix @ vector
        result[ends] /= scaled[ends]
        return result

    found, _ = gmres(
        LinearOperator((N, N), matvec=product), right / scaled, rtol=1e-12, restart=50, maxiter=1,
        M=LinearOperator((N, N), matvec=precondition),
    )  # fmt: skip
    left = np.linalg.norm(product(found) - right / scaled)
    return found if left < 1e-9 * np.linalg.norm(right / scaled) else np.linalg.solve(matrix.dense(), right)
