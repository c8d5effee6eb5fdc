"""What a solved equation offers."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from .._documented import Documented
from .._surroundings import on_one_thread, trainable
from ._reading import plain_numbers
from ._values import linearise


class BaseEquationSolver(Documented, RegressorMixin, BaseEstimator):
    """Predictions and residuals of a solution that `fit` has found."""

    residual: Any
    _field: Any
    n_features_in_: int
    parameters_: dict

    @on_one_thread()
    def predict(self, X, return_std=False, derivative=()) -> Any:
        """The solution or a derivative of it.

        Parameters
        ----------
        X : array-like of shape (n_samples, D)
        return_std : bool, default=False
            Whether to also return standard deviations, without the noise of rows.
        derivative : tuple of int, default=()
            Axes to differentiate along, such as ``(0, 0)``.

        Returns
        -------
        mean : ndarray of shape (n_samples,)
        std : ndarray of shape (n_samples,)
            If `return_std`.

        Raises
        ------
        ValueError
            If there is no such derivative.
        """
        check_is_fitted(self)
        X = self._points(X)
        key = tuple(sorted(derivative)) if isinstance(derivative, tuple | list) else (derivative,)
        if not all(isinstance(axis, int | np.integer) and 0 <= axis < self.n_features_in_ for axis in key):
            raise ValueError(
                f"derivative={derivative!r} must be a tuple of axes below {self.n_features_in_}, such as (0, 0)."
            )
        mean = self._field(X, key)
        return (mean, self._field.deviation(X, key)) if return_std else mean

    @trainable()
    @on_one_thread()
    def residuals(self, X) -> np.ndarray:
        """What the equation leaves at points.

        Parameters
        ----------
        X : array-like of shape (n_samples, D)

        Returns
        -------
        residuals : ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        X = self._points(X)
        return linearise(self.residual, X, lambda key: self._field(X, key), self.parameters_).residual

    def _points(self, X):
        X = plain_numbers("X", X)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(f"X has {X.shape[1]} columns, but the equation was solved in {self.n_features_in_}.")
        return X
