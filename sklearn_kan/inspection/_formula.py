"""Pictures of a law: prediction against truth, the front, and residuals."""

import numpy as np

from ._finding import fitted_part


class FormulaDisplay:
    """What a formula predicts, what it costs to have a simpler one, and what it leaves.

    Parameters
    ----------
    title : str
        The formula, in TeX.
    truth, prediction : ndarray of shape (n_samples,)
    front : DataFrame
        As of ``KANSymbolicRegressor.front_``.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    EdgeFunctionDisplay : The functions that a network has learned.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan.inspection import FormulaDisplay
    >>> from sklearn_kan.symbolic import KANSymbolicRegressor
    >>> X = np.random.default_rng(0).uniform(1, 3, (100, 2))
    >>> law = KANSymbolicRegressor(random_state=0).fit(X, X[:, 0] / X[:, 1])
    >>> display = FormulaDisplay.from_estimator(law, X, X[:, 0] / X[:, 1])
    """

    def __init__(self, title, truth, prediction, front):
        self.title, self.truth, self.prediction, self.front = title, truth, prediction, front

    @classmethod
    def from_estimator(cls, estimator, X, y, *, axes=None):
        """Draw a fitted law on a table.

        Parameters
        ----------
        estimator : KANSymbolicRegressor
            Fitted; by itself, as the last step of a pipeline, or as the best estimator of a search.
        X : dataframe or array-like of shape (n_samples, n_features)
            As `estimator` takes it, whole pipelines included.
        y : array-like of shape (n_samples,)
        axes : sequence of three matplotlib Axes, optional
            By default a new figure.

        Returns
        -------
        FormulaDisplay

        Raises
        ------
        TypeError
            If there is no such estimator.
        """
        law = fitted_part(estimator, "front_")
        return cls(f"${law.latex()}$", np.asarray(y), estimator.predict(X), law.front_).plot(axes=axes)

    def plot(self, *, axes=None):
        """Draw the three pictures.

        Parameters
        ----------
        axes : sequence of three matplotlib Axes, optional

        Returns
        -------
        self
        """
        import matplotlib.pyplot as plt

        if axes is None:
            _, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
        self.axes_ = np.ravel(axes)
        self.figure_ = self.axes_[0].figure
        agreement, trade, left = self.axes_
        agreement.plot(self.prediction, self.truth, ".", markersize=3)
        ends = [min(self.truth.min(), self.prediction.min()), max(self.truth.max(), self.prediction.max())]
        agreement.plot(ends, ends, color="0.5", linewidth=1)
        agreement.set(xlabel="prediction", ylabel="truth")
        agreement.set_title(self.title, fontsize="small")
        error = np.maximum(self.front["held_out_error"], 1e-16)  # zero has no place on a log scale
        trade.plot(self.front["complexity"], error, "o-", drawstyle="steps-post", markersize=4)
        trade.set(xlabel="complexity", ylabel="held-out error", yscale="log")
        left.plot(self.prediction, self.truth - self.prediction, ".", markersize=3)
        left.axhline(0, color="0.5", linewidth=1)
        left.set(xlabel="prediction", ylabel="residual")
        return self
