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

from ._losses import Pinball, absolute_error, cross_entropy, squared_error
from ._rows import Batches
from ._training import limited_threads
from ._watching import mean_loss, snapshot

ROWS_AT_ONCE = 4096
SHARES = torch.logspace(-14, 1, 61, dtype=torch.float64)  # strengths over the largest squared singular value
ROUNDING = 1e-12  # of the features' norm, below which a singular value is none
LEAST_FREEDOM = 1e-9  # share of the rows, below which a fit interpolates
STRENGTHS = [10.0**k for k in range(3, -4, -1)]  # of smooth losses, tried on validation rows
NEWTON_STEPS, CG_STEPS, HALVINGS = 20, 50, 20
ARMIJO = 1e-4
LEAST_DECREASE = 1e-6  # of the objective, per unit of weight: where Newton's method ends
LEAST_CURVATURE = 1e-10  # of the largest, beside which the preconditioner stays regular
CG_TOLERANCE = 0.03  # of the gradient, in the preconditioner's norm


def check_can_refit(module, loss):
    """Raise if the last layer's coefficients cannot be solved for."""
    if loss is absolute_error or isinstance(loss, Pinball):
        name = "quantile" if isinstance(loss, Pinball) else "absolute_error"
        raise ValueError(
            f"refit='last_layer' needs a loss with curvature, got loss={name!r}. Choose 'squared_error', 'huber' or "
            "'poisson', or set refit=None."
        )
    layer = module.layers[-1]
    if any(getattr(edges, "direction", torch.zeros(0)).any() for edges in layer.modules()):
        raise ValueError("refit='last_layer' cannot hold monotonic_cst. Set refit=None, or monotonic_cst=None.")
    if getattr(layer.basis, "out_features", None) is not None:
        raise ValueError(
            "refit='last_layer' needs functions that all outputs share, and basis_params has individual_knots=True. "
            "Set refit=None, or individual_knots=False for the last layer."
        )


def refit_last_layer(net, rows, validation, strength):
    """Solve for the last layer of a trained net, each member's by itself.

    Squared loss: ridge regression, each strength by generalised cross-validation. Other losses: Newton's method, all
    members with the strength that validation rows choose. The net keeps its coefficients unless the validation loss
    falls.

    Parameters
    ----------
    net : Net
    rows, validation : Rows
        The latter may be None.
    strength : float
        Of the penalty ``strength / 2 ||C||^2`` beside the sum of the losses, for Newton's method without validation.

    Returns
    -------
    failed : bool
        Whether numbers became non-finite or a factorisation failed; the net keeps its best coefficients then.
    """
    module, layer = net.module_, net.module_.layers[-1]
    dtype = next(module.parameters()).dtype
    module.double().eval()
    rows, validation = (part and part.to(net.device, torch.float64) for part in (rows, validation))
    has_choice = validation is not None and net.criterion is not squared_error
    failed, best, coefficients = False, snapshot(module), read(layer)
    lowest, previous = math.inf if validation is None else mean_loss(net, validation), math.inf
    with torch.no_grad(), limited_threads(min(len(rows), ROWS_AT_ONCE) * coefficients[0].numel()):
        for choice in STRENGTHS if has_choice else [strength]:
            try:
                solved = [
                    solve(module, net.criterion, rows, k, current, choice) for k, current in enumerate(coefficients)
                ]
            except torch.linalg.LinAlgError:
                failed = True
                break
            coefficients = torch.stack(solved)
            write(layer, coefficients)
            result = 0.0 if validation is None else mean_loss(net, validation)
            if not (coefficients.isfinite().all() and math.isfinite(result)):
                failed = True
                break
            if result <= lowest:
                lowest, best = result, snapshot(module)
            if result > previous:  # weaker penalties would overfit more
                break
            previous = result
    module.load_state_dict(best)
    module.to(dtype)
    return failed


def solve(module, loss, rows, member, current, strength):
    """The best coefficients of one member, searched for from its current ones."""
    if loss is squared_error:
        factor, n_rows = triangle(affine(module, rows, member, current))
        return ridge(factor, n_rows, current.shape[1])[0]
    phi, offset, y, weight = map(torch.cat, zip(*affine(module, rows, member, current), strict=True))
    return newton(loss, phi, offset, y, weight, current, strength)


def read(layer):
    """All coefficients of a layer, factors of its inputs included."""
    parts = [layer.bias[None], layer.coef.permute(1, 2, 0).flatten(0, 1)]
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
    assign(layer, "edge_weight", edges.unflatten(0, (layer.in_features, -1)))
    if layer.base_weight is not None:
        assign(layer, "base_weight", base.T)
    if layer.scale is not None:
        layer.scale.fill_(1.0)


def assign(layer, name, tensor):
    if is_parametrized(layer, name):
        setattr(layer, name, tensor)
    else:
        getattr(layer, name).copy_(tensor)


def affine(module, rows, member, current):
    """For some rows at a time: phi, offset, target, and weights of mean one over the member's own rows."""
    layer = module.layers[-1]
    for X, (y, weight) in Batches(rows, ROWS_AT_ONCE):
        h, raw = module(X, depth=len(module.layers) - 1), module(X)
        if layer.n_members is not None:
            h, raw = h if h.ndim == 2 else h[:, member], raw[:, member]
        parts = [torch.ones_like(h[:, :1]), layer.basis(h).flatten(1)]
        phi = torch.cat(parts if layer.base_weight is None else [*parts, F.silu(h)], 1)
        yield phi, raw - phi @ current, y, weight if weight.ndim == 1 else weight[:, member]


