"""A picture of a network: every edge drawn as its little curve."""

from typing import NamedTuple, Self

import numpy as np
import torch

from ._drawing import BLUE, GREY, axes_of, short
from ._reading import reading

N_EDGES = 60
PER_ROW = 20  # edges side by side
N_POINTS = 41
MOST_ROWS = 200  # on which edges are measured
ENDS = 0.02, 0.98  # quantiles of activations between which hidden edges are drawn


class Edge(NamedTuple):
    """An edge between two nodes of neighbouring layers.

    Parameters
    ----------
    start, end : int
        Of the nodes within their layers.
    curve : ndarray of shape (n_points,)
    has_labels : bool
        Whether it is a value for each label.
    strength : float
        Standard deviation of what it adds, times how much of its unit gets to the output.
    """

    start: int
    end: int
    curve: np.ndarray
    has_labels: bool
    strength: float


class NetworkDisplay:
    """A network with its units as dots and its edges as little curves, the darker the more they matter.

    Columns are below, outputs above. Of an ensemble one member is drawn: the members are networks of the same kind,
    whose predictions are averaged.

    Parameters
    ----------
    layers : list of list of Edge
    names : list of list of str
        Of the nodes, layer by layer: columns, hidden units (without names), outputs.
    title : str

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    References
    ----------
    Liu et al. (2024), *KAN: Kolmogorov-Arnold Networks*, arXiv:2404.19756, fig. 2.4.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import NetworkDisplay
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = KANRegressor((4,), random_state=0, max_iter=3).fit(X, y)
    >>> display = NetworkDisplay.from_estimator(model)
    """

    def __init__(self, layers, names, title="") -> None:
        self.layers, self.names, self.title = layers, names, title

    @classmethod
    def from_estimator(cls, estimator, *, member=None, n_edges=N_EDGES, ax=None) -> Self:
        """Draw a fitted estimator's network.

        Parameters
        ----------
        estimator : KANClassifier, KANRegressor, or a pipeline or search with one
        member : int, optional
            Of an ensemble; by default the one that counts most.
        n_edges : int, default=60
            Most edges that are drawn: the strongest. Up to 100 are legible.
        ax : matplotlib Axes, optional

        Returns
        -------
        NetworkDisplay

        Raises
        ------
        ValueError
            If there is no such member.
        """
        rows = reading(estimator)
        model = rows.response.model
        n_members = model.module.n_members or 1
        member = int(np.argmax(model.member_weights)) if member is None else member
        if not 0 <= member < n_members:
            raise ValueError(f"member={member!r} is not one of the {n_members} members, which count from 0.")
        layers = layers_of(model, torch.from_numpy(rows.encoded[:MOST_ROWS]), member)
        n_all = sum(map(len, layers))
        layers = strongest(layers, n_edges)
        layers[0] = with_curves(model, layers[0], member)
        n_shown = sum(map(len, layers))
        names = [[str(rows.names[place]) for place in rows.selected]]
        names += [[""] * layer.out_features for layer in model.module.layers[:-1]] + [output_names(rows)]
        of = "" if n_members == 1 else f"member {member} of {n_members}, "
        title = f"{of}{n_shown} edges" if n_shown == n_all else f"{of}the strongest {n_shown} of {n_all} edges"
        return cls(layers, names, title).plot(ax=ax)

    def plot(self, *, ax=None) -> Self:
        """Draw the network.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        self
        """
        widest = max(min(len(edges), PER_ROW) for edges in self.layers)
        heights = [1.0 + 0.55 * -(-len(edges) // PER_ROW) for edges in self.layers]
        size = (max(6.0, 0.62 * widest + 1), 1.4 + 0.9 * sum(heights))
        self.ax_, self.figure_ = axes_of(ax, size)
        ax = self.ax_
        nodes, bottom = self._positions(), 0.0
        for depth, edges in enumerate(self.layers):
            top = bottom + heights[depth]
            draw_edges(ax, edges, nodes[depth], nodes[depth + 1], bottom, top)
            bottom = top
        levels = np.concatenate([[0.0], np.cumsum(heights)])
        for depth, (places, level) in enumerate(zip(nodes, levels, strict=True)):
            ax.plot(list(places.values()), [level] * len(places), "o", color="black", markersize=4, zorder=4)
            is_first, crowded = depth == 0, len(places) > 5
            for node, x in places.items():
                ax.annotate(short(self.names[depth][node], 20), (x, level), xytext=(0, -6 if is_first else 6),
                            textcoords="offset points", ha="right" if is_first and crowded else "center",
                            va="top" if is_first else "bottom", rotation=35 if is_first and crowded else 0,
                            rotation_mode="anchor" if is_first and crowded else "default", fontsize=8)  # fmt: skip
        ax.set_title(self.title, fontsize=10)
        ax.set(xlim=(-0.04, 1.04), ylim=(-0.15, levels[-1] + 0.35))
        ax.axis("off")
        return self

    def _positions(self):
        """Where the nodes that have edges stand: one dict for each layer."""
        places = []
        for depth in range(len(self.layers) + 1):
            used = {edge.end for edge in self.layers[depth - 1]} if depth else set()
            used |= {edge.start for edge in self.layers[depth]} if depth < len(self.layers) else set()
            order = sorted(used)
            places.append({node: (i + 0.5) / len(order) for i, node in enumerate(order)})
        return places


def draw_edges(ax, edges, starts, ends, bottom, top):
    """Curves in boxes between two layers of nodes, in rows, and lines that lead to them."""
    n_rows = max(1, -(-len(edges) // PER_ROW))
    order = sorted(edges, key=lambda edge: (ends[edge.end], starts[edge.start]))
    strongest_one = max((edge.strength for edge in edges), default=1.0) or 1.0
    reach = max((np.ptp(edge.curve) for edge in edges), default=1.0) or 1.0
    width = min(0.8 / max(len(edges), 1) * n_rows, 0.1)
    height = 0.36
    for place, edge in enumerate(order):
        x = (place + 0.5) / len(order)
        level = bottom + 0.5 + 0.55 * (place % n_rows) + height / 2
        shade = 0.12 + 0.88 * min(1.0, edge.strength / strongest_one)
        line = {"color": GREY, "linewidth": 0.7, "alpha": shade, "zorder": 1}
        ax.plot([starts[edge.start], x], [bottom, level - height / 2], **line)
        ax.plot([x, ends[edge.end]], [level + height / 2, top], **line)
        ax.add_patch(box(x, level, width, height, shade))
        across = x - width * 0.45 + width * 0.9 * np.linspace(0, 1, len(edge.curve))
        up = level + height * 0.9 * (edge.curve - edge.curve.min() - np.ptp(edge.curve) / 2) / max(reach, 1e-300)
        style = {"marker": "o", "markersize": 1.5, "linewidth": 0.5} if edge.has_labels else {"linewidth": 1.2}
        ax.plot(across, up, color=BLUE, alpha=shade, zorder=3, solid_capstyle="round", **style)


def box(x, y, width, height, shade):
    from matplotlib.patches import Rectangle

    edge = (0.3, 0.3, 0.3, 0.5 * shade)
    corner = (x - width / 2, y - height / 2)
    return Rectangle(corner, width, height, facecolor="white", edgecolor=edge, linewidth=0.6, zorder=2)


def strongest(layers, n_edges):
    """The strongest edges of all layers that make up whole ways from columns to outputs, at most so many."""
    order = sorted(
        (-edge.strength, depth, place) for depth, edges in enumerate(layers) for place, edge in enumerate(edges)
    )
    low, high = 0, len(order)
    while low < high:  # the more edges there are to begin with, the more are left
        middle = (low + high + 1) // 2
        is_small = sum(map(len, on_ways(layers, order[:middle]))) <= n_edges
        low, high = (middle, high) if is_small else (low, middle - 1)
    return on_ways(layers, order[:low])


def on_ways(layers, chosen):
    """Chosen edges without those that lead to, or come from, units left without others."""
    kept = {(depth, place) for _, depth, place in chosen}
    layers = [[e for place, e in enumerate(edges) if (depth, place) in kept] for depth, edges in enumerate(layers)]
    while True:
        clean = [list(edges) for edges in layers]
        for depth in range(len(clean) - 1):
            joined = {edge.end for edge in clean[depth]} & {edge.start for edge in clean[depth + 1]}
            clean[depth] = [edge for edge in clean[depth] if edge.end in joined]
            clean[depth + 1] = [edge for edge in clean[depth + 1] if edge.start in joined]
        if [len(edges) for edges in clean] == [len(edges) for edges in layers]:
            return clean
        layers = clean


@torch.no_grad()
def layers_of(model, encoded, member):
    """The edges of one member, layer by layer."""
    module, n_members = model.module, model.module.n_members
    module.eval()
    encoded = encoded.to(next(module.parameters()))
    hidden = [of_member(module(encoded, depth=depth), member, n_members) for depth in range(1, len(module.layers))]
    found: list[list[Edge]] = []
    share = np.ones(module.layers[-1].out_features)
    for depth in range(len(module.layers) - 1, -1, -1):
        layer = module.layers[depth]
        units = slice(member * layer.out_features, (member + 1) * layer.out_features) if n_members else slice(None)
        edges = first_edges(model, encoded, units) if depth == 0 else hidden_edges(layer, hidden[depth - 1], units)
        found.insert(0, [edge._replace(strength=edge.strength * share[edge.end]) for edge in edges])
        if depth:
            outgoing = np.zeros(layer.in_features)
            for edge in found[0]:
                outgoing[edge.start] += edge.strength
            share = outgoing / (outgoing.max() or 1.0)
    return found


def of_member(h, member, n_members):
    """What one member has at a layer: ``(n, size)``."""
    return h[:, member] if n_members and h.ndim > 2 else h


def first_edges(model, encoded, units):
    """Edges of columns, whose strength is the spread of what they add; their curves are yet to come."""
    encoder, module = model.encoder, model.module
    layer, lookup = module.layers[0], module.lookup
    numeric, codes = encoded.tensor_split([encoder.n_numeric_], 1)
    values = layer.edge_functions(numeric)[:, units]
    for column in range(len(encoder.kinds_)):
        own = np.flatnonzero(encoder.column_of_input_[: encoder.n_numeric_] == column)
        total = values[:, :, own].sum(2)
        if lookup is not None:
            its = torch.from_numpy(encoder.column_of_input_[encoder.n_numeric_ :] == column).to(codes)
            total = total + lookup(codes * its)[:, units]
        spread = total.std(0).cpu().numpy()
        for unit in range(len(spread)):
            yield Edge(column, unit, np.zeros(1), bool(encoder.categorical_[column]), float(spread[unit]))


def with_curves(model, edges, member):
    """Edges of columns with their curves."""
    out, curves = model.module.layers[0].out_features, {}
    for column in sorted({edge.start for edge in edges}):
        whole = model.edge_curve(column)[1][:, member * out : (member + 1) * out]
        curves[column] = whole[np.linspace(0, len(whole) - 1, min(len(whole), N_POINTS)).astype(int)]
    return [edge._replace(curve=curves[edge.start][:, edge.end]) for edge in edges]


def hidden_edges(layer, h, units):
    """Edges of a hidden layer's units, whose strength is the spread of what they add."""
    spread = layer.edge_functions(h)[:, units].std(0).cpu().numpy()
    low, high = torch.quantile(h.double(), torch.tensor(ENDS, dtype=torch.float64), dim=0).to(h)
    grid = low + (high - low) * torch.linspace(0, 1, N_POINTS)[:, None].to(h)
    curves = layer.edge_functions(grid)[:, units].cpu().double().numpy()
    for start in range(curves.shape[2]):
        for end in range(curves.shape[1]):
            yield Edge(start, end, curves[:, end, start], False, float(spread[end, start]))


def output_names(rows):
    """Names of a network's outputs: all classes, if it has one output for each."""
    labels = getattr(rows.response.model.target, "labels", None)
    return rows.response.outputs if labels is None else [str(label) for label in labels]
