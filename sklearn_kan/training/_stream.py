"""Training on a table that comes in parts: one pass over each, with an optimizer that goes on."""

import math
from contextlib import contextmanager

from sklearn.exceptions import ConvergenceWarning

from ._attempt import new_network, place
from ._evaluation import is_finite, snapshot
from ._net import Net
from ._phases import streaming_phase
from ._plan import Fitted, check_can_be_shared, check_can_be_trained
from ._train import run

MAX_RISE = 1e4  # of a pass's loss over all losses before: Adam would need hundreds of steps to forget such gradients


@contextmanager
def pass_over(architecture, rows, loss, settings, *, start=None, net=None, rate=1.0, placing=None):
    """Context with what one pass of Adam over some rows gives; an exception inside undoes the pass.

    Parameters
    ----------
    architecture : Architecture
    rows : Rows
    loss : callable
    settings : Settings
    start : Network, optional
        A network to go on with, trained in place.
    net : Net, optional
        The net of its last pass, whose optimizer goes on.
    rate : float, default=1.0
        Share of the learning rate.
    placing : Rows, optional
        Rows to place the first layer's knots on once more.

    Yields
    ------
    Fitted
        Without history, and with a warning, if the rows were refused; the network is what it was then.
    """
    check_can_be_shared(architecture, settings, len(rows))
    if start is None:
        network = new_network(architecture, rows.dtype, settings)
        check_can_be_trained(network.module, loss, settings._replace(refit=None))
        place(network.module, rows, loss)
    else:
        solver = "adam" if settings.solver == "auto" else settings.solver
        network = start._replace(solver=solver, held_out_errors=[])
    alpha = settings.decay(network.architecture)
    batch_rows = settings.batch_rows(len(rows), len(network.module.layers))
    phase = streaming_phase(settings._replace(alpha=alpha), batch_rows)
    if net is None or not is_streaming(net, phase):
        net = Net(network.module, loss, phase, generator=network.generator, device=settings.device)
        net.initialize()
    before = max([1.0, *net.history[:, "train_loss"]]) if net.history else 1.0  # or the unit of the learned scale
    with all_or_nothing(network, net) as undo:
        net.phase = phase
        if placing is not None:
            X, (_, weight) = placing.to(net.device, next(network.module.parameters()).dtype).batch()
            network.module.place_knots(X, weight[:, 0])
        history = one_pass(net, rows, rate)
        loss = history[0]["train_loss"]
        is_good = loss <= MAX_RISE * before and is_finite(network.module)
        if not is_good:
            undo()
        yield Fitted(network, net, history if is_good else [], None, [] if is_good else [refusal(loss, before)])


def refusal(loss, before):
    """What the user should be told about rows that would spoil the network."""
    reason = f"is above {MAX_RISE:g} times {before:.3g}, the highest before" if math.isfinite(loss) else "is not finite"
    return ConvergenceWarning, f"refused: its loss of {loss:.3g} {reason}. The model stays what it was."


@contextmanager
def all_or_nothing(network, net):
    """Context that takes a network and its net back to how they are now if it is left by an exception, or by `undo`."""
    weights, generator = snapshot(network.module), network.generator.get_state()
    optimizer, n_epochs = net.optimizer_state(), len(net.history)
    attributes = net.phase, dict(net.lowest)

    def undo():
        network.module.load_state_dict(weights)
        network.generator.set_state(generator)
        net.optimizer_.load_state_dict(optimizer)
        net.phase, net.lowest = attributes
        del net.history[n_epochs:]

    try:
        yield undo
    except BaseException:
        undo()
        raise


def one_pass(net, rows, rate):
    """Run one epoch of a net that goes on, at a share of its learning rate; returns its history, a list of one dict."""
    n_before = len(net.history)
    for group, highest in zip(net.optimizer_.param_groups, net.highest_rates_, strict=True):
        group["lr"] = rate * highest
    if run(net, rows.to(net.device, next(net.module_.parameters()).dtype)):
        raise KeyboardInterrupt  # ends the caller's loop over chunks too
    return net.history[n_before:]


def is_streaming(net, phase):
    """Whether a net is one that runs passes of `phase`, whose batches may have another size."""
    return not net.callbacks and net.phase._replace(batch_size=None) == phase._replace(batch_size=None)
