"""A waterfall from the mean prediction to that of one row."""

from typing import Self

import numpy as np

from ._drawing import BLUE, GREY, RED, axes_of, described, number, short, tidy
from ._explain import explain

MOST_COLUMNS = 10


class ExplanationDisplay:
    """How the columns of one row take the prediction away from the mean one, the strongest first.

    Parameters
    ----------
    explanation : Explanation
    row : int, default=0
        Which of its rows.
    output : int, optional
        Which of several outputs; by default the one with the highest prediction.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    explain : The numbers.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import ExplanationDisplay
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = KANRegressor(random_state=0, max_iter=3).fit(X, y)
    >>> display = ExplanationDisplay.from_estimator(model, X.iloc[[7]])
    """

    def __init__(self, explanation, row=0, output=None) -> None:
        self.explanation, self.row, self.output = explanation, row, output

    @classmethod
    def from_estimator(
        cls, estimator, X, background=None, *, response_method="auto", output=None, n_features=MOST_COLUMNS,
        random_state=0, ax=None,
    ) -> Self:  # fmt: skip
        """Explain a prediction, and draw it.

        Parameters
        ----------
        estimator, background, response_method, random_state
            As `model` and the others of `explain`.
        X : dataframe or array-like of shape (1, n_features)
            The row.
        output : int, optional
            Which of several outputs; by default the one with the highest prediction.
        n_features : int, default=10
            Most columns that have a bar; others share one.
        ax : matplotlib Axes, optional

        Returns
        -------
        ExplanationDisplay

        Raises
        ------
        ValueError
            If `X` has several rows, or there is no such output.
        """
        if len(X) != 1:
            raise ValueError(f"X has {len(X)} rows, and a waterfall shows one. Pass one, such as X.iloc[[0]] or X[:1].")
        found = explain(estimator, X, background, response_method=response_method, random_state=random_state)
        return cls(found, 0, output).plot(n_features=n_features, ax=ax)

    def plot(self, *, n_features=MOST_COLUMNS, ax=None) -> Self:
        """Draw the waterfall.

        Parameters
        ----------
        n_features : int, default=10
        ax : matplotlib Axes, optional

        Returns
        -------
        self
        """
        base, values, output = self._of_output()
        steps, names = self._steps(values, n_features)
        self.ax_, self.figure_ = axes_of(ax, (7.5, 1.3 + 0.32 * len(steps)))
        ax = self.ax_
        starts = base + np.concatenate([[0], np.cumsum(steps)[:-1]])
        end, places = base + sum(steps), np.arange(len(steps))
        ax.barh(places, steps, left=starts, color=[RED if step > 0 else BLUE for step in steps], height=0.7)
        for place, start, step in zip(places, starts, steps, strict=True):
            sign, offset, side = ("+", 3, "left") if step >= 0 else ("-", -3, "right")
            ax.annotate(f"{sign}{number(abs(step))}", (start + step, place), xytext=(offset, 0),
                        textcoords="offset points", va="center", ha=side, fontsize=8)  # fmt: skip
            ax.plot([start + step] * 2, [place - 0.35, min(place + 1.35, len(steps) - 0.65)], color=GREY, linewidth=0.6)
        ax.axvline(base, color=GREY, linewidth=0.8, linestyle=":")
        ax.set_yticks(places, names)
        ends = np.append(starts, end)
        margin = 0.16 * (np.ptp(ends) or 1.0)
        ax.set(ylim=(len(steps) - 0.4, -0.6), xlim=(ends.min() - margin, ends.max() + margin))
        ax.set_xlabel(short(output, 60), fontsize=9)
        ax.set_title(f"from {number(base)} on average to {number(end)}", fontsize=10)
        tidy(ax)
        return self

    def _of_output(self):
        """Base value and contributions of the output that is drawn, and what it is."""
        found, output = self.explanation, self.output
        base, values = found.base_values[self.row], found.values[self.row]
        if np.ndim(base) == 0:
            if output not in (None, 0):
                raise ValueError(f"output={output!r} is not there: the model has one output.")
            return base, values, found.output_names[0]
        output = int(np.argmax(base + values.sum(0))) if output is None else output
        if not 0 <= output < len(base):
            raise ValueError(f"output={output!r} is not one of the {len(base)} outputs: {found.output_names}.")
        return base[output], values[:, output], found.output_names[output]

    def _steps(self, values, n_features):
        """Contributions that are drawn, and their names."""
        order = np.argsort(-np.abs(values), kind="stable")
        shown, rest = order[:n_features], order[n_features:]
        data, names = self.explanation.data[self.row], self.explanation.feature_names
        steps = values[shown].tolist() + [values[rest].sum()] * (len(rest) > 0)
        texts = [f"{short(names[i])} = {described(data[i])}" for i in shown] + [f"{len(rest)} others"] * (len(rest) > 0)
        return steps, texts
