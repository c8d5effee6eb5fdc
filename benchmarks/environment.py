"""Device and versions, as every benchmark's result file carries them."""

import multiprocessing
import platform
import re
import resource
from importlib.metadata import version
from pathlib import Path

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


def peak_mb():
    """Largest resident memory of this process since `forget_peak`, in megabytes (Linux)."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024


def forget_peak():
    """Start to count the peak afresh (Linux); returns the memory held now, in megabytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_mb()


def in_a_child(task, *args):
    """What a task returns in a process of its own; its exit code if it returns nothing."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=lambda: theirs.send(task(*args)))
    child.start()
    theirs.close()
    try:
        return ours.recv()
    except EOFError:
        child.join()
        return child.exitcode
    finally:
        child.join()


def address_space():
    """Bytes of memory that this process has asked for (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
