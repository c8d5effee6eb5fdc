"""What the classifier and the regressor share: a table in, fitted attributes out."""

import warnings
from abc import abstractmethod

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils.validation import check_is_fitted

from .._devices import resolve_device
from ..data._table import read_table
from ..data._targets import read_weight
from ..training._plan import fit_network
from ._design import Data, designed
from ._parameters import Parameters
from ._state import State, from_stored, state_after, to_stored


class BaseKAN(Parameters):
    """What fits in one go and predicts."""

    _state: State

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the network to a table.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)
            Numbers, categories, booleans; missing values are allowed.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes, or numbers (several outputs only for regression).
        sample_weight : array-like of shape (n_samples,), optional
            Not negative; rows of weight zero are left out.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data cannot be used; nothing has been trained then.
        """
        before = getattr(self, "_state", None) if self.warm_start else None
        data = self._read(X, y, sample_weight, before)
        design = designed(data, streams=False) if before is None else before.design
        rows = design.rows(data, data.weight)
        settings, start = self._settings(), None if before is None else before.network
        fitted = fit_network(design.architecture, rows, design.loss, settings, start=start)
        for category, message in fitted.warnings:
            warnings.warn(message, category, stacklevel=3)
        return self._adopt(data.reader, state_after(before, design, fitted, settings.device))

    def _adopt(self, reader, state):
        """Take over what a fit has found: the only place that sets fitted attributes."""
        self.n_features_in_ = reader.n_features_in_
        if hasattr(reader, "feature_names_in_"):
            self.feature_names_in_ = reader.feature_names_in_
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self._state = state
        return self

    def _reader(self, knows_columns):
        """An estimator with the same parameters, for scikit-learn's checks, which write what columns there are."""
        reader = type(self)(**self.get_params(deep=False))
        for name in ("n_features_in_", "feature_names_in_"):
            if knows_columns and hasattr(self, name):
                setattr(reader, name, getattr(self, name))
        return reader

    def _read(self, X, y, sample_weight, before, streams=False, **given):
        """Check parameters and data; a fit that goes on has its state `before`."""
        self._check_parameters()
        design = None if before is None else before.design
        if design is not None:
            self._check_continuation(design.settled, before.network.architecture)
        reader = self._reader(knows_columns=design is not None)
        kinds = None if design is None else design.encoder.kinds_
        columns = read_table(reader, X, reset=design is None, kinds=kinds)
        n_samples = len(columns[0].values)
        y, target = self._read_target(y, n_samples, None if design is None else design.target, **given)
        weight = np.ones(n_samples) if sample_weight is None else read_weight(sample_weight, n_samples)
        weight = self._row_weight(y, weight, target)
        used = np.flatnonzero(weight)
        if len(used) < n_samples:
            columns = [column.rows(used) for column in columns]
            y, weight = y[used], weight[used]
        self._check_rows(y, target, streams)
        return Data(reader, columns, y, weight, target)

    @abstractmethod
    def _read_target(self, y, n_samples, known):
        """Check a target; returns its values and what kind it is: `known`, if that is given."""

    @abstractmethod
    def _learn_target(self, target, y, weight):
        """The kind of target with what its first rows tell, such as its scale."""

    @abstractmethod
    def _loss(self):
        """Loss function ``(raw, y) -> (n,)``."""

    def _row_weight(self, y, weight, target):
        return weight

    def _output_directions(self, n_raw):
        """Signs with which monotonic constraints hold for the network's outputs."""
        return [1] * n_raw

    def _columns(self, X):
        """The columns of a table to predict for."""
        check_is_fitted(self)
        columns = read_table(self, X, reset=False, kinds=self.encoder_.kinds_)
        foreign = []
        for column, labels, are_all in self.encoder_.strangers(columns):
            if are_all:
                foreign.append(f"{column.described} (such as {min(labels, key=str)!r})")
        if foreign:
            warnings.warn(
                f"X has only unknown categories in {', '.join(foreign)}: they count as nothing. Pass labels as they were "
                "in fit.", UserWarning, stacklevel=3,
            )  # fmt: skip
        return columns

    def _raw(self, X):
        """Network outputs for a table, members averaged."""
        columns = self._columns(X)
        return self.model_.raw(columns)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_state")

    @property
    def model_(self):
        return self._state.model

    @property
    def encoder_(self):
        return self._state.design.encoder

    @property
    def module_(self):
        return self._state.network.module

    @property
    def member_weights_(self):
        return self._state.network.member_weights

    @property
    def solver_(self):
        return self._state.network.solver

    @property
    def net_(self):
        return self._state.net

    @property
    def device_(self):
        return self._state.device

    @property
    def loss_curve_(self):
        return [epoch["train_loss"] for epoch in self._state.epochs]

    @property
    def validation_scores_(self):
        return [-epoch["valid_loss"] for epoch in self._state.epochs if "valid_loss" in epoch] or None

    @property
    def n_iter_(self):
        return len(self._state.epochs)

    def __getstate__(self):
        state = super().__getstate__().copy()
        if "_state" in state:
            state["_state"] = to_stored(self._state)
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "_state" in state:
            self._state = from_stored(state["_state"], resolve_device(self.device, fallback=True))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
