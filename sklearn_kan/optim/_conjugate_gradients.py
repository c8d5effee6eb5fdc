"""Linear systems of which only products with the matrix are known."""

import torch


def identity(residual):
    return residual


def conjugate_gradients(product, target, *, tolerance, max_iter, inner=torch.dot, precondition=identity):
    """Solve ``A x = target`` from zero, A symmetric and positive (Hestenes & Stiefel 1952).

    Each iterate has a lower ``x^T A x / 2 - target^T x`` than the one before it. Directions in which A does not curve
    upwards end the search.

    Parameters
    ----------
    product : callable
        ``x -> A x``.
    target : Tensor
        Of any shape that `product`, `inner` and `precondition` take.
    tolerance : float
        Share of the residual's norm at the start, in the norm of `precondition`, that ends the search.
    max_iter : int
        Most products.
    inner : callable, default=torch.dot
        Inner product of two tensors.
    precondition : callable, optional
        ``r -> P^-1 r``, with P close to A.

    Returns
    -------
    x : Tensor
    """
    x, residual = torch.zeros_like(target), target
    z = precondition(residual)
    direction, size = z, inner(residual, z)
    least = tolerance**2 * size
    for _ in range(max_iter):
        if not size > least:
            break
        image = product(direction)
        curvature = inner(direction, image)
        if not curvature > 0:
            break
        x = x + size / curvature * direction
        residual = residual - size / curvature * image
        z = precondition(residual)
        before, size = size, inner(residual, z)
        direction = z + size / before * direction
    return x
