"""Smaller models that predict nearly as well."""

from copy import copy
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.pipeline import Pipeline

from ..model._importances import shares_of_columns
from ..training._losses import averaged, cross_entropy, has_levels, poisson, predicted
from ..training._net import finished_net
from ._finding import WRAPPED, fitted_part
from ._reading import reading, table_for
from ._surgery import can_lose_units, check_can_be_cut, cut, everything

MOST_ROWS = 4000
SHARE_OF_COLUMNS = 0.4  # of the loss that may be lost
FEW_SETS = 9  # numbers of members that are tried
UNITS = 1.0, 0.75, 0.5, 0.375, 0.25  # of a member's


class Judge(NamedTuple):
    """How much worse other outputs are than those of the whole model.

    Parameters
    ----------
    loss : callable
    encoded : ndarray of shape (n_samples, n_inputs)
        Half of the rows.
    fitting : ndarray of shape (n_samples, n_inputs)
        The other half, on which smaller networks are brought close to the whole one.
    y : Tensor or None
        On the learned scale; without it outputs are compared with those of the whole model.
    whole : ndarray of shape (n_samples, n_raw)
        Outputs of the whole model.
    temperature : float
    """

    loss: Any
    encoded: np.ndarray
    fitting: np.ndarray
    y: Any
    whole: np.ndarray
    temperature: float

    def increase(self, raw):
        """Relative increase of the loss; without targets, the distance from the whole model.

        An increase has two parts: what it would be if targets were as the whole model predicts them, which is known
        exactly, and what their errors have to do with the change. The latter is noise in large part; it is shrunk
        towards zero by its standard error (James & Stein 1961).
        """
        if self.y is None:
            return self.distance(raw)
        base, expected = self.values(self.whole), self.expected(raw)
        rest = self.values(raw) - base - expected
        variance = rest.var() / max(1, len(rest) - 1)
        shrunk = rest.mean() * max(0.0, 1 - variance / max(rest.mean() ** 2, 1e-300))
        return (expected.mean() + shrunk) / max(abs(base.mean()), 1e-12)

    def expected(self, raw):
        """By how much the loss of each row rises if the whole model is right."""
        ours, whole = (torch.from_numpy(z).double() / self.temperature for z in (raw, self.whole))
        if self.loss is cross_entropy:
            whole = whole.log_softmax(1)
            return (whole.exp() * (whole - ours.log_softmax(1))).sum(1).numpy()
        if has_levels(self.loss):
            return (ours - whole).abs().mean(1).numpy()
        target = predicted(self.loss, whole)
        return (self.loss(ours, target) - self.loss(whole, target)).numpy()

    def values(self, raw):
        """Loss of each row."""
        raw = torch.from_numpy(raw).double() / self.temperature
        y = self.y.double() if self.y.is_floating_point() else self.y
        at_best = (y - torch.xlogy(y, y)).mean(1) if self.loss is poisson else 0.0
        return (self.loss(raw, y) - at_best).numpy()

    def distance(self, raw):
        """How much of the outputs' variance is lost, for classes of their entropy."""
        if self.loss is not cross_entropy:
            return float(
                np.square(raw - self.whole).mean() / max(np.square(self.whole - self.whole.mean(0)).mean(), 1e-12)
            )
        ours, whole = (torch.from_numpy(z).double().div(self.temperature).log_softmax(1) for z in (raw, self.whole))
        mean = whole.exp().mean(0)
        entropy = -torch.xlogy(mean, mean).sum()
        return float((whole.exp() * (whole - ours)).sum(1).mean() / entropy.clamp(min=1e-12))


def prune(model, X, y=None, *, max_loss_increase=0.01, n_features=None, n_edges=None) -> Any:
    """A smaller model that predicts nearly as well.

    Columns, members of the ensemble and hidden units that make the least difference are taken out, as long as the loss
    on the rows given stays within the limit. The network that is left is physically smaller, and its last layer is
    corrected so that each member predicts what it did before.

    Parameters
    ----------
    model : KANClassifier, KANRegressor, or a pipeline or search with one
        Fitted, without constraints, with ``basis="bspline"``; on small or smooth tables with ``solver="adam"``, since
        the small networks that ``"auto"`` takes there have products. It stays as it is.
    X : dataframe or array-like of shape (n_samples, n_features)
        Rows that the model has not been fitted to.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        Their targets. Without them predictions are compared with those of the whole model.
    max_loss_increase : float, default=0.01
        Largest relative increase of the loss. Without `y` the largest share of the outputs' variance that may be lost,
        for classes of their entropy.
    n_features : int, optional
        Keep so many columns, the most important ones, and all members and units.
    n_edges : int, optional
        Keep at most so many edges of the first layer, from columns to units, by taking out members and units. Columns
        stay.

    Returns
    -------
    model : object
        Fitted; of a search its best estimator. Tables to predict for are as before: columns that it does not use, see
        ``selected_features_``, may have any values. Training can go on with ``warm_start=True``.

    Raises
    ------
    ValueError
        If the model has constraints, products or edges that are no B-splines; if no column, member or unit can be left.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_kan import KANRegressor
    >>> from sklearn_kan.inspection import prune
    >>> X = np.random.default_rng(0).normal(size=(600, 8))
    >>> y = np.sin(2 * X[:, 0]) + X[:, 1]
    >>> model = KANRegressor(random_state=0, max_iter=20).fit(X[:400], y[:400])
    >>> small = prune(model, X[400:], y[400:], n_features=2)
    >>> small.selected_features_.tolist()
    [True, True, False, False, False, False, False, False]
    """
    check_request(max_loss_increase, n_features, n_edges)
    part = fitted_part(model, "member_weights_")
    whole = part._fitted_model()
    check_can_be_cut(whole)
    rows = reading(model, X)
    judge = judge_of(part, whole, rows, None if y is None else target_of(part, table_for(model, part, X), y))
    kept = chosen(whole, rows, judge, max_loss_increase, n_features, n_edges)
    small, inputs = cut(whole, kept, np.concatenate([judge.encoded, judge.fitting]))
    return within(model, part, estimator_of(part, small, kept, inputs, rows))


