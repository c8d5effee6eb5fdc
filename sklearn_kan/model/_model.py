"""A fitted network with what it takes to use it: what inspection, formulas and export stand on."""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
import torch

from .._surroundings import without_spinning
from ..data._dates import to_dates
from ..data._direct import direct_parts, encode_parts
from ..data._drawing import places_to_draw
from ..data._encoding import TableEncoder
from ..network._architecture import Architecture
from ..network._kan import KAN
from ..network._layer import KANLayer
from ..network._lookup import LookupLayer
from ..network._stored import packed
from ..training._losses import averaged, what_is_averaged, within_reach
from ._effect import in_units
from ._terms import Terms

ROWS_AT_ONCE = 65_536  # of a table that is encoded as it lies in memory
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
    terms : Terms or None
        Of a network that is a sum over single columns and pairs.
    """

    encoder: TableEncoder
    target: Any
    loss: Callable
    architecture: Architecture
    module: KAN
    member_weights: np.ndarray
    temperature: float = 1.0
    terms: Terms | None = None

    def raw(self, columns):
        """Network outputs for a table's columns, members averaged: ndarray of shape (n_samples, n_raw)."""
        return self._in_parts(columns, self._average)

    def raw_directly(self, X, names):
        """The same for a table that can be read as it lies in memory; None for others. See `direct_parts`."""
        compiled, raw = self._compiled, []
        rows = X if isinstance(X, np.ndarray) else getattr(X, "iloc", None)
        if compiled is None or rows is None:
            return None
        for start in range(0, len(X), ROWS_AT_ONCE):
            some = X if len(X) <= ROWS_AT_ONCE else rows[start : start + ROWS_AT_ONCE]
            part = direct_parts(self.encoder, some, names)
            own = None if part is None else self._raw_of_parts(compiled, *part)
            if own is None:
                return None
            raw.append(own.numpy())
        return np.concatenate(raw) if len(raw) > 1 else raw[0] if raw else None

    def _raw_of_parts(self, compiled, numbers, codes):
        """The same for numbers and codes of categories; None if a number is infinite."""
        if compiled.prepared is None:
            encoded = encode_parts(self.encoder, numbers, codes, str(compiled.dtype).removeprefix("torch."))
            return None if encoded is None else self._compiled_average(compiled, torch.from_numpy(encoded))
        table = compiled.table(self.encoder, numbers, codes)
        raw = compiled.predict(table, len(numbers), *self._shares(compiled))
        return None if raw is None else self._finished(raw if compiled.n_members > 1 else raw[:, 0])

    def raw_of_members(self, columns):
        """Outputs of each member: ndarray of shape (n_samples, n_members, n_raw)."""
        return self._in_parts(columns, lambda encoded: within_reach(self.loss, self._outputs(encoded)))

    def encode(self, columns):
        """A table's columns as the network sees them: ndarray of shape (n_samples, n_inputs)."""
        return self.encoder.transform(columns, dtype=self._dtype)

    def raw_of_encoded(self, encoded, by_member=False):
        """Outputs for encoded rows, ``(n_samples, n_raw)``, or those of each member, ``(n_samples, n_members, n_raw)``.

        A network without members counts as one.
        """
        compiled, n_inputs = self._compiled, encoded.shape[1]
        chunk = ROWS_AT_ONCE if compiled else max(1, NUMBERS_AT_ONCE // (n_inputs + self.module.widest))
        if self.module.training:
            self.module.eval()
        outputs = []
        with torch.inference_mode(), without_spinning():
            for start in range(0, len(encoded), chunk):
                part = self._tensor(encoded[start : start + chunk])
                if not by_member:
                    raw = self._compiled_average(compiled, part) if compiled else self._average(part)
                else:
                    raw = compiled.outputs(part) if compiled else self._outputs(part)
                    raw = within_reach(self.loss, raw[:, None] if raw.ndim < 3 else raw)
                outputs.append(raw.cpu().numpy())
        return np.concatenate(outputs)

    def term_values(self, columns):
        """What each term adds to the prediction: ndarray of shape (n_samples, n_terms, n_outputs), in its units."""
        assert self.terms is not None  # who asks has made sure
        terms = self.terms.averaged(self.member_weights)

        def values(encoded):
            parts = terms.parts(self.module, encoded, self.member_weights)
            return torch.from_numpy(in_units(self, terms.values(parts, encoded.double().cpu().numpy())[:, 0]))

        return self._in_parts(columns, values)

    @property
    def _compiled(self):
        """The network in the compiled library; None if that does not take it, or the network's sum was edited."""
        return None if self.terms is not None and self.terms.is_edited else packed(self.module)

    def _outputs(self, encoded):
        if self.terms is not None and self.terms.is_edited:
            return self.terms.outputs(self.module, encoded)
        compiled = self._compiled
        if compiled is None:
            return self.module(encoded)
        raw = compiled.outputs(encoded)
        return raw[:, 0] if self.module.n_members is None else raw

    def _average(self, encoded):
        compiled = self._compiled
        if compiled is None:
            return self.averaged(self._outputs(encoded))
        return self._compiled_average(compiled, encoded)

    def _compiled_average(self, compiled, encoded):
        if compiled.n_members == 1:
            return self._finished(compiled.outputs(encoded)[:, 0])
        return self._finished(compiled.average(encoded, *self._shares(compiled)))

    def _shares(self, compiled):
        """Of members in their average, and what is averaged; nothing for a single one."""
        if compiled.n_members == 1:
            return ()
        return compiled.shares(self.member_weights), "outputs" if self.architecture.is_sum else what_is_averaged(
            self.loss
        )

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
        together = raw
        if raw.ndim == 3:
            together = averaged(self.loss, raw, self.member_weights, is_sum=self.architecture.is_sum)
        return self._finished(together)

    def _finished(self, together):
        if self.terms is not None and self.terms.has_classes and together.shape[1] > 2 and not self.terms.is_edited:
            together = together - together.mean(1, keepdim=True)  # as terms have it
        return within_reach(self.loss, together)

    def _in_parts(self, columns, forward):
        """Memory in addition to the table is bounded."""
        n_samples, width = len(columns[0].values), len(columns) + self.module.widest
        chunk = max(1, NUMBERS_AT_ONCE // width)
        outputs = []
        if self.module.training:
            self.module.eval()
        with torch.inference_mode(), without_spinning():
            for start in range(0, n_samples, chunk):
                part = [column.rows(slice(start, start + chunk)) for column in columns]
                encoded = self._tensor(self.encoder.transform(part, dtype=self._dtype))
                outputs.append(forward(encoded).cpu().numpy())
        return np.concatenate(outputs)

    @property
    def _dtype(self):
        return str(next(self.module.parameters()).dtype).removeprefix("torch.")

    def _tensor(self, encoded):
        return torch.from_numpy(encoded).to(next(self.module.parameters()).device)

    @torch.no_grad()
    def edge_curve(self, column):
        """The first layer's functions of a column, by its place; of a glass box with pairs those past hidden layers.

        Returns
        -------
        x : ndarray of shape (n_points,)
            Places over the column's own units, dates, or labels of a categorical column.
        y : ndarray of shape (n_points, n_units), float64
            Each unit centred on its mean over the places.
        """
        encoder, parameter = self.encoder, next(self.module.parameters())
        places = places_to_draw(encoder, column)
        encoded = torch.from_numpy(encoder.transform_column(places)).to(parameter.device)
        numeric, codes = encoded.tensor_split([encoder.n_numeric_], 1)
        own = np.flatnonzero(encoder.column_of_input_[: encoder.n_numeric_] == column)
        drawn = getattr(self.module, "direct", None) or self.module  # of a glass box, edges past the hidden layers
        layer, lookup = cast(KANLayer, drawn.layers[0]), cast(LookupLayer | None, drawn.lookup)
        y = layer.edge_functions(numeric.to(parameter))[:, :, own].sum(2)
        if lookup is not None:
            y = y + lookup(codes)
        return as_drawn(places), (y - y.mean(0)).cpu().double().numpy()


def as_drawn(places):
    """Values of a column as a picture has them: labels as texts, dates as dates."""
    if places.is_categorical:
        return np.array(["missing" if label is None else str(label) for label in places.values])
    return to_dates(places.values) if places.kind == "date" else places.values
