"""When a fit has begun to learn its rows by heart, and when its learning rate is only high."""

from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_kan import KANRegressor
from sklearn_kan.training._callbacks import PATIENCE, BestState

BEST, ABOVE, BELOW = 1.0, 1.1, 0.9


@pytest.mark.parametrize(
    ("training", "validation", "is_hopeless"),
    [
        ([BELOW] * PATIENCE, [ABOVE] * PATIENCE, True),
        ([ABOVE] * PATIENCE, [ABOVE] * PATIENCE, False),  # both rise
        ([BELOW] * PATIENCE, [ABOVE] * (PATIENCE - 1) + [1.01], False),  # almost as low as the best
        ([BELOW] * (PATIENCE - 1) + [BEST], [ABOVE] * PATIENCE, False),
        ([BELOW] * (PATIENCE - 1) + [0.98], [ABOVE] * PATIENCE, False),  # hardly below
        ([BELOW] * (PATIENCE - 1), [ABOVE] * (PATIENCE - 1), False),  # too soon
    ],
)
def test_rows_are_learned_by_heart_if_their_loss_alone_falls(training, validation, is_hopeless):
    losses = zip([2.0, BEST, *training], [2.0, BEST, *validation], strict=True)
    history = [{"train_loss": train, "valid_loss": valid} for train, valid in losses]
    state = BestState(100, 0.0)
    state.monitor, state.best, state.since, state.place = "valid_loss", BEST, len(training), "somewhere"
    assert state.is_hopeless(SimpleNamespace(history=history, max_epochs=10)) is is_hopeless


@pytest.mark.parametrize(("noise", "ends_early"), [(3.0, True), (0.0, False)])
def test_noisy_fits_end_early_and_smooth_ones_do_not(noise, ends_early):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 4))
    y = np.sin(2 * X[:, 0]) + X[:, 1] + noise * rng.normal(size=600)
    model = KANRegressor(solver="adam", n_members=5, random_state=0).fit(X, y)
    assert (model.n_iter_ < 50) is ends_early