def check_request(max_loss_increase, n_features, n_edges):
    """Raise for numbers that cannot be."""
    if not 0 <= max_loss_increase < np.inf:
        raise ValueError(f"max_loss_increase={max_loss_increase!r} is not usable. Pass a number of at least 0.")
    for name, value in (("n_features", n_features), ("n_edges", n_edges)):
        if value is not None and value < 1:
            raise ValueError(f"{name}={value!r} leaves nothing. Pass at least 1.")


def target_of(part, table, y):
    """Targets on the learned scale."""
    y, _ = part._read_target(y, len(table), part._fitted_model().target)
    return part._fitted_model().target.encode(y)


def judge_of(part, whole, rows, y):
    """A judge by half of the rows; to the other half the sample that the fit left is added."""
    encoded = rows.encoded
    if len(encoded) < 2:
        raise ValueError(f"X has {len(encoded)} rows. Pass two or more: half of them correct, the others judge.")
    places = np.random.RandomState(0).permutation(len(encoded))[: 2 * MOST_ROWS]
    judging, fitting = places[::2], places[1::2]
    y = None if y is None else y[judging]
    fitting = np.concatenate([encoded[fitting], part._state.sample.astype(encoded.dtype)])
    return Judge(whole.loss, encoded[judging], fitting, y, whole.raw_of_encoded(encoded[judging]),
                 whole.temperature)  # fmt: skip


def chosen(whole, rows, judge, limit, n_features, n_edges):
    """What is kept."""
    kept = everything(whole)
    order = np.argsort(-shares_of_columns(rows.response, judge.encoded), kind="stable")

    def loss_of(kept):
        small, inputs = cut(whole, kept, judge.fitting)
        return judge.increase(small.raw_of_encoded(judge.encoded[:, inputs]))

    if n_features is not None:
        kept = kept._replace(columns=np.sort(order[:n_features]).tolist())
    elif n_edges is None:
        kept = fewest_columns(kept, order, loss_of, limit * SHARE_OF_COLUMNS)
    if n_features is not None and n_edges is None:
        return kept
    small, inputs = cut(whole, kept, judge.fitting)
    by_member = small.raw_of_encoded(judge.encoded[:, inputs], by_member=True)
    sets = [(kept.members, 0.0), *members_by_worth(whole, by_member, judge)]
    orders = units_by_worth(whole, kept, judge.encoded) if can_lose_units(whole.module) else None
    if n_edges is not None:
        return with_edges(kept, [members for members, _ in sets], orders, n_edges)
    return fewest_edges(kept, sets, orders, loss_of, limit)


def edges_of(kept):
    """Edges of the first layer."""
    return len(kept.columns) * kept.units.size


def fewest_columns(kept, order, loss_of, limit):
    """The fewest of the most important columns that keep within a limit, by bisection."""
    low, high = 1, len(order)
    while low < high:
        middle = (low + high) // 2
        is_within = loss_of(kept._replace(columns=np.sort(order[:middle]).tolist())) <= limit
        low, high = (low, middle) if is_within else (middle + 1, high)
    return kept._replace(columns=np.sort(order[:high]).tolist())


def members_by_worth(whole, by_member, judge):
    """Sets of members, each with one less than the one before, and the increase of the loss; all members first.

    Coarse and fine members are taken out by turns, since a network has as many of both.
    """
    n_members = by_member.shape[1]
    members = list(range(n_members))
    if n_members == 1:
        return []
    n_coarse = whole.module.kinds[0] if len(whole.module.kinds) > 1 else n_members
    found = []
    while len(members) > 1:
        n_fine = sum(member >= n_coarse for member in members)
        is_turn_of_fine = n_fine == len(members) - n_fine
        candidates = [m for m in members if n_coarse == n_members or (m >= n_coarse) == is_turn_of_fine]
        without = [[m for m in members if m != out] for out in candidates]
        outputs = [together(whole, by_member, rest) for rest in without]
        place = int(np.argmin([judge.distance(raw) for raw in outputs]))
        members = without[place]
        found.append((members, judge.increase(outputs[place])))
    return found


