"""Points at which few values of a function tell its best approximation by a basis (Nouy & Michel 2023)."""

from numbers import Integral

import numpy as np
from scipy.stats import qmc
from sklearn.utils import check_random_state

METHODS = "determinantal", "volume", "christoffel", "sobol", "uniform"
FEWEST_CANDIDATES, CANDIDATES_PER_TERM, MOST_CANDIDATES = 2**12, 2**9, 2**16
INDEPENDENT = 1e-10  # of the largest singular value; smaller ones are of functions that depend on the others


def sample_points(
    basis, n, *, bounds=((0.0, 1.0),), candidates=None, method="determinantal", random_state=None
) -> tuple[np.ndarray, np.ndarray]:
    """Draw points for a weighted least-squares fit of a linear basis.

    With uniform points the fit is unstable until there are many more points than functions: some m² for polynomials of
    degree m - 1. Points are better drawn where the basis has most to say, and apart from each other, with weights that
    make up for it.

    Parameters
    ----------
    basis : callable
        From points ``(n_points, n_features)`` to values of the functions, ``(n_points, n_functions)``. The functions
        need not be orthogonal; only the space that they span counts.
    n : int
        Number of points, at least that of functions.
    bounds : array-like of shape (n_features, 2), default=((0, 1),)
        Of a box, in which errors count evenly.
    candidates : array-like of shape (n_candidates, n_features), optional
        Points to choose from, over which errors count evenly, instead of a box.
    method : {"determinantal", "volume", "christoffel", "sobol", "uniform"}, default="determinantal"
        ``"christoffel"`` draws independently with a density in proportion to the sum of squares of an orthonormal
        basis, the inverse Christoffel function (Cohen & Migliorati 2017). ``"determinantal"`` draws as many points as
        functions, that repel each other, and again until there are enough. ``"volume"`` draws these once and the rest
        as ``"christoffel"``, with which least squares is unbiased (Derezinski, Warmuth & Hsu 2022). ``"sobol"`` (from
        candidates: without replacement) and ``"uniform"`` do not look at the basis.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : ndarray of shape (n, n_features)
    weights : ndarray of shape (n,)
        Of each squared residual: ``sample_weight`` of a linear regression without an intercept.

    Raises
    ------
    ValueError
        If there are fewer points than independent functions, or the basis gives something else than finite numbers.

    References
    ----------
    Cohen, Migliorati (2017), *Optimal weighted least-squares methods*, SMAI Journal of Computational Mathematics.

    Derezinski, Warmuth, Hsu (2022), *Unbiased estimators for random design regression*, Journal of Machine Learning
    Research.

    Nouy, Michel (2023), *Weighted least-squares approximation with determinantal point processes and generalized volume
    sampling*, arXiv:2312.14057.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_kan.gp import sample_points
    >>> def legendre(X):
    ...     return np.polynomial.legendre.legvander(X[:, 0], 9)
    >>> X, weights = sample_points(legendre, 12, bounds=[(-1, 1)], random_state=0)
    >>> fit = LinearRegression(fit_intercept=False).fit(legendre(X), np.exp(X[:, 0]), sample_weight=weights)
    >>> new = np.linspace(-1, 1, 100)[:, None]
    >>> bool(np.abs(fit.predict(legendre(new)) - np.exp(new[:, 0])).max() < 1e-7)
    True
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r} is unknown. Choose one of {', '.join(map(repr, METHODS))}.")
    if not isinstance(n, Integral) or n < 1:
        raise ValueError(f"n={n!r} is not usable. Pass an integer >= 1.")
    random_state = check_random_state(random_state)
    box = None if candidates is not None else box_of(bounds)
    points = read_candidates(candidates) if box is None else spread(box, FEWEST_CANDIDATES, random_state)
    if box is not None and method not in ("sobol", "uniform"):
        n_terms = values_at(basis, points).shape[1]
        wanted = np.clip(CANDIDATES_PER_TERM * n_terms, FEWEST_CANDIDATES, MOST_CANDIDATES)
        points = spread(box, wanted, random_state)
    if method in ("sobol", "uniform"):
        return plain_points(points, box, n, method, random_state), np.ones(n)
    Q = orthonormal(values_at(basis, points))
    n_terms = Q.shape[1]
    if n < n_terms:
        raise ValueError(f"n={n} points do not tell {n_terms} independent functions. Pass n >= {n_terms}.")
    share = np.square(Q).sum(1) / n_terms
    index = indices(Q, share, n, method, random_state)
    return points[index], 1 / (len(points) * share[index])


def indices(Q, share, n, method, random_state):
    """Places of drawn candidates, in random order."""
    drawn: list[int] = []
    while method != "christoffel" and len(drawn) < n and not (method == "volume" and drawn):
        drawn += repelling(Q, random_state)[: n - len(drawn)]
    rest = random_state.choice(len(Q), n - len(drawn), p=share / share.sum())
    return random_state.permutation(np.append(np.array(drawn, dtype=int), rest))


def repelling(Q, random_state):
    """Draw from the projection determinantal process of orthonormal columns, as many rows as columns.

    Each row is drawn in proportion to what of it the rows before do not span (Hough, Krishnapur, Peres & Virag 2006,
    Alg. 18).
    """
    left, spanned = np.square(Q).sum(1), np.zeros((len(Q), 0))
    drawn: list[int] = []
    for _ in range(Q.shape[1]):
        left = np.maximum(left, 0.0)
        left[drawn] = 0.0
        row = int(random_state.choice(len(Q), p=left / left.sum()))
        new = Q @ Q[row] - spanned @ spanned[row]
        new /= np.sqrt(new[row])
        spanned, left = np.column_stack([spanned, new]), left - np.square(new)
        drawn.append(row)
    return drawn


def orthonormal(values):
    """An orthonormal basis of the columns' span, over the candidates."""
    U, s, _ = np.linalg.svd(values, full_matrices=False)
    return U[:, s > INDEPENDENT * s.max(initial=0.0)]


