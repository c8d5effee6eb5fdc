"""Processes of their own, for what may end one or must begin in one."""

import multiprocessing
import sys

import torch

# A forked process need not import anything, which takes seconds; autograd survives a fork where there are only CPUs.
START = "fork" if sys.platform == "linux" and not torch.cuda.is_available() else "spawn"

PATIENCE = 900  # seconds, with a process on a machine that has other things to do, until it counts as hung


def started(function, *arguments, how=START):
    """A process that runs a function of a module."""
    process = multiprocessing.get_context(how).Process(target=function, args=arguments)
    process.start()
    return process


def exit_code(process):
    """What a process ends with, None if it hung."""
    process.join(timeout=PATIENCE)
    code = process.exitcode
    process.kill()
    return code