def triangle(batches):
    """R of the QR decomposition of weighted ``[phi, y - offset]``, rows coming in parts; and how many rows there are.

    Rows of weight zero are another member's; otherwise a row of weight 2 counts as two.
    """
    factor, total, n_positive, n_seen = None, 0.0, 0, 0
    for phi, offset, y, weight in batches:
        part = weight.sqrt()[:, None] * torch.cat([phi, y - offset], 1)
        factor = torch.linalg.qr(part if factor is None else torch.cat([factor, part]), mode="r").R
        total, n_positive, n_seen = total + float(weight.sum()), n_positive + int((weight > 0).sum()), n_seen + len(y)
    return factor, total * n_positive / n_seen


def ridge(factor, n_rows, n_outputs, strengths=None):
    """Ridge regression with free biases from a triangle of `triangle`.

    Without `strengths` to choose from they span the singular values. The choice minimises the generalised
    cross-validation ``(|y - phi C|^2 / n) / (1 - trace(H) / n)^2``, with H the matrix that maps y to its prediction
    (Golub, Heath & Wahba 1979).

    Returns
    -------
    coefficients : Tensor of shape (n_features, n_outputs)
    strength : float
    """
    n_features = factor.shape[1] - n_outputs
    first, rest = factor[0], factor[1:]
    A, B = rest[:, 1:n_features], rest[:, n_features:]
    U, s, Vh = torch.linalg.svd(A, full_matrices=False)
    s = torch.where(s > ROUNDING * factor[:, :n_features].norm(), s, 0.0)
    z = U.T @ B
    unexplained = (B - U @ z).square().sum()
    largest = s.square().max() if s.numel() and s.max() > 0 else s.new_ones(())
    strengths = SHARES.to(s) * largest if strengths is None else torch.as_tensor(strengths).to(s)
    kept = s.square() / (s.square() + strengths[:, None])
    residual = unexplained + ((1 - kept).square()[..., None] * z.square()).sum((1, 2))
    freedom = n_rows - 1 - kept.sum(1)
    score = torch.where(freedom > LEAST_FREEDOM * n_rows, residual / freedom.square(), math.inf)
    best = int(score.flip(0).argmin())  # the strongest of equals
    strength = strengths.flip(0)[best]
    slopes = Vh.T @ ((s / (s.square() + strength))[:, None] * z)
    bias = (first[n_features:] - first[1:n_features] @ slopes) / first[0]
    return torch.cat([bias[None], slopes]), float(strength)


def newton(loss, phi, offset, y, weight, start, strength):
    """Minimise ``sum(w * loss(phi C + offset, y)) + strength / 2 ||C||^2``, with free biases.

    Newton's steps by conjugate gradients, halved until the objective falls by a share of what they promise (Nocedal &
    Wright 2006, alg. 7.1). Conjugate gradients are preconditioned by the features' Gram matrix, weighted by the
    curvature at the start.

    Returns
    -------
    coefficients : Tensor of shape (n_features, n_outputs)
    """
    least = LEAST_DECREASE * float(weight.sum())
    C, penalty = start, torch.full_like(start[:, :1], strength)
    penalty[0] = 0.0
    if loss is cross_entropy:
        C = C - C.mean(1, keepdim=True)  # what all classes have in common makes no difference but to the penalty

    def summed(raw):
        return (weight * loss(raw, y)).sum()

    raw, root = phi @ C + offset, None
    value = summed(raw) + (penalty * C.square()).sum() / 2
    for _ in range(NEWTON_STEPS):
        gradient = phi.T @ torch.func.grad(summed)(raw) + penalty * C
        curved, size = curvature(loss, raw, weight, summed)
        if root is None:
            gram = phi.T @ (size * phi)
            gram.diagonal().add_(penalty[:, 0] + LEAST_CURVATURE * gram.diagonal().max())
            root = torch.linalg.cholesky(gram)
        step = conjugate_gradients(partial(hessian, phi, curved, penalty), -gradient, root)
        slope, change = float((gradient * step).sum()), phi @ step
        if not -slope > least:
            break
        share, trial = 1.0, C
        for _ in range(HALVINGS):
            trial = C + share * step
            after = summed(raw + share * change) + (penalty * trial.square()).sum() / 2
            if after <= value + ARMIJO * share * slope:
                break
            share /= 2
        else:
            break
        C, raw, value = trial, raw + share * change, after
    return C


def hessian(phi, curved, penalty, direction):
    return phi.T @ curved(phi @ direction) + penalty * direction


def curvature(loss, raw, weight, summed):
    """The losses' second derivatives: as a map of directions (n, k), and their size in each row, (n, 1).

    Losses of regression are sums over outputs, so that theirs are diagonal.
    """
    if loss is cross_entropy:
        p = raw.softmax(1)
        return (
            lambda D: weight[:, None] * p * (D - (p * D).sum(1, keepdim=True)),
            (weight * (p * (1 - p)).mean(1) * 2)[:, None],
        )
    (diagonal,) = torch.func.vjp(torch.func.grad(summed), raw)[1](torch.ones_like(raw))
    return (lambda D: diagonal * D), diagonal.mean(1, keepdim=True)


def conjugate_gradients(product, target, root):
    """Solve ``product(x) = target``, preconditioned by the matrix whose Cholesky factor is `root`."""
    x, residual = torch.zeros_like(target), target
    z = torch.cholesky_solve(residual, root)
    direction, size = z, float((residual * z).sum())
    least = CG_TOLERANCE**2 * size
    for _ in range(CG_STEPS):
        if not size > least:
            break
        image = product(direction)
        curvature = float((direction * image).sum())
        if not curvature > 0:
            break
        x = x + size / curvature * direction
        residual = residual - size / curvature * image
        z = torch.cholesky_solve(residual, root)
        before, size = size, float((residual * z).sum())
        direction = z + size / before * direction
    return x
