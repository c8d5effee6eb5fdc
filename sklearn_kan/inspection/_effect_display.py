"""Pictures of effects: curves with bands, bars of categories, heat maps of pairs."""

from typing import Self

import numpy as np

from ._drawing import BLUE, GREY, axes_for, few_ticks, short, tidy
from ._effects import effects
from ._finding import fitted_part
from ._heat_map import dates_as_numbers, draw_heat_map

MOST_LABELS = 15
N_TERMS = 6
N_BINS = 24  # of rows along a column
MOST_OUTPUTS = 8  # that are drawn over each other
WHAT = {"dependence": "partial dependence, centred", "projection": "additive projection", "terms": "term of the model"}


class EffectDisplay:
    """Effects of columns and of pairs of columns on what a model predicts, each with what its members agree on.

    A column of numbers has a curve, a band of one standard deviation over the members, and below it where the rows are;
    a value that is missing stands at the right. A categorical column has a bar for each of its 15 most frequent labels
    and one for all others, with the share of their rows. A pair has a map of what it adds to the effects of its two
    columns, paler where there are no rows.

    Parameters
    ----------
    effects : Effects

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, one per term
    figure_ : matplotlib Figure

    See Also
    --------
    effects : The numbers.
    sklearn.inspection.PartialDependenceDisplay : For any estimator.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import EffectDisplay
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = KANRegressor((8,), max_iter=3, random_state=0).fit(X, y)
    >>> display = EffectDisplay.from_estimator(model, X, ["bmi", ("bmi", "bp")])
    """

    def __init__(self, effects) -> None:
        self.effects = effects

    @classmethod
    def from_estimator(
        cls, estimator, X=None, terms=None, *, kind="auto", response_method="auto", output=None, n_terms=N_TERMS,
        axes=None,
    ) -> Self:  # fmt: skip
        """Draw effects of a fitted estimator.

        Parameters
        ----------
        estimator, X, kind, response_method
            As `model`, `X`, `kind` and `response_method` of `effects`.
        terms : int, str, mask, or list of columns and pairs of columns, optional
            By default the strongest columns, or terms of a glass box.
        output : int, optional
            Which of several outputs or classes; by default all are drawn, but in the maps of pairs the first.
        n_terms : int, default=6
            How many are drawn by default.
        axes : sequence of matplotlib Axes, optional
            One per term; by default a new figure.

        Returns
        -------
        EffectDisplay
        """
        if terms is None:
            has_terms = kind == "auto" and hasattr(fitted_part(estimator, "member_weights_"), "terms_")
            quick = effects(estimator, X, kind="auto" if has_terms else "projection", response_method=response_method)
            order = np.argsort(-quick.strengths().sum(1), kind="stable")[:n_terms]
            terms = [quick[i].columns for i in order]
        found = effects(estimator, X, terms, kind=kind, response_method=response_method)
        return cls(found).plot(output=output, axes=axes)

    def plot(self, *, output=None, axes=None) -> Self:
        """Draw the effects.

        Parameters
        ----------
        output : int, optional
        axes : sequence of matplotlib Axes, optional

        Returns
        -------
        self
        """
        n_outputs = len(self.effects.outputs)
        if output is not None and not 0 <= output < n_outputs:
            raise ValueError(f"output={output!r} is not one of the {n_outputs} outputs: {self.effects.outputs}.")
        outputs = list(range(min(n_outputs, MOST_OUTPUTS))) if output is None else [output]
        terms = list(self.effects)
        self.figure_, self.axes_ = axes_for([height_of(term) for term in terms], axes)
        self.axes_ = self.axes_[: len(terms)]
        limits = common_limits([term for term in terms if len(term.columns) == 1], outputs)
        what = self.effects.outputs[outputs[0]] if len(outputs) == 1 else self.effects.outputs[0].split(" of ")[0]
        label = f"effect on {short(what, 32)}\n({WHAT[self.effects.kind]})"
        for term, axis in zip(terms, self.axes_, strict=True):
            names = [short(self.effects.names[column], 30) for column in term.columns]
            if len(term.columns) == 2:
                draw_heat_map(axis, term, outputs[0], names, f"effect on {short(self.effects.outputs[outputs[0]], 24)}")
            elif is_categorical(term.places[0]):
                draw_bars(axis, term, outputs, limits)
                axis.set(xlabel=label)
                axis.set_title(names[0], fontsize=10)
            else:
                draw_curve(axis, term, outputs, limits)
                axis.set(xlabel=names[0], ylabel=label)
            axis.xaxis.label.set_size(9)
            axis.yaxis.label.set_size(9)
        if len(outputs) > 1:
            self._legend(outputs)
        return self

    def _legend(self, outputs):
        from matplotlib.lines import Line2D

        lines = [Line2D([], [], color=color_of(i, outputs)) for i in range(len(outputs))]
        labels = [short(self.effects.outputs[o].split(" of ", 1)[-1], 30) for o in outputs]
        n_all = len(self.effects.outputs)
        title = f"first {len(outputs)} of {n_all} outputs" if len(outputs) < n_all and len(outputs) > 1 else None
        self.figure_.legend(lines, labels, title=title, loc="outside upper center", ncols=4, fontsize=8, frameon=False)


def is_categorical(places):
    return places.dtype.kind == "O"


