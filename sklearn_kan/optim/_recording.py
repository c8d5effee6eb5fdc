"""What a step needs to know of calls of the model: inputs and gradients of its layers, by hooks that are gone after."""

from contextlib import contextmanager

import torch

from ._factors import input_moment, output_moment
from ._fisher import probes


class Record:
    """Inputs of the layers, and gradients of their outputs for each column of a root of the loss's curvature.

    Attributes
    ----------
    calls : list of (layer, x, g)
        ``x`` (n, ..., in), ``g`` (n_columns, n, ..., out).
    n_rows : int
    inputs : tuple
        What the model was called on.
    columns : Tensor of shape (n_columns, n, k)
        Of the root.
    """

    inputs: tuple
    columns: torch.Tensor

    def __init__(self, sample_weight):
        self.calls, self.n_rows, self.sample_weight = [], 0, sample_weight

    def of(self, linear):
        return [(x, g) for layer, x, g in self.calls if layer is linear.layer]

    def has(self, linear):
        return any(layer is linear.layer for layer, _, _ in self.calls)

    def moments(self, linear, max_side):
        """A, not yet divided by the weight of all rows, and G."""
        A = G = 0.0
        for x, g in self.of(linear):
            weight = self.sample_weight
            if weight is not None and x.ndim > 2:
                weight = weight.reshape(-1, *[1] * (x.ndim - 2)).expand(x.shape[:-1]).flatten()
            A = A + input_moment(linear, x.flatten(0, -2), weight, max_side) / self.n_rows
            G = G + output_moment(linear.pull(x, g), max_side) / self.n_rows
        return A, G

    def effect(self, linear, tensors):
        """Change of the outputs, times the root, when a map's parameters change by these: (n_columns, n)."""
        return sum((g * linear.apply(x, tensors)).flatten(2).sum(2) for x, g in self.of(linear))


@contextmanager
def recorded(model, maps, root, sample_weight=None, *, n_probes=None, seed=0):
    """Context in which the first call of a model fills a `Record`, which it gives.

    Parameters
    ----------
    model : Module
    maps : list of LinearMap or ElementwiseMap
        Their layers are watched.
    root : callable
        Outputs (n, k) to a root of the loss's curvature (n, k, n_columns).
    sample_weight : Tensor of shape (n,), optional
    n_probes : int, optional
        Random sums of the root's columns, instead of all columns.
    seed : int, default=0
        Of the probes.

    Raises
    ------
    RuntimeError
        If the model was not called.
    ValueError
        If rows are not the first axis everywhere.
    """
    record, calls = Record(sample_weight), []

    def on_layer(layer, inputs, named, y):
        x = next(iter((*inputs, *named.values())))
        probe = torch.zeros_like(y, requires_grad=True)
        calls.append((layer, x.detach(), probe))
        return y + probe

    def on_model(model, inputs, outputs):
        for handle in handles:
            handle.remove()
        check_rows(model, outputs, calls)
        columns = root(outputs.detach())
        if sample_weight is not None:
            columns = columns * sample_weight.sqrt()[:, None, None]
        columns = probes(columns, n_probes, torch.Generator().manual_seed(seed))
        record.inputs, record.columns = inputs, columns
        leaves = [probe for *_, probe in calls]
        sent = [torch.autograd.grad((outputs * column).sum(), leaves, retain_graph=True, materialize_grads=True)
                for column in columns if leaves]  # of a sum: of anything else torch imports sympy  # fmt: skip
        gradients = [torch.stack(g) for g in zip(*sent, strict=True)]
        record.calls = [(layer, x, g) for (layer, x, _), g in zip(calls, gradients, strict=True)]
        record.n_rows = len(outputs)

    layers = {id(linear.layer): linear.layer for linear in maps}.values()
    handles = [layer.register_forward_hook(on_layer, with_kwargs=True) for layer in layers]
    handles.append(model.register_forward_hook(on_model))
    try:
        yield record
    finally:
        for handle in handles:
            handle.remove()
    if not record.n_rows:
        raise RuntimeError("The optimizer saw no call of its model. Call it in the closure, and not only its layers.")


def check_rows(model, outputs, calls):
    """Raise unless rows are the first axis everywhere."""
    if not isinstance(outputs, torch.Tensor) or outputs.ndim != 2:
        found = f"shape {tuple(outputs.shape)}" if isinstance(outputs, torch.Tensor) else f"type {type(outputs)}"
        raise ValueError(f"The model's output has {found}. Let it be a tensor (n_rows, n_outputs).")
    names = {layer: name for name, layer in model.named_modules()}
    for layer, x, _ in calls:
        if len(x) != len(outputs):
            raise ValueError(
                f"{names[layer]}, a {type(layer).__name__}, was called on {len(x)} rows, and the model's output has "
                f"{len(outputs)}. Keep the rows in the first axis, others behind it."
            )


@torch.no_grad()
def evaluated(closure, gradients):
    """The loss by itself; the gradients stay."""
    for p in gradients:
        p.grad = None
    try:
        return float(closure())
    finally:
        for p, gradient in gradients.items():
            p.grad = gradient
