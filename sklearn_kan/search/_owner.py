"""Which process a trial is run by, and whether that is still there."""

import os
import platform
from pathlib import Path
from uuid import uuid4

TOKEN = uuid4().hex  # of this process and its forks: a process id may be used again


def this_process():
    """The machine, on Linux with the namespace in which process ids hold; the process id; and a token."""
    namespace = Path("/proc/self/ns/pid")
    machine = f"{platform.node()} {namespace.stat().st_ino if namespace.exists() else ''}".strip()
    return [machine, os.getpid(), TOKEN]


def is_gone(process):
    """Whether a process has ended; False if that cannot be told, as on other machines."""
    (machine, pid, token), (here, own_pid, own_token) = process, this_process()
    if machine != here or os.name != "posix":
        return False
    if pid == own_pid:
        return token != own_token
    try:
        os.kill(pid, 0)  # asks, and sends no signal
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False
