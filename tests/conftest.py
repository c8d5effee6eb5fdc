"""The same numbers in any order: properties with the same examples each time, generators that start alike."""

import math
import random
import signal

import pytest
import torch
from hypothesis import settings
from sklearn.utils import check_random_state

from sklearn_kan import _interrupts

settings.register_profile("test", settings.get_profile("ci"), max_examples=40)
settings.register_profile("fuzz", settings.get_profile("ci"), derandomize=False, max_examples=400)
settings.load_profile("test")


@pytest.fixture(autouse=True)
def generators_start_alike():
    """Whatever ran before, global generators are where they were for every other test."""
    random.seed(0)
    check_random_state(None).seed(0)
    torch.default_generator.manual_seed(0)


@pytest.fixture
def no_signal_before(monkeypatch):
    """Ctrl-C interrupts, also where a shell has started the tests in the background, and is the first one."""
    monkeypatch.setattr(_interrupts, "_latest", -math.inf)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)
