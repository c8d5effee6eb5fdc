"""How much of a model is main effects, and which pairs of columns interact."""

from typing import Any

import numpy as np

from ..model._importances import pair_effects
from ._projection import additive_part
from ._reading import reading
from ._structure import most_together

LEAST_ROWS, MOST_ROWS, CALLS = 100, 500, 150_000  # rows that interactions are measured on, and predictions


def additive_share(model, X, *, response_method="auto") -> Any:
    """How much of a model's prediction is a sum of functions of one column each.

    Parameters
    ----------
    model : KANClassifier, KANRegressor, or a pipeline or search with one
    X : dataframe or array-like of shape (n_samples, n_features)
        Rows on which predictions are compared.
    response_method : {"auto", "predict", "decision_function", "predict_proba"}, default="auto"

    Returns
    -------
    share : float
        Of the predictions' variance; the mean over several outputs. 1 for a model without interactions.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import additive_share
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = KANRegressor((), random_state=0, max_iter=5).fit(X, y)
    >>> additive_share(model, X) > 0.99
    True
    """
    rows = reading(model, X, response_method)
    return 1.0 if most_together(rows.response) <= 1 else float(additive_part(rows).mean())


def interaction_strengths(model, X=None, *, response_method="auto") -> np.ndarray:
    """How much of a model's prediction comes from interactions of each two columns.

    Parameters
    ----------
    model : KANClassifier, KANRegressor, or a pipeline or search with one
    X : dataframe or array-like of shape (n_samples, n_features), optional
        Rows; by default a sample of those of the fit. At most 500 of them are used, and fewer, down to 100,
        for more than 25 columns.
    response_method : {"auto", "predict", "decision_function", "predict_proba"}, default="auto"

    Returns
    -------
    strengths : ndarray of shape (n_features, n_features)
        Symmetric: the variance of all interactions in which two columns both take part, as a share of the predictions'
        variance, averaged over outputs. Zero where columns do not interact.

    References
    ----------
    Liu & Owen (2006), *Estimating mean dimensionality of analysis of variance decompositions*.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import interaction_strengths
    >>> X = np.random.default_rng(0).normal(size=(400, 3))
    >>> model = KANRegressor(random_state=0, max_iter=20).fit(X, X[:, 0] * X[:, 1] + X[:, 2])
    >>> strengths = interaction_strengths(model)
    >>> bool(strengths[0, 1] > 5 * strengths[0, 2])
    True
    """
    rows = reading(model, X, response_method)
    n_pairs = max(1, len(rows.selected) * (len(rows.selected) - 1) // 2)
    n_rows = int(np.clip(CALLS // n_pairs, LEAST_ROWS, MOST_ROWS))
    rows = rows._replace(encoded=rows.encoded[np.random.RandomState(0).permutation(len(rows.encoded))[:n_rows]])
    variance = rows.response(rows.encoded).var(0)
    strengths = np.zeros((len(rows.names), len(rows.names)))
    for (one, other), effect in pair_effects(rows.response, rows.encoded).items():
        share = float((effect[variance > 0] / variance[variance > 0]).mean()) if (variance > 0).any() else 0.0
        strengths[rows.selected[one], rows.selected[other]] = share
        strengths[rows.selected[other], rows.selected[one]] = share
    return strengths
