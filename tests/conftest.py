"""Settings for all tests: scikit-learn's array API check runs, and so do GPU kernels, interpreted where no GPU is."""

import os

import torch

os.environ.setdefault("SCIPY_ARRAY_API", "1")  # before SciPy is imported
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")  # before Triton is imported
