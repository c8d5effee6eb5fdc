"""Editing a glass box: each function returns a new fitted estimator, and leaves the old one as it is."""

from copy import copy
from typing import Any

import numpy as np
from sklearn.isotonic import isotonic_regression

from ..model._effect import evaluated, in_raw, in_units, tabulated
from ..training._losses import cross_entropy
from ._finding import names_of, place_of


def remove_terms(model, terms) -> Any:
    """A glass box without some of its terms.

    Terms have mean zero under the training rows, so predictions stay right on average. Nothing else changes: a
    column's own term and its pairs can be removed one by one.

    Parameters
    ----------
    model : KANClassifier or KANRegressor
        Fitted, with ``terms_``.
    terms : list
        Each a column, by name or place, or a pair of columns as a tuple, as ``terms_`` has them.

    Returns
    -------
    KANClassifier or KANRegressor

    Raises
    ------
    ValueError
        If the model has no such term.

    See Also
    --------
    monotonize, set_term, round_terms : Other edits.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import remove_terms
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = KANRegressor(interaction_cst="no_interactions", max_iter=5, random_state=0).fit(X, y)
    >>> len(model.terms_), len(remove_terms(model, ["age", "sex"]).terms_)
    (10, 8)
    """
    gone = {place_of_term(model, term) for term in terms}
    old = terms_of(model)
    kept = [place for place in range(len(old.terms)) if place not in gone]
    return edited(
        model, old._replace(terms=tuple(old.terms[place] for place in kept), strengths=old.strengths[kept])
    )  # fmt: skip


def monotonize(model, term, increasing="auto") -> Any:
    """A glass box whose term of a numeric column rises or falls.

    The term becomes the closest monotone function at its places, by isotonic regression weighted by the training rows
    there, member by member. It is linear between places and constant outside. Its mean stays what it was. The
    prediction is monotone in the column if no pair with it is left; see `remove_terms`.

    Parameters
    ----------
    model : KANClassifier or KANRegressor
        Fitted, with ``terms_``.
    term : str or int
        The column.
    increasing : bool or "auto", default="auto"
        Whether it rises; by default the direction that changes it less.

    Returns
    -------
    KANClassifier or KANRegressor

    Raises
    ------
    ValueError
        If there is no such term, the column is categorical, or the model has more than two classes.

    References
    ----------
    Barlow et al. (1972), *Statistical Inference under Order Restrictions*: isotonic regression.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import monotonize
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = KANRegressor(interaction_cst="no_interactions", max_iter=5, random_state=0).fit(X, y)
    >>> rising = monotonize(model, "bmi", increasing=True)
    >>> patient = X.iloc[np.zeros(50, dtype=int)].assign(bmi=np.linspace(-0.1, 0.2, 50))
    >>> bool((np.diff(rising.predict(patient)) >= -1e-9).all())
    True
    """
    if not isinstance(increasing, bool | np.bool_) and increasing != "auto":
        raise ValueError(f"increasing={increasing!r} is not usable. Pass True, False or 'auto'.")
    place, own, fitted = place_of_term(model, term), terms_of(model), model.model_
    old = own.terms[place]
    if len(old.columns) != 1 or old.axes[0].kind == "category":
        raise ValueError(f"term={term!r} cannot be monotone. Choose a column of numbers.")
    if fitted.loss is cross_entropy and fitted.target.n_raw > 2:
        raise ValueError(
            f"term={term!r} belongs to a model of {fitted.target.n_raw} classes, whose probabilities cannot all rise. "
            "Fit a model of two classes."
        )
    n_numbers = len(old.axes[0].knots)
    values = in_units(fitted, tabulated(fitted, old))
    numbers, weight = values[:n_numbers], old.density[:n_numbers] + 1e-12
    ways = [True, False] if increasing == "auto" else [bool(increasing)]
    tries = [np.apply_along_axis(isotonic, 0, numbers, weight, way) for way in ways]
    values[:n_numbers] = min(tries, key=lambda found: float(weight @ np.square(found - numbers).sum((1, 2))))
    return edited(model, replaced(model, place, values))


def isotonic(values, weight, increasing):
    return isotonic_regression(values, sample_weight=weight, increasing=increasing)


