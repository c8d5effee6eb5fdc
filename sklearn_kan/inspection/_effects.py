"""Effects of columns, and of pairs of them, on what a model predicts."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from ..model._effect import Effect, model_effects
from ..model._model import as_drawn
from ..model._response import response_of
from ..training._losses import has_log_link
from ._dependence import dependence_of
from ._finding import fitted_part, names_of, place_of, places_of
from ._places import N_PLACES, N_PLACES_OF_PAIR, places_along
from ._projection import projected
from ._reading import reading

KINDS = "auto", "dependence", "projection"
LEAST_ROWS, MOST_ROWS, NUMBERS = 300, 1000, 30_000  # rows that dependences are averaged over, and their inputs


class Effects(Sequence):
    """Effects of columns and of pairs of columns: a sequence of `Effect`.

    Parameters
    ----------
    terms : list of Effect
    names : list
        Of all columns.
    outputs : list of str
        What each output is.
    intercept : ndarray of shape (n_outputs,)
        The mean prediction, which effects add to.
    kind : {"dependence", "projection", "terms"}

    See Also
    --------
    effects : Computes them.
    EffectDisplay : Draws them.
    """

    def __init__(self, terms, names, outputs, intercept, kind) -> None:
        self.terms, self.names, self.outputs, self.intercept, self.kind = terms, names, outputs, intercept, kind

    def __len__(self):
        return len(self.terms)

    def __getitem__(self, place):
        return self.terms[place]

    def __repr__(self):
        return f"Effects({[self.name_of(term) for term in self.terms]}, kind={self.kind!r})"

    def name_of(self, term) -> str:
        """The columns of a term, in words."""
        return " & ".join(str(self.names[column]) for column in term.columns)

    def strengths(self) -> np.ndarray:
        """Standard deviation of each term over the rows: ndarray of shape (n_terms, n_outputs)."""
        found = []
        for term in self.terms:
            weight = term.density[..., None]
            mean = (weight * term.values).sum(tuple(range(weight.ndim - 1)))
            found.append(np.sqrt((weight * np.square(term.values - mean)).sum(tuple(range(weight.ndim - 1)))))
        return np.array(found)

    def to_frame(self) -> Any:
        """All values as one table.

        Returns
        -------
        pandas.DataFrame
            With columns term, place, place_2 if there are pairs, output if there are several, value, spread, density.
        """
        import pandas as pd

        tables = []
        for term in self.terms:
            grid = np.meshgrid(*(np.arange(len(places)) for places in term.places), indexing="ij")
            places = [along[i.ravel()].astype(object) for along, i in zip(term.places, grid, strict=True)]
            for number, output in enumerate(self.outputs):
                table = {"term": self.name_of(term), "place": places[0]}
                if any(len(other.columns) > 1 for other in self.terms):
                    table["place_2"] = places[1] if len(places) > 1 else None
                if len(self.outputs) > 1:
                    table["output"] = output
                table |= {"value": term.values[..., number].ravel(), "spread": term.spread[..., number].ravel()}
                tables.append(pd.DataFrame(table | {"density": term.density.ravel()}))
        return pd.concat(tables, ignore_index=True)


def effects(model, X=None, terms=None, *, kind="auto", response_method="auto") -> Effects:
    """Effects of columns, and of pairs of them, on what a model predicts.

    Parameters
    ----------
    model : KANClassifier, KANRegressor, or a pipeline or search with one
        Fitted.
    X : dataframe or array-like of shape (n_samples, n_features), optional
        Rows over which effects are averaged, and which say where a column has its values. Not needed for the terms of a
        glass box, a model with ``terms_``.
    terms : int, str, mask of shape (n_features,), or list of int, str, or tuples of two of them, optional
        Columns, and pairs of columns; by default all columns, or all terms of a glass box.
    kind : {"auto", "dependence", "projection"}, default="auto"
        - ``"auto"``: of a glass box the terms that its prediction is the sum of, of other models partial dependence.
        - ``"dependence"``: partial dependence, the mean prediction if all rows had this value in the column, and
          nothing else changed. It is exact over the rows of `X`, or 1,000 of them if there are more, and fewer, down to
          300, for more than 30 columns.
        - ``"projection"``: the sum of one smooth function per column (and of one surface per pair that is asked for)
          that comes closest to the predictions on the rows of `X`. Where columns are correlated, it says what a column
          adds to what others tell already.
    response_method : {"auto", "predict", "decision_function", "predict_proba"}, default="auto"
        In which units: ``"auto"`` is those of the target, and log-odds for classes. The terms of a glass box with a log
        link add up to the logarithm of the prediction.

    Returns
    -------
    Effects
        A sequence of `Effect`, with ``columns``, ``places``, ``values`` (centred over the rows), ``spread`` over the
        members, ``density``. The value of a pair is what it adds to the effects of its two columns.

    Raises
    ------
    ValueError
        If a column, `kind` or `response_method` is unknown, or `X` is missing.

    References
    ----------
    Friedman (2001), *Greedy function approximation: a gradient boosting machine*, sec. 8.2.

    Hooker (2007), *Generalized functional ANOVA diagnostics for high-dimensional functions of dependent variables*.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import effects
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = KANRegressor((8,), max_iter=5, random_state=0).fit(X, y)
    >>> bmi, pair = effects(model, X, ["bmi", ("bmi", "s5")])
    >>> bmi.values.shape, pair.values.shape
    ((40, 1), (16, 16, 1))
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} is unknown. Choose 'auto', 'dependence' or 'projection'.")
    part = fitted_part(model, "member_weights_")
    if kind == "auto" and response_method in ("auto", "decision_function") and hasattr(part, "terms_"):
        declared = {} if X is None else declared_order(reading(model, X))
        return terms_of_glass_box(part, terms, declared)
    if X is None:
        raise ValueError("X is None. Pass rows to average effects over, such as those of the fit.")
    kind = "dependence" if kind == "auto" else kind
    rows = reading(model, X, response_method)
    wanted = terms_of(terms, rows)
    check_selected(wanted, rows)
    if kind == "projection":
        found = projected(rows, wanted)
    else:
        most = int(np.clip(NUMBERS // rows.encoded.shape[1], LEAST_ROWS, MOST_ROWS))
        if len(rows.encoded) > most:
            rows = rows.at(np.random.RandomState(0).permutation(len(rows.encoded))[:most])
        found = [dependence_of(rows, term, grid_of(rows, term)) for term in wanted]
    shown = [term._replace(places=tuple(map(as_shown, term.places))) for term in found]
    return Effects(shown, rows.names, rows.response.outputs, rows.response(rows.encoded).mean(0), kind)


def terms_of_glass_box(part, terms, declared):
    """The effects that a glass box is the sum of, or some of them."""
    model, names = part._fitted_model(), names_of(part)
    found = model_effects(part)
    if terms is not None:
        own = {frozenset(effect.columns): effect for effect in found}
        wanted = as_terms(terms, names)
        missing = [tuple(names[column] for column in term) for term in wanted if frozenset(term) not in own]
        if missing:
            raise ValueError(f"terms holds {missing}, which are no terms of the model. Choose from {part.terms_}.")
        found = [own[frozenset(term)] for term in wanted]
    found = [in_order(effect, declared) for effect in found]
    outputs = response_of(model).outputs
    if has_log_link(model.loss):
        outputs = [f"logarithm of the {output}" for output in outputs]
    return Effects(found, names, outputs, np.atleast_1d(part.intercept_), "terms")


def declared_order(rows):
    """The labels that dtypes declare, in their order, of the columns that have such."""
    columns = zip(rows.selected, rows.columns, strict=True)
    return {place: column.declared.tolist() for place, column in columns if column.declared is not None}


def in_order(effect, declared):
    """An effect with labels in the order of their dtypes."""
    places, arrays = list(effect.places), [effect.values, effect.spread, effect.density]
    for side, column in enumerate(effect.columns):
        if column not in declared:
            continue
        rank = {label: i for i, label in enumerate(declared[column])}
        ranks = [rank.get(label, len(rank)) for label in places[side].tolist()]
        order = np.argsort(ranks, kind="stable")
        places[side] = places[side][order]
        arrays = [array.take(order, side) for array in arrays]
    return Effect(effect.columns, tuple(places), *arrays)


def terms_of(terms, rows):
    """Terms as tuples of places of columns; by default all columns that the network gets."""
    return [(column,) for column in rows.selected] if terms is None else as_terms(terms, rows.names)


def as_terms(terms, names):
    """Terms as tuples of places of columns."""
    if isinstance(terms, str | Integral):
        return [numbers_of(terms, names)]
    terms = list(terms)
    if terms and all(isinstance(term, bool | np.bool_) for term in terms):
        return [(column,) for column in places_of(terms, names)]
    return [numbers_of(term, names) for term in terms]


def grid_of(rows, term):
    """Places along each column of a term."""
    n_places = N_PLACES if len(term) == 1 else N_PLACES_OF_PAIR
    numbers = [rows.selected.index(column) for column in term]
    return [places_along(rows.response.model.encoder, i, rows.columns[i], n_places) for i in numbers]


def as_shown(column):
    """Values of places as users have them."""
    return column.values if column.is_categorical else as_drawn(column)


def numbers_of(term, names):
    """Places of one column, or of the two of a pair."""
    is_one = isinstance(term, str | Integral)
    columns = (place_of(term, names, "terms"),) if is_one else tuple(place_of(each, names, "terms") for each in term)
    if len(columns) not in (1, 2) or len(set(columns)) < len(columns):
        raise ValueError(f"terms holds {term!r}. Pass columns, or pairs of two different ones.")
    return columns


def check_selected(terms, rows):
    """Raise if a term has a column that the network does not get."""
    left_out = sorted({column for term in terms for column in term} - set(rows.selected))
    if left_out:
        names = [rows.names[column] for column in left_out]
        raise ValueError(f"terms holds {names}, which the model does not use. See its selected_features_.")
