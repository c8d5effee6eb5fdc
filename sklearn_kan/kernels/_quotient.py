"""Rational functions in plain torch, value and gradients in closed form, with few operations on large tensors."""

from functools import partial

import torch
import torch.nn.functional as F

from ._plain import gradients_of_gradients

NUMERATOR, DENOMINATOR = 5, 4  # degrees


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
    """Works on columns, ``(in, n)``: one product for each input evaluates P, P', Q and Q', and one is its gradient."""

    @staticmethod
    def forward(ctx, x, a, b, ends):
        columns = x.T.contiguous()
        powers = x.new_empty(len(a), NUMERATOR + 1, len(x))
        powers[:, 0] = 1
        inside = torch.clamp(columns, *ends, out=powers[:, 1])
        for k in range(2, NUMERATOR + 1):
            torch.mul(powers[:, k - 1], inside, out=powers[:, k])
        value, slope, q, slope_q = (with_slopes(a, b) @ powers).unbind(1)
        sign = q.sign()
        scale = q.abs_().add_(1).reciprocal_()
        fall = slope_q.mul_(sign).mul_(scale)
        value.mul_(scale)
        slope.mul_(scale).addcmul_(value, fall, value=-1)
        beyond = columns - inside
        ctx.save_for_backward(x, a, b, powers, beyond, value, slope, scale, sign, fall)
        ctx.ends = ends
        return torch.addcmul(value, slope, beyond).T

    @staticmethod
    def backward(ctx, grad):
        x, a, b, powers, beyond, value, slope, scale, sign, fall = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *gradients_of_gradients(partial(plain_values, ends=ctx.ends), (x, a, b), grad), None
        grad = grad.T.contiguous()
        of = torch.empty(len(a), 4, len(x), dtype=x.dtype, device=x.device)  # gradients of P, P', Q and Q'
        of_p, of_slope_p, of_q, of_slope_q = of.unbind(1)
        torch.mul(grad, beyond, out=of_slope_p).mul_(scale)
        torch.mul(grad, scale, out=of_p).addcmul_(of_slope_p, fall, value=-1)
        pull = (value * sign).neg_()
        torch.mul(of_p, pull, out=of_q).addcmul_(of_slope_p, slope * sign, value=-1)
        torch.mul(of_slope_p, pull, out=of_slope_q)
        of_p, of_slope_p, of_q, of_slope_q = (of @ powers.transpose(1, 2)).unbind(1)
        exponent = torch.arange(1, NUMERATOR + 1, dtype=x.dtype, device=x.device)
        of_p[:, 1:] += exponent * of_slope_p[:, :-1]
        of_q[:, 1:] += exponent * of_slope_q[:, :-1]
        return (grad * slope).T, of_p, of_q[:, 1 : DENOMINATOR + 1], None


def with_slopes(a, b):
    """Coefficients of P, P', Q and Q' for each input, from the constant on: ``(in, 4, 6)``."""
    coef = torch.stack([a, F.pad(b, (1, NUMERATOR - DENOMINATOR))], 1)
    exponent = torch.arange(1, NUMERATOR + 1, dtype=a.dtype, device=a.device)
    return torch.stack([coef, F.pad(coef[..., 1:] * exponent, (0, 1))], 2).flatten(1, 2)


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
