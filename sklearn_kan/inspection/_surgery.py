"""Cutting a network down to some of its columns, members and units."""

from collections.abc import Iterable
from typing import Any, NamedTuple, cast

import numpy as np
import torch

from ..bases import BSpline
from ..data._fewer_columns import for_columns
from ..network._kan import KAN
from ..network._layer import KANLayer
from ..network._lookup import EMBEDDING_DIM, LookupLayer
from ..network._norms import LayerNorm
from ..training._losses import cross_entropy

STRENGTHS = 1e-4, 1e-2, 1.0  # of the ridge that corrects the last layer, in mean squares of a feature
SHARE_TO_CHOOSE = 3  # one row in so many


class Kept(NamedTuple):
    """What is kept of a network.

    Parameters
    ----------
    columns : list of int
        Among those that the network gets.
    members : list of int
    units : ndarray of shape (n_members, n_units)
        Of the first hidden layer, for each of the members.
    """

    columns: list[int]
    members: list[int]
    units: np.ndarray


def everything(model):
    """All of a network."""
    module = model.module
    n_members, n_units = module.n_members or 1, module.layers[0].out_features
    units = np.tile(np.arange(n_units), (n_members, 1))
    return Kept(list(range(len(model.encoder.kinds_))), list(range(n_members)), units)


def check_can_be_cut(model):
    """Raise if a network is not one that can be cut down."""
    module = model.module
    if type(module) is not KAN:
        raise ValueError("model has constraints, and prune takes none that has. See remove_terms for a glass box.")
    for layer in cast(Iterable[KANLayer], module.layers):
        bases = [basis for basis, _ in layer.basis.parts(layer.n_units)]
        if layer.factor is not None or not all(type(basis) is BSpline for basis in bases):
            raise ValueError(
                "model has edges that are no B-splines, or products of inputs. Fit it with solver='adam' (smooth and "
                "small tables get products from 'auto'), basis='bspline' and interactions=None to prune it."
            )


def can_lose_units(module):
    """Whether units are alike but for their coefficients, so that each member can lose others."""
    return len(module.layers) > 1 and bool((module.layers[1].basis.knots == module.layers[1].basis.knots[:1]).all())


@torch.no_grad()
def cut(model, kept, encoded):
    """A model of what is kept, its last layer corrected so that it predicts on some rows what the whole one does.

    Parameters
    ----------
    model : Model
    kept : Kept
    encoded : ndarray of shape (n_samples, n_inputs)

    Returns
    -------
    Model
    inputs : ndarray of int
        Inputs that are kept.
    """
    encoder, inputs = for_columns(model.encoder, kept.columns)
    old, sizes = model.module, model.architecture.hidden_layer_sizes
    architecture = model.architecture._replace(
        in_features=encoder.n_numeric_, n_levels=tuple(encoder.n_levels_),
        hidden_layer_sizes=(kept.units.shape[1], *sizes[1:]) if sizes else (),
        knots="uniform", **kinds_of(model, kept.members),
    )  # fmt: skip
    module = architecture.build().to(next(old.parameters()))
    numeric = inputs[inputs < old.layers[0].in_features]
    copy_first(old.layers[0], module.layers[0], kept, numeric)
    if old.lookup is not None and module.lookup is not None:
        copy_lookup(old.lookup, module.lookup, kept, inputs[len(numeric) :] - old.layers[0].in_features)
    for depth in range(1, len(old.layers)):
        copy_layer(old.layers[depth], module.layers[depth], kept, depth)
    for depth, (norm, new) in enumerate(zip(old.norms, module.norms, strict=True)):
        for name, tensor in norm.state_dict().items():
            new.state_dict()[name].copy_(of_units(tensor, kept, depth, old.n_members))
    module.eval()
    old.eval()
    x = torch.from_numpy(encoded).to(next(module.parameters()))
    correct(model, module, kept, x, x[:, inputs])
    weights = model.member_weights[kept.members]
    weights = weights / weights.mean() if weights.sum() > 0 else np.ones_like(weights)
    return model._replace(encoder=encoder, architecture=architecture, module=module, member_weights=weights), inputs


