"""Pictures of the functions that a network has learned on its edges."""

from typing import Self

import numpy as np

from ..data._targets import Classes
from ..training._losses import has_log_link
from ._drawing import axes_for, few_ticks, short, tidy
from ._finding import fitted_part, names_of, places_of

MOST_LABELS = 16


class EdgeFunctionDisplay:
    """The learned functions of a network's first layer, column by column.

    Every edge from a column to a unit of the first layer is a function of that column alone, drawn here over the
    column's own units. For a categorical column it is one value per level. Of a model with hidden units the signs mean
    nothing by themselves: units add to the prediction, or take from it. `EffectDisplay` shows what comes of them.

    Parameters
    ----------
    curves : list of (name, x, y)
        For each column its name, the places ``x`` (n_points,), numbers or labels, and the values ``y`` (n_points,
        n_units), each unit centred on its mean over the places.
    what : str, default="edge function"
        What values are.

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

    def __init__(self, curves, what="edge function") -> None:
        self.curves, self.what = curves, what

    @classmethod
    def from_estimator(cls, estimator, features=None, *, n_features=6, n_edges=8, axes=None) -> Self:
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
        what = "added to the unit, in its own scale"
        if not estimator.model_.architecture.hidden_layer_sizes:
            curves, what = [in_units(estimator.model_, *curve) for curve in curves], unit_of(estimator.model_)
        return cls(list(curves), what).plot(n_edges=n_edges, axes=axes)

    def plot(self, *, n_edges=8, axes=None) -> Self:
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
        self.figure_, axes = axes_for([3.0] * len(self.curves), axes)
        self.axes_ = axes[: max(1, len(self.curves))]
        for place, (axis, (name, x, y)) in enumerate(zip(self.axes_, self.curves, strict=False)):
            chosen = np.argsort(-y.std(0), kind="stable")[:n_edges]
            if isinstance(x[0], str):
                axis.plot(np.arange(len(x)), y[:, chosen], "o-", markersize=3, linewidth=0.5)
                kept = np.arange(0, len(x), -(-len(x) // MOST_LABELS))
                crowded = len(kept) > 3
                axis.set_xticks(kept, [short(x[i], 14) for i in kept], rotation=90 if crowded else 0)
            else:
                axis.plot(x, y[:, chosen], linewidth=1)
            tidy(axis)
            if not isinstance(x[0], str):
                few_ticks(axis, places=x)
            axis.set_xlabel(short(name, 30), fontsize=9)
            axis.set_title(f"{len(chosen)} strongest of {y.shape[1]} edges", fontsize=8)
            if place % 3 == 0:
                axis.set_ylabel(self.what, fontsize=9)
        return self


def in_units(model, name, x, y):
    """A curve of an additive model in the units of its prediction, or of its logarithm or log-odds."""
    n_raw = model.target.n_raw
    by_output = y.reshape(len(y), -1, n_raw)
    if isinstance(model.target, Classes):
        if n_raw == 2:
            by_output = by_output[..., 1:] - by_output[..., :1]
        return name, x, (by_output / model.temperature).reshape(len(y), -1)
    if has_log_link(model.loss):
        return name, x, y
    return name, x, (by_output * model.target.scaler.scale_).reshape(len(y), -1)


def unit_of(model):
    """What curves of an additive model are."""
    if isinstance(model.target, Classes):
        return "added to the log-odds"
    return "added to the prediction's logarithm" if has_log_link(model.loss) else "added to the prediction"
