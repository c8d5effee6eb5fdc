"""How a network is trained, as one value."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

FULL_BATCH_ROWS = 256  # Adam takes all rows at once up to this many
BATCHES_A_PASS = 20  # beyond that, about
SMALL_TABLE, SMALL_BATCH_ROWS = 2_000, 128  # rows up to which a pass needs more steps than batches of 256 give
ADDITIVE_BATCH_ROWS = 32  # there: without hidden layers each coefficient goes its own way, in more steps
MAX_BATCH_ROWS = 1_024
ENSEMBLE_PASSES, PASSES = 50, 100  # over the rows, for max_iter="auto"
KFAC_FULL_ROWS, KFAC_BATCH_ROWS = 5_000, 2_048  # all rows at once, or batches large enough for curvature
SUM_DECAY = 3.0  # of alpha, where each group of inputs has few edges
UNSCALED_DECAY = 0.01  # of alpha, where no norm scales up again what decay has shrunk: additive and monotone models


class Settings(NamedTuple):
    """How a network is trained: the estimators' parameters of the same names, see there.

    `refine_knots` has the numbers of knots to go on with; `device` is one that is there; `is_free` says that size and
    kind of the network are left to the fit, and `is_quick` that Adam may work in single precision.
    """

    solver: str = "adam"
    alpha: float = 2.0
    smoothness: float = 0.0
    batch_size: int | str = "auto"
    learning_rate: str = "cosine"
    learning_rate_init: float = 0.01
    max_iter: int | str = "auto"
    early_stopping: bool | str = "auto"
    validation_fraction: float = 0.15
    n_iter_no_change: int = 100
    tol: float = 1e-4
    refit: str | None = None
    refine_knots: tuple[int, ...] = ()
    random_state: Any = None
    callbacks: Sequence[Any] = ()
    verbose: int = 0
    device: str = "cpu"
    is_free: bool = False
    is_quick: bool = False

    def passes(self, n_members, n_layers):
        """Passes over the rows."""
        if self.max_iter != "auto":
            return int(self.max_iter)
        is_ensemble = (n_members or 1) > 1 and n_layers > 1 and self.solver in ("adam", "auto")
        return ENSEMBLE_PASSES if is_ensemble else PASSES

    def batch_rows(self, n_samples, n_layers):
        """Rows of a step on mini-batches."""
        if self.batch_size != "auto":
            return min(self.batch_size, n_samples)
        if self.solver == "kfac":
            return n_samples if n_samples <= KFAC_FULL_ROWS else KFAC_BATCH_ROWS
        if n_layers == 1 and n_samples <= SMALL_TABLE:
            return min(ADDITIVE_BATCH_ROWS, n_samples)
        if n_samples <= FULL_BATCH_ROWS:
            return n_samples
        if n_samples <= SMALL_TABLE:
            return SMALL_BATCH_ROWS
        return int(np.clip(2 ** round(np.log2(n_samples / BATCHES_A_PASS)), FULL_BATCH_ROWS, MAX_BATCH_ROWS))

    def decay(self, architecture):
        """Regularisation of a network's coefficients."""
        is_scaled_up = architecture.hidden_layer_sizes and not architecture.is_monotone
        decay = SUM_DECAY * self.alpha if architecture.is_sum else self.alpha
        return decay if is_scaled_up else UNSCALED_DECAY * self.alpha
