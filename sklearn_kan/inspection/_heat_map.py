"""The map of what a pair of columns adds."""

import numpy as np

from ._drawing import GREY, few_ticks, short, tidy

MOST_LABELS = 15


def draw_heat_map(axis, term, output, names, label):
    """A map of colours with contours; paler where there are no rows.

    Parameters
    ----------
    axis : matplotlib Axes
    term : Effect
        Of two columns.
    output : int
    names : list of str
        Of its two columns.
    label : str
        Of the colours.
    """
    values, density = term.values[..., output], term.density
    sides = [Side.of(places, density.sum(1 - i)) for i, places in enumerate(term.places)]
    values = values[np.ix_(sides[0].kept, sides[1].kept)]
    density = density[np.ix_(sides[0].kept, sides[1].kept)]
    reach = np.abs(values[density > 0]).max(initial=0) or 1.0
    mesh = axis.pcolormesh(sides[0].edges, sides[1].edges, values.T, cmap="RdBu_r", vmin=-reach, vmax=reach)
    empty = np.ma.masked_where(density.T > 0, np.ones_like(values.T))
    axis.pcolormesh(sides[0].edges, sides[1].edges, empty, cmap="gray", vmin=0, vmax=1, alpha=0.55, linewidth=0)
    smooth = [side.n_smooth for side in sides]
    if min(smooth) > 2:
        part = values[: smooth[0], : smooth[1]].T
        axis.contour(
            sides[0].centers[: smooth[0]], sides[1].centers[: smooth[1]], part, levels=6, colors=GREY, linewidths=0.6
        )
    tidy(axis)
    for side, along in zip(sides, "xy", strict=True):
        side.label(axis, along)
    axis.set(xlabel=names[0], ylabel=names[1])
    bar = axis.figure.colorbar(mesh, ax=axis, shrink=0.9)
    bar.set_label(label, fontsize=8)
    bar.ax.tick_params(labelsize=7)


class Side:
    """One side of the map: cells with their middles and edges, and what they are called.

    Parameters
    ----------
    kept : ndarray of int
        Which places are drawn: of labels the most frequent ones.
    centers, edges : ndarray
    names : list of str or None
        Of labels.
    n_smooth : int
        How many places are numbers; 0 for labels.
    is_date : bool
    """

    def __init__(self, kept, centers, edges, names, n_smooth, is_date=False) -> None:
        self.kept, self.centers, self.edges, self.names = kept, centers, edges, names
        self.n_smooth, self.is_date = n_smooth, is_date

    @classmethod
    def of(cls, places, density):
        if places.dtype.kind == "O":
            kept = np.sort(np.argsort(-density, kind="stable")[:MOST_LABELS])
            names = ["missing" if places[i] is None else short(places[i], 14) for i in kept]
            return cls(kept, np.arange(len(kept)), np.arange(len(kept) + 1) - 0.5, names, 0)
        is_date = places.dtype.kind == "M"
        numbers = dates_as_numbers(places) if is_date else places.astype(float)
        n = len(numbers) - bool(np.isnan(numbers[-1]))
        centers = numbers[:n]
        middle = (centers[1:] + centers[:-1]) / 2 if n > 1 else centers[:0]
        first, last = (2 * centers[0] - middle[0], 2 * centers[-1] - middle[-1]) if n > 1 else centers[0] + [-0.5, 0.5]
        edges = np.concatenate([[first], middle, [last]])
        if n < len(numbers):
            width = (last - first) / 12
            centers, edges = np.append(centers, last + width / 2), np.append(edges, last + width)
        return cls(np.arange(len(numbers)), centers, edges, None, n, is_date)

    def label(self, axis, along):
        """Ticks along an axis."""
        its = getattr(axis, f"{along}axis")
        if self.names is not None:
            its.set_ticks(self.centers, self.names)
            its.set_tick_params(rotation=90 if along == "x" and sum(map(len, self.names)) > 24 else 0, labelsize=7)
            return
        if self.is_date:
            its.axis_date()
        numbers = self.centers[: self.n_smooth]
        few_ticks(axis, along, numbers.astype("datetime64[D]") if self.is_date else numbers)
        if len(self.centers) > self.n_smooth:
            last = self.edges[self.n_smooth]
            (axis.axvline if along == "x" else axis.axhline)(last, color="white", linewidth=3)
            texts = {"x": (self.centers[-1], 0.5), "y": (0.5, self.centers[-1])}
            spaces = {"x": ("data", "axes fraction"), "y": ("axes fraction", "data")}
            axis.annotate(
                "missing", texts[along], xycoords=spaces[along], rotation=90 if along == "x" else 0, ha="center",
                va="center", fontsize=7,
            )  # fmt: skip
            if not self.is_date:
                its.set_ticks([tick for tick in its.get_ticklocs() if self.edges[0] <= tick <= last])


def dates_as_numbers(places):
    from matplotlib.dates import date2num

    return np.where(np.isnat(places), np.nan, date2num(places))
