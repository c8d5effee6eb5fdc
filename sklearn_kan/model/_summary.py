"""What a fitted network is made of, layer by layer."""

from typing import NamedTuple

import torch

from ..network._lookup import EMBEDDING_DIM


class LayerSummary(NamedTuple):
    """A layer of all members together.

    Parameters
    ----------
    name : str
    shape : str
        Inputs and outputs of one member.
    edges : int
        Of all members.
    parameters : int
    multiplications : int
        For one row, about.
    """

    name: str
    shape: str
    edges: int
    parameters: int
    multiplications: int


class Summary(NamedTuple):
    """What a fitted network is made of; its text is a table.

    Parameters
    ----------
    layers : list of LayerSummary
    n_members : int
    n_parameters : int
    n_multiplications : int
        Of a prediction for one row, about.
    """

    layers: list[LayerSummary]
    n_members: int
    n_parameters: int
    n_multiplications: int

    def __str__(self):
        heads = "layer", "shape", "edges", "parameters", "multiplications a row"
        rows = [[row.name, row.shape, *(f"{n:,}" for n in row[2:])] for row in self.layers]
        total = ["all", "", f"{sum(row.edges for row in self.layers):,}", f"{self.n_parameters:,}",
                 f"{self.n_multiplications:,}"]  # fmt: skip
        widths = [max(len(line[i]) for line in (heads, *rows, total)) for i in range(len(heads))]
        lines = [
            "  ".join(
                cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
            )
            for line in (heads, *rows, total)
        ]
        members = f"{self.n_members} network{'s' if self.n_members > 1 else ''}, whose outputs are averaged"
        return "\n".join([members if self.n_members > 1 else "a single network", *lines])

    def __repr__(self):
        return str(self)


def summary_of(module):
    """A summary of a network."""
    layers = []
    for number, layer in enumerate(module.layers):
        order = [getattr(basis, "degree", basis.n_basis - 1) + 1 for basis, _ in layer.basis.parts(layer.n_units)]
        edges = layer.in_features * layer.n_units
        work = edges * (max(order) + (layer.base_weight is not None))
        layers.append(LayerSummary(
            f"layer {number + 1}: {type(layer.basis.parts(layer.n_units)[0][0]).__name__}",
            f"{layer.in_features} to {layer.out_features}", edges, count(layer), work,
        ))  # fmt: skip
        if number == 0 and module.lookup is not None:
            lookup = module.lookup
            n_inputs, n_vectors = len(lookup.n_levels), len(lookup.factored) * EMBEDDING_DIM
            work = (len(lookup.direct) + n_vectors) * layer.n_units
            shape = f"{n_inputs} to {layer.out_features}"
            layers.append(LayerSummary("labels and marks", shape, n_inputs * layer.n_units, count(lookup), work))
        if number < len(module.norms) and count(module.norms[number]):
            size = count(module.norms[number])
            layers.append(LayerSummary("norm", f"{layer.out_features} to {layer.out_features}", 0, size, 2 * size))
    return Summary(
        layers, module.n_members or 1, sum(row.parameters for row in layers),
        sum(row.multiplications for row in layers),
    )  # fmt: skip


def count(module: torch.nn.Module):
    """Parameters of a module."""
    return sum(p.numel() for p in module.parameters())
