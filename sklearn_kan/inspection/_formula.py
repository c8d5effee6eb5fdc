"""Pictures of a law: prediction against truth, the front, and residuals."""

from typing import Self

import numpy as np

from ._drawing import BLUE, GREY, axes_for, short, tidy
from ._finding import fitted_part

LONGEST_FORMULA = 160  # characters of TeX that a title has room for


class FormulaDisplay:
    """What a formula predicts, what it costs to have a simpler one, and what it leaves.

    Parameters
    ----------
    title : str
        The formula, in TeX if that is short.
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

    def __init__(self, title, truth, prediction, front) -> None:
        self.title, self.truth, self.prediction, self.front = title, truth, prediction, front

    @classmethod
    def from_estimator(cls, estimator, X, y, *, axes=None) -> Self:
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
        return cls(title_of(law), np.asarray(y), estimator.predict(X), law.front_).plot(axes=axes)

    def plot(self, *, axes=None) -> Self:
        """Draw the three pictures.

        Parameters
        ----------
        axes : sequence of three matplotlib Axes, optional

        Returns
        -------
        self
        """
        is_own = axes is None
        self.figure_, axes = axes_for([3.8] * 3, axes)
        self.axes_ = agreement, trade, left = axes[:3]
        if is_own:
            self.figure_.suptitle(self.title, fontsize=14)
        else:
            agreement.set_title(self.title, fontsize=9)
        agreement.plot(self.prediction, self.truth, ".", color=BLUE, markersize=3)
        ends = [min(self.truth.min(), self.prediction.min()), max(self.truth.max(), self.prediction.max())]
        agreement.plot(ends, ends, color=GREY, linewidth=1)
        agreement.set(xlabel="prediction", ylabel="truth")
        error = np.maximum(self.front["held_out_error"], 1e-16)  # zero has no place on a log scale
        trade.plot(self.front["complexity"], error, "o-", color=BLUE, drawstyle="steps-post", markersize=4)
        trade.set(xlabel="complexity", ylabel="held-out error", yscale="log")
        left.plot(self.prediction, self.truth - self.prediction, ".", color=BLUE, markersize=3)
        left.axhline(0, color=GREY, linewidth=1)
        left.set(xlabel="prediction", ylabel="residual")
        for axis in self.axes_:
            tidy(axis)
        return self


def title_of(law):
    """A law as a title: in TeX, or its beginning and end where that is long, or has what matplotlib cannot set."""
    tex = law.latex()
    return f"${tex}$" if len(tex) <= LONGEST_FORMULA and r"\begin" not in tex else short(law.formula_, 90)