def together(whole, by_member, members):
    """Outputs of some members, averaged as they count."""
    weights = whole.member_weights[members]
    weights = weights if weights.sum() > 0 else np.ones(len(members))
    return averaged(whole.loss, torch.from_numpy(by_member[:, members]), weights).numpy()


def fewest_edges(kept, sets, orders, loss_of, limit):
    """The fewest members and units, together, that keep within a limit."""
    n_units, best = kept.units.shape[1], kept
    for members, _ in [sets[i] for i in spaced(len(sets))]:
        for share in UNITS if orders is not None else UNITS[:1]:
            fewer = with_units(kept, members, orders, max(1, round(share * n_units)))
            if edges_of(fewer) >= edges_of(best):
                continue
            if loss_of(fewer) > limit:
                break
            best = fewer
    return best


def spaced(n):
    """Some of the places from 0 to n - 1, closer together towards the end."""
    left = np.unique(np.geomspace(1, n, FEW_SETS).round().astype(int))[::-1]
    return (n - left).tolist()


def with_edges(kept, sets, orders, n_edges):
    """As many members as half of the edges may leave out, then as many units as all of them may."""
    n_units = kept.units.shape[1]
    fits = [members for members in sets if len(kept.columns) * len(members) * n_units <= 2 * n_edges] or sets[-1:]
    members = fits[0] if orders is not None else next(
        (members for members in sets if len(kept.columns) * len(members) * n_units <= n_edges), sets[-1]
    )  # fmt: skip
    n_left = n_edges // (len(kept.columns) * len(members))
    if not (n_left if orders is not None else n_left >= n_units):
        raise ValueError(f"n_edges={n_edges} is fewer than {len(kept.columns)} columns need. Pass n_features as well.")
    return with_units(kept, members, orders, min(n_left, n_units))


def with_units(kept, members, orders, n_units):
    """Some members with their best units."""
    if orders is None:
        return kept._replace(members=members, units=kept.units[members])
    return kept._replace(members=members, units=np.sort(orders[members, :n_units], axis=1))


@torch.no_grad()
def units_by_worth(whole, kept, encoded):
    """Units of the first hidden layer, for each member, those first whose edges vary most."""
    module = whole.module
    x = torch.from_numpy(encoded[: MOST_ROWS // 8]).to(next(module.parameters()))
    layer, h = module.layers[1], module(x, depth=1)
    worth = []
    for member in kept.members:
        own = h[:, member] if h.ndim == 3 else h
        units = slice(member * layer.out_features, (member + 1) * layer.out_features)
        weight = layer.scaled_weight[:, :, units]
        edges = torch.einsum("nik,iko->nio", layer.basis(own), weight)
        if layer.base_weight is not None:
            edges = edges + torch.nn.functional.silu(own)[:, :, None] * layer.base_weight[units].T
        worth.append(edges.var(0).sum(1))
    return (-torch.stack(worth)).argsort(dim=1, stable=True).numpy()


def estimator_of(part, small, kept, inputs, rows):
    """An estimator with a smaller network."""
    state, new = part._state, copy(part)
    sizes = small.architecture.hidden_layer_sizes
    n_members, fine = small.architecture.n_members, small.architecture.fine_knots
    changed: dict[str, Any] = {"hidden_layer_sizes": sizes}
    if n_members is not None:
        changed["n_members"] = n_members
    if fine is None and whole_has_fine(part):
        changed["fine_knots"] = None
    new.set_params(**changed)
    selected = np.zeros_like(state.design.selected)
    selected[[rows.selected[column] for column in kept.columns]] = True
    design = state.design._replace(
        encoder=small.encoder, architecture=small.architecture, selected=selected,
        settled=state.design.settled._replace(**changed), seen=type(state.design.seen)(None),
    )  # fmt: skip
    network = state.network._replace(
        architecture=small.architecture, module=small.module, member_weights=small.member_weights
    )
    net = finished_net(small.module, small.loss, list(state.net.history), state.device)
    new._state = state._replace(design=design, network=network, net=net, sample=state.sample[:, inputs])
    return new


def whole_has_fine(part):
    return part._fitted_model().architecture.fine_knots is not None


def within(estimator, part, new):
    """What held an estimator, with a new one in its place."""
    if estimator is part:
        return new
    if isinstance(estimator, Pipeline):
        whole = copy(estimator)
        whole.steps = [*estimator.steps[:-1], (estimator.steps[-1][0], within(estimator[-1], part, new))]
        return whole
    name = next(name for name in WRAPPED if hasattr(estimator, name))
    inner = within(getattr(estimator, name), part, new)
    if name == "best_estimator_":
        return inner
    whole = copy(estimator)
    setattr(whole, name, inner)
    return whole
