"""Pictures of the functions that a network has learned on its edges."""

import numpy as np
from sklearn.utils.validation import check_is_fitted


class EdgeFunctionDisplay:
    """The learned functions of a network's first layer, column by column.

    Every edge from a column to a unit of the first layer is a function of that column alone, drawn here over the
    column's own units. For a categorical column it is one value per level.

    Parameters
    ----------
    curves : list of (name, x, y)
        For each column its name, the places ``x`` (n_points,), numbers or labels, and the values ``y`` (n_points,
        n_units), each unit centred on its mean over the places.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    sklearn.inspection.PartialDependenceDisplay : The effect of a column on the prediction, through all layers.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import EdgeFunctionDisplay
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = KANRegressor((4,), max_iter=3, random_state=0).fit(X, y)
    >>> display = EdgeFunctionDisplay.from_estimator(model, ["bmi", "bp"])
    """

    def __init__(self, curves):
        self.curves = curves

    @classmethod
    def from_estimator(cls, estimator, features=None, *, n_features=6, n_edges=8, axes=None):
        """Draw a fitted estimator's edge functions.

        Parameters
        ----------
        estimator : KANClassifier or KANRegressor
            Fitted.
        features : list of int or str, optional
            Columns, by index or name; by default the `n_features` whose edges vary most.
        n_features : int, default=6
        n_edges : int, default=8
            Maximum number of edges drawn per column: those that vary most.
        axes : sequence of matplotlib Axes, optional
            One per column; by default a new figure.

        Returns
        -------
        EdgeFunctionDisplay

        Raises
        ------
        ValueError
            If a name or index in `features` is not a column.
        """
        check_is_fitted(estimator)
        all_names = getattr(estimator, "feature_names_in_", np.arange(estimator.n_features_in_))
        names = all_names[estimator.selected_features_].tolist()
        wanted = names if features is None else [column_name(feature, names) for feature in features]
        model = estimator.model_
        curves = [(name, *model.edge_curve(names.index(name))) for name in wanted]
        if features is None:
            curves = sorted(curves, key=lambda curve: -np.square(curve[2]).mean(0).sum())[:n_features]
        return cls(curves).plot(n_edges=n_edges, axes=axes)

    def plot(self, *, n_edges=8, axes=None):
        """Draw the curves.

        Parameters
        ----------
        n_edges : int, default=8
            Maximum number of edges drawn per column.
        axes : sequence of matplotlib Axes, optional

        Returns
        -------
        self
        """
        import matplotlib.pyplot as plt

        if axes is None:
            n_columns = min(3, len(self.curves))
            n_rows = -(-len(self.curves) // n_columns)
            _, axes = plt.subplots(
                n_rows, n_columns, figsize=(4 * n_columns, 3 * n_rows), squeeze=False, layout="constrained"
            )
        self.axes_ = np.ravel(axes)
        self.figure_ = self.axes_[0].figure
        for axis in self.axes_[len(self.curves) :]:
            axis.set_visible(False)
        for axis, (name, x, y) in zip(self.axes_, self.curves, strict=False):
            strongest = y[:, np.argsort(-y.std(0), kind="stable")[:n_edges]]
            if isinstance(x[0], str):
                axis.plot(np.arange(len(x)), strongest, "o-", markersize=4, linewidth=0.5)
                axis.set_xticks(np.arange(len(x)), x, rotation=45 if len(x) > 5 else 0)
            else:
                axis.plot(x, strongest, linewidth=1)
            axis.set(xlabel=str(name))
        for axis in self.axes_[:: len(np.unique([axis.get_position().x0 for axis in self.axes_]))]:
            axis.set_ylabel("edge function")
        return self


def column_name(feature, names):
    """A column's name, given by name or by place."""
    if feature in names:
        return feature
    if isinstance(feature, int | np.integer) and 0 <= feature < len(names):
        return names[feature]
    raise ValueError(f"features holds {feature!r}, which is not a column. Choose from {names}.")
