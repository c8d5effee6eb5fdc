"""Device and versions, as every benchmark's result file carries them."""

import platform
from importlib.metadata import version

import torch

PACKAGES = ("sklearn-kan", "scikit-learn", "skorch", "torch", "numpy")


def environment():
    """Device, threads and versions of this run."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {platform.machine()}"
    return {
        "device": device,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
    }
