"""A fit from its rows to a finished network: hold out, train, try the exact solver, refit, weigh members."""

import math
from functools import partial
from numbers import Integral
from typing import Any, NamedTuple

import torch
from sklearn.exceptions import ConvergenceWarning

from .._interrupts import is_second
from ._attempt import Network, new_network, place, trained
from ._calibration import best_temperature, member_weights
from ._evaluation import held_out_outputs, held_out_parts
from ._exact import asks_for_digits, holding_out, made_exact, made_more_exact
from ._holdout import hold_out
from ._intervals import errors_by_output
from ._losses import averaged, cross_entropy
from ._net import Net
from ._observation import current_observer
from ._parallel import n_processes
from ._refit import check_can_refit, refit_last_layer
from ._roughness import check_can_be_smoothed


class Fitted(NamedTuple):
    """A finished network, the net that trained it last, and how it came about.

    Parameters
    ----------
    network : Network
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
    asked, max_iter = settings, settings.passes(network.architecture.n_members, n_layers)
    settings = settings._replace(max_iter=max_iter)
    check_can_be_trained(network.module, loss, settings)
    if begins:
        place(network.module, rows, loss)
    rows, validation = rows.with_unit_weights(), validation and validation.with_unit_weights()
    is_exact = network.solver == "gauss_newton" and asked.solver == "auto"
    split = hold_out(rows, network.architecture.n_members, holding_out(settings) if is_exact else settings, validation)
    check_can_be_shared(network.architecture, settings, len(split.fitting))
    if is_exact:
        return finished(made_more_exact(network, split, loss, asked), loss, settings)
    attempt = trained(network, split, loss, settings, begins)
    if begins and settings.solver == "auto" and asks_for_digits(attempt, rows, loss, asked):
        attempt = made_exact(attempt, rows, loss, asked, validation)
    return finished(attempt, loss, settings)


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
    is_sum = network.architecture.is_sum
    if loss is cross_entropy:
        return calibrated(network, partial(held_out_parts, net, validation), is_sum)
    raw, y, weight = held_out_outputs(net, validation)
    if raw.ndim == 3:
        network = network._replace(member_weights=member_weights(loss, [(raw, y, weight)], network.module.kinds))
    errors = errors_by_output(loss, raw, y, weight, network.member_weights, is_sum=is_sum)
    return network._replace(held_out_errors=errors)


def calibrated(network, parts, is_sum):
    """A network of classes with members weighed and a temperature.

    What all members say of all classes and rows is computed twice rather than kept: it takes gigabytes.
    """
    if network.architecture.n_members is None:
        raw, y, weight = (torch.cat(tensors) for tensors in zip(*parts(), strict=True))
    else:
        weights = member_weights(cross_entropy, parts(), network.module.kinds)
        network = network._replace(member_weights=weights)
        together = (
            (averaged(cross_entropy, raw, weights, weight, is_sum=is_sum), y, weight) for raw, y, weight in parts()
        )
        raw, y, weight = (torch.cat(tensors) for tensors in zip(*together, strict=True))
    return network._replace(temperature=best_temperature(raw, y, weight.amax(1)))


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
