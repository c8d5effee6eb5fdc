"""Edge functions of each family of bases as expressions."""

import math
from functools import reduce

import sympy as sp
import torch

from ..bases import BSpline
from ..bases._activation import Activation
from ..bases._chebyshev import Chebyshev, recursion
from ..bases._continued import Continued
from ..bases._fourier import Fourier, frequencies
from ..bases._jacobi import Jacobi
from ..bases._pieces import polynomials_of
from ..bases._rational import Rational
from ..bases._rbf import RBF
from ..bases._relu import ReLU
from ..bases._sine import Sine
from ..bases._truncated_power import edge_polynomials
from ..bases._wavelet import Wavelet

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def edge_expressions(basis, weight, columns, is_nested=False):
    """The functions of a layer's edges.

    Parameters
    ----------
    basis : Basis
        In float64.
    weight : Tensor of shape (in_features, n_basis, n_units)
    columns : list of sympy.Expr
        The layer's inputs.
    is_nested : bool, default=False
        Whether they stand for outputs of other layers, which may be piecewise themselves.

    Returns
    -------
    list of list of sympy.Expr
        By unit, then by input.
    """
    if isinstance(basis, BSpline):
        return spline_edges(basis, weight, columns, is_nested)
    numbers = weight.tolist()
    by_input = []
    for i, z in enumerate(columns):
        if isinstance(basis, Continued):
            by_input.append(continued(basis, weight, i, z))
        else:
            by_input.append(weighted(functions_of(basis, i, z), numbers[i]))
    return [list(edges) for edges in zip(*by_input, strict=True)]


def weighted(functions, numbers):
    """Sums of functions, one for each unit, from coefficients (n_basis, n_units)."""
    return [sp.Add(*[c[unit] * f for c, f in zip(numbers, functions, strict=True)]) for unit in range(len(numbers[0]))]


def functions_of(basis, i, z):
    """The basis functions of input number `i`, as expressions of `z`."""
    for family, write in WRITERS.items():
        if isinstance(basis, family):
            return write(basis, i, z)
    known = ", ".join(sorted(family.__name__ for family in (BSpline, *WRITERS)))
    raise ValueError(f"basis={type(basis).__name__} has no closed form here. Fit with one of {known}.")


def continued(basis, weight, i, z):
    """Edges of a family with straight lines outside its ends."""
    low, high = (float(end) for end in basis.ends)
    with torch.no_grad():
        x = torch.tensor([[low], [high]], dtype=weight.dtype).expand(2, basis.in_features)
        rise_low, rise_high = line_slopes(basis, x)[:, i] @ weight[i]
    inner = weighted(functions_of(basis, i, sp.Min(sp.Max(z, low), high)), weight[i].tolist())
    below, above = sp.Min(z, low) - low, sp.Max(z, high) - high
    return [form + a * below + b * above
            for form, a, b in zip(inner, rise_low.tolist(), rise_high.tolist(), strict=True)]  # fmt: skip


def line_slopes(basis, x):
    """Slopes of the straight lines outside the ends."""
    return (basis(x + x.sign()) - basis(x)) * x.sign()[..., None]


def spline_edges(basis, weight, columns, is_nested):
    """Polynomials between knots, in the place between them, and straight lines outside."""
    if is_nested and basis.degree == 0:
        raise ValueError("degree=0 has no closed form in hidden layers. Fit with degree=1 or more.")
    table = basis.table()
    n_rows = table.knots.shape[1] + 1
    individual = getattr(basis, "out_features", None) is not None
    n_units, order = weight.shape[2], polynomials_of(table).shape[1]
    if individual:
        local = edge_polynomials(table, weight).reshape(n_units, len(columns), n_rows, order)
    else:
        pieces = polynomials_of(table)  # (in * rows, power, function)
        index = table.first[:, None] + torch.arange(order)
        owner = torch.arange(len(columns)).repeat_interleave(n_rows)
        local = torch.einsum("rpf,rfo->orp", pieces, weight[owner[:, None], index]).reshape(
            n_units, len(columns), n_rows, order
        )  # fmt: skip
    knots, origin, rate = (part.reshape(-1, size).tolist() for part, size in
                           ((table.knots, n_rows - 1), (table.origin, n_rows), (table.rate, n_rows)))  # fmt: skip
    edges = []
    for unit in range(n_units):
        own = []
        for i, z in enumerate(columns):
            row = unit * len(columns) + i if individual else i
            pieces = pieces_of(z, knots[row], origin[row], rate[row], local[unit, i].tolist())
            own.append(as_increments(z, pieces) if is_nested else as_pieces(z, pieces))
        edges.append(own)
    return edges


def pieces_of(z, knots, origin, rate, polynomials):
    """Pairs of a polynomial, as a function of expressions, and its right end; merged knots, infinite, have none."""
    found = []
    ends = [*(knot for knot in knots if math.isfinite(knot)), None]
    for number, end in enumerate(ends):
        row = number if end is not None else len(knots)

        def polynomial(z, row=row):
            u = rate[row] * (z - origin[row])
            return reduce(lambda total, c: total * u + c, reversed(polynomials[row]), sp.Integer(0))

        found.append((polynomial, end))
    return found


