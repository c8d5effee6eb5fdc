"""Device code of rational layers: safe Pade functions are evaluated on a tile, which goes into a product at once.

Layout: ``x`` is (n, in), ``weight`` (in, out), ``y`` and its gradient ``g`` (n, out), and, with degrees
NUMERATOR and DENOMINATOR, ``numerator`` (groups, NUMERATOR + 1) and ``denominator`` (groups, DENOMINATOR), all
contiguous. With c the point of [LOW, HIGH] closest to x, an edge is w V(x), ``V(x) = F(c) + F'(c) (x - c)``,
``F = P / D``, ``D = 1 + |Q|``. No two programs write to the same place.
"""

import triton
import triton.language as tl


@triton.jit
def rational_forward(
    x_ptr, numerator_ptr, denominator_ptr, weight_ptr, y_ptr, n, n_inputs, n_outputs, n_groups,
    LOW: tl.constexpr, HIGH: tl.constexpr, NUMERATOR: tl.constexpr, DENOMINATOR: tl.constexpr, BLOCK_N: tl.constexpr,
    BLOCK_I: tl.constexpr, BLOCK_O: tl.constexpr, NUMBER: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """``y[r, o] = sum_i V[r, i] weight[i, o]`` for a block of rows and one of outputs."""
    rows = tl.program_id(0).to(tl.int64) * BLOCK_N + tl.arange(0, BLOCK_N)
    outputs = tl.program_id(1) * BLOCK_O + tl.arange(0, BLOCK_O)
    total = tl.zeros((BLOCK_N, BLOCK_O), NUMBER)
    for start in range(0, n_inputs, BLOCK_I):
        inputs = start + tl.arange(0, BLOCK_I)
        x = rows_of(x_ptr, rows, inputs, n, n_inputs).to(NUMBER)
        c, p, dp, q, dq = polynomials(
            x, inputs, numerator_ptr, denominator_ptr, n_inputs, n_groups, LOW, HIGH, NUMERATOR, DENOMINATOR
        )
        value, slope = quotient(p, dp, q, dq)
        weight = rows_of(weight_ptr, inputs.to(tl.int64), outputs, n_inputs, n_outputs)
        value = (value + slope * (x - c)).to(weight.dtype)
        total = tl.dot(value, weight, total, input_precision=PRECISION, out_dtype=NUMBER)
    mask = (rows < n)[:, None] & (outputs < n_outputs)[None, :]
    tl.store(y_ptr + rows[:, None] * n_outputs + outputs[None, :], total.to(y_ptr.dtype.element_ty), mask)


@triton.jit
def rational_grad_x(
    x_ptr, numerator_ptr, denominator_ptr, weight_ptr, g_ptr, grad_x_ptr, parts_ptr, n, n_inputs, n_outputs, n_groups,
    LOW: tl.constexpr, HIGH: tl.constexpr, NUMERATOR: tl.constexpr, DENOMINATOR: tl.constexpr, BLOCK_N: tl.constexpr,
    BLOCK_I: tl.constexpr, BLOCK_O: tl.constexpr, NUMBER: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """Gradient of a tile of x, and its rows' share in those of a and b: ``parts`` is (row blocks, coefficients, in)."""
    rows = tl.program_id(0).to(tl.int64) * BLOCK_N + tl.arange(0, BLOCK_N)
    inputs = tl.program_id(1) * BLOCK_I + tl.arange(0, BLOCK_I)
    pulled = tl.zeros((BLOCK_N, BLOCK_I), NUMBER)
    for start in range(0, n_outputs, BLOCK_O):
        outputs = start + tl.arange(0, BLOCK_O)
        g = rows_of(g_ptr, rows, outputs, n, n_outputs)
        weight = rows_of(weight_ptr, inputs.to(tl.int64), outputs, n_inputs, n_outputs)
        pulled = tl.dot(g, tl.trans(weight), pulled, input_precision=PRECISION, out_dtype=NUMBER)
    x = rows_of(x_ptr, rows, inputs, n, n_inputs).to(NUMBER)
    c, p, dp, q, dq = polynomials(
        x, inputs, numerator_ptr, denominator_ptr, n_inputs, n_groups, LOW, HIGH, NUMERATOR, DENOMINATOR
    )
    value, slope = quotient(p, dp, q, dq)
    mask = (rows < n)[:, None] & (inputs < n_inputs)[None, :]
    grad_x = (pulled * slope).to(grad_x_ptr.dtype.element_ty)
    tl.store(grad_x_ptr + rows[:, None] * n_inputs + inputs[None, :], grad_x, mask)

    # dF/da_j = c**j / D and dF/db_j = -sign(Q) F c**j / D are s c**j, of derivative ds c**j + j s c**(j - 1) by c.
    below, sign = 1.0 + tl.abs(q), sign_of(q)
    beyond = x - c
    scale = 1.0 / below
    scale_slope = -sign * dq * scale * scale
    parts_ptr += tl.program_id(0).to(tl.int64) * (NUMERATOR + 1 + DENOMINATOR) * n_inputs + inputs
    power, power_slope = tl.full(c.shape, 1.0, NUMBER), tl.zeros(c.shape, NUMBER)
    for j in tl.static_range(NUMERATOR + 1):
        share = scale * power + beyond * (scale_slope * power + scale * power_slope)
        tl.store(parts_ptr + j * n_inputs, tl.sum(pulled * share, axis=0), inputs < n_inputs)
        if j == 0:  # from here on for b too
            of_b = -sign * value * scale
            of_b_slope = -sign * (slope * scale + value * scale_slope)
        elif j <= DENOMINATOR:
            share = of_b * power + beyond * (of_b_slope * power + of_b * power_slope)
            tl.store(parts_ptr + (NUMERATOR + j) * n_inputs, tl.sum(pulled * share, axis=0), inputs < n_inputs)
        power_slope = power_slope * c + power
        power = power * c


@triton.jit
def rational_grad_weight(
    x_ptr, numerator_ptr, denominator_ptr, g_ptr, parts_ptr, n, n_inputs, n_outputs, n_groups, rows_of_part,
    LOW: tl.constexpr, HIGH: tl.constexpr, NUMERATOR: tl.constexpr, DENOMINATOR: tl.constexpr, BLOCK_N: tl.constexpr,
    BLOCK_I: tl.constexpr, BLOCK_O: tl.constexpr, NUMBER: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """``parts[p, i, o] = sum_r V[r, i] g[r, o]`` for a block of inputs, one of outputs, and a part of the rows."""
    inputs = tl.program_id(0) * BLOCK_I + tl.arange(0, BLOCK_I)
    outputs = tl.program_id(1) * BLOCK_O + tl.arange(0, BLOCK_O)
    part = tl.program_id(2).to(tl.int64)
    total = tl.zeros((BLOCK_I, BLOCK_O), NUMBER)
    for done in range(0, rows_of_part, BLOCK_N):
        rows = part * rows_of_part + done + tl.arange(0, BLOCK_N)
        x = rows_of(x_ptr, rows, inputs, n, n_inputs).to(NUMBER)
        c, p, dp, q, dq = polynomials(
            x, inputs, numerator_ptr, denominator_ptr, n_inputs, n_groups, LOW, HIGH, NUMERATOR, DENOMINATOR
        )
        value, slope = quotient(p, dp, q, dq)
        g = rows_of(g_ptr, rows, outputs, n, n_outputs)
        value = (value + slope * (x - c)).to(g.dtype)
        total = tl.dot(tl.trans(value), g, total, input_precision=PRECISION, out_dtype=NUMBER)
    mask = (inputs < n_inputs)[:, None] & (outputs < n_outputs)[None, :]
    places = (part * n_inputs + inputs)[:, None] * n_outputs + outputs[None, :]
    tl.store(parts_ptr + places, total, mask)


@triton.jit
def rows_of(ptr, rows, columns, n_rows, n_columns):
    """A tile of a matrix; zero outside it."""
    mask = (rows < n_rows)[:, None] & (columns < n_columns)[None, :]
    return tl.load(ptr + rows[:, None] * n_columns + columns[None, :], mask, other=0.0)


@triton.jit
def polynomials(
    x, inputs, numerator_ptr, denominator_ptr, n_inputs, n_groups, LOW: tl.constexpr, HIGH: tl.constexpr,
    NUMERATOR: tl.constexpr, DENOMINATOR: tl.constexpr,
):  # fmt: skip
    """The point closest to x between the ends, and there P, P', Q and Q' by Horner's scheme."""
    low, high = tl.full(x.shape, LOW, x.dtype), tl.full(x.shape, HIGH, x.dtype)
    c = tl.where(x < low, low, tl.where(x > high, high, x))
    group = (tl.minimum(inputs, n_inputs - 1).to(tl.int64) * n_groups // n_inputs)[None, :]
    p, dp = tl.zeros(x.shape, x.dtype), tl.zeros(x.shape, x.dtype)
    for j in tl.static_range(NUMERATOR + 1):
        dp = dp * c + p
        p = p * c + tl.load(numerator_ptr + group * (NUMERATOR + 1) + (NUMERATOR - j)).to(x.dtype)
    q, dq = tl.zeros(x.shape, x.dtype), tl.zeros(x.shape, x.dtype)
    for j in tl.static_range(DENOMINATOR):
        dq = dq * c + q
        q = q * c + tl.load(denominator_ptr + group * DENOMINATOR + (DENOMINATOR - 1 - j)).to(x.dtype)
    return c, p, dp, q * c, dq * c + q


@triton.jit
def quotient(p, dp, q, dq):
    """F and its derivative."""
    below = 1.0 + tl.abs(q)
    value = p / below
    return value, (dp - value * sign_of(q) * dq) / below


@triton.jit
def sign_of(q):
    return (q > 0).to(q.dtype) - (q < 0).to(q.dtype)
