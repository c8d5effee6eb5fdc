"""What pytest leaves alone: a script, and where Triton is missing, the device code that imports it."""

from importlib.util import find_spec

collect_ignore = ["tests/compile_kernels.py"]
collect_ignore_glob = [] if find_spec("triton") else ["sklearn_kan/kernels/cuda/_*_device.py"]
