"""Local explanations: Shapley values of single predictions."""

from itertools import combinations
from math import factorial
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from ..model._model import as_drawn
from ._reading import reading, squeezed
from ._structure import most_together

N_BACKGROUND = 40  # rows of the fit that predictions are compared with, by default
N_PAIRS = 2  # of permutations, for each row and each row of the background
MOST_ENUMERATED = 6  # columns, all subsets of which are tried
CALLS_AT_ONCE = 2**18  # of the network


class Explanation(NamedTuple):
    """What each column contributes to each prediction; fields are named as those of ``shap.Explanation``.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_features) or (n_samples, n_features, n_outputs)
        Contributions. With the base value they add up to the prediction.
    base_values : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The mean prediction over the background.
    data : ndarray of shape (n_samples, n_features)
        The columns' own values.
    feature_names : list of str
    output_names : list of str
    errors : ndarray of the shape of `values`
        Standard errors of the contributions, which random orders of columns cause; zero where there are none.
    """

    values: np.ndarray
    base_values: np.ndarray
    data: np.ndarray
    feature_names: list[str]
    output_names: list[str]
    errors: np.ndarray


def explain(model, X, background=None, *, response_method="auto", random_state=0) -> Explanation:
    """Split predictions into contributions of the columns that add up to them.

    Contributions are interventional Shapley values: how the prediction changes when a column's value takes the place of
    that of a row of the background, averaged over all orders in which the columns can do so, and over the background.

    Parameters
    ----------
    model : KANClassifier, KANRegressor, or a pipeline or search with one
        Fitted.
    X : dataframe or array-like of shape (n_samples, n_features)
        Rows to explain.
    background : dataframe or array-like of shape (n_background, n_features), optional
        Rows that they are compared with. By default 40 rows of the fit.
    response_method : {"auto", "predict", "decision_function", "predict_proba"}, default="auto"
        What is explained: ``"auto"`` is `predict` of a regression, in the target's units whatever its loss, and
        log-odds of a classification, for three classes or more log-probabilities.
    random_state : int, RandomState instance or None, default=0
        Draws orders of columns, where there are too many to try them all.

    Returns
    -------
    Explanation
        With `values`, `base_values`, `data`, `feature_names`, as ``shap.Explanation`` has them.

    Raises
    ------
    ValueError
        If `response_method` is not one of the model's.
    TypeError
        If there is no such model.

    Notes
    -----
    Values are exact for up to six columns, by trying all subsets, and for models that are sums of functions of one or
    two columns each. For others they are averages over orders drawn at random, each with its reverse, for which
    `errors` gives the standard error. They add up in any case. Columns that the network does not get add nothing.

    References
    ----------
    Štrumbelj & Kononenko (2014), *Explaining prediction models and individual predictions with feature contributions*.

    Mitchell, Cooper, Frank & Holmes (2022), *Sampling permutations for Shapley value estimation*, JMLR 23.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import explain
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = KANRegressor(random_state=0, max_iter=5).fit(X, y)
    >>> explanation = explain(model, X[:2])
    >>> explanation.values.shape
    (2, 10)
    >>> np.allclose(explanation.values.sum(1) + explanation.base_values, model.predict(X[:2]))
    True
    """
    rows = reading(model, X, response_method)
    part, given = rows.estimator, background is not None
    other = reading(model, background, response_method).encoded if given else part._state.sample[:N_BACKGROUND]
    owner, selected, response = rows.owner, rows.selected, rows.response
    x, at_rows, at_background = rows.encoded, response(rows.encoded), response(other)
    inputs = [np.flatnonzero(owner == column) for column in selected]
    game = Game(response, inputs, other, at_background)
    if len(inputs) <= MOST_ENUMERATED:
        values, errors = in_parts(enumerated, game, x, at_rows, len(other) * 2 ** len(inputs))
    else:
        n_pairs = 1 if most_together(rows.response) <= 2 else N_PAIRS
        random = check_random_state(random_state)
        orders = random.rand(n_pairs, len(other), len(inputs)).argsort(2)
        n_calls = 2 * n_pairs * len(other) * len(inputs)
        values, errors = in_parts(sampled, game._replace(orders=orders), x, at_rows, n_calls)
    n_outputs = at_rows.shape[1]
    full = np.zeros((2, len(x), len(rows.names), n_outputs))
    full[:, :, selected] = values, errors
    base = np.broadcast_to(at_background.mean(0), (len(x), n_outputs)).copy()
    names = [str(name) for name in rows.names]
    return Explanation(squeezed(full[0]), squeezed(base), data_of(rows), names, response.outputs, squeezed(full[1]))


