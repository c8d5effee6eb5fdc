"""Linear models behind fixed features: ridge regression and Newton's method."""

import math
from functools import partial

import torch

from ..optim._conjugate_gradients import conjugate_gradients
from ._losses import Tweedie, cross_entropy

# Over the largest squared singular value.
RELATIVE_STRENGTHS = torch.logspace(-14, 1, 61, dtype=torch.float64, device="cpu")
ROUNDING = 1e-12  # of the features' norm, below which a singular value is none
LEAST_FREEDOM = 1e-9  # share of the rows, below which a fit interpolates
MAX_DENSE = 2_000  # features up to which matrices of them are factorised
LEADING = 500  # directions that stand for more features
NEWTON_STEPS, CG_STEPS, HALVINGS = 20, 50, 20
ARMIJO = 1e-4
LEAST_DECREASE = 1e-6  # of the objective, per unit of weight: where Newton's method ends
LEAST_CURVATURE = 1e-10  # of the largest, at which the preconditioner stays regular
CG_TOLERANCE = 0.03  # of the gradient, in the preconditioner's norm


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


def ridge(factor, n_rows, n_outputs):
    """Ridge regression with free biases from a triangle of `triangle`.

    Strengths to choose from span the singular values. The choice minimises the generalised cross-validation
    ``(|y - phi C|^2 / n) / (1 - trace(H) / n)^2``, with H the matrix that maps y to its prediction
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
    strengths = RELATIVE_STRENGTHS.to(s) * largest
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

    raw, precondition = phi @ C + offset, None
    value = summed(raw) + (penalty * C.square()).sum() / 2
    for _ in range(NEWTON_STEPS):
        gradient = phi.T @ torch.func.grad(summed)(raw) + penalty * C
        curved, size = curvature(loss, raw, weight, summed)
        if precondition is None:
            precondition = preconditioner(phi, size, penalty)
        step = conjugate_gradients(
            partial(hessian, phi, curved, penalty), -gradient, tolerance=CG_TOLERANCE, max_iter=CG_STEPS, inner=inner,
            precondition=precondition,
        )  # fmt: skip
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
    if isinstance(loss, Tweedie) and loss.power > 2:
        diagonal = diagonal.clamp(min=0)  # a mean far above its target, where the loss is not convex
    return (lambda D: diagonal * D), diagonal.mean(1, keepdim=True)


def is_dense(n_features):
    """Whether features are few enough for a factorisation, at a cost that grows with their cube."""
    return n_features <= MAX_DENSE


def leading_directions(batches):
    """Directions in which features vary most, orthonormal, (n_features - 1, LEADING); the first feature is one.

    A step of subspace iteration from a random start (Halko, Martinsson & Tropp 2011, alg. 4.4), the same at every call.
    """
    start, image = None, 0.0
    for phi, _, _, weight in batches:
        part = (weight.sqrt()[:, None] * phi[:, 1:]).float()
        if start is None:
            generator = torch.Generator("cpu").manual_seed(0)
            start = torch.randn(part.shape[1], LEADING, generator=generator, device="cpu").to(part)
        image = image + part.T @ (part @ start)
    return torch.linalg.qr(image)[0]


def preconditioner(phi, size, penalty):
    """An approximate inverse of the Hessian, by the features' weighted Gram matrix."""
    gram = phi.T @ (size * phi)
    gram.diagonal().add_(penalty[:, 0] + LEAST_CURVATURE * gram.diagonal().max())
    return partial(solve_factored, torch.linalg.cholesky(gram))


def solve_factored(root, B):
    """The inverse of a matrix, given by its Cholesky factor, times B."""
    return torch.cholesky_solve(B, root)


def inner(A, B):
    """Inner product of two matrices."""
    return (A * B).sum()
