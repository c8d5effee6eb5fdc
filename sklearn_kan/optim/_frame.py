"""Coordinates of a network's coefficients in which roughness is a sum of squares, and which of them are alike."""

from typing import Any

import torch

from ._jacobian import MatrixBlock

FLAT = 1e-6  # of the largest eigenvalue, below which a direction does not bend


class Frame:
    """Coordinates z of a network's parameters, ``w = T z``, in groups.

    Behind a basis whose map knows how coefficients bend, they are the eigenvectors of the roughness, those that bend
    divided by the root of their eigenvalue; elsewhere they are the parameters.

    Attributes
    ----------
    group : LongTensor of shape (n_parameters,)
        Of each coordinate; `n_groups` for those that are in none.
    n_groups : int
    """

    def __init__(self, blocks, record):
        first, self.blocks = record.calls[0][0], blocks
        names: dict[Any, int] = {}
        self.turns, groups = [], []
        for block in blocks:
            turn, is_rough = turned(block)
            self.turns.append(turn)
            group = torch.full((block.size,), -1, dtype=torch.int64, device="cpu")
            if isinstance(block, MatrixBlock):
                kinds = "products" if is_rough is None else "splines"
                inner = group[: block.n_coefficients].view(block.linear.in_features, block.linear.side, -1)
                owners = block.linear.owners or range(len(inner))
                is_of_columns = block.linear.layer is first or block.linear.owners is not None
                for i, owner in enumerate(owners):
                    place = owner if is_of_columns else None
                    for j in range(block.linear.side):
                        name = block.linear.layer, place, kinds, is_rough is not None and bool(is_rough[i, j])
                        inner[i, j] = names.setdefault(name, len(names))
            groups.append(group)
        self.transposed_turns = [None if turn is None else turn.mT.contiguous() for turn in self.turns]
        self.inverse_turns = [None if turn is None else torch.linalg.inv(turn) for turn in self.turns]
        self.n_groups = len(names)
        group = torch.cat(groups)
        self.group = torch.where(group < 0, self.n_groups, group).to(blocks[0].parameters[0].device)

    def over(self, tensor, turns):
        """A tensor whose first axis is that of all parameters, turned block by block."""
        parts = []
        for block, turn, part in zip(self.blocks, turns, tensor.split([b.size for b in self.blocks]), strict=True):
            if turn is None:
                parts.append(part)
                continue
            inner, rest = part.split([block.n_coefficients, block.size - block.n_coefficients])
            n_inputs, side, _ = turn.shape
            parts += [(turn @ inner.reshape(n_inputs, side, -1)).reshape(inner.shape), rest]
        return torch.cat(parts)

    def applied(self, z):
        """T z."""
        return self.over(z, self.turns)

    def transposed(self, w):
        """The transpose of T times w, a vector or a matrix."""
        return self.over(w, self.transposed_turns)

    def coordinates(self, w):
        """z, of which w is T z."""
        return self.over(w, self.inverse_turns)

    def squared(self, matrix):
        """T^T M T of a symmetric matrix."""
        return self.transposed(self.transposed(matrix).T.contiguous())


def turned(block):
    """T for the features of each input, and which of the new coordinates bend; None for both where none does."""
    bends = block.linear.bends() if isinstance(block, MatrixBlock) else None
    if bends is None or not bends.shape[1]:
        return None, None
    values, vectors = torch.linalg.eigh(bends.mT @ bends)
    is_rough = values > FLAT * values.amax(1, keepdim=True)
    return vectors * torch.where(is_rough, values, 1.0).rsqrt()[:, None], is_rough
