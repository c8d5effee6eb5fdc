"""What a step needs to see of one call of the model, by hooks that are gone afterwards."""

from contextlib import contextmanager

import torch

from ._factors import input_moment, output_moment
from ._fisher import probes


class Seen:
    """Inputs of the layers, and gradients of their outputs for each column of a root of the loss's curvature.

    Attributes
    ----------
    calls : list of (layer, x, g)
        ``x`` (n, ..., in), ``g`` (n_columns, n, ..., out).
    n_rows : int
    x : Tensor
        What the model was called on.
    columns : Tensor of shape (n_columns, n, k)
        Of the root.
    """

    x: torch.Tensor
    columns: torch.Tensor

    def __init__(self, sample_weight):
        self.calls, self.n_rows, self.sample_weight = [], 0, sample_weight

    def of(self, one):
        return [(x, g) for layer, x, g in self.calls if layer is one.layer]

    def has(self, one):
        return any(layer is one.layer for layer, _, _ in self.calls)

    def moments(self, one, max_side):
        """A, not yet divided by the weight of all rows, and G."""
        A = G = 0.0
        for x, g in self.of(one):
            weight = self.sample_weight
            if weight is not None and x.ndim > 2:
                weight = weight.reshape(-1, *[1] * (x.ndim - 2)).expand(x.shape[:-1]).flatten()
            A = A + input_moment(one, x.flatten(0, -2), weight, max_side) / self.n_rows
            G = G + output_moment(one.pull(x, g), max_side) / self.n_rows
        return A, G

    def effect(self, one, tensors):
        """Change of the outputs, times the root, when a map's parameters change by these: (n_columns, n)."""
        return sum((g * one.apply(x, tensors)).flatten(2).sum(2) for x, g in self.of(one))


@contextmanager
def watch(optimizer, sample_weight, seed):
    """Watch the first call of an optimizer's model."""
    seen, calls = Seen(sample_weight), []

    def on_layer(layer, inputs, y):
        probe = torch.zeros_like(y, requires_grad=True)
        calls.append((layer, inputs[0].detach(), probe))
        return y + probe

    def on_model(model, inputs, outputs):
        for handle in handles:
            handle.remove()
        check_rows(outputs, calls)
        root = optimizer.root(outputs.detach())
        if sample_weight is not None:
            root = root * sample_weight.sqrt()[:, None, None]
        columns = probes(root, optimizer.param_groups[0].get("n_probes"), torch.Generator().manual_seed(seed))
        seen.x, seen.columns = inputs[0].detach(), columns
        leaves = [probe for *_, probe in calls]
        sent = [torch.autograd.grad(outputs, leaves, column, retain_graph=True, materialize_grads=True)
                for column in columns if leaves]  # fmt: skip
        gradients = [torch.stack(g) for g in zip(*sent, strict=True)]
        seen.calls = [(layer, x, g) for (layer, x, _), g in zip(calls, gradients, strict=True)]
        seen.n_rows = len(outputs)

    layers = {id(one.layer): one.layer for one in optimizer.maps}.values()
    handles = [layer.register_forward_hook(on_layer) for layer in layers]
    handles.append(optimizer.model.register_forward_hook(on_model))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
    if not seen.n_rows:
        raise RuntimeError(
            f"{type(optimizer).__name__} saw no call of its model. Call it in the closure, and not only its layers."
        )


def check_rows(outputs, calls):
    """Raise unless rows are the first axis everywhere."""
    if outputs.ndim != 2:
        raise ValueError(f"The model's output has shape {tuple(outputs.shape)}. Let it be (n_rows, n_outputs).")
    for layer, x, _ in calls:
        if len(x) != len(outputs):
            raise ValueError(
                f"{type(layer).__name__} was called on {len(x)} rows, and the model's output has {len(outputs)}. "
                "Keep the rows in the first axis, others behind it."
            )
