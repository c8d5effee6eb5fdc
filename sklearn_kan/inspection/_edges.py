"""Pictures of the functions that a network has learned on its edges."""

import numpy as np

from ._finding import fitted_part, names_of, places_of


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
            Fitted; by itself, as the last step of a pipeline, or as the best estimator of a search.
        features : int, str, list of these, or mask of shape (n_features,), optional
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
            If a name or index in `features` is not a column that the model uses.
        TypeError
            If there is no such estimator.
        """
        estimator = fitted_part(estimator, "model_")
        names, selected = names_of(estimator), np.flatnonzero(estimator.selected_features_).tolist()
        places = selected if features is None else places_of(features, names)
        left_out = [names[place] for place in places if place not in selected]
        if left_out:
            raise ValueError(f"features holds {left_out}, which the model does not use. See its selected_features_.")
        curves = [(names[place], *estimator.model_.edge_curve(selected.index(place))) for place in places]
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
            n_columns = max(1, min(3, len(self.curves)))
            n_rows = max(1, -(-len(self.curves) // n_columns))
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