def plain_points(points, box, n, method, random_state):
    """Points that do not depend on the basis."""
    if box is None:
        return points[random_state.choice(len(points), n, replace=method == "uniform" or n > len(points))]
    if method == "sobol":
        return spread(box, n, random_state)[:n]
    return box[:, 0] + random_state.uniform(size=(n, len(box))) * np.ptp(box, axis=1)


def spread(box, n, random_state):
    """At least n even points of a box: a scrambled Sobol' sequence."""
    seed = random_state.randint(np.iinfo(np.int32).max)
    unit = qmc.Sobol(len(box), seed=np.random.default_rng(seed)).random_base2(int(np.ceil(np.log2(max(n, 2)))))
    return box[:, 0] + unit * np.ptp(box, axis=1)


def box_of(bounds):
    box = np.asarray(bounds, dtype=np.float64)
    if box.ndim != 2 or box.shape[1] != 2 or not np.isfinite(box).all() or not (box[:, 0] < box[:, 1]).all():
        raise ValueError(f"bounds={bounds!r} is not usable. Pass a pair (low, high) with low < high for each feature.")
    return box


def read_candidates(candidates):
    points = np.asarray(candidates, dtype=np.float64)
    if points.ndim != 2 or not len(points) or not np.isfinite(points).all():
        raise ValueError("candidates is not usable. Pass finite numbers of shape (n_candidates, n_features).")
    return points


def values_at(basis, points):
    """Values of the functions, checked."""
    values = np.asarray(basis(points), dtype=np.float64)
    if values.ndim != 2 or len(values) != len(points):
        raise ValueError(
            f"basis gives an array of shape {values.shape} for {len(points)} points. Return (n_points, n_functions)."
        )
    if not np.isfinite(values).all():
        raise ValueError("basis gives values that are not finite. Choose bounds or candidates where it is defined.")
    return values
