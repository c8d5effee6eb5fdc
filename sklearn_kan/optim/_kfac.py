"""K-FAC for layers of edge functions (Martens & Grosse, 2015)."""

import math
import warnings

import torch

from ._factors import decompose_factors, solve
from ._fisher import get_root
from ._maps import linear_maps
from ._watch import watch

LEAST_DAMPING = 1e-12
ADAPT_RATE = 0.8  # of the damping, per trial on which the model was good
N_ATTEMPTS = 8
N_EARLY = 4  # steps at the start that all have eigenvectors of their own
LEAST_SHARE = 1e-10  # of the largest eigenvalue, below which two directions are one
ADAM_EPS = 1e-8
RETREAT = 4.0  # factor on the damping when a step has to be taken back


class KFAC(torch.optim.Optimizer):
    """Natural gradients with Kronecker-factored curvature, for networks of `KANLayer` and :class:`torch.nn.Linear`.

    A layer of edge functions is linear in its coefficients W, ``y = W phi(x)``. Its block of the Fisher information
    is taken to be ``A x G``, with ``A = E[phi phi^T]`` of its features and ``G = E[g g^T]`` of its outputs'
    gradients, and its inverse then needs only those of two small matrices. Parameters outside of such maps (those of
    a basis, norms, embeddings) take a step of Adam alongside it.

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

    Knots of their own for each edge: A is the mean over outputs. Products ``(f x)(g x)``: f and g are two more maps.

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
                 penalty=0.0, reduce=None, seed=0):  # fmt: skip
        self.maps = linear_maps(model)
        factored = [p for one in self.maps for p in one.parameters]
        known = {id(p) for p in factored}
        others = [p for p in model.parameters() if p.requires_grad and id(p) not in known]
        settings = {
            "lr": lr, "damping": damping, "momentum": momentum, "decay": decay, "factor_period": factor_period,
            "inverse_period": inverse_period, "adapt_period": adapt_period, "max_kl": max_kl, "n_probes": n_probes,
            "max_side": max_side, "penalty": penalty, "seed": seed, "n_steps": 0,
        }  # fmt: skip
        groups = [{"params": factored, **settings}, {"params": others, "lr": adam_lr, "betas": (0.9, 0.95)}]
        super().__init__(groups, {"lr": lr})
        self.model, self.root, self.reduce = model, get_root(fisher), reduce
        self.has_warned = self.is_stuck = False

    def step(self, closure, sample_weight=None):  # type: ignore[override]
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
        settings = self.param_groups[0]
        number = settings["n_steps"]
        settings["n_steps"] += 1
        with torch.enable_grad(), watch(self, sample_weight, settings["seed"] + number) as seen:
            loss = closure().detach()
        with torch.no_grad():
            gradients = {p: p.grad for group in self.param_groups for p in group["params"] if p.grad is not None}
            self.is_stuck = not (math.isfinite(loss) and all(g.isfinite().all() for g in gradients.values()))
            if self.is_stuck:
                settings["damping"] *= RETREAT
                return loss
            maps = [one for one in self.maps if seen.has(one) and all(p in gradients for p in one.parameters)]
            if number % settings["factor_period"] == 0:
                self.update_factors(maps, seen)
            if number % settings["inverse_period"] == 0 or number < N_EARLY:
                for one in maps:
                    decompose_factors(self.state[one.weight], one.has_bias)
            changes = self.adam(gradients)
            before = {p: p.detach().clone() for p in gradients}
            is_trial = settings["adapt_period"] is not None and number % settings["adapt_period"] == 0
            for attempt in range(N_ATTEMPTS):
                steps, reduction = self.propose(maps, seen, gradients)
                for p, change in changes.items():
                    p.add_(change, alpha=0.5**attempt)
                for one, step in zip(maps, steps, strict=True):
                    for p, change in zip(one.parameters, step, strict=True):
                        p.add_(change)
                if not is_trial or self.adapt(float(loss), evaluated(closure, gradients), reduction):
                    break
                for p, value in before.items():
                    p.copy_(value)
            else:  # nothing lowers the loss: rounding, or the minimum
                settings["damping"] /= RETREAT ** (N_ATTEMPTS - 1)
                steps = [None] * len(maps)
            for one, step in zip(maps, steps, strict=True):
                self.state[one.weight]["previous"] = step
        return loss

    def warn(self, message):
        if not self.has_warned:
            warnings.warn(f"KFAC: {message} The damping was raised.", RuntimeWarning, stacklevel=4)
            self.has_warned = True

    def update_factors(self, maps, seen):
        """Moving averages of A and G."""
        settings = self.param_groups[0]
        age = 1 + (settings["n_steps"] - 1) // settings["factor_period"]
        moments = [seen.moments(one, settings["max_side"]) for one in maps]
        if self.reduce is not None:
            self.reduce([moment for pair in moments for moment in pair], seen.n_rows)
        for one, (A, G) in zip(maps, moments, strict=True):
            state = self.state[one.weight]
            for name, moment in (("A", A / A[:, -1:, -1:]), ("G", G)):
                if not moment.isfinite().all():
                    self.warn("A layer's curvature was not finite and is left out.")
                    settings["damping"] *= RETREAT
                    unit = torch.eye(moment.shape[-1]).to(moment).expand_as(moment)
                    state.setdefault(name, unit.clone())
                elif name in state:
                    state[name].lerp_(moment, 1 - min(settings["decay"], 1 - 1 / age))
                else:
                    state[name] = moment

    def propose(self, maps, seen, gradients):
        """The best step in the span of natural gradients and previous steps, and by how much the model falls.

        For directions D, and J D the changes of outputs times the root of the loss's curvature, the model is
        ``g^T D c + c^T (|J D|^2 / n + damping D^T D + penalty W^T W) c / 2``, with W the coefficients in D.
        """
        settings = self.param_groups[0]
        directions = []
        for k, one in enumerate(maps):
            state = self.state[one.weight]
            matrix, bias = one.matrix([gradients[p] for p in one.parameters])
            directions.append((k, one.tensors(*solve(state, matrix, bias, settings["damping"] + settings["penalty"]))))
            if settings["momentum"] and state.get("previous") is not None:
                directions.append((k, state["previous"]))
        slope = torch.stack([inner([gradients[p] for p in maps[k].parameters], step) for k, step in directions])
        effects = torch.stack([seen.effect(maps[k], step).flatten() for k, step in directions]).double()
        fisher = effects @ effects.T / seen.n_rows
        if self.reduce is not None:
            self.reduce([fisher], seen.n_rows)
        ridge = torch.zeros_like(fisher)
        for i, (k, step) in enumerate(directions):
            for j, (other, another) in enumerate(directions):
                if k == other:
                    ridge[i, j] = settings["damping"] * inner(step, another)
                    ridge[i, j] += settings["penalty"] * inner(step[: maps[k].n_weights], another)
        share = minimiser(fisher + ridge, slope) * settings["lr"]
        divergence = 0.5 * float(share @ fisher @ share)
        share *= min(1.0, (settings["max_kl"] / divergence) ** 0.5 if divergence > 0 else 1.0)
        reduction = -float(slope @ share + 0.5 * share @ (fisher + ridge) @ share)
        steps = [[torch.zeros_like(p) for p in one.parameters] for one in maps]
        for (k, direction), weight in zip(directions, share.tolist(), strict=True):
            for total, part in zip(steps[k], direction, strict=True):
                total.add_(part, alpha=weight)
        return steps, reduction

    def adapt(self, loss, after, reduction):
        """Adapt the damping to the share of the model's reduction that came true; returns whether to keep the step."""
        settings = self.param_groups[0]
        if not math.isfinite(after):
            self.warn("The loss was not finite after a step, which was taken back.")
        share = (loss - after) / reduction if reduction > 0 else -math.inf
        if not share > 0:
            settings["damping"] *= RETREAT
            return False
        if share > 0.75:
            settings["damping"] = max(settings["damping"] * ADAPT_RATE, LEAST_DAMPING)
        elif share < 0.25:
            settings["damping"] /= ADAPT_RATE
        return True

    def adam(self, gradients):
        """Steps of Adam (Kingma & Ba, 2015) for the other parameters."""
        rest = self.param_groups[1]
        (beta, beta_sq), changes = rest["betas"], {}
        for p in rest["params"]:
            if p not in gradients:
                continue
            state = self.state[p]
            if not state:
                state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
            state["step"] += 1
            mean = state["exp_avg"].lerp_(gradients[p], 1 - beta) / (1 - beta ** state["step"])
            square = state["exp_avg_sq"].lerp_(gradients[p].square(), 1 - beta_sq) / (1 - beta_sq ** state["step"])
            changes[p] = -rest["lr"] * mean / (square.sqrt() + ADAM_EPS)
        return changes


def inner(tensors, others):
    """Inner product of two lists of tensors; of the shorter one's length."""
    return sum((a * b).sum().double() for a, b in zip(tensors, others, strict=False))


def minimiser(curvature, slope):
    """Where ``slope^T c + c^T curvature c / 2`` is least, nothing along directions that are not there."""
    if not (curvature.isfinite().all() and slope.isfinite().all()):
        return torch.zeros_like(slope)
    scale = torch.where(curvature.diagonal() > 0, curvature.diagonal(), torch.inf).rsqrt()
    values, vectors = torch.linalg.eigh(curvature * scale * scale[:, None])
    kept = torch.where(values > LEAST_SHARE, 1 / values, 0.0)
    return -scale * (vectors @ (kept * (vectors.T @ (scale * slope))))


@torch.no_grad()
def evaluated(closure, gradients):
    """The loss by itself; the gradients stay."""
    for p in gradients:
        p.grad = None
    try:
        return float(closure())
    finally:
        for p, gradient in gradients.items():
            p.grad = gradient
