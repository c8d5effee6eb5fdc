"""The library's functions for one generation of processors, in place of those that it chooses itself."""

import pytest
import torch

from sklearn_kan.kernels.cpu import _library

CAPABILITIES = {"v1": {"NO AVX", "DEFAULT", "AVX2", "AVX512"}, "v3": {"AVX2", "AVX512"}, "v4": {"AVX512"}}


def is_here(cpu):
    return (
        hasattr(_library.LIBRARY, f"network_predict_float32_{cpu}")
        and torch.backends.cpu.get_cpu_capability() in CAPABILITIES[cpu]
    )


class Generation:
    def __init__(self, library, cpu):
        self.library, self.cpu = library, cpu

    def __getattr__(self, name):
        return getattr(self.library, f"{name}_{self.cpu}")


@pytest.fixture(params=[cpu for cpu in CAPABILITIES if is_here(cpu)])
def generation(request, monkeypatch):
    monkeypatch.setattr(_library, "LIBRARY", Generation(_library.LIBRARY, request.param))
