"""A network as plain arrays and back: what is stored of it, wherever it goes."""

from typing import Any, NamedTuple

import numpy as np
import torch


class Arrays(NamedTuple):
    """What a network has learned; with its architecture it is the network.

    Parameters
    ----------
    weights : dict of str to ndarray
        On no device.
    attributes : list of dict
        What bases hold besides tensors, layer by layer, such as what a user's basis took from the data.
    """

    weights: dict[str, np.ndarray]
    attributes: list[dict[str, Any]]


def to_arrays(module):
    """The arrays of a network."""
    weights = {name: tensor.cpu().numpy() for name, tensor in module.state_dict().items()}
    return Arrays(weights, [plain_attributes(layer.basis) for layer in module.layers])


def to_module(arrays, architecture, device):
    """The network of an architecture that arrays are from, on a device."""
    weights = {name: torch.from_numpy(np.array(array)) for name, array in arrays.weights.items()}
    module = architecture.build()
    for layer, attributes in zip(module.layers, arrays.attributes, strict=True):
        vars(layer.basis).update(attributes)
    module.to(device, next(tensor.dtype for tensor in weights.values() if tensor.is_floating_point()))
    module.load_state_dict(weights)
    return module


def plain_attributes(module):
    """What a module holds besides tensors."""
    return {name: value for name, value in vars(module).items() if name[0] != "_" and name != "training"}
