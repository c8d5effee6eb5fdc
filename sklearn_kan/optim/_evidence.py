"""Gauss-Newton steps whose penalties follow from the evidence (MacKay 1992; Foresee & Hagan 1997)."""

import math
from typing import Any

import torch

from ._frame import Frame
from ._gauss_newton import N_ATTEMPTS, N_JITTERS, Dense, GaussNewton, add, vector_of
from ._jacobian import blocks_of
from ._recording import evaluated, recorded

START_PENALTY, START_NOISE = 1.0, 0.2  # precision of coefficients, and variance of noise as a share of the first loss's
N_FIXED = 10  # steps with these, before coefficients are large enough to tell
FREE_PENALTY = 1e-2  # of biases and whatever else is not penalised by evidence
LEAST_PENALTY, MOST_PENALTY = 1e-4, 1e6
LEAST_SQUARES = 1e-3  # of a group, so that what starts at zero is not given up at once
REST = 1e-9  # of the objective, below which a step is not worth another trial
LEAST_FREEDOM = 0.05  # of the rows, that the noise is known by


class EvidenceGaussNewton(GaussNewton):
    """Gauss-Newton steps with a penalty for each group of coefficients, chosen by the evidence.

    The objective is ``n loss / s + sum_g alpha_g |w_g|^2 / 2``. After a step a penalty becomes ``gamma_g / |w_g|^2``,
    with ``gamma_g = |g| - alpha_g tr(B^-1)_g`` the number of the group's parameters that the data determine, and B the
    objective's Gauss-Newton matrix; for squared errors the noise s becomes what is left by the degrees of freedom that
    are left. No rows need to be held out.

    Of a map behind splines, coefficients are penalised in the coordinates of their roughness: straight lines are one
    group, and what bends is another, the more the rougher. In the first layer each input has groups of its own, which
    shut off inputs that do not matter (MacKay's automatic relevance determination).

    Parameters
    ----------
    model : Module
        As of `GaussNewton`. A matrix of all its parameters is factored in each step, so that they should be hundreds
        rather than thousands.
    fisher : {"mse", "cross_entropy"} or callable, default="mse"
        Curvature of the loss, as for `GaussNewton`.
    has_noise : bool, default=True
        Whether the loss is a squared error, or half of one, whose scale is unknown; otherwise it is a negative
        log-likelihood.
    damping : float, default=1e-3
        As of `GaussNewton`.
    reduce : callable, optional
        As of `GaussNewton`.

    Attributes
    ----------
    noise : float
        What the loss is divided by: the variance of the noise for half a squared error, twice that for a squared one.
    penalties : Tensor of shape (n_groups,)
        The alphas.

    Notes
    -----
    ``step(closure)`` is as of `GaussNewton`, and the closure's loss has no penalty. Biases, norms, and parameters
    without a Jacobian in closed form are hardly penalised. For the first ten steps all penalties are one.

    References
    ----------
    MacKay (1992), *A Practical Bayesian Framework for Backpropagation Networks*.

    Foresee & Hagan (1997), *Gauss-Newton Approximation to Bayesian Learning*.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan import KANLayer
    >>> from sklearn_kan.optim import EvidenceGaussNewton
    >>> generator = torch.Generator().manual_seed(0)
    >>> x = torch.rand(300, 2, generator=generator, dtype=torch.float64) * 2 - 1
    >>> y = torch.sin(3 * x[:, :1]) + 0.2 * torch.randn(300, 1, generator=generator, dtype=torch.float64)
    >>> model = KANLayer(2, 1, n_knots=12, generator=generator).double()
    >>> optimizer = EvidenceGaussNewton(model, "mse")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = torch.nn.functional.mse_loss(model(x), y)
    ...     if loss.requires_grad:
    ...         loss.backward()
    ...     return loss
    >>> for _ in range(30):
    ...     loss = optimizer.step(closure)
    >>> bool(0.03 < optimizer.noise / 2 < 0.05)
    True
    """

    def __init__(self, model, fisher="mse", *, has_noise=True, damping=1e-3, reduce=None) -> None:
        super().__init__(model, fisher, damping=damping, max_dense=2**31, reduce=reduce)
        self.has_noise, self.n_steps = has_noise, 0
        self.noise: Any = None
        self.penalties: Any = None
        self.frame: Any = None

    def step(self, closure, sample_weight=None) -> Any:  # type: ignore[override]
        """Take one step, as `GaussNewton.step`; the closure's loss has no penalty."""
        settings = self.param_groups[0]
        with torch.enable_grad(), recorded(self.model, self.maps, self.root, sample_weight) as record:
            loss = closure().detach()
        with torch.no_grad():
            gradients = {p: p.grad for p in settings["params"] if p.grad is not None}
            self.is_stuck = not (math.isfinite(loss) and all(g.isfinite().all() for g in gradients.values()))
            blocks = blocks_of(self.model, [linear for linear in self.maps if record.has(linear)])
            if self.is_stuck or not blocks:
                return loss
            self.begin(blocks, record, float(loss))
            n_values = record.n_rows * (len(record.columns) if self.has_noise else 1)
            ridge = self.ridge(n_values)
            curvature = Dense(blocks, record, torch.ones_like(ridge), torch.zeros_like(ridge), self.reduce)
            curvature.matrix = self.frame.squared(curvature.matrix)
            curvature.matrix.diagonal().add_(ridge)
            parameters = {p: p for p in gradients}
            w = self.frame.coordinates(vector_of(blocks, parameters).double())
            gradient = self.frame.transposed(vector_of(blocks, gradients).double()) + ridge * w
            norm, before = float(gradient.norm()), float(loss) + 0.5 * float(ridge @ w.square())
            if settings["gamma"] is None:
                settings["gamma"] = max(norm, torch.finfo(w.dtype).tiny) / settings["damping"]
            state = {p: p.detach().clone() for p in gradients}
            for _ in range(N_ATTEMPTS):
                inverse, damping = damped_inverse(curvature.matrix, norm / settings["gamma"])
                if inverse is None:
                    self.is_stuck = True
                    return loss
                determined, h = 1 - ridge * inverse.diagonal(), -(inverse @ gradient)
                reduction = -0.5 * float(gradient @ h) + 0.5 * damping * float(h @ h)
                add(blocks, self.frame.applied(h))
                after = evaluated(closure, gradients)
                if self.adapt(before, after + 0.5 * float(ridge @ (w + h).square()), reduction):
                    self.learn(w + h, determined, n_values, after)
                    return loss
                for p, value in state.items():
                    p.copy_(value)
                if reduction < REST * before:
                    break
            self.learn(w, determined, n_values, float(loss))  # at rest, but for other penalties
        return loss

    def begin(self, blocks, record, loss):
        """Groups and the first penalties, at the first step."""
        if self.frame is None:
            self.frame = Frame(blocks, record)
            self.penalties = self.frame.group.new_full((self.frame.n_groups,), START_PENALTY, dtype=torch.float64)
            self.noise = START_NOISE * 2 * loss if self.has_noise else 1.0

    def ridge(self, n_values):
        """Penalties of coordinates, where the loss is a mean over values."""
        each = torch.cat([self.penalties, self.penalties.new_tensor([FREE_PENALTY])])  # the last for those in no group
        return each[self.frame.group] * self.noise / n_values

    def learn(self, w, determined, n_values, loss):
        """Penalties and noise from coordinates, and from the share of each that the data determine."""
        self.n_steps += 1
        if self.n_steps < N_FIXED:
            return
        sums = w.new_zeros(2, self.frame.n_groups + 1)
        sums.index_add_(1, self.frame.group, torch.stack([determined.clamp(0, 1), w.square()]))
        penalties = sums[0] / (sums[1] + 2 * LEAST_SQUARES)
        self.penalties = penalties[:-1].clamp(LEAST_PENALTY, MOST_PENALTY)
        if self.has_noise:
            freedom = max(n_values - float(sums[0].sum()), LEAST_FREEDOM * n_values)
            self.noise = max(2 * loss * n_values / freedom, torch.finfo(w.dtype).eps ** 2)


def damped_inverse(matrix, damping):
    """The inverse of a matrix and a multiple of the identity, and which; more where rounding asks for it, or None."""
    for _ in range(N_JITTERS):
        damped = matrix.clone()
        damped.diagonal().add_(damping)
        factor, info = torch.linalg.cholesky_ex(damped)
        if info == 0 and factor.isfinite().all():
            return torch.cholesky_inverse(factor), damping
        damping = max(10 * damping, torch.finfo(matrix.dtype).eps * float(matrix.diagonal().mean()))
    return None, damping
