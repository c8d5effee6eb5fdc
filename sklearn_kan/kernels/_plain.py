"""Expand and multiply in plain torch, a block of rows at a time, so that the expansion of all rows is never stored."""

import torch

N_BUFFERS = 6
VALUES_AT_ONCE = 2**17  # of the basis: they stay in the nearer caches
LEAST_ROWS = 64  # fewer make poor products


def expand_and_multiply(x, weight, expand, differentiable):
    """Sum of the edge functions of a basis that can tell its slopes.

    Parameters
    ----------
    x : Tensor of shape (n, in)
    weight : Tensor of shape (in, n_basis, out)
    expand : callable
        ``(x, slopes, buffers) -> (values, slopes)``, each (n, n_basis, in), without gradients; `buffers` of shape
        (6, n, n_basis, in) is memory to work in.
    differentiable : callable
        The same sum ``(x, weight) -> y``, for gradients of gradients.

    Returns
    -------
    y : Tensor of shape (n, out)
    """
    return ExpandAndMultiply.apply(x, weight, expand, differentiable)


class ExpandAndMultiply(torch.autograd.Function):
    """Saves its inputs and nothing else: backward expands again."""

    @staticmethod
    def forward(ctx, x, weight, expand, differentiable):
        ctx.save_for_backward(x, weight)
        ctx.expand, ctx.differentiable = expand, differentiable
        matrix = as_matrix(weight)
        y = x.new_empty(len(x), weight.shape[2])
        for rows, buffers in blocks(x, weight):
            torch.mm(expand(x[rows], False, buffers)[0].flatten(1), matrix, out=y[rows])
        return y

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *gradients_of_gradients(ctx.differentiable, (x, weight), grad), None, None
        matrix = as_matrix(weight)
        grad_matrix = torch.zeros_like(matrix)
        grad_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        for rows, buffers in blocks(x, weight):
            values, slopes = ctx.expand(x[rows], grad_x is not None, buffers)
            grad_matrix.addmm_(values.flatten(1).T, grad[rows])
            if grad_x is not None:
                grad_x[rows] = slopes.mul_((grad[rows] @ matrix.T).view(slopes.shape)).sum(1)
        return grad_x, grad_matrix.unflatten(0, weight.shape[1::-1]).transpose(0, 1), None, None


def as_matrix(weight):
    """Coefficients as the matrix that the expanded inputs are multiplied with, ``(n_basis * in, out)``."""
    return weight.transpose(0, 1).flatten(0, 1)


def blocks(x, weight):
    """Slices of rows whose expansion is small, each with memory for it."""
    n_rows = max(LEAST_ROWS, VALUES_AT_ONCE // max(1, weight[..., 0].numel()))
    buffers = x.new_empty(N_BUFFERS, min(n_rows, len(x)), weight.shape[1], x.shape[1])
    for start in range(0, len(x), n_rows):
        yield slice(start, start + n_rows), buffers[:, : len(x) - start]


def gradients_of_gradients(differentiable, tensors, grad):
    """Gradients of `tensors` that can be differentiated again."""
    wanted = [tensor for tensor in tensors if tensor.requires_grad]
    found = iter(torch.autograd.grad(differentiable(*tensors), wanted, grad, create_graph=True))
    return [next(found) if tensor.requires_grad else None for tensor in tensors]
