"""Combinations of activation functions (AF-KAN; Ta & Tran, 2025)."""

import math
from functools import lru_cache
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ..knots import HIGH, LOW
from ._base import as_new, check_least
from ._continued import Continued
from ._relu import staggered

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

# An activation and its derivative.
ACTIVATIONS = {
    "relu": (torch.relu, lambda z: (z > 0).to(z)),
    "silu": (F.silu, lambda z: z.sigmoid() * (1 + z * (-z).sigmoid())),
    "gelu": (F.gelu, lambda z: torch.special.ndtr(z) + z * torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)),
    "selu": (F.selu, lambda z: SELU_SCALE * torch.where(z > 0, 1.0, SELU_ALPHA * z.clamp(max=0).exp())),
    "softplus": (F.softplus, torch.sigmoid),
    "sigmoid": (torch.sigmoid, lambda z: z.sigmoid() * (-z).sigmoid()),
}

# A combination, symmetric in a and b, and its derivative by a.
COMBINATIONS = {
    "quad1": (lambda a, b: (a * b).square(), lambda a, b: 2 * a * b.square()),
    "quad2": (lambda a, b: a * b + a.square() + b.square(), lambda a, b: 2 * a + b),
    "sum": (lambda a, b: a + b, lambda a, b: torch.ones_like(a)),
    "prod": (lambda a, b: a * b, lambda a, b: b),
    "sum_prod": (lambda a, b: a + b + a * b, lambda a, b: 1 + b),
    "cubic1": (
        lambda a, b: (a + b) * (a.square() + b.square()),
        lambda a, b: a.square() + b.square() + 2 * a * (a + b),
    ),
    "cubic2": (lambda a, b: (a * b) ** 3, lambda a, b: 3 * a.square() * b**3),
}
POOLS = ("linear", "attention")
N_POINTS = 513  # on which the start's Gram matrix is measured
LARGEST_CONDITION = 1e4  # of the Gram matrix in the coordinates that are trained


