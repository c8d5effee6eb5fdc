"""What a bug report needs to say."""

import platform
from importlib.metadata import PackageNotFoundError, version

import torch

from .kernels import describe_gpu_kernel, has_library

PACKAGES = (
    "sklearn-kan",
    "scikit-learn",
    "skorch",
    "torch",
    "numpy",
    "scipy",
    "optuna",
    "joblib",
    "narwhals",
    "pandas",
    "polars",
)


def show_versions() -> None:
    """Print the versions that matter here, and which kernels and devices there are.

    Examples
    --------
    >>> from sklearn_kan import show_versions
    >>> show_versions()
    python          ...
    """
    lines = {"python": platform.python_version(), "platform": platform.platform()}
    lines |= {name: installed(name) for name in PACKAGES}
    lines["threads"] = str(torch.get_num_threads())
    lines["CPU kernel"] = "compiled" if has_library() else "plain torch; wheels and C++ compilers bring a faster one"
    lines["GPU kernel"] = describe_gpu_kernel()
    lines["CUDA"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    for name, value in lines.items():
        print(f"{name:<15} {value}")


def installed(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
