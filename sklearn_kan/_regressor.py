"""KANRegressor."""

from numbers import Real
from typing import ClassVar

import numpy as np
import torch
from sklearn.base import RegressorMixin
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions

from ._base import BaseKAN, read_y
from ._encoding import TargetScaler
from ._losses import REGRESSION_LOSSES, regression_loss


class KANRegressor(RegressorMixin, BaseKAN):
    """stub"""

    _parameter_constraints: ClassVar = {
        **BaseKAN._parameter_constraints,
        "loss": [StrOptions(set(REGRESSION_LOSSES))],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(self, hidden_layer_sizes=(64,), *, loss="squared_error", quantile=0.5, basis="bspline", n_knots=8,
                 degree=3, knots="quantile", basis_params=None, norm="layer", solver="adam", alpha=1e-3,
                 batch_size="auto", learning_rate="cosine", learning_rate_init=1e-2, max_iter=100,
                 early_stopping="auto", validation_fraction=0.15, n_iter_no_change=30, tol=1e-4,
                 categorical_features="from_dtype", device="auto", dtype="auto", warm_start=False,
                 random_state=None, verbose=0, callbacks=None):  # fmt: skip
        self.hidden_layer_sizes = hidden_layer_sizes
        self.loss = loss
        self.quantile = quantile
        self.basis = basis
        self.n_knots = n_knots
        self.degree = degree
        self.knots = knots
        self.basis_params = basis_params
        self.norm = norm
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.categorical_features = categorical_features
        self.device = device
        self.dtype = dtype
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks

    def predict(self, X):
        """Predicted targets.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs), float64
            In the target's own units: the mean, the median or the quantile, as the loss says.
        """
        raw = self._raw_predict(X)
        y = self.target_scaler_.inverse_transform(raw)
        return y[:, 0] if self._is_flat else y

    def _read_target(self, y, n_samples, reset):
        y = read_y(y, n_samples, numeric=True)
        if y.ndim > 2:
            raise ValueError(f"y has {y.ndim} dimensions. Pass shape (n_samples,) or (n_samples, n_outputs).")
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if self.loss == "poisson" and (y.min() < 0 or not y.any()):
            raise ValueError(
                f"loss='poisson' needs targets >= 0 that are not all zero, got a minimum of {y.min():g}. "
                "Choose another loss, or correct y."
            )
        is_flat, y = y.ndim == 1, y.reshape(n_samples, -1).astype(np.float64)
        if not reset and (is_flat, y.shape[1]) != (self._is_flat, len(self.target_scaler_.scale_)):
            raise ValueError(
                f"y has {y.shape[1]} outputs, and the first fit had {len(self.target_scaler_.scale_)}. "
                "Pass targets of the same shape, or set warm_start=False."
            )
        self._is_flat = is_flat
        return y

    def _start_target(self, y, weight):
        self.target_scaler_ = TargetScaler(self.loss, self.quantile).fit(y, weight)
        return y.shape[1]

    def _target_tensor(self, y):
        return torch.from_numpy(self.target_scaler_.transform(y))

    def _loss(self):
        return regression_loss(self.loss, self.quantile)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
