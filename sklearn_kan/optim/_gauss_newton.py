"""Gauss-Newton steps regularised by the gradient's norm (Semenov, Jaggi & Doikov, 2025)."""

import math
from typing import Any, Self

import torch

from ._conjugate_gradients import conjugate_gradients
from ._fisher import get_root
from ._jacobian import blocks_of, parts
from ._maps import maps_of
from ._optimizer import Optimizer
from ._quadratic import minimiser
from ._recording import evaluated, recorded

N_ATTEMPTS = 8
GAMMA_DROP = 4.0  # when a step has to be taken back
LEAST_GAMMA, MOST_GAMMA = 1e-30, 1e30
N_JITTERS = 5
CG_STEPS, CG_TOLERANCE = 200, 1e-6


class GaussNewton(Optimizer):
    """Full Gauss-Newton steps on all rows, for models with thousands of parameters.

    ``h = -(B + |g| / gamma I)^-1 g``, with g the gradient and ``B = J^T J / n`` the (generalised) Gauss-Newton matrix,
    J the Jacobian of the outputs times a root of the loss's curvature. Close to a minimum the regularisation vanishes
    with the gradient. A step is taken on trial, and taken back if the loss rises; gamma is doubled where the quadratic
    model holds, and halved where it does not.

    Parameters
    ----------
    model : Module
        Rows are the first axis of its layers' inputs and of its output, a tensor (n, k). Its KANLayers, linear layers
        and norms have Jacobians in closed form; other parameters take part by ``torch.func``, for which the model has
        to be a function of one tensor of rows.
    fisher : {"mse", "cross_entropy"} or callable, default="mse"
        Curvature of the loss, as for `KFAC`.
    damping : float, default=1e-3
        ``|g| / gamma`` of the first step. Zero takes all steps, with a pseudo-inverse and without a trial.
    penalty : float, default=0.0
        Curvature of a term ``penalty / 2 ||w||^2`` of the layers' coefficients, if the loss has one.
    max_dense : int, default=5000
        Up to so many parameters B is computed, in float64, and factored; beyond, systems are solved by conjugate
        gradients with products of B.
    reduce : callable, optional
        ``(tensors, n_rows)``, which averages tensors in place over the processes that share a batch.

    Notes
    -----
    ``step(closure)`` calls the closure as :meth:`KFAC.step` does: first for loss and gradients, then without gradients
    for the loss of each trial, where ``loss.requires_grad`` is false. After a step the gradients are those from before
    it. Parameters without a gradient stay as they are.

    References
    ----------
    Semenov, Jaggi & Doikov (2025), *Gradient-Normalized Smoothness for Optimization with Approximate Hessians*,
    arXiv:2506.13710.

    Schraudolph (2002), *Fast Curvature Matrix-Vector Products for Second-Order Gradient Descent*.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan import KANLayer
    >>> from sklearn_kan.optim import GaussNewton
    >>> _ = torch.manual_seed(0)
    >>> x = torch.rand(200, 2, dtype=torch.float64) * 2 - 1
    >>> y = torch.sin(3 * x[:, :1]) * x[:, 1:]
    >>> model = torch.nn.Sequential(KANLayer(2, 5), KANLayer(5, 1)).double()
    >>> optimizer = GaussNewton(model, "mse")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = torch.nn.functional.mse_loss(model(x), y)
    ...     if loss.requires_grad:
    ...         loss.backward()
    ...     return loss
    >>> losses = [optimizer.step(closure).item() for _ in range(20)]
    >>> losses[-1] < 1e-5 * losses[0]
    True
    """

    def __init__(self, model, fisher="mse", *, damping=1e-3, penalty=0.0, max_dense=5000, reduce=None) -> None:
        self.maps = maps_of(model)
        settings = {"gamma": None, "damping": damping, "penalty": penalty, "max_dense": max_dense}
        super().__init__([{"params": [p for p in model.parameters() if p.requires_grad], **settings}], {})
        self.model, self.root, self.reduce = model, get_root(fisher), reduce
        self.is_stuck = False

    def step(self, closure, sample_weight=None) -> Any:  # type: ignore[override]
        """Take one step.

        Parameters
        ----------
        closure : callable
            Calls the model on all rows, and computes loss and gradients; returns the loss.
        sample_weight : Tensor of shape (n,), optional
            Weights of the rows in the loss, ``mean(w * loss)``.

        Returns
        -------
        loss : Tensor
            Before the step. If it or a gradient is not finite, no step is taken, and ``is_stuck`` is true.

        Raises
        ------
        RuntimeError
            If the closure does not call the model itself.
        """
        settings = self.param_groups[0]
        with torch.enable_grad(), recorded(self.model, self.maps, self.root, sample_weight) as record:
            loss = closure().detach()
        with torch.no_grad():
            gradients = {p: p.grad for p in settings["params"] if p.grad is not None}
            self.is_stuck = not (math.isfinite(loss) and all(g.isfinite().all() for g in gradients.values()))
            blocks = blocks_of(self.model, [linear for linear in self.maps if record.has(linear)])
            blocks = [block for block in blocks if any(p in gradients for p in block.parameters)]
            if self.is_stuck or not blocks:
                return loss
            gradient = vector_of(blocks, gradients).double()
            norm = float(gradient.norm())
            if norm == 0:  # at rest
                return loss
            if settings["gamma"] is None:
                settings["gamma"] = norm / settings["damping"] if settings["damping"] else math.inf
            curvature = self.curvature(blocks, record, gradients)
            before = {p: p.detach().clone() for p in gradients}
            for _ in range(N_ATTEMPTS):
                h = curvature.solve(gradient, norm / settings["gamma"])
                reduction = -float(gradient @ h + 0.5 * h @ curvature.times(h))
                add(blocks, h)
                if math.isinf(settings["gamma"]):
                    break
                if self.adapt(float(loss), evaluated(closure, gradients), reduction):
                    break
                for p, value in before.items():
                    p.copy_(value)
        return loss

    def curvature(self, blocks, record, gradients):
        """B, with nothing for parameters that have no gradient."""
        settings = self.param_groups[0]
        ones = {p: torch.ones_like(p) for p in gradients}
        free = vector_of(blocks, ones).double()
        penalised = torch.cat([torch.arange(b.size, device=free.device) < b.n_coefficients for b in blocks])
        kind = Dense if len(free) <= settings["max_dense"] else Products
        return kind(blocks, record, free, settings["penalty"] * penalised.float() * free, self.reduce)

    def adapt(self, loss, after, reduction):
        """Adapt gamma to the share of the model's reduction that came true; returns whether to keep the step."""
        settings = self.param_groups[0]
        share = (loss - after) / reduction if reduction > 0 and math.isfinite(after) else -math.inf
        settings["gamma"] = adapted(settings["gamma"], share)
        return share > 0


