"""The same numbers in any order: properties with the same examples each time, generators that start alike."""

import random

import pytest
import torch
from hypothesis import settings
from sklearn.utils import check_random_state

settings.register_profile("test", settings.get_profile("ci"), max_examples=40)
settings.register_profile("fuzz", settings.get_profile("ci"), derandomize=False, max_examples=400)
settings.load_profile("test")


@pytest.fixture(autouse=True)
def generators_start_alike():
    """Whatever ran before, global generators are where they were for every other test."""
    random.seed(0)
    check_random_state(None).seed(0)
    torch.default_generator.manual_seed(0)
