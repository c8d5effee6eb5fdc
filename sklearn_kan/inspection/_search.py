"""Pictures of what a hyperparameter search has found."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

PARAMETERS = ("basis", "n_knots"), ("spectrum", "n_components")  # shown where there are some, in this order


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
    >>> search = KANSearchCV(KANClassifier((4,), max_iter=2), n_trials=3, cv=2, random_state=0).fit(X, y)
    >>> display = SearchDisplay.from_estimator(search)
    """

    def __init__(self, scores, columns, metric):
        self.scores, self.columns, self.metric = scores, columns, metric

    @classmethod
    def from_estimator(cls, estimator, parameters=None, *, metric=None, axes=None):
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

    def plot(self, *, axes=None):
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
            _, axes = plt.subplots(1, n, figsize=(5 * n, 4), sharey=True, squeeze=False, layout="constrained")
        self.axes_ = np.ravel(axes)
        self.figure_ = self.axes_[0].figure
        colors = codes(next(iter(self.columns.values())))[0]
        best = np.nanargmax(self.scores) if np.isfinite(self.scores).any() else None
        for axis, (name, values) in zip(self.axes_, self.columns.items(), strict=True):
            place, ticks = codes(values)
            axis.scatter(place, self.scores, c=colors, cmap="tab20", s=18)
            if best is not None:
                axis.scatter(place[best], self.scores[best], s=90, facecolors="none", edgecolors="black")
            if ticks is not None:
                axis.set_xticks(np.arange(len(ticks)), ticks, rotation=45 if len(ticks) > 4 else 0)
            axis.set_xlabel(name)
        self.axes_[0].set_ylabel(self.metric)
        return self


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
