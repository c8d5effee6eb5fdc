"""The environment of all tests, and what pytest leaves alone."""

import gc
import os
from importlib.util import find_spec

import pytest
import torch

HAS_CUDA, HAS_TRITON = torch.cuda.is_available(), find_spec("triton") is not None
HAS_POSTGRESQL = "SKLEARN_KAN_POSTGRESQL" in os.environ  # a database's URL

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # scikit-learn's check of it runs; set before SciPy is imported
if not HAS_CUDA:
    os.environ.setdefault("TRITON_INTERPRET", "1")  # GPU kernels are interpreted; set before Triton is imported

collect_ignore = ["tests/kernels/cuda/compile_kernels.py"] + ([] if HAS_CUDA else ["tests/kernels/cuda/test_gpu.py"])
collect_ignore += [] if HAS_POSTGRESQL else ["tests/search/test_postgresql.py"]
collect_ignore_glob = [] if HAS_TRITON else ["sklearn_kan/kernels/cuda/_*_device.py", "tests/kernels/cuda/*"]


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What is collected stays: it is not looked through for garbage, which takes long and copies it in forks."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_terminal_summary(terminalreporter):
    for name, is_there in (("CUDA", HAS_CUDA), ("Triton", HAS_TRITON), ("PostgreSQL", HAS_POSTGRESQL)):
        if not is_there:
            terminalreporter.write_line(f"{name} is not here: tests that need it were not collected.")
