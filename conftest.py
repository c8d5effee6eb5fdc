"""Device code needs Triton, which not every machine has: where it is missing, its docstrings are not collected."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("triton") else ["sklearn_kan/kernels/_triton_*.py"]
