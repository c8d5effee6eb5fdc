"""The last layer's coefficients, solved for exactly behind features that stay as they are.

A network is affine in the coefficients C of its last layer, ``raw = phi C + offset``: phi are a one for the biases, the
values of the basis and of the base branch; the offset holds what is not linear in them, such as products. Freezing
what is before and solving for the rest is the second stage of Cao et al. (2024, *Spectral-Refiner*, arXiv:2405.17211).

Layout: coefficients ``(n_members, n_features, n_outputs)``, biases first; phi ``(n, n_features)`` of one member.
"""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch.nn.utils.parametrize import is_parametrized

from ._evaluation import EVALUATION_ROWS, mean_loss, snapshot
from ._linear_models import is_dense, leading_directions, newton, ridge, triangle
from ._losses import Pinball, absolute_error, squared_error
from ._rows import Batches

STRENGTHS = [10.0**k for k in range(3, -4, -1)]  # of smooth losses, tried on validation rows
SET_ASIDE = 6  # one of so many rows, to try them on where there are no validation rows


def check_can_refit(module, loss):
    """Raise if the last layer's coefficients cannot be solved for."""
    if loss is absolute_error or isinstance(loss, Pinball):
        name = "quantile" if isinstance(loss, Pinball) else "absolute_error"
        raise ValueError(
            f"refit='last_layer' needs a loss with curvature, got loss={name!r}. Choose 'squared_error', 'huber', "
            "'poisson', 'gamma' or 'tweedie', or set refit=None."
        )
    layer = module.layers[-1]
    if any(getattr(edges, "direction", torch.zeros(0)).any() for edges in layer.modules()):
        raise ValueError("refit='last_layer' cannot hold monotonic_cst. Set refit=None, or monotonic_cst=None.")
    if getattr(layer.basis, "out_features", None) is not None:
        raise ValueError(
            "refit='last_layer' needs functions that all outputs share, and basis_params has individual_knots=True. "
            "Set refit=None, or individual_knots=False for the last layer."
        )