def as_pieces(z, pieces):
    return sp.Piecewise(*[(polynomial(z), True if end is None else z < end) for polynomial, end in pieces])


def as_increments(z, pieces):
    """The same as a sum of what each piece adds, without conditions, which sympy cannot nest."""
    total, left = sp.Integer(0), None
    for polynomial, right in pieces:
        inside = z if left is None else sp.Max(z, left)
        inside = inside if right is None else sp.Min(inside, right)
        total += polynomial(inside) - (0 if left is None else float(polynomial(left)))
        left = right
    return total


def sines(basis, i, z):
    parts = zip(basis.frequency.tolist(), basis.phase[i].tolist(), basis.scale.tolist(), strict=True)
    return [scale * sp.sin(frequency * z + phase) for frequency, phase, scale in parts]


def waves(basis, i, z):
    found = []
    rates = frequencies(basis.n_basis)[::2].tolist()
    for rate in rates:
        size = (rate / rates[0]) ** -2.0
        found += [size * sp.cos(rate * z), size * sp.sin(rate * z)]
    return found[: basis.n_basis]


def bumps(basis, i, z):
    centers = basis.centers.tolist()
    h = centers[1] - centers[0]
    return [sp.exp(-(((z - c) / h) ** 2)) for c in centers]


def rectified(basis, i, z):
    ends = zip(basis.start[i].tolist(), basis.end[i].tolist(), strict=True)
    return [basis.scale * (sp.Max(z - start, 0) * sp.Max(end - z, 0)) ** 2 for start, end in ends]


def chebyshev(basis, i, z):
    scale = basis.scale(torch.zeros(1, dtype=torch.float64)).tolist()
    return [s * t for s, t in zip(scale, recursion(z, sp.Integer(1), z, basis.degree), strict=True)]


def jacobi(basis, i, z):
    scale = basis.scale(torch.zeros(1, dtype=torch.float64)).tolist()
    t = sp.Symbol("t")
    polynomials = [sp.jacobi(k, sp.nsimplify(basis.alpha), sp.nsimplify(basis.beta), t)
                   for k in range(1, basis.degree + 1)]  # fmt: skip
    return [s * p.xreplace({t: z}) for s, p in zip(scale, polynomials, strict=True)]


def rational(basis, i, z):
    above, below = (part[i].tolist() for part in basis.coefficients())
    numerator = sum(c * z**power for power, c in enumerate(above))
    return [numerator / (1 + sp.Abs(sum(c * z**power for power, c in enumerate(below, start=1))))]


SHAPES = {
    "mexican_hat": lambda z: (1 - z**2) * sp.exp(-(z**2) / 2),
    "morlet": lambda z: sp.cos(5 * z) * sp.exp(-(z**2) / 2),
    "dog": lambda z: -z * sp.exp(-(z**2) / 2),
}


def wavelets(basis, i, z):
    parts = zip(basis.shift[i].tolist(), basis.log_scale[i].exp().tolist(), basis.size.tolist(), strict=True)
    return [size * SHAPES[basis.wavelet]((z - shift) / width) for shift, width, size in parts]


def silu(z):
    return z / (1 + sp.exp(-z))


ACTIVATIONS = {
    "relu": lambda z: sp.Max(z, 0),
    "silu": silu,
    "gelu": lambda z: z * (1 + sp.erf(z / sp.sqrt(2))) / 2,
    "selu": lambda z: SELU_SCALE * (sp.Max(z, 0) + SELU_ALPHA * (sp.exp(sp.Min(z, 0)) - 1)),
    "softplus": lambda z: sp.log(1 + sp.exp(z)),
    "sigmoid": lambda z: 1 / (1 + sp.exp(-z)),
}
COMBINATIONS = {
    "quad1": lambda a, b: (a * b) ** 2,
    "quad2": lambda a, b: a * b + a**2 + b**2,
    "sum": lambda a, b: a + b,
    "prod": lambda a, b: a * b,
    "sum_prod": lambda a, b: a + b + a * b,
    "cubic1": lambda a, b: (a + b) * (a**2 + b**2),
    "cubic2": lambda a, b: (a * b) ** 3,
}


def activations(basis, i, z):
    rate, sigma = float(basis.rate), ACTIVATIONS[basis.activation]
    ends = zip(basis.start[i].tolist(), basis.end[i].tolist(), strict=True)
    plain = [COMBINATIONS[basis.combination](sigma(rate * (z - s)), sigma(rate * (e - z))) for s, e in ends]
    change = basis.change.tolist()
    if basis.pool_weight is None:
        return weighted(plain, change)
    if basis.attention is not None:
        raise ValueError(
            "basis_params={'pool': 'attention'} has no closed form that can be read. Fit with pool='linear' or None."
        )
    return [sp.Add(*[v * c * p for v, c, p in zip(basis.pool_weight.tolist(), change, plain, strict=True)])]


WRITERS = {
    Sine: sines, Fourier: waves, RBF: bumps, ReLU: rectified, Chebyshev: chebyshev, Jacobi: jacobi, Rational: rational,
    Wavelet: wavelets, Activation: activations,
}  # fmt: skip
