"""What pictures have in common: grids of axes, short names, colours."""

import numpy as np

BLUE, RED, GREY = "#1f6f9f", "#c0504d", "#8c8c8c"
FEW = 6  # places that have a tick each
LONGEST = 22  # characters of a name that is drawn


def short(name, longest=LONGEST):
    """A name that fits: its middle is left out if it is long."""
    text = str(name)
    return text if len(text) <= longest else f"{text[: longest - 8]}…{text[-7:]}"


def number(value):
    """A number with three digits."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"


def described(value):
    """A value of a column in a few characters."""
    if value is None or value != value:
        return "missing"
    return number(value) if isinstance(value, int | float | np.number) else short(str(value).removesuffix(" 00:00:00"))


def axes_for(sizes, axes=None, n_columns=3, width=4.0):
    """Axes for several pictures, given or of a new figure, the others of its grid hidden.

    Parameters
    ----------
    sizes : list of float
        Heights that pictures want; a row is as high as its highest.
    axes : Axes or sequence of Axes, optional
    n_columns : int
    width : float

    Returns
    -------
    figure, axes
    """
    import matplotlib.pyplot as plt

    if axes is not None:
        axes = np.ravel(axes)
        if len(axes) < len(sizes):
            raise ValueError(f"axes has {len(axes)} axes, and there are {len(sizes)} pictures. Pass one for each.")
        return axes[0].figure, axes
    n_columns = max(1, min(n_columns, len(sizes)))
    rows = [max(sizes[start : start + n_columns]) for start in range(0, len(sizes), n_columns)] or [1.0]
    figure, axes = plt.subplots(
        len(rows), n_columns, figsize=(width * n_columns, sum(rows)), squeeze=False, layout="constrained",
        gridspec_kw={"height_ratios": rows},
    )  # fmt: skip
    for axis in axes.ravel()[len(sizes) :]:
        axis.set_visible(False)
    return figure, axes.ravel()


def axes_of(ax, size):
    """Axes to draw on, and their figure: given ones, or those of a new figure of a size."""
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(figsize=size, layout="constrained")
    return ax, ax.figure


def tidy(axis):
    """Fewer lines, small ticks that do not run into each other."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)


def few_ticks(axis, along="x", places=None, most=5):
    """A few ticks along an axis: at the places themselves if there are few, which may be dates."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import MaxNLocator

    its = getattr(axis, f"{along}axis")
    if places is not None and places.dtype.kind == "M":
        locator = AutoDateLocator(minticks=2, maxticks=most)
        its.set_major_locator(locator)
        its.set_major_formatter(ConciseDateFormatter(locator))
        its.get_offset_text().set_size(7)
    elif places is not None and 1 < len(places) <= FEW and places.dtype.kind in "biuf":
        its.set_ticks(places, [number(place) for place in places])
    else:
        its.set_major_locator(MaxNLocator(most))
