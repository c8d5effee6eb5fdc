"""Training on a table that comes in parts."""

from sklearn.base import _fit_context
from sklearn.utils.metaestimators import available_if

from ..training._net import Net
from ..training._phases import STREAMING, cosine, streaming_phase
from ..training._train import is_streaming, one_pass
from ._base import BaseKAN, all_or_nothing


def has_mini_batches(estimator):
    if estimator.solver not in ("auto", *STREAMING):
        raise AttributeError(
            f"partial_fit trains by Adam, got solver={estimator.solver!r}. Choose solver='adam' or 'hybrid'."
        )
    return True


class StreamingKAN(BaseKAN):
    """Base of `KANClassifier` and `KANRegressor`, which can train on parts of a table."""

    @available_if(has_mini_batches)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """One pass over some rows, with Adam at a constant learning rate.

        The first call learns the encoding of columns and target and places the knots, from its rows; later calls
        keep them. There is no validation and no early stopping.

        Parameters
        ----------
        X : dataframe or array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self : object
        """
        return self._pass_over(X, y, sample_weight)

    @available_if(has_mini_batches)
    @_fit_context(prefer_skip_nested_validation=True)
    @all_or_nothing
    def fit_chunks(self, chunks, **first):
        """Fit the network to a table that comes in parts, such as one that does not fit into memory.

        `max_iter` passes over all chunks, each chunk as in `partial_fit`, with the learning rate of `learning_rate`
        ("cosine" falls from pass to pass). The first chunk gives the encoding of columns and target and the knots, so
        its rows should be a fair sample. There is no validation and no early stopping. ``n_iter_`` and ``loss_curve_``
        count a pass over a chunk.

        Parameters
        ----------
        chunks : iterable of (X, y) or (X, y, sample_weight)
            It is run through once for every pass: a list, or an object whose ``__iter__`` begins afresh. Only one
            chunk at a time is in memory.
        **first
            Arguments of the first call of `partial_fit`, such as ``classes`` of a classifier.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError
            If `chunks` can be run through only once.
        ValueError
            If there is no chunk.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_kan import KANRegressor
        >>> class Files:
        ...     def __iter__(self):
        ...         for seed in range(3):  # here files would be read
        ...             X = np.random.default_rng(seed).normal(size=(200, 2))
        ...             yield X, np.sin(X[:, 0])
        >>> model = KANRegressor((8,), max_iter=5, random_state=0).fit_chunks(Files())
        >>> model.n_iter_
        15
        """
        if iter(chunks) is chunks:
            raise TypeError(
                f"chunks={chunks!r} can be run through only once, and max_iter={self.max_iter} passes are wanted. Pass "
                "a list, or an object whose __iter__ begins afresh."
            )
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("__")]:
            delattr(self, name)
        for number in range(self.max_iter):
            rate = cosine((number + 0.5) / self.max_iter) if self.learning_rate == "cosine" else 1.0
            for X, y, *weight in chunks:
                self._pass_over(X, y, *(weight or [None]), rate=rate, **({} if hasattr(self, "module_") else first))
        if not hasattr(self, "module_"):
            raise ValueError("chunks is empty. Pass at least one (X, y).")
        return self

    @all_or_nothing
    def _pass_over(self, X, y, sample_weight, rate=1.0, **target):
        begins = not hasattr(self, "module_")
        columns, y, weight = self._read(X, y, sample_weight, reset=begins, streams=True, **target)
        if begins:
            self._start(columns, y, weight, streams=True)
        rows = self._rows(columns, y, weight / self._unit_weight)
        self._check_parallel(len(rows))
        if begins:
            self._place_knots(rows)
        phase = streaming_phase(self._batch_size(len(y)), self.learning_rate_init, self._decay(), self.smoothness)
        if begins or not is_streaming(self.net_, phase):
            self.net_ = Net(self.module_, self._loss(), phase, generator=self._generator, device=self.device_)
            self.net_.initialize()
        self.net_.phase = phase
        history = one_pass(self.net_, rows, rate)
        self._record(self.net_, history, reset=begins)
        return self