def kinds_of(model, members):
    """Members and knots of an architecture that has some of a model's members."""
    architecture, n_members = model.architecture, model.module.n_members
    if n_members is None:
        return {}
    n_coarse = model.module.kinds[0] if len(model.module.kinds) > 1 else n_members
    is_fine = [member >= n_coarse for member in members]
    if all(is_fine) and len(model.module.kinds) > 1:
        fine = architecture.fine_knots
        hidden = [architecture.n_knots] * len(architecture.hidden_layer_sizes)
        return {"n_members": len(members), "fine_knots": None, "n_knots": [fine, *hidden]}
    return {"n_members": len(members), "fine_knots": architecture.fine_knots if any(is_fine) else None}


def flat_units(kept, n_units):
    """Places of units among those of all members."""
    return torch.from_numpy((np.array(kept.members)[:, None] * n_units + kept.units).ravel())


def copy_first(old: KANLayer, new: KANLayer, kept, numeric):
    """Take over the first layer's coefficients and knots."""
    units, rows = flat_units(kept, old.out_features), torch.from_numpy(numeric)
    weight = old.scaled_weight[rows][:, :, units]
    new.edge_weight.copy_(weight[:, : new.basis.n_basis])
    if old.base_weight is not None and new.base_weight is not None:
        new.base_weight.copy_(old.scaled(old.base_weight.T)[rows][:, units].T)
    new.bias.copy_(old.bias[units])
    if new.scale is not None:
        new.scale.fill_(1.0)
    theirs = {basis.n_knots: basis for basis, _ in old.basis.parts(old.n_units)}
    for basis, _ in new.basis.parts(new.n_units):
        basis.replace_knots(theirs[basis.n_knots].knots[rows])


def copy_lookup(old: LookupLayer, new: LookupLayer, kept, codes):
    """Take over what the first layer has for labels."""
    units = flat_units(kept, old.out_features)
    table, mixing = old.scaled(old.table, old.owner)[:, units], None
    if old.factored:
        owner = torch.tensor(old.factored).repeat_interleave(EMBEDDING_DIM)
        mixing = old.scaled(old.mixing.T, owner)[:, units]
    for place, code in enumerate(codes.tolist()):
        if code in old.direct:
            start, to = int(old.offsets[old.direct.index(code)]), int(new.offsets[new.direct.index(place)])
            new.table[to : to + old.n_levels[code]] = table[start : start + old.n_levels[code]]
        else:
            start, to = old.factored.index(code), new.factored.index(place)
            new.embeddings[to].copy_(old.embeddings[start])
            part = cast(torch.Tensor, mixing)[start * EMBEDDING_DIM : (start + 1) * EMBEDDING_DIM]
            new.mixing[:, to * EMBEDDING_DIM : (to + 1) * EMBEDDING_DIM] = part.T
    if new.scale is not None:
        new.scale.fill_(1.0)


def copy_layer(old: KANLayer, new: KANLayer, kept, depth):
    """Take over a later layer: units of the first hidden layer differ from member to member."""
    out = old.out_features
    for number, (member, units) in enumerate(zip(kept.members, kept.units, strict=True)):
        rows = torch.from_numpy(units) if depth == 1 else torch.arange(old.in_features)
        theirs, own = slice(member * out, (member + 1) * out), slice(number * out, (number + 1) * out)
        new.edge_weight[:, :, own] = old.scaled_weight[rows][:, :, theirs]
        if old.base_weight is not None and new.base_weight is not None:
            new.base_weight[own] = old.scaled(old.base_weight.T)[rows][:, theirs].T
        new.bias[own] = old.bias[theirs]
    new.basis.replace_knots(cast(Any, old.basis).knots[torch.from_numpy(kept.units[0]) if depth == 1 else slice(None)])


