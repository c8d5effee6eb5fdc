"""Kronecker factors of a map's curvature, and solving with them.

The factor of the inputs is the second moment of the features and a one, ``E[(phi, 1)(phi, 1)^T]``: one block for all
inputs, or one for each, ``(n_blocks, side + 1, side + 1)``. Systems are solved in centred features, with the bias
apart: the same function in other coordinates, in which blocks are exact for independent inputs.
"""

import torch

MAX_FEATURE_VALUES = 2**22  # held at once
ROUNDING_UNITS = 1e3  # in the last place of the largest curvature, below which there is none without damping


def input_moment(linear, x, weight, max_side):
    """Weighted second moment of the features and a one, ``(n, in) -> (n_blocks, side + 1, side + 1)``."""
    n_blocks = 1 if linear.in_features * linear.side <= max_side else linear.in_features
    shape = n_blocks, linear.in_features * linear.side // n_blocks
    total = x.new_zeros(n_blocks, shape[1] + 1, shape[1] + 1)
    parts = max(1, MAX_FEATURE_VALUES // max(1, linear.in_features * linear.side))
    weights = [None] * len(x.split(parts)) if weight is None else weight.split(parts)
    for rows, share in zip(x.split(parts), weights, strict=True):
        phi = linear.features(rows)
        phi = torch.cat([phi.reshape(len(phi), *shape), phi.new_ones(len(phi), n_blocks, 1)], -1).transpose(0, 1)
        if share is None:
            total += phi.transpose(1, 2) @ phi
        else:
            total += phi.transpose(1, 2) @ (phi * share.repeat_interleave(phi.shape[1] // len(rows))[:, None])
    return total


def output_moment(g, max_side):
    """Sum over columns and rows of ``g g^T``, (out, out); of wide layers its diagonal."""
    g = g.flatten(0, -2)
    return g.T @ g if g.shape[1] <= max_side else g.square().sum(0).diag_embed()


def average_in(state, name, moment, decay):
    """Take a moment into a moving average; returns whether it is finite, and otherwise leaves it out."""
    if not moment.isfinite().all():
        state.setdefault(name, torch.eye(moment.shape[-1]).to(moment).expand_as(moment).clone())
        return False
    if name in state:
        state[name].lerp_(moment, 1 - decay)
    else:
        state[name] = moment
    return True


def decompose(matrix):
    """Eigenvalues, none negative, and vectors; where there are none to be found, those of the diagonal."""
    try:
        values, vectors = torch.linalg.eigh(matrix.double())
    except torch.linalg.LinAlgError:
        values = matrix.double().diagonal(dim1=-2, dim2=-1)
        vectors = torch.eye(matrix.shape[-1]).to(values).expand_as(matrix)
    return values.clamp(min=0).to(matrix.dtype), vectors.to(matrix.dtype)


def decompose_factors(state, has_bias):
    """Bring the eigenvectors up to date with the moments."""
    A = state["A"].double()
    mean = A[:, :-1, -1] if has_bias else torch.zeros_like(A[:, :-1, -1])
    covariance = A[:, :-1, :-1] - mean[:, :, None] * mean[:, None]
    state["mean"] = mean.to(state["A"].dtype)
    state["A_values"], state["A_vectors"] = decompose(covariance.to(state["A"].dtype))
    state["G_values"], state["G_vectors"] = decompose(state["G"])


def solve(state, matrix, bias, damping):
    """Multiply coefficients and biases by the inverse of ``(A + pi sqrt(damping)) x (G + sqrt(damping) / pi)``.

    ``pi**2 = (tr A / dim A) / (tr G / dim G)`` (Martens & Grosse 2015, eq. 6.3). Without damping the inverse is a
    pseudo-inverse.
    """
    mean, a, qa = state["mean"], state["A_values"], state["A_vectors"]
    g, qg = state["G_values"], state["G_vectors"]
    shape = matrix.shape
    matrix = matrix.reshape(*a.shape, shape[-1])
    if bias is not None:
        matrix = matrix - mean[..., None] * bias
    pi = 1.0 if not (a.sum() > 0 and g.sum() > 0) else float((a.mean() / g.mean()).sqrt())
    a_damped, g_damped = a + pi * damping**0.5, g + damping**0.5 / pi
    least = 0.0 if damping else ROUNDING_UNITS * torch.finfo(a.dtype).eps
    matrix = qa @ divided(qa.transpose(1, 2) @ matrix @ qg, a_damped[..., None] * g_damped, least) @ qg.T
    if bias is not None:
        bias = qg @ divided(qg.T @ bias, (1 + pi * damping**0.5) * g_damped, least)
        bias = bias - (mean[..., None] * matrix).sum((0, 1))
    return matrix.reshape(shape), bias


def divided(values, curvature, least):
    """Quotients, and nothing where the curvature is below the share `least` of the largest."""
    if curvature.numel() == 0:
        return values
    return torch.where(curvature > least * curvature.max(), values / curvature, 0.0)