def adapted(gamma, share):
    """Gamma after a step of which this share of the model's reduction came true."""
    factor = 2.0 if share > 0.5 else 1.0 if share > 0.25 else 0.5 if share > 0 else 1 / GAMMA_DROP
    return min(max(gamma * factor, LEAST_GAMMA), MOST_GAMMA)


class Dense:
    """The matrix itself."""

    def __init__(self, blocks, record, free, ridge, reduce) -> None:
        self.matrix = free.new_zeros(len(free), len(free))
        for part in parts(record.n_rows, len(record.columns) * len(free)):
            rows = torch.cat([block.rows(record, part) for block in blocks], 2).flatten(0, 1).double() * free
            self.matrix.addmm_(rows.T, rows)
        self.matrix /= record.n_rows
        if reduce is not None:
            reduce([self.matrix], record.n_rows)
        self.matrix.diagonal().add_(ridge)

    def times(self, vector) -> Self:
        return self.matrix @ vector

    def solve(self, gradient, damping):
        """By Cholesky; with a pseudo-inverse where there is no damping, or none that is enough."""
        jitter = damping
        for _ in range(N_JITTERS if damping else 0):
            damped = self.matrix.clone()
            damped.diagonal().add_(jitter)
            factor, info = torch.linalg.cholesky_ex(damped)
            if info == 0 and factor.isfinite().all():
                return -torch.cholesky_solve(gradient[:, None], factor)[:, 0]
            jitter = max(10 * jitter, torch.finfo(damped.dtype).eps * float(damped.diagonal().mean()))
        damped = self.matrix.clone()
        damped.diagonal().add_(damping)
        return minimiser(damped, gradient)


class Products:
    """Products with the matrix, which is never formed."""

    def __init__(self, blocks, record, free, ridge, reduce) -> None:
        self.blocks, self.record, self.free, self.ridge, self.reduce = blocks, record, free, ridge, reduce

    def times(self, vector) -> Self:
        sizes = [block.size for block in self.blocks]
        inside = (vector * self.free).to(self.record.columns.dtype).split(sizes)
        effect = sum(block.times(self.record, v) for block, v in zip(self.blocks, inside, strict=True))
        product = (
            torch.cat([block.transposed(self.record, effect) for block in self.blocks]).double() / self.record.n_rows
        )
        if self.reduce is not None:
            self.reduce([product], self.record.n_rows)
        return product * self.free + self.ridge * vector

    def solve(self, gradient, damping):
        """By conjugate gradients, each iterate a better minimum of the model."""

        def damped(vector):
            return self.times(vector) + damping * vector

        return conjugate_gradients(damped, -gradient, tolerance=CG_TOLERANCE, max_iter=CG_STEPS)


def vector_of(blocks, tensors):
    """One vector from tensors by parameter, with zeros for those that are missing."""
    return torch.cat([b.vector([tensors.get(p, torch.zeros_like(p)) for p in b.parameters]) for b in blocks])


def add(blocks, vector):
    """Add a vector to the parameters."""
    for block, part in zip(blocks, vector.split([block.size for block in blocks]), strict=True):
        for p, change in zip(block.parameters, block.tensors(part), strict=True):
            p.add_(change.to(p.dtype))
