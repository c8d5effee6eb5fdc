"""Pictures of what a hyperparameter search has found."""

from typing import Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ._drawing import FEW, GREY, few_ticks, short, tidy

PARAMETERS = ("basis", "n_knots"), ("spectrum", "n_components")  # shown where there are some, in this order
MOST_NAMES = 8  # in the legend


class SearchDisplay:
    """Scores of a search against some of its parameters, by default basis and knots.

    Parameters
    ----------
    scores : ndarray of shape (n_trials,)
        Mean scores; NaN for trials that were stopped early.
    columns : dict of str to ndarray of shape (n_trials,)
        Values of each parameter, masked where a trial has none.
    metric : str

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, of shape (n_parameters,)
    figure_ : matplotlib Figure

    See Also
    --------
    sklearn_kan.KANSearchCV : The search; ``optuna.visualization.matplotlib`` draws its ``study_``.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_kan import KANClassifier, KANSearchCV
    >>> from sklearn_kan.inspection import SearchDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> search = KANSearchCV(KANClassifier((4,), max_iter=2), n_trials=2, cv=2, random_state=0).fit(X, y)
    >>> display = SearchDisplay.from_estimator(search)
    """

    def __init__(self, scores, columns, metric) -> None:
        self.scores, self.columns, self.metric = scores, columns, metric

    @classmethod
    def from_estimator(cls, estimator, parameters=None, *, metric=None, axes=None) -> Self:
        """Draw a fitted search.

        Parameters
        ----------
        estimator : KANSearchCV
            Fitted; any of scikit-learn's own searches works too.
        parameters : list of str, optional
            Parameters of the searched estimator, without the names of pipeline steps; by default basis and number of
            knots, or spectrum and number of components.
        metric : str, optional
            Which of several scores; by default the one in `refit`, or the first.
        axes : sequence of matplotlib Axes, optional
            One per parameter; by default a new figure.

        Returns
        -------
        SearchDisplay

        Raises
        ------
        ValueError
            If the search has no such parameter or metric.
        """
        check_is_fitted(estimator)
        results = estimator.cv_results_
        names = [key.removeprefix("param_") for key in results if key.startswith("param_")]
        metrics = [key.removeprefix("mean_test_") for key in results if key.startswith("mean_test_")]
        if metric is None:
            metric = estimator.refit if estimator.refit in metrics else metrics[0]
        if metric not in metrics:
            raise ValueError(f"metric={metric!r} was not measured. Choose one of {metrics}.")
        short = {name.rsplit("__", 1)[-1]: name for name in names}
        if parameters is None:
            usual = [[name for name in pair if name in short] for pair in PARAMETERS]
            parameters = next((pair for pair in usual if pair), names[:2])
        unknown = [name for name in parameters if name not in short and name not in names]
        if unknown or not parameters:
            raise ValueError(f"parameters={parameters!r} has {unknown}, which were not searched. Choose from {names}.")
        columns = {name: results[f"param_{name if name in names else short[name]}"] for name in parameters}
        return cls(results[f"mean_test_{metric}"], columns, metric).plot(axes=axes)

    def plot(self, *, axes=None) -> Self:
        """Draw one picture per parameter; the best trial is marked.

        Parameters
        ----------
        axes : sequence of matplotlib Axes, optional

        Returns
        -------
        self
        """
        import matplotlib.pyplot as plt

        if axes is None:
            n = len(self.columns)
            _, axes = plt.subplots(1, n, figsize=(4.2 * n + 0.8, 3.8), sharey=True, squeeze=False, layout="constrained")
        self.axes_ = np.ravel(axes)
        self.figure_ = self.axes_[0].figure
        finite = np.isfinite(self.scores)
        best = np.nanargmax(self.scores) if finite.any() else None
        low, high = (self.scores[finite].min(), self.scores[finite].max()) if finite.any() else (0.0, 1.0)
        stopped_at = low - 0.08 * (high - low or 1.0)
        first, names = codes(next(iter(self.columns.values())))
        groups = [(None, np.ones(len(self.scores), dtype=bool))] if names is None else [
            (name, first == place) for place, name in enumerate(names)
        ]  # fmt: skip
        for axis, (name, values) in zip(self.axes_, self.columns.items(), strict=True):
            place, ticks = codes(values)
            for number, (_, its) in enumerate(groups):
                axis.scatter(place[its & finite], self.scores[its & finite], color=f"C{number % 10}", s=18)
                stopped = its & ~finite
                axis.scatter(
                    place[stopped], np.full(stopped.sum(), stopped_at), color=f"C{number % 10}", marker="x", s=16
                )
            if best is not None:
                axis.scatter(place[best], self.scores[best], s=90, facecolors="none", edgecolors="black")
            tidy(axis)
            if ticks is not None:
                rotation = 90 if len(ticks) > 4 or sum(map(len, ticks)) > 32 else 0
                axis.set_xticks(np.arange(len(ticks)), [short(tick) for tick in ticks], rotation=rotation)
            else:
                known = np.unique(place[~np.isnan(place)])
                if len(known) > FEW and known[0] > 0 and known[-1] > 30 * known[0]:
                    axis.set_xscale("log")
                else:
                    few_ticks(axis, places=known)
            axis.set_xlabel(short(name, 30), fontsize=9)
        self.axes_[0].set_ylabel(self.metric, fontsize=9)
        self._legend(groups, best is not None, int((~finite).sum()))
        return self

    def _legend(self, groups, has_best, n_stopped):
        from matplotlib.lines import Line2D

        marks = [(f"C{i % 10}", "o", name) for i, (name, _) in enumerate(groups) if name is not None][:MOST_NAMES]
        marks += [(GREY, "x", f"stopped early or failed ({n_stopped})")] if n_stopped else []
        lines = [
            Line2D([], [], color=color, marker=mark, linestyle="", label=short(text, 34)) for color, mark, text in marks
        ]
        if has_best:
            lines.append(
                Line2D(
                    [], [], color="none", marker="o", markersize=9, markeredgecolor="black", linestyle="", label="best"
                )
            )
        self.figure_.legend(handles=lines, loc="outside upper center", ncols=4, fontsize=8, frameon=False)


def codes(values):
    """Places on an axis, NaN where masked, and names of its ticks if the values are not numbers."""
    values = np.ma.asarray(values)
    is_there = ~np.ma.getmaskarray(values)
    place = np.full(len(values), np.nan)
    if all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in values[is_there]):
        place[is_there] = values[is_there].astype(float)
        return place, None
    names = np.array([getattr(value, "__name__", str(value)) for value in values[is_there]])
    ticks, place[is_there] = np.unique(names, return_inverse=True)
    return place, ticks
