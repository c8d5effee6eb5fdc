"""A fit from its rows to a finished network: hold out, train, try the exact solver, refit, weigh members."""

import math
from collections.abc import Sequence
from copy import deepcopy
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from ..knots import distinct_values, quantile
from ..network._architecture import Architecture
from ..network._kan import KAN
from ._calibration import best_temperature, member_weights
from ._evaluation import held_out_outputs
from ._holdout import Split, hold_out
from ._interrupts import is_second
from ._intervals import HeldOutErrors, errors_by_output
from ._losses import averaged, cross_entropy, has_levels, squared_error
from ._net import Net
from ._observation import current_observer
from ._parallel import n_processes
from ._phases import phases_for
from ._refit import check_can_refit, refit_last_layer
from ._roughness import check_can_be_smoothed
from ._train import Training, train

SMOOTH_SHARE = 0.03  # of a target's variance, left on held-out rows, below which solver="auto" looks for more digits
EXACT_ROWS, EXACT_PARAMETERS = 5_000, 3_000  # up to which it does
EXACT_SHARE_OF_ENSEMBLE = 0.25  # of an ensemble's held-out loss: its rows are held out from some of its members only


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


class Fitted(NamedTuple):
    """A finished network, the net that trained it last, and how it came about.

    Parameters
    ----------
    network : Start
        Training can go on with it.
    net : Net
    history : list of dict
        Losses of each pass.
    kept : int or None
        Place of the pass in the history that left the network, by the loss of validation rows.
    warnings : list of (category, message)
        What the user should be told.
    """

    network: Network
    net: Net
    history: list[dict[str, Any]]
    kept: int | None
    warnings: list[tuple[type[Warning], str]]


class Attempt(NamedTuple):
    """A training that ended, and the rows it was for."""

    network: Network
    split: Split
    training: Training

    @property
    def lowest_loss(self):
        """On validation rows; infinite without."""
        return min((epoch.get("valid_loss", math.inf) for epoch in self.training.history), default=math.inf)


def fit_network(architecture, rows, loss, settings, *, start=None, validation=None):
    """Fit a network to rows. Nothing outside is changed.

    Parameters
    ----------
    architecture : Architecture
        Of a new network.
    rows : Rows
        Of the network's precision.
    loss : callable
        ``(raw, y) -> (n,)``.
    settings : Settings
    start : Network, optional
        A network to go on with; it stays as it is.
    validation : Rows, optional
        By default a part of the rows is held out, as the settings say.

    Returns
    -------
    Fitted

    Raises
    ------
    ValueError
        If the network cannot be trained as the settings say; before training.
    """
    begins = start is None
    network = new_network(architecture, rows.dtype, settings) if begins else start.copied().with_solver(settings)
    n_layers = len(network.module.layers)
    settings = settings._replace(max_iter=settings.passes(network.architecture.n_members, n_layers))
    check_can_be_trained(network.module, loss, settings)
    if begins:
        place(network.module, rows, loss)
    rows, validation = rows.with_unit_weights(), validation and validation.with_unit_weights()
    split = hold_out(rows, network.architecture.n_members, settings, validation)
    check_can_be_shared(network.architecture, settings, len(split.fitting))
    attempt = trained(network, split, loss, settings, begins)
    if begins and settings.solver == "auto" and not settings.refine_knots and is_smooth(attempt, loss):
        attempt = best_of(attempt, rows, loss, settings, validation)
    return finished(attempt, loss, settings)


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


def check_can_be_trained(module, loss, settings):
    """Raise if a module is not one for these settings."""
    if settings.smoothness:
        for layer in module.layers:
            check_can_be_smoothed(layer)
    if settings.refit is not None:
        check_can_refit(module, loss)


def check_can_be_shared(architecture, settings, n_samples):
    """Raise if processes that share the work would not agree on it."""
    if n_processes() == 1:
        return
    if not isinstance(settings.random_state, Integral):
        raise ValueError(
            f"random_state={settings.random_state!r} differs between the processes of data_parallel(). Pass an integer."
        )
    if architecture.norm == "batch":
        raise ValueError("norm='batch' cannot be shared by the processes of data_parallel(). Choose norm='layer'.")
    is_full = settings.solver in ("lbfgs", "gauss_newton")
    n_layers = len(architecture.hidden_layer_sizes) + 1
    n_batches = 1 if is_full else math.ceil(n_samples / settings.batch_rows(n_samples, n_layers))
    size = n_samples // n_batches
    if size < n_processes():
        raise ValueError(
            f"Batches of {size} rows cannot be shared by {n_processes()} processes. Raise batch_size, or fit "
            "outside of data_parallel()."
        )


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


