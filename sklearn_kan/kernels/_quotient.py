"""Rational functions in plain torch, value and gradients in closed form, with few operations on large tensors."""

from functools import partial

import torch
import torch.nn.functional as F

from ._plain import gradients_of_gradients

NUMERATOR, DENOMINATOR = 5, 4  # degrees
CELLS = 2**14  # inputs of some rows


def rational_values(x, a, b, ends):
    """``P / (1 + |Q|)`` for each input, continued by its tangents outside `ends`.

    Parameters
    ----------
    x : Tensor of shape (n, in)
    a : Tensor of shape (in, 6)
        Of P, lowest power first.
    b : Tensor of shape (in, 4)
        Of Q, from the first power.
    ends : tuple of float

    Returns
    -------
    values : Tensor of shape (n, in)
    """
    return RationalValues.apply(x, a, b, ends)


class RationalValues(torch.autograd.Function):
    """Saves its inputs and nothing else: backward evaluates the polynomials again. Inside, inputs come first."""

    @staticmethod
    def forward(ctx, x, a, b, ends):
        ctx.save_for_backward(x, a, b)
        ctx.ends = ends
        y, polynomials = torch.empty_like(x), with_slopes(a, b)
        for rows, powers in blocks(x):
            columns, value, slope, *_ = evaluated(x[rows], polynomials, powers, ends)
            y[rows] = torch.addcmul(value, slope, columns.sub_(powers[:, 1])).T
        return y

    @staticmethod
    def backward(ctx, grad):
        x, a, b = tensors = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *gradients_of_gradients(partial(plain_values, ends=ctx.ends), tensors, grad), None
        grad_x, polynomials = torch.empty_like(x), with_slopes(a, b)
        total = torch.zeros_like(polynomials)
        for rows, powers in blocks(x):
            columns, value, slope, scale, sign, fall = evaluated(x[rows], polynomials, powers, ctx.ends)
            at_value = grad[rows].T.clone(memory_format=torch.contiguous_format)
            grad_x[rows] = torch.mul(at_value, slope).T
            at_slope = columns.sub_(powers[:, 1]).mul_(at_value).mul_(scale)
            of = x.new_empty(len(a), 4, len(columns[0]))
            of_p, of_slope_p, of_q, of_slope_q = of.unbind(1)
            torch.addcmul(at_value.mul_(scale), at_slope, fall, value=-1, out=of_p)
            of_slope_p.copy_(at_slope)
            pull = value.mul_(sign)
            torch.mul(of_p, pull, out=of_q).addcmul_(at_slope, slope.mul_(sign)).neg_()
            torch.mul(at_slope, pull, out=of_slope_q).neg_()
            total.baddbmm_(of, powers.transpose(1, 2))
        of_p, of_slope_p, of_q, of_slope_q = total.unbind(1)
        exponent = torch.arange(1, NUMERATOR + 1, dtype=x.dtype)
        of_p[:, 1:] += exponent * of_slope_p[:, :-1]
        of_q[:, 1:] += exponent * of_slope_q[:, :-1]
        return grad_x, of_p, of_q[:, 1 : DENOMINATOR + 1], None


def with_slopes(a, b):
    """Coefficients of P, P', Q and Q' for each input, from the constant on: ``(in, 4, 6)``."""
    coef = torch.stack([a, F.pad(b, (1, NUMERATOR - DENOMINATOR))], 1)
    exponent = torch.arange(1, NUMERATOR + 1, dtype=a.dtype)
    return torch.stack([coef, F.pad(coef[..., 1:] * exponent, (0, 1))], 2).flatten(1, 2)


def blocks(x):
    """Slices of few rows, each with memory for their powers ``(in, 6, n_rows)``: fresh memory costs more than products."""
    n_rows = max(1, CELLS // x.shape[1])
    powers = x.new_empty(x.shape[1], NUMERATOR + 1, min(n_rows, len(x)))
    powers[:, 0] = 1
    for start in range(0, len(x), n_rows):
        yield slice(start, start + n_rows), powers[..., : len(x) - start]


def evaluated(x, polynomials, powers, ends):
    """Inputs as columns, F, F', and what they are made of, each ``(in, n)``; fills in the `powers` of the closest points.

    The last are ``1 / (1 + |Q|)``, the sign of Q, and ``sign(Q) Q' / (1 + |Q|)``.
    """
    columns = x.T.clone(memory_format=torch.contiguous_format)
    inside = torch.clamp(columns, *ends, out=powers[:, 1])
    for k in range(2, NUMERATOR + 1):
        torch.mul(powers[:, k - 1], inside, out=powers[:, k])
    value, slope, q, slope_q = (polynomials @ powers).unbind(1)
    sign = q.sign()
    scale = q.abs_().add_(1).reciprocal_()
    fall = slope_q.mul_(sign).mul_(scale)
    value.mul_(scale)
    slope.mul_(scale).addcmul_(value, fall, value=-1)
    return columns, value, slope, scale, sign, fall


def plain_values(x, a, b, ends):
    """`rational_values` as it reads."""
    inside = x.clamp(*ends)
    return quotient(inside, a, b) + quotient_slope(inside, a, b) * (x - inside)


def quotient(x, a, b):
    """``P(x) / (1 + |Q(x)|)``, from coefficients of each input as in `rational_values`."""
    return horner(a, x) / (1 + horner(F.pad(b, (1, 0)), x).abs())


def quotient_slope(x, a, b):
    """Its derivative."""
    b = F.pad(b, (1, 0))
    q = horner(b, x)
    below = 1 + q.abs()
    fall = horner(a, x) * q.sign() * horner(differentiated(b), x) / below
    return (horner(differentiated(a), x) - fall) / below


def horner(coef, x):
    """A polynomial for each input: coefficients (in, degree + 1), lowest power first, and ``(n, in) -> (n, in)``."""
    *lower, value = coef.unbind(1)
    for c in reversed(lower):
        value = torch.addcmul(c, value, x)
    return value


def differentiated(coef):
    return coef[:, 1:] * torch.arange(1, coef.shape[1], dtype=coef.dtype, device=coef.device)
