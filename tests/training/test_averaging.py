"""Averages of weights over steps, against sums written out."""

import numpy as np
import pytest
import torch
from sklearn.datasets import make_friedman1
from skorch.callbacks import Callback

from sklearn_kan import KANRegressor
from sklearn_kan.training._averaging import WeightAverage


def passed(average, tensor, values):
    """One pass whose steps leave these values."""
    average.begin()
    for value in values:
        tensor.fill_(value)
        average.step()
    average.end()
    return float(tensor)


def test_steps_count_alike_then_less_the_older_they_are():
    tensor = torch.zeros(1, dtype=torch.float64)
    average = WeightAverage([tensor], horizon=4)
    assert passed(average, tensor, [1, 2, 6]) == pytest.approx(3)
    expected = 0.75 * (0.75 * np.mean([1, 2, 6, 3]) + 0.25 * 7) + 0.25 * 8
    assert passed(average, tensor, [3, 7, 8]) == pytest.approx(expected)


def test_a_pass_goes_on_from_the_latest_step_unless_something_has_been_changed():
    tensor = torch.zeros(1)
    average = WeightAverage([tensor], horizon=10)
    passed(average, tensor, [1, 5])
    average.begin()
    assert float(tensor) == 5
    average.end()
    tensor.fill_(-1)
    average.begin()
    assert float(tensor) == -1
    average.end()
    assert passed(average, tensor, [2]) == 2


class Watches(Callback):
    """Weights after each step, by torch, and after each pass."""

    def __init__(self):
        self.of_steps, self.of_passes = [], []

    def on_batch_end(self, net, training=False, **kwargs):
        if training:
            self.of_steps.append(net.module_.layers[0].edge_weight.detach().double().clone())

    def on_epoch_end(self, net, **kwargs):
        self.of_passes.append(net.module_.layers[0].edge_weight.detach().double().clone())


@pytest.mark.parametrize("is_validated", [True, False])
def test_passes_end_with_averages_if_validation_rows_compare_them(is_validated):
    X, y = make_friedman1(300, random_state=0)
    watch = Watches()
    KANRegressor((4,), n_members=4, batch_size=50, max_iter=2, early_stopping=is_validated, random_state=0,
                 callbacks=[watch]).fit(X, y)  # fmt: skip
    steps, passes = watch.of_steps, watch.of_passes
    n = len(steps) // 2
    assert n > 1
    expected = torch.stack(steps[:n]).mean(0)
    for step in steps[n:]:
        expected = expected + (step - expected) / n
    for found, step, average in zip(passes, [steps[n - 1], steps[-1]], [torch.stack(steps[:n]).mean(0), expected],
                                    strict=True):  # fmt: skip
        torch.testing.assert_close(found, average if is_validated else step, rtol=1e-6, atol=1e-9)