def is_smooth(attempt, loss):
    """Whether a network without constraints leaves next to nothing of the squared error on held-out rows."""
    is_plain = loss is squared_error and attempt.network.architecture.constraints is None
    return is_plain and not attempt.training.interrupted and attempt.lowest_loss < 0.5 * SMOOTH_SHARE


def best_of(attempt, rows, loss, settings, validation):
    """The attempt, or a single network fitted by Gauss-Newton if that is small enough, and better on held-out rows."""
    architecture = attempt.network.architecture.single()
    generator = cloned(attempt.network.generator)
    seed = int(torch.randint(2**31, (1,), generator=generator))
    module = architecture.build(seed, generator).to(dtype=rows.dtype)
    split = hold_out(rows, None, settings, validation)
    if len(split.fitting) > EXACT_ROWS or sum(p.numel() for p in module.parameters()) > EXACT_PARAMETERS:
        return attempt
    place(module, rows, loss)
    network = Network(architecture, module, generator, "gauss_newton", np.ones(1))
    exact = trained(network, split, loss, settings, begins=True)
    share = 1.0 if attempt.network.architecture.n_members is None else EXACT_SHARE_OF_ENSEMBLE
    if exact.lowest_loss >= share * attempt.lowest_loss:
        return attempt._replace(training=attempt.training._replace(interrupted=exact.training.interrupted))
    before = attempt.training.history
    kept = None if exact.training.kept is None else len(before) + exact.training.kept
    return exact._replace(training=exact.training._replace(history=before + exact.training.history, kept=kept))


def finished(attempt, loss, settings):
    """Refit the last layer if that is wanted, and correct by held-out rows how members count."""
    network, split, training = attempt
    warnings: list[tuple[type[Warning], str]] = []
    is_interrupted, is_failed = training.interrupted, False
    if settings.refit is not None and not is_interrupted:
        try:
            is_failed = refit_last_layer(training.net, split.fitting, split.validation)
        except KeyboardInterrupt as stop:
            is_interrupted = True
            if current_observer() or is_second(stop):
                raise
    if is_interrupted:
        warnings.append((UserWarning, "Training was interrupted; the best state so far is kept."))
    if training.failed or is_failed:
        warnings.append((ConvergenceWarning, trouble(training.failed, is_failed)))
    if split.validation is not None:
        network = corrected(network, training.net, split.validation, loss)
    return Fitted(network, training.net, training.history, training.kept, warnings)


def corrected(network, net, validation, loss):
    """The network with members weighed by held-out rows, probabilities calibrated, and errors of numbers known."""
    raw, y, weight = held_out_outputs(net, validation)
    of_members = raw
    if raw.ndim == 3:
        weight = weight.expand(raw.shape[:2])
        weights = member_weights(loss, raw, y, weight, network.module.kinds)
        network = network._replace(member_weights=weights)
        raw = averaged(loss, raw, weights, weight, is_sum=network.architecture.is_sum)
    if loss is cross_entropy:
        return network._replace(temperature=best_temperature(raw, y, weight.amax(1)))
    errors = errors_by_output(loss, of_members, y, weight, network.member_weights, is_sum=network.architecture.is_sum)
    return network._replace(held_out_errors=errors)


def trouble(optimizers, is_refit):
    """One message for all that failed in a fit."""
    messages = []
    if optimizers:
        messages.append(
            f"{' and '.join(dict.fromkeys(optimizers))} diverged: a loss or gradient became non-finite, or the loss "
            "ended higher than it began. Training went back to the best state before. Lower learning_rate_init, or "
            "look for extreme targets."
        )
    if is_refit:
        messages.append(
            "The refit of the last layer failed: numbers became non-finite, or a factorisation did not converge. What "
            "was trained is kept. Look for extreme targets, or set refit=None."
        )
    return " ".join(messages)
