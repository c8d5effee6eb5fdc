"""All that a fit leaves, as one value, and how it is stored."""

from typing import Any, NamedTuple

import numpy as np
import torch

from .._surroundings import trainable, without_spinning
from ..model._arrays import Arrays, to_arrays, to_module
from ..model._model import Model
from ..model._terms import Terms
from ..training._attempt import Network
from ..training._net import Net, finished_net
from ._design import Design
from ._sample import sample_of


class State(NamedTuple):
    """All that a fit leaves; fitted attributes are views of it.

    Parameters
    ----------
    design : Design
    network : Network
    net : Net
        The last phase's.
    device : str
    epochs : list of dict
        Losses of every pass.
    best_iteration : int or None
        Number of the pass, from 1, whose network was kept by the loss of validation rows.
    sample : ndarray of shape (n_sampled, n_inputs)
        Some of the training rows, encoded.
    terms : Terms or None
        Of a network that is a sum over single columns and pairs, after `fit`.
    """

    design: Design
    network: Network
    net: Net
    device: str
    epochs: list[dict[str, float]]
    best_iteration: int | None
    sample: np.ndarray
    terms: Terms | None = None

    @property
    def model(self):
        """The network with what it takes to use it."""
        design, network = self.design, self.network
        return Model(
            design.encoder, design.target, design.loss, network.architecture, network.module, network.member_weights,
            network.temperature, self.terms,
        )  # fmt: skip


class Stored(NamedTuple):
    """A state without tensors: a model fitted on a GPU loads on a machine without one, and skops can store it.

    Parameters
    ----------
    design : Design
    network : dict
        Fields of `Network`, the module as `Arrays`, the generator as its state.
    history : list of dict
        Of the net.
    epochs : list of dict
    best_iteration : int or None
    sample : ndarray
    terms : Terms or None
    """

    design: Design
    network: dict[str, Any]
    history: list[dict[str, Any]]
    epochs: list[dict[str, float]]
    best_iteration: int | None
    sample: np.ndarray
    terms: Terms | None = None


def state_after(before, design, fitted, device, rows):
    """The state after a fit to some rows, which may have gone on from one before."""
    names = "train_loss", "valid_loss"
    epochs = [] if before is None else list(before.epochs)
    best = None
    for place, epoch in enumerate(fitted.history):
        if "train_loss" in epoch:
            epochs.append({name: epoch[name] for name in names if name in epoch})
            best = len(epochs) if place == fitted.kept else best
    sample = sample_of(rows, None if before is None else before.sample)
    return State(design, fitted.network, fitted.net, device, epochs, best, sample)


def to_stored(state):
    """A state as it is stored."""
    network = state.network._asdict()
    network |= {"module": to_arrays(network["module"]), "generator": network["generator"].get_state().numpy()}
    history = [dict(epoch) for epoch in state.net.history]
    return Stored(state.design, network, history, state.epochs, state.best_iteration, state.sample, state.terms)


@trainable()
@without_spinning()
def from_stored(stored, device):
    """The state that was stored, with its network on a device."""
    generator = torch.Generator("cpu")
    generator.set_state(torch.from_numpy(np.array(stored.network["generator"])))
    arrays: Arrays = stored.network["module"]
    module = to_module(arrays, stored.network["architecture"], device)
    network = Network(**stored.network | {"module": module, "generator": generator})
    net = finished_net(module, stored.design.loss, stored.history, device)
    return State(stored.design, network, net, device, stored.epochs, stored.best_iteration, stored.sample, stored.terms)