class Activation(Continued, name="activation"):
    """Combinations ``c(a, b)`` of ``a = sigma(r (x - s_k))`` and ``b = sigma(r (e_k - x))``, with learnable phases.

    Phases start as in `ReLU`: ``s_k = -1 + (k - p) h`` and ``e_k = s_k + (p + 1) h`` for ``g = n_knots - 1``
    intervals of width ``h = 2 / g`` and order ``p = degree``. Outside [-1, 1] each function continues as a straight
    line.

    Some combinations grow away from their phases, and are then nearly dependent, whatever the scale. Coefficients are
    therefore held in other coordinates, ``phi = c @ change``: a constant matrix, by which the functions at the start
    have a mean square of one, and a Gram matrix on [-1, 1] whose condition number is 1e4 at most. It also takes the
    place of the authors' normalisation, which makes predictions depend on other rows of the batch. Pooled functions,
    which share a coefficient, are only brought to a mean square of one each.

    Parameters
    ----------
    in_features : int
    n_knots : int, default=8
        At least 2.
    degree : int, default=3
        Not negative.
    activation : {"silu", "relu", "gelu", "selu", "softplus", "sigmoid"}, default="silu"
    combination : {"quad1", "quad2", "sum", "prod", "sum_prod", "cubic1", "cubic2"}, default="quad1"
        ``(ab)**2``, ``ab + a**2 + b**2``, ``a + b``, ``ab``, ``a + b + ab``, ``(a + b)(a**2 + b**2)``,
        ``(ab)**3``.
    pool : {"linear", "attention"}, optional
        The parameter-reduced form: the functions of an input are pooled to one, ``v . phi`` or
        ``softmax(A phi + v) . phi``, with ``v`` and ``A`` shared by all edges. Both start with a ramp as ``v``.

    Attributes
    ----------
    start, end : Parameter of shape (in_features, n_functions)
        ``s_k`` and ``e_k``, with ``n_functions = n_knots + degree - 1``.
    rate : Tensor of shape ()
        ``r = g``, half an interval: the authors' ``r = 1`` makes smooth activations nearly dependent, with condition
        numbers above 1e9.
    change : Tensor of shape (n_functions, n_functions), or (n_functions,) with `pool`
    pool_weight : Parameter of shape (n_functions,)
        ``v``, if pooled.
    attention : Parameter of shape (n_functions, n_functions)
        ``A``, if pooled by attention.

    Raises
    ------
    ValueError
        If `n_knots` or `degree` is too small, or a choice is unknown.

    Notes
    -----
    Shape: ``(n_samples, in_features) -> (n_samples, in_features, n_basis)``, with
    ``n_basis = n_knots + degree - 1``, or 1 if pooled.

    References
    ----------
    Ta & Tran (2025), *AF-KAN: Activation Function-Based Kolmogorov-Arnold Networks*, arXiv:2503.06112.

    Examples
    --------
    >>> import torch
    >>> from sklearn_kan.bases import Activation
    >>> Activation(3, n_knots=6, combination="cubic2")(torch.zeros(10, 3)).shape
    torch.Size([10, 3, 8])
    >>> Activation(3, n_knots=6, pool="attention")(torch.zeros(10, 3)).shape
    torch.Size([10, 3, 1])
    """

    search_space: ClassVar = {
        "n_knots": (4, 32),
        "degree": [1, 2, 3],
        "activation": list(ACTIVATIONS),
        "combination": list(COMBINATIONS),
        "pool": [None, *POOLS],
    }

    rate: torch.Tensor
    change: torch.Tensor

    def __init__(self, in_features, *, n_knots=8, degree=3, activation="silu", combination="quad1", pool=None) -> None:
        check_least(2, "activation", n_knots=n_knots)
        check_least(0, "activation", degree=degree)
        for name, value, choices in (
            ("activation", activation, ACTIVATIONS),
            ("combination", combination, COMBINATIONS),
            ("pool", pool, (None, *POOLS)),
        ):
            if value not in choices:
                raise ValueError(f"{name}={value!r} is unknown. Choose one of {', '.join(map(repr, choices))}.")
        start, end = staggered(n_knots, degree)
        super().__init__(in_features, n_basis=len(start) if pool is None else 1)
        self.activation, self.combination = activation, combination
        self.start = nn.Parameter(as_new(start).repeat(in_features, 1))
        self.end = nn.Parameter(as_new(end).repeat(in_features, 1))
        self.register_buffer("rate", torch.tensor(n_knots - 1.0))
        change = usual_change(n_knots, degree, activation, combination, pool is None)
        self.register_buffer("change", as_new(torch.tensor(change, dtype=torch.float64, device="cpu")))
        ramp = torch.linspace(LOW, HIGH, len(start))
        self.pool_weight = nn.Parameter(ramp) if pool else None
        self.attention = nn.Parameter(torch.zeros(len(start), len(start))) if pool == "attention" else None

    def lines(self, x) -> tuple[torch.Tensor, torch.Tensor]:
        return self.rate * (x[..., None] - self.start), self.rate * (self.end - x[..., None])

    def functions(self, x) -> torch.Tensor:
        """The combinations themselves, ``(n, in) -> (n, in, n_functions)``."""
        return combined(self.activation, self.combination, *self.lines(x))

    def changed(self, values):
        """Functions in better coordinates; pooled ones, which share a coefficient, at a common size."""
        return values @ self.change if self.pool_weight is None else values * self.change

    def inner(self, x) -> torch.Tensor:
        return self.changed(self.functions(x))

    def slope(self, x) -> torch.Tensor:
        sigma, derivative = ACTIVATIONS[self.activation]
        _, by_first = COMBINATIONS[self.combination]
        up, down = self.lines(x)
        a, b = sigma(up), sigma(down)
        rise = by_first(a, b) * derivative(up) - by_first(b, a) * derivative(down)
        return self.changed(self.rate * rise)

    def forward(self, x) -> torch.Tensor:
        phi = super().forward(x)
        if self.pool_weight is None:
            return phi
        if self.attention is None:
            return (self.pool_weight * phi).sum(-1, keepdim=True)
        logit = F.linear(phi, self.attention, self.pool_weight)
        weight = torch.exp(logit - logit.detach().amax(-1, keepdim=True))  # softmax is slow along short rows
        ones = phi.new_ones(phi.shape[-1], 1)
        return ((weight * phi) @ ones) / (weight @ ones)


def combined(activation, combination, up, down):
    """Functions of pairs of lines."""
    sigma, _ = ACTIVATIONS[activation]
    return COMBINATIONS[combination][0](sigma(up), sigma(down))


@lru_cache(maxsize=32)
def usual_change(n_knots, degree, activation, combination, are_apart):
    """Change of basis of functions on even knots, as numbers: tensors would belong to the first caller's modes."""
    start, end = staggered(n_knots, degree)
    x = torch.linspace(LOW, HIGH, N_POINTS, dtype=torch.float64, device="cpu")[:, None]
    values = combined(activation, combination, (n_knots - 1) * (x - start), (n_knots - 1) * (end - x))
    return (conditioning(values) if are_apart else values.square().mean(0).rsqrt()).tolist()


def conditioning(values):
    """Change of basis that bounds the condition number of the Gram matrix: ``(n, k) -> (k, k)``.

    Functions are scaled to a mean square of one; then the spectrum of their Gram matrix is raised to the power that
    brings the quotient of its ends down to the bound, in the symmetric way, which leaves each function what it is as
    far as possible. What is below the precision of float32 counts as that: rounding errors are not functions.
    """
    scale = values.square().mean(0).rsqrt()
    _, singular, axes = torch.linalg.svd(values * scale, full_matrices=False)
    spectrum = (singular / singular[0]).clamp(min=1e-7).square()
    condition = -math.log(spectrum[-1])
    power = 1.0 if condition <= math.log(LARGEST_CONDITION) else math.log(LARGEST_CONDITION) / condition
    whitened = axes.T * spectrum ** ((power - 1) / 2) @ axes
    change = scale[:, None] * whitened
    return change * (values @ change).square().mean().rsqrt()
