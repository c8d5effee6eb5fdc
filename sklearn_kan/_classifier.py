"""KANClassifier."""

from typing import ClassVar

import numpy as np
import torch
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.model_selection import train_test_split
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets

from ._base import BaseKAN, has_mini_batches, read_y
from ._losses import cross_entropy


class KANClassifier(ClassifierMixin, BaseKAN):
    """stub"""

    _parameter_constraints: ClassVar = {**BaseKAN._parameter_constraints, "class_weight": [dict, str, None]}

    def __init__(self, hidden_layer_sizes=(64,), *, basis="bspline", n_knots=8, degree=3, knots="quantile",
                 basis_params=None, norm="layer", solver="adam", alpha=1e-3, batch_size="auto", learning_rate="cosine",
                 learning_rate_init=1e-2, max_iter=100, early_stopping="auto", validation_fraction=0.15,
                 n_iter_no_change=30, tol=1e-4, class_weight=None, categorical_features="from_dtype", device="auto",
                 dtype="auto", warm_start=False, random_state=None, verbose=0, callbacks=None):  # fmt: skip
        self.hidden_layer_sizes = hidden_layer_sizes
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
        self.class_weight = class_weight
        self.categorical_features = categorical_features
        self.device = device
        self.dtype = dtype
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.callbacks = callbacks

    @available_if(has_mini_batches)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """One pass over some rows, with Adam at a constant learning rate.

        The first call learns the encoding of columns and places the knots, from its rows; later calls keep them.
        There is no validation and no early stopping.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,), optional
            All classes that will come; needed in the first call unless its `y` has them all.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self : object
        """
        return self._pass_over(X, y, sample_weight, classes=classes)

    def predict_proba(self, X):
        """Probabilities of the classes.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes), float64
            Columns in the order of ``classes_``.
        """
        raw = torch.from_numpy(self._raw_predict(X)).double()
        return raw.softmax(1).numpy()

    def predict_log_proba(self, X):
        """Logarithms of the classes' probabilities.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes), float64
        """
        raw = torch.from_numpy(self._raw_predict(X)).double()
        return raw.log_softmax(1).numpy()

    def decision_function(self, X):
        """Unnormalised log-probabilities; for two classes their difference, positive for ``classes_[1]``.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes), float64
        """
        raw = self._raw_predict(X).astype(np.float64)
        return raw[:, 1] - raw[:, 0] if len(self.classes_) == 2 else raw

    def predict(self, X):
        """Most probable classes.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        best = self._raw_predict(X).argmax(1)
        return self.classes_[best]

    def _read_target(self, y, n_samples, reset, classes=None):
        y = column_or_1d(read_y(y, n_samples, numeric=False), warn=True)
        check_classification_targets(y)
        known = self._known_classes(y, reset, classes)
        strangers = sorted(set(y.tolist()) - set(known.tolist()))
        if strangers:
            raise ValueError(
                f"y has labels {strangers[:5]} that are not among the classes {known.tolist()}. In partial_fit pass "
                "classes with all labels in the first call; with warm_start=True pass the labels of the first fit."
            )
        self.classes_ = known
        return np.searchsorted(known, y)

    def _known_classes(self, y, reset, classes):
        given = None if classes is None else np.unique(classes)
        if reset:
            return np.unique(y) if given is None else given
        if given is not None and not np.array_equal(given, self.classes_):
            raise ValueError(
                f"classes={given.tolist()} differs from the first call's {self.classes_.tolist()}. "
                "Leave classes out after the first call."
            )
        return self.classes_

    def _row_weight(self, y, weight):
        if self.class_weight is None:
            return weight
        return weight * compute_sample_weight(self.class_weight, self.classes_[y])

    def _check_rows(self, y, streams):
        if len(np.unique(y)) < 2 and not streams:
            raise ValueError(
                f"y has only one class, {self.classes_[y[0]]!r}, among rows of positive weight. "
                "Pass rows of at least two classes."
            )
        super()._check_rows(y, streams)

    def _start_target(self, y, weight):
        return len(self.classes_)

    def _target_tensor(self, y):
        return torch.from_numpy(y)

    def _loss(self):
        return cross_entropy

    def _hold_out(self, rows, y, n_validation, seed):
        """Stratified, where every class can have a row on both sides; a class's only row stays in training."""
        counts = np.bincount(y)
        candidates = rows[counts[y] > 1]
        if len(candidates) <= n_validation:
            return super()._hold_out(rows, y, n_validation, seed)
        n_classes = np.count_nonzero(counts > 1)
        can_stratify = n_classes <= n_validation <= len(candidates) - n_classes
        stratify = y[candidates] if can_stratify else None
        fitting, validation = train_test_split(candidates, test_size=n_validation, random_state=seed, stratify=stratify)
        return np.concatenate([fitting, rows[counts[y] == 1]]), validation
