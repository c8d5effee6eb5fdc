"""Glass boxes as JSON."""

import json

from ._additive import Choice, Product, additive


def to_json(model, indent=None):
    """A glass box as JSON: an intercept, and curves and tables that add up to its prediction.

    The object has ``intercept``, a list of numbers, one for each output; ``link``, which says what the sum is
    (``"identity"``, ``"log"``; ``"logit"`` of the second class, ``"softmax"``); ``outputs``, the classes, or numbers
    from 0 on; and ``terms``, each with its ``name`` and one of these:

    - ``"numeric"``: a column of numbers. With ``t = (x - center) * rate`` and ``z = t / sqrt(1 + (t / 3)**2)``, the
      piece is the first whose end is above z, or the last one. Its value is the polynomial ``coefficients``, the
      constant first, in z minus ``centers`` of the piece. ``special`` has values of single x, ``missing`` that of
      none. Dates and durations are in days, dates since 1970-01-01.
    - ``"choice"``: a column of labels, with ``cases`` as pairs of a label and a value, ``missing`` and ``unknown``. A
      value is a list of numbers, or an object of these kinds.
    - ``"product"``: ``first`` and ``second``, both numeric. First has ``n * n_outputs`` values as rows of a matrix
      ``(n, n_outputs)``, second has n, by which rows are weighted before they are added up.

    Parameters
    ----------
    model : KANClassifier or KANRegressor
        Fitted, with ``terms_``, and by itself rather than in a pipeline.
    indent : int, optional
        As of `json.dumps`.

    Returns
    -------
    str

    Raises
    ------
    TypeError, ValueError
        As `to_sql`.

    See Also
    --------
    to_sql, to_python, to_c : The same as source code.

    Examples
    --------
    >>> import json
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.export import to_json
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = KANRegressor(interaction_cst="no_interactions", max_iter=5, random_state=0).fit(X, y)
    >>> [term["name"] for term in json.loads(to_json(model))["terms"]][:3]
    ['age', 'sex', 'bmi']
    """
    found = additive(model)
    described = {
        "estimator": found.kind, "outputs": found.outputs, "link": found.link, "most": found.most,
        "intercept": found.intercept.tolist(),
        "terms": [{"name": name} | as_json(term) for name, term in zip(found.names, found.terms, strict=True)],
    }  # fmt: skip
    return json.dumps(described, indent=indent, allow_nan=False)


def as_json(value):
    """A function as JSON holds it."""
    if isinstance(value, Choice):
        return {
            "kind": "choice", "column": value.column, "cases": [[label, as_json(own)] for label, own in value.cases],
            "missing": as_json(value.missing), "unknown": as_json(value.unknown),
        }  # fmt: skip
    if isinstance(value, Product):
        return {"kind": "product", "first": as_json(value.first), "second": as_json(value.second)}
    if hasattr(value, "curve"):
        return {
            "kind": "numeric", "column": value.column, "center": value.center, "rate": value.rate,
            "ends": value.curve.ends, "centers": value.curve.centers,
            "coefficients": [own.tolist() for own in value.curve.coefficients],
            "special": [[place, own.tolist()] for place, own in value.special], "missing": value.missing.tolist(),
        }  # fmt: skip
    return value.tolist()