def height_of(term):
    """Inches that a term wants."""
    if len(term.columns) == 1 and is_categorical(term.places[0]):
        return max(3.0, 0.9 + 0.24 * min(len(term.places[0]), MOST_LABELS + 1))
    return 3.4 if len(term.columns) == 2 else 3.0


def common_limits(terms, outputs):
    """The same range for all effects of single columns, so that they can be compared."""
    ends = [(term.values[..., o] + sign * term.spread[..., o]) for term in terms for o in outputs for sign in (-1, 1)]
    if not ends:
        return -1.0, 1.0
    low, high = min(end.min() for end in ends), max(end.max() for end in ends)
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def color_of(place, outputs):
    return BLUE if len(outputs) == 1 else f"C{place}"


def is_missing(places):
    """Whether the last of a column's places is a missing value."""
    last = places[-1]
    return bool(last is None or last != last)


def draw_curve(axis, term, outputs, limits):
    """A curve with a band, where the rows are, and a point for missing values."""
    places, n = term.places[0], len(term.places[0]) - is_missing(term.places[0])
    x = places[:n].astype(float) if places.dtype.kind in "biuf" else places[:n]
    draw_rows(axis, x, term.density[:n])
    axis.axhline(0, color=GREY, linewidth=0.6)
    for i, output in enumerate(outputs):
        y, spread, color = term.values[:n, output], term.spread[:n, output], color_of(i, outputs)
        style = "o-" if n <= 12 else "-"
        axis.plot(x, y, style, color=color, linewidth=1.5, markersize=3)
        axis.fill_between(x, y - spread, y + spread, color=color, alpha=0.25, linewidth=0)
        if n < len(places):
            span = x[-1] - x[0] if n > 1 else 1.0
            beyond = x[-1] + span * 0.1
            axis.errorbar(
                [beyond], term.values[n:, output], term.spread[n:, output], fmt="s", color=color, markersize=4
            )
    axis.set_ylim(*limits)
    tidy(axis)
    few_ticks(axis, places=places[:n])
    if n < len(places):
        axis.axvline(x[-1] + span * 0.05, color=GREY, linewidth=0.6, linestyle=":")
        axis.annotate(
            f"missing ({100 * term.density[n]:.0f}%)", (beyond, 0.98), xycoords=("data", "axes fraction"), rotation=90,
            ha="center", va="top", fontsize=7, color=GREY,
        )  # fmt: skip
        axis.set_xlim(x[0] - span * 0.04, x[-1] + span * 0.16)
        if places.dtype.kind != "M":
            axis.set_xticks([tick for tick in axis.get_xticks() if x[0] <= tick <= x[-1]])


def draw_rows(axis, x, density):
    """Where the rows are, at the bottom."""
    if len(x) < 2:
        return
    is_date = np.asarray(x).dtype.kind == "M"
    numbers = dates_as_numbers(x) if is_date else np.asarray(x, dtype=float)
    middle = (numbers[1:] + numbers[:-1]) / 2
    edges = np.concatenate([numbers[:1], middle, numbers[-1:]])
    grid = np.linspace(numbers[0], numbers[-1], min(N_BINS, 2 * len(x)) + 1)
    height = np.diff(np.interp(grid, edges, np.concatenate([[0.0], np.cumsum(density)])))
    below = axis.twinx()
    below.stairs(height, grid, fill=True, color=GREY, alpha=0.3, linewidth=0)
    below.set_ylim(0, 7 * (height.max() or 1))
    below.axis("off")
    axis.set_zorder(below.get_zorder() + 1)
    axis.patch.set_visible(False)


def draw_bars(axis, term, outputs, limits):
    """A bar for each of the most frequent labels, in their order, and one for all others."""
    labels, density, values, spread = most_frequent(term)
    y = np.arange(len(labels))
    axis.axvline(0, color=GREY, linewidth=0.6)
    height = 0.8 / len(outputs)
    for i, output in enumerate(outputs):
        at = y - 0.4 + height * (i + 0.5)
        axis.barh(at, values[:, output], height, xerr=spread[:, output], color=color_of(i, outputs), alpha=0.8,
                  error_kw={"linewidth": 0.8, "ecolor": "black"})  # fmt: skip
    texts = [f"{short(label)} ({100 * share:.0f}%)" for label, share in zip(labels, density, strict=True)]
    axis.set_yticks(y, texts)
    axis.set_ylim(len(labels) - 0.4, -0.6)
    axis.set_xlim(*limits)
    tidy(axis)
    few_ticks(axis, most=4)


def most_frequent(term):
    """Labels, shares, values and spreads of a categorical column, the rare ones together."""
    places, density = term.places[0], term.density
    labels = ["missing" if label is None else str(label) for label in places]
    if len(labels) <= MOST_LABELS + 1:
        return labels, density, term.values, term.spread
    kept = np.sort(np.argsort(-density, kind="stable")[:MOST_LABELS])
    rest = np.setdiff1d(np.arange(len(labels)), kept)
    weight = density[rest] if density[rest].sum() else np.ones(len(rest))
    together = [np.average(numbers[rest], axis=0, weights=weight) for numbers in (term.values, term.spread)]
    return (
        [*(labels[i] for i in kept), f"{len(rest)} others"],
        np.append(density[kept], density[rest].sum()),
        np.vstack([term.values[kept], together[0]]),
        np.vstack([term.spread[kept], together[1]]),
    )
