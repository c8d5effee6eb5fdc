"""What is read of a fitted network: numbers in the target's units, log-odds or probabilities, for encoded rows."""

from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.special import log_softmax, softmax

from ..data._targets import Classes
from ..training._losses import has_levels
from ._model import Model

METHODS = "auto", "predict", "decision_function", "predict_proba"


class Response(NamedTuple):
    """A fitted network as a function of encoded rows.

    Parameters
    ----------
    model : Model
    method : {"predict", "decision_function", "predict_proba"}
        Of two classes the second one is read; of more, all of them.
    """

    model: Model
    method: str

    def __call__(self, encoded):
        """Of the ensemble: ``(n_samples, n_inputs) -> (n_samples, n_outputs)``, float64."""
        return self.read(self.model.raw_of_encoded(encoded))

    def with_members(self, encoded):
        """Of the ensemble, then of each member: ``(n_samples, n_inputs) -> (n_samples, 1 + n_members, n_outputs)``."""
        return self.read_members(self.model.raw_of_encoded(encoded, by_member=True))

    def read_members(self, raw):
        """What raw outputs of members ``(n_samples, n_members, n_raw)`` say together, then each of them."""
        together = raw if self.model.module.n_members else raw[:, 0]
        whole = self.model.averaged(torch.from_numpy(together)).numpy()
        return np.stack([self.read(whole), *(self.read(raw[:, member]) for member in range(raw.shape[1]))], 1)

    def read(self, raw):
        """What raw outputs say."""
        target = self.model.target
        if not isinstance(target, Classes):
            return target.decode(raw).reshape(len(raw), -1)
        logits = raw.astype(np.float64) / self.model.temperature
        if self.method == "predict_proba":
            proba = softmax(logits, axis=1)
            return proba[:, 1:] if len(target.labels) == 2 else proba
        return logits[:, 1:] - logits[:, :1] if len(target.labels) == 2 else log_softmax(logits, axis=1)

    @property
    def outputs(self):
        """What each output is, in words."""
        target = self.model.target
        if isinstance(target, Classes):
            what = {"predict_proba": "probability"}.get(self.method, "log-odds")
            labels = target.labels.tolist()
            what = "log-probability" if what == "log-odds" and len(labels) > 2 else what
            return [f"{what} of {label}" for label in (labels[1:] if len(labels) == 2 else labels)]
        loss: Any = self.model.loss
        if has_levels(loss):
            return [f"{level:g}-quantile" for level in loss.level]
        return ["prediction"] if target.n_outputs == 1 else [f"output {i}" for i in range(target.n_outputs)]


def response_of(model, method="auto"):
    """The response of a model; ``"auto"`` is `predict` of a regression, and log-odds of classes."""
    has_classes = isinstance(model.target, Classes)
    if method == "auto":
        method = "decision_function" if has_classes else "predict"
    if method not in METHODS or has_classes == (method == "predict"):
        choice = "'decision_function' or 'predict_proba'" if has_classes else "'predict'"
        raise ValueError(f"response_method={method!r} cannot be read of this model. Choose 'auto', or {choice}.")
    return Response(model, method)


def swapped(encoded, other, inputs):
    """Encoded rows with some of the inputs taken from others, ``(n_samples, n_inputs)`` both, or one row of them."""
    mixed = encoded.copy()
    mixed[:, inputs] = other[:, inputs]
    return mixed