def set_term(model, term, values) -> Any:
    """A glass box with given values of a term.

    Parameters
    ----------
    model : KANClassifier or KANRegressor
        Fitted, with ``terms_``.
    term : str, int or tuple
        A column, by name or place, or a pair of columns.
    values : array-like of shape (n_places, [n_places_2,] [n_outputs])
        At the places of the term's effect, in its units: see `sklearn_kan.inspection.effects`. Between places the term
        is linear, and all members have the same.

    Returns
    -------
    KANClassifier or KANRegressor
        The mean of the term under the training rows is part of its ``intercept_``.

    Raises
    ------
    ValueError
        If there is no such term, or values have another shape or are not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import set_term
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = KANRegressor(interaction_cst="no_interactions", max_iter=5, random_state=0).fit(X, y)
    >>> flat = set_term(model, "sex", np.zeros(2))
    >>> bool(np.ptp(flat.predict(X.iloc[[0, 0]].assign(sex=[-0.04, 0.05]))) < 1e-9)
    True
    """
    place, fitted = place_of_term(model, term), model.model_
    old = terms_of(model).terms[place]
    known, _ = evaluated(fitted, old)
    shape = in_units(fitted, known)[..., 0, :].shape
    values = np.asarray(values, dtype=np.float64)
    usual = shape[:-1] if shape[-1] == 1 else shape
    if values.shape not in (shape, usual) or not np.isfinite(values).all():
        raise ValueError(
            f"values has shape {values.shape} for term={term!r}. Pass finite numbers of shape {usual}: one for each "
            "place of the term's effect."
        )
    values = values.reshape(shape)
    for number, axis in enumerate(old.axes):  # labels with a function in common have their mean
        of_place = np.eye(axis.size)[axis.number]
        values = np.moveaxis(np.tensordot((of_place / of_place.sum(0)).T, values, (1, number)), 0, number)
    values = np.repeat(values[..., None, :], len(fitted.member_weights), -2)
    return edited(model, replaced(model, place, values))


def round_terms(model, decimals) -> Any:
    """A glass box whose terms are rounded at their places, such as a scorecard.

    Terms become the members' averages, tabulated at the places of their effects, and linear in between. The intercept
    is rounded as well, so that everything that is added up can be printed.

    Parameters
    ----------
    model : KANClassifier or KANRegressor
        Fitted, with ``terms_``.
    decimals : int
        Of values in the units of the terms; negative ones round to tens and hundreds.

    Returns
    -------
    KANClassifier or KANRegressor

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import round_terms
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = KANRegressor(interaction_cst="no_interactions", max_iter=5, random_state=0).fit(X, y)
    >>> round_terms(model, 0).intercept_ == round(model.intercept_)
    True
    """
    terms, fitted = terms_of(model), model.model_
    for place, term in enumerate(terms.terms):
        values = in_units(fitted, tabulated(fitted, term))
        mean = np.average(values, axis=-2, weights=fitted.member_weights).round(decimals)
        values = np.repeat(mean[..., None, :], len(fitted.member_weights), -2)
        terms = replaced(model, place, values, terms, is_centred=False)
    level = in_units(fitted, terms.averaged(fitted.member_weights).intercept, is_level=True).round(decimals)
    raw = in_raw(fitted, level, is_level=True)
    return edited(model, terms._replace(intercept=np.repeat(raw, len(fitted.member_weights), 0)))


def replaced(model, place, values, terms=None, is_centred=True):
    """The terms of a model, one of them with members' values at its axes' functions, in its units.

    Parameters
    ----------
    model : KANClassifier or KANRegressor
    place : int
        Of the term.
    values : ndarray of shape (size, [size_2,] n_members, n_outputs)
    terms : Terms, optional
        By default the model's.
    is_centred : bool, default=True
        Whether the mean goes to the intercept.

    Returns
    -------
    Terms
    """
    terms = terms_of(model) if terms is None else terms
    old = terms.terms[place]
    axes = tuple(range(len(old.axes)))
    mean = np.tensordot(old.density, values, (axes, axes))
    if is_centred:
        level = in_raw(model.model_, mean)
        values = values - mean
        terms = terms._replace(intercept=terms.intercept + level)
    raw = np.moveaxis(in_raw(model.model_, values), -2, 0)
    is_single = len(axes) == 1
    new = old._replace(
        parts=(), bases=old.axes, tables=(raw,) if is_single else (), grid=None if is_single else raw,
        shift=np.zeros_like(old.shift),
    )  # fmt: skip
    average = np.average(values, axis=-2, weights=model.model_.member_weights)
    center = np.tensordot(old.density, average, (axes, axes))
    strengths = terms.strengths.copy()
    strengths[place] = np.sqrt(np.tensordot(old.density, np.square(average - center), (axes, axes)))
    return terms._replace(terms=(*terms.terms[:place], new, *terms.terms[place + 1 :]), strengths=strengths)


def edited(model, terms):
    """A new estimator that predicts by these terms; errors on held-out rows were another one's."""
    new, state = copy(model), model._state
    new._state = state._replace(
        terms=terms._replace(is_edited=True), network=state.network._replace(held_out_errors=())
    )  # fmt: skip
    return new


def terms_of(model):
    """The terms of a fitted glass box."""
    if not hasattr(model, "terms_"):
        raise TypeError(
            f"model={model!r} has no terms. Pass a KANClassifier or KANRegressor that was fitted with "
            "interaction_cst='auto', 'pairwise' or 'no_interactions', by itself rather than in a pipeline."
        )
    return model.model_.terms


def place_of_term(model, term):
    """Where a term stands among those of a model."""
    known, names = terms_of(model), names_of(model)
    columns = term if isinstance(term, tuple | list) else (term,)
    selected = np.flatnonzero(model.selected_features_).tolist()
    wanted = tuple(sorted(place_of(column, names, "term") for column in columns))
    for place, own in enumerate(known.terms):
        if tuple(selected[column] for column in own.columns) == wanted:
            return place
    raise ValueError(f"term={term!r} is not a term of the model. Choose from {model.terms_}.")
