"""The environment of all tests, and what pytest leaves alone."""

import os
from importlib.util import find_spec

import torch

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # scikit-learn's check of it runs; set before SciPy is imported
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # GPU kernels are interpreted; set before Triton is imported

collect_ignore = ["tests/kernels/cuda/compile_kernels.py"]
collect_ignore_glob = [] if find_spec("triton") else ["sklearn_kan/kernels/cuda/_*_device.py"]  # device code
