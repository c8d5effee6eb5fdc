"""Square roots of a loss's curvature at the outputs, row by row: ``S S^T = H``, (n, k) -> (n, k, n_columns).

H is the Fisher information of the density whose negative logarithm the loss is. Squared error and cross-entropy have
it as their second derivative too (Martens 2020, *New Insights and Perspectives on the Natural Gradient Method*).
"""

import torch


def constant_root(outputs, information):
    """Root of `information` times the unit matrix."""
    unit = torch.eye(outputs.shape[1], dtype=outputs.dtype, device=outputs.device)
    return (information**0.5 * unit).expand(len(outputs), -1, -1)


def mse_root(outputs):
    """Of :class:`torch.nn.MSELoss`, the squared error's mean over rows and outputs."""
    return constant_root(outputs, 2 / outputs.shape[1])


def cross_entropy_root(outputs):
    """Of :class:`torch.nn.CrossEntropyLoss`: ``diag(p) - p p^T``; for two classes its one column."""
    p = outputs.softmax(1)
    if outputs.shape[1] == 2:
        return p.prod(1, keepdim=True).sqrt()[..., None] * outputs.new_tensor([1.0, -1.0])[:, None]
    return torch.diag_embed(p.sqrt()) - p[..., None] * p.sqrt()[:, None]


ROOTS = {"mse": mse_root, "cross_entropy": cross_entropy_root}


def get_root(fisher):
    """The function behind a name, or the function itself."""
    if callable(fisher):
        return fisher
    if fisher not in ROOTS:
        names = ", ".join(map(repr, ROOTS))
        raise ValueError(f"fisher={fisher!r} is unknown. Choose one of {names}, or pass a function.")
    return ROOTS[fisher]


def probes(root, n_probes, generator=None):
    """Columns to be sent back, (n_columns, n, k): those of the root, or random sums of them.

    With signs e of mean zero, ``E[(S e)(S e)^T] = S S^T``.
    """
    if n_probes is not None:
        shape = len(root), root.shape[2], n_probes
        signs = torch.randint(2, shape, generator=generator, device="cpu").to(root) * 2 - 1
        root = root @ signs / n_probes**0.5
    return root.permute(2, 0, 1)
