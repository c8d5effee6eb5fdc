"""A fitted network with what it takes to use it: what inspection, formulas and export stand on."""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
import torch

from .._surroundings import without_spinning
from ..data._dates import to_dates
from ..data._encoding import TableEncoder
from ..network._architecture import Architecture
from ..network._kan import KAN
from ..network._layer import KANLayer
from ..network._lookup import LookupLayer
from ..training._losses import averaged, within_reach

NUMBERS_AT_ONCE = 2**22  # of encoded table and hidden activations, held in prediction


class Model(NamedTuple):
    """A fitted network, from a table's columns to raw outputs.

    Parameters
    ----------
    encoder : TableEncoder
    target : Classes or Numbers
        How raw outputs are meant.
    loss : callable
        Says how members are averaged.
    architecture : Architecture
    module : KAN
    member_weights : ndarray of shape (n_members,)
        How much each member counts; one on average.
    temperature : float
        Divisor of the outputs, where they are logits.
    """

    encoder: TableEncoder
    target: Any
    loss: Callable
    architecture: Architecture
    module: KAN
    member_weights: np.ndarray
    temperature: float = 1.0

    def raw(self, columns):
        """Network outputs for a table's columns, members averaged: ndarray of shape (n_samples, n_raw)."""
        return self._in_parts(columns, self.averaged)

    def raw_of_members(self, columns):
        """Outputs of each member: ndarray of shape (n_samples, n_members, n_raw)."""
        return self._in_parts(columns, lambda raw: within_reach(self.loss, raw))

    def spread(self, columns):
        """Averaged outputs (n_samples, n_raw), and the standard deviation of the members' predictions."""
        raw = torch.from_numpy(self.raw_of_members(columns))
        members = np.stack([self.target.decode(member.numpy()) for member in raw.unbind(1)])
        unit = np.abs(members).max(0)
        unit[unit == 0] = 1.0
        members /= unit  # squares stay finite
        mean = np.average(members, axis=0, weights=self.member_weights)
        variance = np.average((members - mean) ** 2, axis=0, weights=self.member_weights)
        return self.averaged(raw).numpy(), unit * np.sqrt(variance)

    def averaged(self, raw):
        """What members predict together; outputs of a single network as they are."""
        together = raw if raw.ndim < 3 else averaged(self.loss, raw, self.member_weights)
        return within_reach(self.loss, together)

    def _in_parts(self, columns, last):
        """Memory in addition to the table is bounded."""
        parameter = next(self.module.parameters())
        dtype = str(parameter.dtype).removeprefix("torch.")
        n_samples, width = len(columns[0].values), len(columns) + self.module.widest
        chunk = max(1, NUMBERS_AT_ONCE // width)
        outputs = []
        if self.module.training:
            self.module.eval()
        with torch.inference_mode(), without_spinning():
            for start in range(0, n_samples, chunk):
                part = [column.rows(slice(start, start + chunk)) for column in columns]
                encoded = torch.from_numpy(self.encoder.transform(part, dtype=dtype)).to(parameter.device)
                outputs.append(last(self.module(encoded)).cpu().numpy())
        return np.concatenate(outputs)

    @torch.no_grad()
    def edge_curve(self, column):
        """The first layer's functions of a column, by its place.

        Returns
        -------
        x : ndarray of shape (n_points,)
            Places over the column's own units, dates, or labels of a categorical column.
        y : ndarray of shape (n_points, n_units), float64
            Each unit centred on its mean over the places.
        """
        encoder, parameter = self.encoder, next(self.module.parameters())
        places = encoder.places(column)
        encoded = torch.from_numpy(encoder.transform_column(places)).to(parameter.device)
        numeric, codes = encoded.tensor_split([encoder.n_numeric_], 1)
        own = np.flatnonzero(encoder.column_of_input_[: encoder.n_numeric_] == column)
        layer, lookup = cast(KANLayer, self.module.layers[0]), cast(LookupLayer | None, self.module.lookup)
        y = layer.edge_functions(numeric.to(parameter))[:, :, own].sum(2)
        if lookup is not None:
            y = y + lookup(codes)
        return as_drawn(places), (y - y.mean(0)).cpu().double().numpy()


def as_drawn(places):
    """Values of a column as a picture has them: labels as texts, dates as dates."""
    if places.is_categorical:
        return np.array([str(label) for label in places.values])
    return to_dates(places.values) if places.kind == "date" else places.values
