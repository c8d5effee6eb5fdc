"""Quadratic models of a loss, minimised in the span of a few directions."""

import torch

LEAST_EIGENVALUE = 1e-10  # over the largest, below which two directions are one


def inner(tensors, others):
    """Inner product of two lists of tensors; of the shorter one's length."""
    return sum((a * b).sum().double() for a, b in zip(tensors, others, strict=False))


def minimiser(curvature, slope):
    """Where ``slope^T c + c^T curvature c / 2`` is least, nothing along directions that are not there."""
    if not (curvature.isfinite().all() and slope.isfinite().all()):
        return torch.zeros_like(slope)
    scale = torch.where(curvature.diagonal() > 0, curvature.diagonal(), torch.inf).rsqrt()
    values, vectors = torch.linalg.eigh(curvature * scale * scale[:, None])
    kept = torch.where(values > LEAST_EIGENVALUE, 1 / values, 0.0)
    return -scale * (vectors @ (kept * (vectors.T @ (scale * slope))))


def combined(directions, gradients, record, *, damping, penalty, lr, max_kl, reduce=None):
    """The best combination of directions, and by how much the model of the loss falls.

    For directions D, and J D the changes of outputs times the root of the loss's curvature, the model is
    ``g^T D c + c^T (|J D|^2 / n + damping D^T D + penalty W^T W) c / 2``, with W the coefficients in D.

    Parameters
    ----------
    directions : list of (LinearMap, list of Tensor)
        Each a change of one map's parameters.
    gradients : dict of Parameter to Tensor
    record : Record
    damping, penalty : float
    lr : float
        Share of the minimum that is taken.
    max_kl : float
        Largest ``c^T |J D|^2 / n c / 2``.
    reduce : callable, optional

    Returns
    -------
    steps : dict of Parameter to Tensor
    reduction : float
    """
    slope = torch.stack([inner([gradients[p] for p in linear.parameters], step) for linear, step in directions])
    effects = torch.stack([record.effect(linear, step).flatten() for linear, step in directions]).double()
    fisher = effects @ effects.T / record.n_rows
    if reduce is not None:
        reduce([fisher], record.n_rows)
    ridge = torch.zeros_like(fisher)
    for i, (linear, step) in enumerate(directions):
        for j, (other, another) in enumerate(directions):
            if linear is other:
                ridge[i, j] = damping * inner(step, another)
                ridge[i, j] += penalty * inner(step[: len(linear.coefficients)], another)
    share = minimiser(fisher + ridge, slope) * lr
    divergence = 0.5 * float(share @ fisher @ share)
    share *= min(1.0, (max_kl / divergence) ** 0.5 if divergence > 0 else 1.0)
    reduction = -float(slope @ share + 0.5 * share @ (fisher + ridge) @ share)
    steps = {p: torch.zeros_like(p) for linear, _ in directions for p in linear.parameters}
    for (linear, step), weight in zip(directions, share.tolist(), strict=True):
        for p, change in zip(linear.parameters, step, strict=True):
            steps[p].add_(change, alpha=weight)
    return steps, reduction
