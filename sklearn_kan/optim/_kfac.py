"""K-FAC for layers of edge functions (Martens & Grosse, 2015)."""

import math
import warnings
from typing import Any

import torch

from ._adam import adam_steps
from ._factors import average_in, decompose_factors, solve
from ._fisher import get_root
from ._maps import ElementwiseMap, maps_in, maps_of
from ._optimizer import Optimizer
from ._quadratic import combined
from ._recording import evaluated, recorded

LEAST_DAMPING = 1e-12
DAMPING_DECAY = 0.8  # per trial on which the model was good
DAMPING_RISE = 4.0  # when a step has to be taken back
N_ATTEMPTS = 8
N_EARLY_STEPS = 4  # that all have eigenvectors of their own


class KFAC(Optimizer):
    """Natural gradients with Kronecker-factored curvature, for networks of `KANLayer` and :class:`torch.nn.Linear`.

    A layer of edge functions is linear in its coefficients W, ``y = W phi(x)``. Its block of the Fisher information
    is taken to be ``A x G``, with ``A = E[phi phi^T]`` of its features and ``G = E[g g^T]`` of its outputs'
    gradients, and its inverse then needs only those of two small matrices. Other parameters take a step of Adam: those
    of bases, norms, embeddings, convolutions, and weights that are computed, or used without a call of their layer.

    Each step is the combination of the layers' natural gradients and of their previous steps that minimises the
    quadratic model of the loss *with the exact Fisher information*. Taken on trial, it is taken back if the loss
    rises; the damping follows the quality of the model (Levenberg-Marquardt).

    Parameters
    ----------
    model : Module
        Rows are the first axis of its layers' inputs and of its output, a tensor (n, k). Layers may be called several
        times, or hold more rows behind the first axis: the factors then are those of independent calls.
    fisher : {"mse", "cross_entropy"} or callable, default="mse"
        Curvature of the loss at the model's outputs, of :class:`torch.nn.MSELoss` or
        :class:`torch.nn.CrossEntropyLoss`, or a function from outputs (n, k) to roots S, (n, k, n_columns), with
        ``S S^T`` the curvature of each row's loss; the loss is taken to be the mean over rows.
    lr : float, default=1.0
        Share of each step that is taken; 1 is the minimum of the model.
    adam_lr : float, default=3e-4
        Learning rate of Adam for other parameters.
    damping : float, default=0.01
        At the start. Zero, with ``adapt_period=None``, takes pseudo-inverses.
    momentum : bool, default=True
        Whether previous steps take part in the next.
    decay : float, default=0.9
        Of the moving averages of A and G.
    factor_period, inverse_period : int, default=1, 5
        Steps from one update of A and G, or of their eigenvectors, to the next.
    adapt_period : int or None, default=1
        Steps from one trial, and so adaptation of the damping, to the next; None for never.
    max_kl : float, default=1.0
        Steps are shortened to this ``d^T F d / 2``, the divergence between the model before and after.
    n_probes : int, optional
        Random combinations of the columns of S that are sent back, for many outputs: a Monte-Carlo estimate of the
        Fisher information. By default all columns, one after the other: exact.
    max_side : int, default=256
        Layers with more features have an A of one block for each input; those with more outputs a diagonal G.
    penalty : float, default=0.0
        Curvature of a term ``penalty / 2 ||w||^2`` of the coefficients, if the loss has one.
    reduce : callable, optional
        ``(tensors, n_rows)``, which averages tensors in place over the processes that share a batch.
    seed : int, default=0
        Of the probes.

    Notes
    -----
    ``step(closure)`` calls the closure once for loss and gradients, while hooks watch the model, and then without
    gradients for the loss of a trial, where ``loss.requires_grad`` is false, as below. Gradients are what they would
    be without the optimizer, and after a step they are still those from before it.

    References
    ----------
    Martens & Grosse (2015), *Optimizing Neural Networks with Kronecker-factored Approximate Curvature*,
    arXiv:1503.05671; sec. 6.3 damping, 6.5 its adaptation, 7 momentum.

    Eschenhagen et al. (2023), *Kronecker-Factored Approximate Curvature for Modern Neural Network Architectures*,
    arXiv:2311.00636: layers called several times ("expand").

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan import KANLayer
    >>> from sklearn_kan.optim import KFAC
    >>> _ = torch.manual_seed(0)
    >>> x = torch.rand(200, 2) * 2 - 1
    >>> y = torch.sin(3 * x[:, :1]) * x[:, 1:]
    >>> model = torch.nn.Sequential(KANLayer(2, 5), KANLayer(5, 1))
    >>> optimizer = KFAC(model, "mse")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = torch.nn.functional.mse_loss(model(x), y)
    ...     if loss.requires_grad:
    ...         loss.backward()
    ...     return loss
    >>> losses = [optimizer.step(closure).item() for _ in range(50)]
    >>> losses[-1] < 1e-3 * losses[0]
    True
    """

    def __init__(self, model, fisher="mse", *, lr=1.0, adam_lr=3e-4, damping=1e-2, momentum=True, decay=0.9,
                 factor_period=1, inverse_period=5, adapt_period=1, max_kl=1.0, n_probes=None, max_side=256,
                 penalty=0.0, reduce=None, seed=0) -> None:  # fmt: skip
        check_has_maps(model)
        self.maps = [linear for linear in maps_of(model) if not isinstance(linear, ElementwiseMap)]
        factored = [p for linear in self.maps for p in linear.parameters]
        others = [p for p in outside(self.maps, dict.fromkeys(model.parameters())) if p.requires_grad]
        settings = {
            "lr": lr, "damping": damping, "momentum": momentum, "decay": decay, "factor_period": factor_period,
            "inverse_period": inverse_period, "adapt_period": adapt_period, "max_kl": max_kl, "n_probes": n_probes,
            "max_side": max_side, "penalty": penalty, "seed": seed, "n_steps": 0,
        }  # fmt: skip
        groups = [{"params": factored, **settings}, {"params": others, "lr": adam_lr, "betas": (0.9, 0.95)}]
        super().__init__(groups, {"lr": lr})
        self.model, self.root, self.reduce = model, get_root(fisher), reduce
        self.has_warned = self.is_stuck = False

    def step(self, closure, sample_weight=None) -> Any:  # type: ignore[override]
        """Take one step.

        Parameters
        ----------
        closure : callable
            Calls the model, and computes loss and gradients; returns the loss.
        sample_weight : Tensor of shape (n,), optional
            Weights of the rows in the loss, ``mean(w * loss)``.

        Returns
        -------
        loss : Tensor
            Before the step. If it or a gradient is not finite, no step is taken, and ``is_stuck`` is true.
        """
        settings, rest = self.param_groups
        number = settings["n_steps"]
        settings["n_steps"] += 1
        recording = recorded(self.model, self.maps, self.root, sample_weight, n_probes=settings["n_probes"],
                             seed=settings["seed"] + number)  # fmt: skip
        with torch.enable_grad(), recording as record:
            loss = closure().detach()
        with torch.no_grad():
            gradients = {p: p.grad for group in self.param_groups for p in group["params"] if p.grad is not None}
            self.is_stuck = not (math.isfinite(loss) and all(g.isfinite().all() for g in gradients.values()))
            if self.is_stuck:
                settings["damping"] *= DAMPING_RISE
                return loss
            maps = [linear for linear in self.maps if record.has(linear) and gradients.keys() >= {*linear.parameters}]
            self.update_factors(maps, record, number)
            changes = adam_steps(self.state, outside(maps, gradients), rest["lr"], rest["betas"])
            before = {p: p.detach().clone() for p in gradients}
            is_tried = bool(maps) and settings["adapt_period"] is not None and number % settings["adapt_period"] == 0
            for attempt in range(N_ATTEMPTS):
                steps, reduction = self.propose(maps, record, gradients)
                for p, change in changes.items():
                    p.add_(change, alpha=0.5**attempt)
                for p, step in steps.items():
                    p.add_(step)
                if not is_tried or self.adapt(float(loss), evaluated(closure, gradients), reduction):
                    break
                for p, value in before.items():
                    p.copy_(value)
            else:  # nothing lowers the loss: rounding, or the minimum
                settings["damping"] /= DAMPING_RISE ** (N_ATTEMPTS - 1)
                steps = {}
            for linear in maps:
                self.state_of(linear)["previous"] = [steps[p] for p in linear.parameters] if steps else None
        return loss

    def state_of(self, linear):
        """What is kept of a map from step to step."""
        return self.state[linear.coefficients[0]]

    def warn(self, message) -> None:
        if not self.has_warned:
            warnings.warn(f"KFAC: {message} The damping was raised.", RuntimeWarning, stacklevel=4)
            self.has_warned = True

    def update_factors(self, maps, record, number) -> None:
        """Moving averages of A and G, and their eigenvectors, where it is time for them."""
        settings, states = self.param_groups[0], [self.state_of(linear) for linear in maps]
        if number % settings["factor_period"] == 0 or any("A" not in state for state in states):
            moments = [record.moments(linear, settings["max_side"]) for linear in maps]
            if self.reduce is not None:
                self.reduce([moment for pair in moments for moment in pair], record.n_rows)
            decay = min(settings["decay"], 1 - 1 / (1 + number // settings["factor_period"]))
            for state, (A, G) in zip(states, moments, strict=True):
                for name, moment in (("A", A / A[:, -1:, -1:]), ("G", G)):
                    if not average_in(state, name, moment, decay):
                        self.warn("A layer's curvature was not finite and is left out.")
                        settings["damping"] *= DAMPING_RISE
        is_time = number % settings["inverse_period"] == 0 or number < N_EARLY_STEPS
        for linear, state in zip(maps, states, strict=True):
            if is_time or "A_vectors" not in state:
                decompose_factors(state, linear.bias is not None)

    def propose(self, maps, record, gradients):
        """The best step in the span of natural gradients and previous steps, and by how much the model falls."""
        settings, directions = self.param_groups[0], []
        for linear in maps:
            directions += directions_of(linear, self.state_of(linear), gradients, settings)
        limits = {name: settings[name] for name in ("damping", "penalty", "lr", "max_kl")}
        return combined(directions, gradients, record, **limits, reduce=self.reduce) if directions else ({}, 0.0)

    def adapt(self, loss, after, reduction):
        """Adapt the damping to the share of the model's reduction that came true; returns whether to keep the step."""
        settings = self.param_groups[0]
        if not math.isfinite(after):
            self.warn("The loss was not finite after a step, which was taken back.")
        share = (loss - after) / reduction if reduction > 0 else -math.inf
        if not share > 0:
            settings["damping"] *= DAMPING_RISE
            return False
        if share > 0.75:
            settings["damping"] = max(settings["damping"] * DAMPING_DECAY, LEAST_DAMPING)
        elif share < 0.25:
            settings["damping"] /= DAMPING_DECAY
        return True


def directions_of(linear, state, gradients, settings):
    """A map's natural gradient, and with momentum its previous step."""
    matrix, bias = linear.matrix([gradients[p] for p in linear.parameters])
    directions = [(linear, linear.tensors(*solve(state, matrix, bias, settings["damping"] + settings["penalty"])))]
    if settings["momentum"] and state.get("previous") is not None:
        directions.append((linear, state["previous"]))
    return directions


def outside(maps, gradients):
    """Gradients of the parameters that are in none of the maps."""
    inside = {p for linear in maps for p in linear.parameters}
    return {p: gradient for p, gradient in gradients.items() if p not in inside}


def check_has_maps(model):
    """Raise if a layer that might have linear maps has none as it is: a step of Adam would be no substitute."""
    for name, layer in model.named_modules():
        if hasattr(layer, "linear_maps") and any(p.requires_grad for p in layer.parameters()) and not maps_in(layer):
            raise ValueError(
                f"{name or 'model'}, a {type(layer).__name__}, is not linear in its parameters: it has members, scaled "
                "inputs, or constrained coefficients. Use a layer without them, or GaussNewton or Adam."
            )
