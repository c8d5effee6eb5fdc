"""The losses of a fit, pass by pass."""

from typing import Self

import numpy as np

from ._drawing import BLUE, GREY, RED, axes_of, tidy
from ._finding import fitted_part


class LearningCurveDisplay:
    """Loss of a fit on the rows that it learns from and on held-out ones, and the pass that was kept.

    Parameters
    ----------
    training : list of float
        Loss of each pass.
    validation : list of float or None
    best : int or None
        Number of the pass, from 1, whose network was kept.
    changes : list of int
        Passes after which another phase of training began.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import LearningCurveDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = KANRegressor(random_state=0, max_iter=5).fit(X, y)
    >>> display = LearningCurveDisplay.from_estimator(model)
    """

    def __init__(self, training, validation=None, best=None, changes=()) -> None:
        self.training, self.validation, self.best, self.changes = training, validation, best, list(changes)

    @classmethod
    def from_estimator(cls, estimator, *, ax=None) -> Self:
        """Draw the fit of an estimator.

        Parameters
        ----------
        estimator : KANClassifier, KANRegressor, or a pipeline or search with one
        ax : matplotlib Axes, optional

        Returns
        -------
        LearningCurveDisplay
        """
        part = fitted_part(estimator, "loss_curve_")
        scores = part.validation_scores_
        validation = None if scores is None else [-score for score in scores]
        last = sum("train_loss" in epoch for epoch in part._state.net.history)
        changes = [part.n_iter_ - last] if 0 < last < part.n_iter_ else []
        return cls(part.loss_curve_, validation, part.best_iteration_, changes).plot(ax=ax)

    def plot(self, *, ax=None) -> Self:
        """Draw the losses.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        self
        """
        self.ax_, self.figure_ = axes_of(ax, (6, 3.6))
        ax = self.ax_
        passes = np.arange(1, len(self.training) + 1)
        style = ".-" if len(passes) < 40 else "-"
        ax.plot(passes, self.training, style, color=GREY, label="training rows")
        losses = np.array(self.training)
        if self.validation is not None:
            own = passes[len(passes) - len(self.validation) :]
            ax.plot(own, self.validation, style, color=BLUE, label="held-out rows")
            losses = np.append(losses, self.validation)
        if self.best is not None:
            ax.axvline(self.best, color=RED, linewidth=0.9, linestyle="--", label=f"kept: pass {self.best}")
        for i, place in enumerate(self.changes):
            ax.axvline(place + 0.5, color=GREY, linewidth=0.8, linestyle=":", label=None if i else "last phase begins")
        finite = losses[np.isfinite(losses)]
        if len(finite) and finite.min() > 0 and finite.max() > 10 * finite.min():
            ax.set_yscale("log")
        ax.set_xlabel("passes over the rows", fontsize=9)
        ax.set_ylabel("mean loss, on the learned scale", fontsize=9)
        ax.legend(fontsize=8, frameon=False)
        tidy(ax)
        ax.xaxis.get_major_locator().set_params(integer=True)
        return self