class Game(NamedTuple):
    """What columns play for: the network's prediction, when some of them have a row's values and others a background's.

    Parameters
    ----------
    response : Response
    inputs : list of ndarray
        Of each column.
    background : ndarray of shape (n_background, n_inputs)
    at_background : ndarray of shape (n_background, n_outputs)
    orders : ndarray of shape (n_pairs, n_background, n_columns), optional
        In which columns enter, for each row of the background.
    """

    response: Any
    inputs: list[np.ndarray]
    background: np.ndarray
    at_background: np.ndarray
    orders: Any = None


def in_parts(method, game, x, at_rows, n_calls):
    """Values and errors, ``(n_samples, n_columns, n_outputs)`` each, a few rows at a time."""
    step = max(1, CALLS_AT_ONCE // n_calls)
    parts = [method(game, x[start : start + step], at_rows[start : start + step]) for start in range(0, len(x), step)]
    return tuple(np.concatenate(each) for each in zip(*parts, strict=True))


def enumerated(game, x, at_rows):
    """Exact values, by all subsets."""
    n_columns, n_background = len(game.inputs), len(game.background)
    subsets = [frozenset(s) for size in range(n_columns + 1) for s in combinations(range(n_columns), size)]
    worth = {}
    for subset in subsets:
        inputs = np.concatenate([game.inputs[i] for i in subset]) if subset else np.array([], dtype=int)
        if len(subset) in (0, n_columns):
            worth[subset] = at_rows if subset else np.broadcast_to(game.at_background.mean(0), at_rows.shape)
            continue
        mixed = np.repeat(game.background[None], len(x), axis=0)
        mixed[:, :, inputs] = x[:, None, inputs]
        worth[subset] = game.response(mixed.reshape(-1, x.shape[1])).reshape(len(x), n_background, -1).mean(1)
    values = np.zeros((len(x), n_columns, at_rows.shape[1]))
    for subset in subsets:
        for column in set(range(n_columns)) - subset:
            size = len(subset)
            share = factorial(size) * factorial(n_columns - size - 1) / factorial(n_columns)
            values[:, column] += share * (worth[subset | {column}] - worth[subset])
    return values, np.zeros_like(values)


def sampled(game, x, at_rows):
    """Values by orders of the columns, each with its reverse; exact if no three columns interact."""
    n_pairs, n_background, n_columns = game.orders.shape
    n, n_outputs = at_rows.shape
    share = np.zeros((n_pairs, n, n_background, n_columns, n_outputs))
    everywhere = np.arange(n_background)
    for number, forward in enumerate(game.orders):
        for order in (forward, forward[:, ::-1]):
            mixed = np.repeat(game.background[None], n, axis=0)
            before = np.broadcast_to(game.at_background, (n, n_background, n_outputs))
            for step in range(n_columns):
                entering = order[:, step]
                if step < n_columns - 1:
                    for column in np.unique(entering):
                        its = np.ix_(np.arange(n), everywhere[entering == column], game.inputs[column])
                        mixed[its] = x[:, None, game.inputs[column]]
                    now = game.response(mixed.reshape(-1, x.shape[1])).reshape(n, n_background, n_outputs)
                else:
                    now = np.broadcast_to(at_rows[:, None], before.shape)
                share[number][:, everywhere, entering] += 0.5 * (now - before)
                before = now
    values = share.mean((0, 2))
    within = share.var(0, ddof=1).mean(1) if n_pairs > 1 else np.zeros_like(values)  # of one row of the background
    return values, np.sqrt(within / (n_pairs * n_background))


def data_of(rows):
    """The values of all columns; those that the network does not get are missing."""
    n = len(rows.encoded)
    is_numeric = all(column.kind == "number" for column in rows.columns)
    data = np.full((n, len(rows.names)), np.nan, dtype=float if is_numeric else object)
    for place, column in zip(rows.selected, rows.columns, strict=True):
        data[:, place] = column.values if column.is_categorical else as_drawn(column)
    return data