def of_units(tensor, kept, depth, n_members):
    """A norm's parameter for what is kept."""
    if n_members is None:
        return tensor[torch.from_numpy(kept.units[0])] if depth == 0 and tensor.ndim else tensor
    own = tensor[torch.tensor(kept.members)]
    return own.gather(1, torch.from_numpy(kept.units)) if depth == 0 else own


def correct(model, module, kept, x, x_kept):
    """Bring a network that was cut close to the whole one: biases, the first norm, the last layer, one by one."""
    old = model.module
    theirs, own = (
        of_kept(old(x, depth=1) if len(old.layers) == 1 else first_sums(old, x), kept),
        first_sums(module, x_kept),
    )
    module.layers[0].bias += (theirs - own).mean(0).flatten()
    if module.norms:
        wanted = of_kept(old(x, depth=1), kept)
        fit_norm(module.norms[0], first_sums(module, x_kept), wanted)
    target = old(x)
    target = target[:, kept.members] if old.n_members is not None else target
    fit_last(module, x_kept, target, model.loss)


def first_sums(module, x):
    """What the first layer and the labels add up to, before a norm: ``(n, [n_members,] n_units)``."""
    first = module.layers[0]
    h = first(x[:, : first.in_features])
    return h if module.lookup is None else h + module.lookup(x[:, first.in_features :]).unflatten(1, h.shape[1:])


def of_kept(h, kept):
    """Activations of the first hidden layer for what is kept."""
    if h.ndim == 2:
        return h[:, torch.from_numpy(kept.units[0])]
    own = h[:, kept.members]
    return own.gather(2, torch.from_numpy(kept.units).expand(len(h), -1, -1))


def fit_norm(norm, h, wanted):
    """Weights and biases by which normalised activations come closest to others, unit by unit."""
    if type(norm) is not LayerNorm:
        return
    norm.weight.fill_(1.0)
    norm.bias.fill_(0.0)
    plain = norm(h)
    center = plain.mean(0)
    slope = ((plain - center) * wanted).mean(0) / (plain - center).square().mean(0).clamp(min=1e-12)
    norm.weight.copy_(slope)
    norm.bias.copy_(wanted.mean(0) - slope * center)


def fit_last(module, x, target, loss):
    """Correct the last layer by ridge regression, if that helps on rows that it was not fitted to."""
    last, n_members = module.layers[-1], module.n_members or 1
    h = module(x, depth=len(module.layers) - 1) if len(module.layers) > 1 else x[:, : last.in_features]
    if len(module.layers) == 1 or len(x) < 2 * last.in_features:
        return
    own = module(x)
    if loss is cross_entropy:  # what classes have in common says nothing
        target, own = target.log_softmax(-1), own.log_softmax(-1)
    residual = (target - own).reshape(len(x), n_members, -1)
    h = h.reshape(len(x), n_members, -1)
    is_chosen_on = torch.arange(len(x)) % SHARE_TO_CHOOSE == 0
    out = last.out_features
    for member in range(n_members):
        own = h[:, member]
        features = last.basis(own).flatten(1).double()
        left = residual[:, member].double() - residual[:, member].double().mean(0)
        center = features.mean(0)
        features = features - center
        fitting, choosing = ~is_chosen_on, is_chosen_on
        scale = features.square().mean()
        gram = features[fitting].T @ features[fitting] / fitting.sum()
        moment = features[fitting].T @ left[fitting] / fitting.sum()
        best, chosen = left[choosing].square().mean(), None
        for strength in STRENGTHS:
            ridge = strength * scale * torch.eye(len(gram), dtype=gram.dtype)
            coef = torch.linalg.solve(gram + ridge, moment)
            error = (left[choosing] - features[choosing] @ coef).square().mean()
            best, chosen = (error, coef) if error < best else (best, chosen)
        columns = slice(member * out, (member + 1) * out)
        shift = residual[:, member].double().mean(0)
        if chosen is not None:
            last.edge_weight[:, :, columns] += chosen.unflatten(0, (last.in_features, -1)).to(last.edge_weight)
            shift = shift - center @ chosen
        last.bias[columns] += shift.to(last.bias)
