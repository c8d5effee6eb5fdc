"""Bars of columns' importances."""

from typing import Self

import numpy as np

from ._drawing import BLUE, axes_of, few_ticks, short, tidy
from ._finding import fitted_part, names_of

MOST_COLUMNS = 20


class ImportanceDisplay:
    """How much of a model's prediction depends on each column.

    Parameters
    ----------
    importances : ndarray of shape (n_features,)
        Shares, which sum to one.
    names : list
        Of the columns.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    sklearn.inspection.permutation_importance : What a score loses without a column.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import ImportanceDisplay
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = KANRegressor(random_state=0, max_iter=3).fit(X, y)
    >>> display = ImportanceDisplay.from_estimator(model)
    """

    def __init__(self, importances, names) -> None:
        self.importances, self.names = importances, names

    @classmethod
    def from_estimator(cls, estimator, *, n_features=MOST_COLUMNS, ax=None) -> Self:
        """Draw the `feature_importances_` of a fitted estimator.

        Parameters
        ----------
        estimator : KANClassifier, KANRegressor, or a pipeline or search with one
        n_features : int, default=20
            Most columns that have a bar; others share one.
        ax : matplotlib Axes, optional

        Returns
        -------
        ImportanceDisplay
        """
        part = fitted_part(estimator, "feature_importances_")
        return cls(part.feature_importances_, names_of(part)).plot(n_features=n_features, ax=ax)

    def plot(self, *, n_features=MOST_COLUMNS, ax=None) -> Self:
        """Draw the bars, the longest first.

        Parameters
        ----------
        n_features : int, default=20
        ax : matplotlib Axes, optional

        Returns
        -------
        self
        """
        order = np.argsort(-self.importances, kind="stable")
        shown, rest = order[:n_features], order[n_features:]
        values = [*self.importances[shown], *([self.importances[rest].sum()] if len(rest) else [])]
        names = [short(self.names[i], 30) for i in shown] + [f"{len(rest)} others"] * (len(rest) > 0)
        self.ax_, self.figure_ = axes_of(ax, (6, 1.0 + 0.25 * len(values)))
        ax = self.ax_
        places = np.arange(len(values))
        ax.barh(places, values, color=BLUE, alpha=0.85)
        for place, value in zip(places, values, strict=True):
            ax.annotate(f"{100 * value:.1f}%", (value, place), xytext=(3, 0), textcoords="offset points", va="center",
                        fontsize=7)  # fmt: skip
        ax.set_yticks(places, names)
        ax.set(ylim=(len(values) - 0.4, -0.6), xlim=(0, 1.15 * (max(values, default=0) or 1)))
        ax.set_xlabel("importance (share of the prediction's variance)", fontsize=9)
        tidy(ax)
        few_ticks(ax)
        return self
