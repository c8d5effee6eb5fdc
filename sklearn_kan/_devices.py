"""Where a network is: a device that is there, or an error that says what is."""

import warnings

import torch


def check_device(device):
    """Raise if there is no such device here."""
    try:
        torch.device("cpu" if device == "auto" else device)
    except RuntimeError as error:
        raise ValueError(f"device={device!r} is unknown. Choose 'auto', 'cpu' or 'cuda'.") from error
    if device != "auto" and not is_available(device):
        raise ValueError(f"device={device!r} is not available here. Choose 'auto' or 'cpu'.")


def is_available(device):
    """Whether a number can be put on a device and read back."""
    try:
        return torch.zeros((), device=device).item() == 0
    except (AssertionError, RuntimeError):
        return False


def resolve_device(device, fallback=False):
    """The device's name; with `fallback`, the CPU and a warning where it is not available."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if fallback and not is_available(device):
        warnings.warn(f"device={device!r} is not available here; the model was loaded on the CPU.", stacklevel=3)
        return "cpu"
    return device
