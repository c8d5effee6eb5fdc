"""Training on a table that comes in parts: one pass over each, with an optimizer that goes on."""

from ._net import Net
from ._phases import streaming_phase
from ._plan import Fitted, check_can_be_shared, check_can_be_trained, new_network, place_knots
from ._train import run


def pass_over(architecture, rows, loss, settings, *, start=None, net=None, rate=1.0):
    """One pass of Adam over some rows.

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

    Returns
    -------
    Fitted
    """
    check_can_be_shared(architecture, settings, len(rows))
    if start is None:
        network = new_network(architecture, rows.dtype, settings)
        check_can_be_trained(network.module, loss, settings._replace(refit=None))
        place_knots(network.module, rows)
    else:
        network = start.with_solver(settings)._replace(held_out_errors=[])
    alpha = settings.decay(network.architecture)
    phase = streaming_phase(settings._replace(alpha=alpha), settings.batch_rows(len(rows)))
    if net is None or not is_streaming(net, phase):
        net = Net(network.module, loss, phase, generator=network.generator, device=settings.device)
        net.initialize()
    net.phase = phase
    return Fitted(network, net, one_pass(net, rows, rate), None, [])


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