def refit_last_layer(net, rows, validation):
    """Solve for the last layer of a trained net, each member's by itself.

    Squared loss: ridge regression, each strength by generalised cross-validation. Other losses: Newton's method, all
    members with the strength that validation rows choose, or rows set aside for that. The net keeps its coefficients
    unless the loss of these rows falls.

    In layers of more than `MAX_DENSE` features, whose matrices would take minutes, the change of coefficients is solved
    for, in the directions in which features vary most. A solution from scratch would forget more of the training than
    it makes up for.

    Parameters
    ----------
    net : Net
    rows, validation : Rows
        The latter may be None.

    Returns
    -------
    failed : bool
        Whether numbers became non-finite or a factorisation failed; the net keeps its best coefficients then, as it
        does if this is interrupted.
    """
    module = net.module_
    if validation is None and net.criterion is not squared_error:
        if len(rows) < SET_ASIDE:
            return False
        order = torch.randperm(len(rows), generator=torch.Generator("cpu").manual_seed(0), device="cpu")
        rows, validation = rows[order[len(rows) // SET_ASIDE :]], rows[order[: len(rows) // SET_ASIDE]]
    dtype, best = next(module.parameters()).dtype, Best(snapshot(module))
    try:
        module.double().eval()
        rows, validation = (part and part.to(net.device, torch.float64) for part in (rows, validation))
        return not solved(net, rows, validation, best)
    finally:
        module.load_state_dict(best.state)
        module.to(dtype)


class Best:
    """The best state of a network so far."""

    def __init__(self, state):
        self.state = state


def solved(net, rows, validation, best):
    """Solve with one strength after the other, keeping the best state; returns whether all went well."""
    module, layer = net.module_, net.module_.layers[-1]
    trained = coefficients = read(layer)
    directions: dict[int, torch.Tensor] = {}
    lowest, previous = math.inf if validation is None else mean_loss(net, validation), math.inf
    with torch.no_grad():
        for strength in [0.0] if net.criterion is squared_error else STRENGTHS:
            try:
                each = [
                    solve(module, net.criterion, rows, k, current, strength, trained[k], directions)
                    for k, current in enumerate(coefficients)
                ]
            except torch.linalg.LinAlgError:
                return False
            coefficients = torch.stack(each)
            write(layer, coefficients)
            result = 0.0 if validation is None else mean_loss(net, validation)
            if not (coefficients.isfinite().all() and math.isfinite(result)):
                return False
            if result <= lowest:
                lowest, best.state = result, snapshot(module)
            if result > previous:  # weaker penalties would overfit more
                break
            previous = result
    return True


def solve(module, loss, rows, member, current, strength, trained, directions):
    """The best coefficients of one member, searched for from its current ones.

    Of many features they are those after training, changed in the member's `directions`, which are kept for next time.
    """
    parts = partial(affine, module, rows, member, current)
    if is_dense(len(current)):
        return solution(loss, parts(), current, strength)
    if member not in directions:
        directions[member] = leading_directions(parts())
    leading = directions[member].to(current)
    start = current.new_zeros(1 + leading.shape[1], current.shape[1])
    change = solution(loss, changed(parts(), trained, leading), start, strength)
    return trained + torch.cat([change[:1], leading @ change[1:]])


def changed(parts, trained, leading):
    """Parts as `affine` gives them, for changes of the bias and of coefficients in `leading` directions."""
    for phi, offset, y, weight in parts:
        yield torch.cat([phi[:, :1], phi[:, 1:] @ leading], 1), offset + phi @ trained, y, weight


def solution(loss, parts, start, strength):
    """Coefficients of the features that `parts` have."""
    if loss is squared_error:
        factor, n_rows = triangle(parts)
        return ridge(factor, n_rows, start.shape[1])[0]
    phi, offset, y, weight = map(torch.cat, zip(*parts, strict=True))
    return newton(loss, phi, offset, y, weight, start, strength)


def read(layer):
    """All coefficients of a layer, factors of its inputs included."""
    parts = [layer.bias[None], layer.scaled_weight.flatten(0, 1)]
    if layer.base_weight is not None:
        parts.append(layer.scaled(layer.base_weight.T))
    return torch.cat(parts).detach().unflatten(1, (-1, layer.out_features)).transpose(0, 1).contiguous()


def write(layer, coefficients):
    """Put coefficients into a layer; factors of its inputs become one."""
    bias, edges, base = (
        coefficients.transpose(0, 1)
        .flatten(1)
        .split([1, layer.in_features * layer.basis.n_basis, layer.in_features * (layer.base_weight is not None)])
    )
    assign(layer, "bias", bias[0])
    assign(layer, "edge_weight", edges.unflatten(0, (layer.in_features, layer.basis.n_basis)))
    if layer.base_weight is not None:
        assign(layer, "base_weight", base.T)
    if layer.scale is not None:
        layer.scale.fill_(1.0)


def assign(layer, name, tensor):
    if is_parametrized(layer, name):
        setattr(layer, name, tensor.contiguous())  # a copy's tensor is, and products round otherwise where it is not
    else:
        getattr(layer, name).copy_(tensor)


def affine(module, rows, member, current):
    """For some rows at a time: phi, offset, target, and weights of mean one over the member's own rows."""
    layer = module.layers[-1]
    for X, (y, weight) in Batches(rows, EVALUATION_ROWS):
        h, raw = module(X, depth=len(module.layers) - 1), module(X)
        if layer.n_members is not None:
            h, raw = h if h.ndim == 2 else h[:, member], raw[:, member]
        values = layer.basis(h)
        if values.ndim == 4:  # by output, all of a member alike
            values = values[:, member * layer.out_features]
        parts = [h.new_ones(len(h), 1), values.flatten(1)]
        phi = torch.cat(parts if layer.base_weight is None else [*parts, F.silu(h)], 1)
        yield phi, raw - phi @ current, y, weight[:, member if weight.shape[1] > 1 else 0]
