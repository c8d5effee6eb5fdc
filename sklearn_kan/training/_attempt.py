"""One training of one network: how it begins, the rows that it learns from and is validated on, and how it ended."""

import math
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.utils import check_random_state

from ..knots import distinct_values, quantile
from ..network._architecture import Architecture
from ..network._kan import KAN
from ._holdout import Split
from ._intervals import HeldOutErrors
from ._losses import has_levels
from ._phases import phases_for
from ._train import Training, train


class Network(NamedTuple):
    """A network, and what training has made of it so far.

    Parameters
    ----------
    architecture : Architecture
    module : KAN
    generator : torch.Generator
        Shuffles rows.
    solver : str
    member_weights : ndarray of shape (n_members,)
    temperature : float
    held_out_errors : list of HeldOutErrors
        One for each output of a regression; none without validation rows.
    """

    architecture: Architecture
    module: KAN
    generator: torch.Generator
    solver: str
    member_weights: np.ndarray
    temperature: float = 1.0
    held_out_errors: Sequence[HeldOutErrors] = ()

    def copied(self):
        """The same with a module and a generator of its own."""
        return self._replace(module=deepcopy(self.module), generator=cloned(self.generator))

    def with_solver(self, settings):
        """The same, to be trained by the solver that settings name; ``"auto"`` keeps the former."""
        return self if settings.solver == "auto" else self._replace(solver=settings.solver)


class Attempt(NamedTuple):
    """A training that ended, and the rows it was for."""

    network: Network
    split: Split
    training: Training

    @property
    def lowest_loss(self):
        """On validation rows; infinite without."""
        return min((epoch.get("valid_loss", math.inf) for epoch in self.training.history), default=math.inf)


def new_network(architecture, dtype, settings):
    """A new network, its knots not yet placed."""
    seed = check_random_state(settings.random_state).randint(np.iinfo(np.int32).max)
    generator = torch.Generator("cpu").manual_seed(seed)
    module = architecture.build(seed, generator).to(dtype=dtype)
    solver = "adam" if settings.solver == "auto" else settings.solver
    return Network(architecture, module, generator, solver, np.ones(architecture.n_members or 1))


def cloned(generator):
    """A generator of its own in the same state."""
    clone = torch.Generator("cpu")
    clone.set_state(generator.get_state())
    return clone


def place(module, rows, loss):
    """Place the first layer's knots on training rows, and outputs for several quantiles at those of the target."""
    X, (y, weight) = rows.batch()
    module.place_knots(X, weight[:, 0])
    if has_levels(loss):
        values, mass = distinct_values(y[:, 0].double(), weight[:, 0])
        start = torch.stack([quantile(values, mass, level) for level in loss.level])
        with torch.no_grad():
            bias = module.layers[-1].bias.view(-1, len(start))
            bias.copy_(start.expand_as(bias))


def trained(network, split, loss, settings, begins):
    """Train in equal parts, between which knots are added as the settings say if training begins."""
    schedule = settings.refine_knots if begins else ()
    n_parts = 1 + len(schedule)
    is_decided = network.solver in (settings.solver, "adam")
    phases = phases_for(
        settings._replace(
            solver=network.solver, max_iter=-(-settings.max_iter // n_parts),
            alpha=settings.decay(network.architecture) if is_decided else 0.0,
        ),
        len(split.fitting), loss, len(network.module.layers),
    )  # fmt: skip
    history: list[dict[str, Any]] = []
    failed, kept = [], None
    for n_knots in (None, *schedule):
        if n_knots is not None:
            X, (_, weight) = split.fitting.batch()
            network.module.refine_knots(n_knots, X, weight.mean(1))
            network = network._replace(architecture=network.architecture.refined(network.module.n_knots))
        if n_knots is not None or not begins:
            phases = [phase for phase in phases if phase.depth is None]
        training = train(
            network.module, split.fitting, loss, phases, settings, validation=split.validation,
            generator=network.generator, n_parts=n_parts,
        )  # fmt: skip
        kept = kept if training.kept is None else len(history) + training.kept
        history += training.history
        failed += training.failed
        if training.interrupted:
            break
    return Attempt(network, split, training._replace(history=history, failed=failed, kept=kept))
