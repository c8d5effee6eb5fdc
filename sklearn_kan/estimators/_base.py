"""What the classifier and the regressor share: a table in, fitted attributes out."""

import warnings
from abc import abstractmethod
from typing import Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._compat import fit_context
from .._surroundings import trainable, without_spinning
from ..data._news import strangers
from ..data._table import read_table
from ..data._targets import read_groups, read_weight
from ..training._plan import fit_network
from ._cst import is_searched
from ._design import Data, designed
from ._fitted import FittedAttributes
from ._glass import with_pairs, with_terms
from ._held_out import sides
from ._state import state_after


class BaseKAN(FittedAttributes):
    """What fits in one go and predicts."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None, groups=None) -> Self:
        """Fit the network to a table.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)
            Numbers, categories, booleans; missing values are allowed.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes, or numbers (several outputs only for regression).
        sample_weight : array-like of shape (n_samples,), optional
            Not negative; rows of weight zero are left out.
        X_val : dataframe or array-like of shape (n_val, n_features), optional
            Validation rows, in place of some that `early_stopping` would hold out: all rows of `X` are then learned
            from by all members. In a pipeline, ``Pipeline(..., transform_input=["X_val"])`` transforms them too.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), optional
            Their targets.
        sample_weight_val : array-like of shape (n_val,), optional
            Their weights; those of `class_weight` are put on top, as for `X`.
        groups : array-like of shape (n_samples,), optional
            Labels of groups. Rows of a group are held out together, by `early_stopping`, and for each member.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data cannot be used; nothing has been trained then.
        """
        before = getattr(self, "_state", None) if self.warm_start else None
        with trainable(), without_spinning():
            data = self._read(X, y, sample_weight, before, groups=groups)
            data, held_out = sides(self, data, before, X_val, y_val, sample_weight_val)
            design = designed(data, streams=False) if before is None else before.design
            rows = design.rows(data, data.weight)
            settings, start = self._settings(), None if before is None else before.network
            validation = None if held_out is None else design.rows(held_out, held_out.weight)
            if before is None and is_searched(self.interaction_cst):
                design = with_pairs(self, design, data, rows, settings, validation)
            fitted = fit_network(design.architecture, rows, design.loss, settings, start=start, validation=validation)
            state = with_terms(state_after(before, design, fitted, settings.device, rows), data, rows)
        for category, message in fitted.warnings:
            warnings.warn(message, category, stacklevel=3)
        return self._adopt(data.reader, state)

    def _reader(self, knows_columns):
        """An estimator with the same parameters, for scikit-learn's checks, which write what columns there are."""
        reader = type(self)(**self.get_params(deep=False))
        for name in ("n_features_in_", "feature_names_in_"):
            if knows_columns and hasattr(self, name):
                setattr(reader, name, getattr(self, name))
        return reader

    def _read(self, X, y, sample_weight, before, streams=False, groups=None, **given):
        """Check parameters and data; a fit that goes on has its state `before`."""
        self._check_parameters()
        design = None if before is None else before.design
        if design is not None:
            self._check_continuation(design.settled, before.network.architecture)
        reader = self._reader(knows_columns=design is not None)
        kinds = {} if design is None else {"kinds": design.kinds, "selected": design.selected}
        columns = read_table(reader, X, reset=design is None, **kinds)
        known = None if design is None else design.target
        return self._read_rows(reader, columns, y, sample_weight, known, streams, groups, **given)

    def _read_rows(self, reader, columns, y, sample_weight, known, streams, groups=None, **given):
        """Targets and weights of a table's rows, of which those of weight zero are dropped."""
        n_samples = len(columns[0].values)
        y, target = self._read_target(y, n_samples, known, **given)
        weight = np.ones(n_samples) if sample_weight is None else read_weight(sample_weight, n_samples)
        weight = self._row_weight(y, weight, target)
        data = Data(reader, columns, y, weight, target, None if groups is None else read_groups(groups, n_samples))
        used = np.flatnonzero(weight)
        data = data if len(used) == n_samples else data.at(used)
        self._check_rows(data.y, target, streams)
        return data

    @abstractmethod
    def _check_rows(self, y, target, streams):
        """Raise if rows of positive weight cannot be learned from; `streams` if more will come."""

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
        design = self._state.design
        columns = read_table(self, X, reset=False, kinds=design.kinds, selected=design.selected)
        unknown = [
            f"{column.described} (such as {min(labels, key=str)!r})"
            for column, labels, are_all in strangers(design.encoder, columns)
            if are_all
        ]
        if unknown:
            message = f"X has only unknown categories in {', '.join(unknown)}, which count as nothing."
            warnings.warn(f"{message} Pass labels as they were in fit.", UserWarning, stacklevel=3)
        return columns

    def _fitted_model(self):
        if not self.__sklearn_is_fitted__():
            check_is_fitted(self)  # raises, and takes its time
        return self._state.model

    def _raw(self, X):
        """Network outputs for a table, members averaged."""
        model = self._fitted_model()
        is_known = len(model.encoder.kinds_) == np.count_nonzero(self._state.design.selected)
        part = self._selected_part(X) if is_known else None
        raw = None if part is None else model.raw_directly(*part)
        return model.raw(self._columns(X)) if raw is None else raw

    def _selected_part(self, X):
        """The columns of a table that the network gets, as they lie in memory, and their names; None if unsure."""
        names, selected = getattr(self, "feature_names_in_", None), self._state.design.selected
        if np.count_nonzero(selected) == len(selected):  # a tenth of the time of `all`
            return X, names
        if names is None:
            is_usual = type(X) is np.ndarray and X.ndim == 2 and X.shape[1] == len(selected)
            return (X[:, selected], None) if is_usual else None
        is_usual = hasattr(X, "iloc") and hasattr(X, "columns") and X.columns.tolist() == names.tolist()
        return (X.iloc[:, np.flatnonzero(selected)], names[selected]) if is_usual else None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
