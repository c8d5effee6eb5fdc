"""A fitted network with a table to read it on, whatever it is wrapped in."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..data._table import Column
from ..model._response import Response, response_of
from ._finding import WRAPPED, fitted_part, names_of


class Reading(NamedTuple):
    """A fitted network, and rows of a table as it sees them.

    Parameters
    ----------
    estimator : KANClassifier or KANRegressor
    response : Response
    names : list
        Of all columns.
    selected : list of int
        Places of the columns that the network gets, in its order.
    columns : list of Column
        These columns of the table; those of the sample that a fit left have no values.
    encoded : ndarray of shape (n_samples, n_inputs)
    """

    estimator: Any
    response: Response
    names: list[Any]
    selected: list[int]
    columns: list[Column]
    encoded: np.ndarray

    @property
    def owner(self):
        """The column of each input, among all columns."""
        return np.array(self.selected)[self.response.model.encoder.column_of_input_]

    def at(self, places):
        """Some of the rows."""
        columns = [column.rows(places) for column in self.columns]
        return self._replace(columns=columns, encoded=self.encoded[places])


def reading(estimator, X=None, response_method="auto"):
    """Find the network within an estimator, and encode a table for it.

    Parameters
    ----------
    estimator : KANClassifier, KANRegressor, or what holds a fitted one
        A pipeline's other steps transform the table; columns are those that reach the network.
    X : dataframe or array-like of shape (n_samples, n_features), optional
        By default a sample of the rows of the fit, of which the encoded values are known alone.
    response_method : {"auto", "predict", "decision_function", "predict_proba"}

    Returns
    -------
    Reading
    """
    part = fitted_part(estimator, "member_weights_")
    model = part._fitted_model()
    names, selected = names_of(part), np.flatnonzero(part.selected_features_).tolist()
    response = response_of(model, response_method)
    if X is None:
        return Reading(part, response, names, selected, [], part._state.sample)
    columns = part._columns(table_for(estimator, part, X))
    return Reading(part, response, names, selected, columns, model.encode(columns))


def table_for(estimator, part, X):
    """A table as it reaches an estimator within another one."""
    check_is_fitted(estimator)
    while estimator is not part:
        if isinstance(estimator, Pipeline):
            X, estimator = estimator[:-1].transform(X), estimator[-1]
        else:
            estimator = next(getattr(estimator, name) for name in WRAPPED if hasattr(estimator, name))
    return X


def squeezed(values):
    """Without the last axis, if there is one output."""
    return values[..., 0] if values.shape[-1] == 1 else values
