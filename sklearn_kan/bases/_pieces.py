"""Splines as polynomials on the intervals between their knots, in a table."""

import math
from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F

from ..knots import extended


class PieceTable(NamedTuple):
    """Polynomials of all non-zero functions on every interval between the knots of each input, and outside them.

    Parameters
    ----------
    knots : Tensor of shape (n_inputs, n_knots)
        Rows may end in ``inf``.
    pieces : Tensor of shape (n_inputs * (n_knots + 1), (degree + 1) ** 2)
        Row ``j`` of an input holds the polynomials on the interval left of knot ``j``, in powers of
        ``(x - origin) * rate``: power-major, basis function minor. The first row and the row after the last
        finite knot are the linear continuations.
    origin, rate : Tensor of shape (n_inputs * (n_knots + 1),)
    first : LongTensor of shape (n_inputs * (n_knots + 1),)
        Index of the first non-zero basis function.
    """

    knots: torch.Tensor
    pieces: torch.Tensor
    origin: torch.Tensor
    rate: torch.Tensor
    first: torch.Tensor


def piece_table(knots, degree):
    """The table of B-splines, by the triangular scheme (de Boor 1978, ch. X).

    Parameters
    ----------
    knots : Tensor of shape (n_inputs, n_knots)
        Gradients flow from the table's pieces to inner knots, in coordinates that stay put: those of `origin` and
        `rate`, which have none.
    degree : int

    Returns
    -------
    PieceTable
    """
    t, count, n_knots = extended(knots.double(), degree), knots.isfinite().sum(1).clamp(min=2), knots.shape[1]
    left = t.detach()[:, degree : degree + n_knots - 1]
    width = t.detach()[:, degree + 1 : degree + n_knots] - left

    inner = torch.ones_like(width)[..., None, None]  # (n_inputs, n_knots - 1, power, function)
    for d in range(1, degree + 1):
        some = t.unfold(1, d, 1)  # d knots each
        right = some[:, degree + 1 : degree + n_knots]
        span = right - some[:, degree + 1 - d : degree + n_knots - d]
        share = inner / span[:, :, None]
        constant, slope = (right - left[..., None])[:, :, None], width[..., None, None]
        falling = F.pad(share * constant, (0, 0, 0, 1)) - F.pad(share * slope, (0, 0, 1, 0))  # share * (right - x)
        rising = F.pad(inner, (0, 0, 0, 1)) - falling
        inner = F.pad(falling, (0, 1)) + F.pad(rising, (1, 0))

    powers = torch.arange(degree + 1, dtype=torch.float64, device=knots.device)
    last = (count - 2)[:, None, None, None].expand(-1, 1, degree + 1, degree + 1)
    at_end = inner.gather(1, last)
    slope_powers = powers[:, None]
    start = linear_piece(inner[:, :1, 0], inner[:, :1, 1] if degree else None, degree)
    end = linear_piece(at_end.sum(2), (at_end * slope_powers).sum(2) if degree else None, degree)

    row = torch.arange(n_knots + 1, device=knots.device)
    is_end = (row >= count[:, None])[..., None, None]
    pieces = torch.where(is_end, end, torch.cat([start, inner, end], 1))
    end_knot = t.detach().gather(1, degree + count[:, None] - 1)
    origin = torch.where(is_end[..., 0, 0], end_knot, torch.cat([left[:, :1], left, end_knot], 1))
    end_width = width.gather(1, count[:, None] - 2)
    widths = torch.where(is_end[..., 0, 0], end_width, torch.cat([width[:, :1], width, end_width], 1))
    first = (row - 1).clamp(min=0).minimum((count - 2)[:, None])
    pieces, origin, rate = (part.to(knots.dtype) for part in (pieces.flatten(2), origin, 1 / widths))
    return PieceTable(knots, pieces.flatten(0, 1), origin.flatten(), rate.flatten(), first.flatten())


FEW = 512  # knots whose table is kept: it has 64 KiB for cubic splines


def kept_table(knots, degree):
    """What `piece_table` gives, in tensors of its own: networks are made with the same few knots again and again."""
    is_plain = type(knots) is torch.Tensor and knots.device.type == "cpu" and not knots.requires_grad
    if not is_plain or knots.dtype not in (torch.float32, torch.float64) or not 0 < knots.numel() <= FEW:
        return piece_table(knots, degree)
    found = table_of(knots.numpy().tobytes(), knots.shape, knots.dtype, degree)
    return PieceTable(knots, *(part.clone() for part in found[1:]))


@lru_cache(maxsize=64)
def table_of(data, shape, dtype, degree):
    return piece_table(torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape), degree)


def linear_piece(value, slope, degree):
    """The polynomials ``value + slope * u``, shape (n_inputs, 1, degree + 1 powers, degree + 1 functions)."""
    piece = value[:, :, None] if slope is None else torch.stack([value, slope], dim=2)
    return F.pad(piece, (0, 0, 0, degree + 1 - piece.shape[2]))


def polynomials_of(table):
    """The pieces with an axis for powers and one for functions, ``(n_inputs * (n_knots + 1), order, order)``."""
    order = math.isqrt(int(table.pieces.shape[1]))
    return table.pieces.unflatten(1, (order, order))


def slopes_of(table):
    """The table of the derivatives with respect to x."""
    polynomials = polynomials_of(table)
    powers = torch.arange(polynomials.shape[1], dtype=polynomials.dtype, device=polynomials.device)[:, None]
    changes = polynomials * powers * table.rate[:, None, None]
    return table._replace(pieces=F.pad(changes[:, 1:], (0, 0, 0, 1)).flatten(1))


def evaluate_pieces(x, table, n_basis):
    """Values of the basis: ``(n, in) -> (n, in, n_basis)``."""
    row, u = locate(x, table.knots, table.origin, table.rate)
    values = horner(F.embedding(row, table.pieces), u, n_functions=math.isqrt(int(table.pieces.shape[1])))
    index = table.first[row][..., None] + torch.arange(values.shape[-1], device=x.device)
    return x.new_zeros(*x.shape, n_basis).scatter(-1, index, values)


def locate(x, knots, origin, rate):
    """Row of the table for each input, and its coordinate on that row's interval, both ``(n, in)``."""
    n_inputs, n_knots = knots.shape
    row = torch.searchsorted(knots.detach(), x.detach().T.contiguous(), right=True).T
    row = row + (n_knots + 1) * torch.arange(n_inputs, device=x.device)
    return row, (x - origin[row]) * rate[row]


def horner(polynomials, u, n_functions):
    """Evaluate power-major polynomials at `u`: ``(n, in, n_powers * n_functions), (n, in) -> (n, in, n_functions)``."""
    *lower, values = polynomials.split(n_functions, dim=-1)
    for coefficients in reversed(lower):
        values = values * u[..., None] + coefficients
    return values
