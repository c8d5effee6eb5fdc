"""Training on a table that comes in parts."""

import warnings

import numpy as np
from sklearn.utils.metaestimators import available_if

from .._compat import fit_context
from .._surroundings import trainable, without_spinning
from ..training._phases import STREAMING, cosine
from ..training._stream import pass_over
from ._base import BaseKAN
from ._cst import is_searched
from ._design import designed
from ._settling import first_seen, informed, settled_further
from ._state import state_after


def has_mini_batches(estimator):
    if estimator.solver not in ("auto", *STREAMING):
        raise AttributeError(
            f"partial_fit trains by Adam, got solver={estimator.solver!r}. Choose solver='adam' or 'hybrid'."
        )
    if is_searched(estimator.interaction_cst):
        raise AttributeError(
            f"partial_fit holds no rows out, by which interaction_cst={estimator.interaction_cst!r} finds pairs of "
            "columns. Use fit, or name the sets of columns."
        )
    return True


def heaviest(design, data):
    """Which row of a chunk has the most to say, in words."""
    is_numeric = data.y.ndim == 2
    size = np.abs(design.target.encode(data.y).numpy()).max(1) if is_numeric else 0.0
    with np.errstate(over="ignore"):
        row = np.argmax(data.weight / design.unit_weight * (1 + size) ** 2)
    target = f"target {data.y[row].tolist()} and " if is_numeric else ""
    return f"Row {row} of those with weight counts most, with {target}weight {data.weight[row]:g}."


class StreamingKAN(BaseKAN):
    """Base of `KANClassifier` and `KANRegressor`, which can train on parts of a table."""

    @available_if(has_mini_batches)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """One pass over some rows, with Adam at a constant learning rate.

        The first call learns the encoding of columns and target from its rows, and places the knots; later calls keep
        them. There is no validation and no early stopping.

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
    @fit_context(prefer_skip_nested_validation=True)
    def fit_chunks(self, chunks, **first):
        """Fit the network to a table that comes in parts, such as one that does not fit into memory.

        Make `max_iter` passes over all chunks, each chunk as in `partial_fit`, with the schedule of `learning_rate`
        ("cosine" falls from pass to pass). The first chunk gives levels, and with 256 rows or more also scales and
        knots, so its rows should be a fair sample. There is no validation and no early stopping. ``n_iter_`` and
        ``loss_curve_`` count a pass over a chunk.

        Parameters
        ----------
        chunks : iterable of (X, y) or (X, y, sample_weight)
            Iterated over once for every pass: a list, or an object whose ``__iter__`` begins afresh. Only one chunk
            at a time is in memory.
        **first
            Arguments of the first call of `partial_fit`, such as ``classes`` of a classifier.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError
            If `chunks` can be iterated over only once.
        ValueError
            If there are no chunks.

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
        n_passes = self._settings().passes(self.n_members, len(self._hidden_sizes()) + 1)
        if iter(chunks) is chunks:
            raise TypeError(
                f"chunks={chunks!r} can be iterated over once, but max_iter={n_passes} passes are needed. Pass "
                "a list, or an object whose __iter__ begins afresh."
            )
        fresh = self._reader(knows_columns=False)
        for number in range(n_passes):
            rate = cosine((number + 0.5) / n_passes) if self.learning_rate == "cosine" else 1.0
            for place, (X, y, *weight) in enumerate(chunks):
                given = {} if hasattr(fresh, "_state") else first
                fresh._pass_over(X, y, *(weight or [None]), rate=rate, name=f"Chunk {place}", **given)
        if not hasattr(fresh, "_state"):
            raise ValueError("chunks is empty. Pass at least one (X, y).")
        return self._adopt(fresh, fresh._state)

    def _pass_over(self, X, y, sample_weight, rate=1.0, name="The chunk", **given):
        before = getattr(self, "_state", None)
        with trainable(), without_spinning():
            data = self._read(X, y, sample_weight, before, streams=True, **given)
            placing = news = None
            if before is None:
                design = designed(data, streams=True)
                design = design._replace(seen=first_seen(design, data))
            else:
                design, placing = settled_further(before.design, data)
                design, news = informed(design, data)
            rows = design.rows(data, data.weight / design.unit_weight)
            start, net = (None, None) if before is None else (before.network, before.net)
            settings = self._settings()
            one = pass_over(
                design.architecture, rows, design.loss, settings, start=start, net=net, rate=rate, placing=placing
            )
            with one as fitted:
                kept = design if fitted.history or before is None else before.design  # refused rows teach nothing
                self._adopt(data.reader, state_after(before, kept, fitted, settings.device, rows))
        if news is not None:
            warnings.warn(news, UserWarning, stacklevel=4)
        for category, message in fitted.warnings:
            warnings.warn(f"{name} was {message} {heaviest(design, data)}", category, stacklevel=4)
        return self
