"""First-layer sums of a network, in which a column can be exchanged without adding up all others again."""

from typing import NamedTuple

import numpy as np
import torch

from .._surroundings import without_spinning
from ..network._kan import KAN
from ..network._packed import can_be_packed
from ..training._losses import within_reach
from ._model import NUMBERS_AT_ONCE, Model

MANY_INPUTS = 40  # from which on this is faster than whole predictions by the compiled library


def has_sums(model):
    """Whether columns can be exchanged in the first layer's sums, and whether it pays."""
    module = model.module
    is_plain = type(module) is KAN and len(module.layers) > 1 and module.layers[0].factor is None
    return is_plain and (not can_be_packed(module) or len(model.encoder.column_of_input_) >= MANY_INPUTS)


class FirstSums(NamedTuple):
    """First-layer sums of some rows.

    Parameters
    ----------
    model : Model
    encoded : ndarray of shape (n_samples, n_inputs)
    sums : Tensor of shape (n_samples, n_units)
        Before the norm, without members ``(n_samples, n_units)``, with them ``(n_samples, n_members, n_units)``.
    """

    model: Model
    encoded: np.ndarray
    sums: torch.Tensor

    @classmethod
    def of(cls, model, encoded):
        return cls(model, encoded, sums_of(model, encoded))

    def exchanged(self, inputs, table):
        """Outputs of all members for all rows with some inputs taken from the rows of a table, one after the other.

        Parameters
        ----------
        inputs : ndarray of int
        table : ndarray of shape (n_places, n_inputs)

        Returns
        -------
        raw : ndarray of shape (n_places, n_samples, n_members, n_raw)
        """
        without = self.sums - self.own(inputs, self.encoded)
        step = max(1, NUMBERS_AT_ONCE // (4 * without.numel()))
        found = []
        with torch.inference_mode(), without_spinning():
            for own in self.own(inputs, table).split(step):
                h = (without + own[:, None]).flatten(0, 1)
                raw = within_reach(self.model.loss, after_first(self.model.module, h))
                raw = raw[:, None] if raw.ndim < 3 else raw
                found.append(raw.unflatten(0, (len(own), len(without))).cpu().numpy())
        return np.concatenate(found)

    def own(self, inputs, table):
        """What some inputs add to the sums, up to a constant: all others are set to zero."""
        alone = np.zeros_like(table)
        alone[:, inputs] = table[:, inputs]
        return sums_of(self.model, alone)


def sums_of(model, encoded):
    """First-layer sums of encoded rows."""
    module, first = model.module, model.module.layers[0]
    module.eval()
    x = torch.from_numpy(encoded).to(next(module.parameters()))
    step = max(1, NUMBERS_AT_ONCE // module.widest)
    with torch.inference_mode(), without_spinning():
        parts = []
        for part in x.split(step):
            h = first(part[:, : first.in_features])
            if module.lookup is not None:
                h = h + module.lookup(part[:, first.in_features :]).unflatten(1, h.shape[1:])
            parts.append(h)
        return torch.cat(parts)


def after_first(module, h):
    """Outputs of a network for first-layer sums."""
    for number, layer in enumerate(module.layers):
        h = layer(h) if number else h
        h = module.norms[number](h) if number < len(module.norms) else h
    return h
