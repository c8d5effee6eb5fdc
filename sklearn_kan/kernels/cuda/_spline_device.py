"""Device code of spline layers: a tile of the basis is made on the fly, and goes into a matrix product at once.

Of an input's basis functions only ``degree + 1`` are not zero. They are evaluated from the table of polynomials for a
tile of rows and inputs, and spread over a chunk of basis functions; what results, ``(BLOCK_N, BLOCK_I * CHUNK)`` with
zeros and all, is an operand of `tl.dot`. Multiplying by zeros is what a gather of coefficients would save, but tensor
cores multiply faster than rows can be gathered: by the data sheet of an H100 up to about a hundred basis functions for
tf32. (Without them, in "ieee" float32, a gather would win from about sixteen on. Not measured on a GPU yet.)

Layout: ``x`` is (n, in), ``weight`` (in, n_basis, out), ``y`` and its gradient ``g`` (n, out), all contiguous; columns
of a tile are input-major, basis function minor. No two programs write to the same place, so results are reproducible.
"""

import triton
import triton.language as tl


@triton.jit
def spline_forward(
    x_ptr, knots_ptr, pieces_ptr, origin_ptr, rate_ptr, first_ptr, weight_ptr, y_ptr,
    n, n_inputs, n_knots, n_basis, n_outputs,
    ORDER: tl.constexpr, STEPS: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_I: tl.constexpr, CHUNK: tl.constexpr,
    BLOCK_O: tl.constexpr, NUMBER: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """``y[r, o] = sum_c basis[r, c] weight[c, o]`` for a block of rows and one of outputs."""
    rows = tl.program_id(0).to(tl.int64) * BLOCK_N + tl.arange(0, BLOCK_N)
    outputs = tl.program_id(1) * BLOCK_O + tl.arange(0, BLOCK_O)
    total = tl.zeros((BLOCK_N, BLOCK_O), NUMBER)
    for start in range(0, n_inputs, BLOCK_I):
        piece_ptr, u, _, first = locate(
            x_ptr, knots_ptr, pieces_ptr, origin_ptr, rate_ptr, first_ptr, rows, start, n, n_inputs, n_knots,
            ORDER, STEPS, BLOCK_I, NUMBER,
        )  # fmt: skip
        for chunk in range(0, n_basis, CHUNK):
            basis = spread(piece_ptr, u, first, chunk, ORDER, CHUNK)
            slab = slab_of(weight_ptr, start, chunk, outputs, n_inputs, n_basis, n_outputs, BLOCK_I, CHUNK)
            basis = tl.reshape(basis, (BLOCK_N, BLOCK_I * CHUNK)).to(slab.dtype)
            total = tl.dot(basis, slab, total, input_precision=PRECISION, out_dtype=NUMBER)
    mask = (rows < n)[:, None] & (outputs < n_outputs)[None, :]
    tl.store(y_ptr + rows[:, None] * n_outputs + outputs[None, :], total.to(y_ptr.dtype.element_ty), mask)


@triton.jit
def spline_grad_x(
    x_ptr, knots_ptr, pieces_ptr, origin_ptr, rate_ptr, first_ptr, weight_ptr, g_ptr, grad_x_ptr,
    n, n_inputs, n_knots, n_basis, n_outputs,
    ORDER: tl.constexpr, STEPS: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_I: tl.constexpr, CHUNK: tl.constexpr,
    BLOCK_O: tl.constexpr, NUMBER: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """``grad_x[r, i] = sum_k slope[r, i, k] sum_o g[r, o] weight[i, k, o]`` for a block of rows and one of inputs."""
    rows = tl.program_id(0).to(tl.int64) * BLOCK_N + tl.arange(0, BLOCK_N)
    start = tl.program_id(1) * BLOCK_I
    piece_ptr, u, rate, first = locate(
        x_ptr, knots_ptr, pieces_ptr, origin_ptr, rate_ptr, first_ptr, rows, start, n, n_inputs, n_knots,
        ORDER, STEPS, BLOCK_I, NUMBER,
    )  # fmt: skip
    total = tl.zeros((BLOCK_N, BLOCK_I), NUMBER)
    for chunk in range(0, n_basis, CHUNK):
        pulled = tl.zeros((BLOCK_N, BLOCK_I * CHUNK), NUMBER)
        for some in range(0, n_outputs, BLOCK_O):
            outputs = some + tl.arange(0, BLOCK_O)
            slab = slab_of(weight_ptr, start, chunk, outputs, n_inputs, n_basis, n_outputs, BLOCK_I, CHUNK)
            mask = (rows < n)[:, None] & (outputs < n_outputs)[None, :]
            g = tl.load(g_ptr + rows[:, None] * n_outputs + outputs[None, :], mask, other=0.0)
            pulled = tl.dot(g, tl.trans(slab), pulled, input_precision=PRECISION, out_dtype=NUMBER)
        slopes = spread_slopes(piece_ptr, u, rate, first, chunk, ORDER, CHUNK)
        total += tl.sum(tl.reshape(pulled, (BLOCK_N, BLOCK_I, CHUNK)) * slopes, axis=2)
    inputs = start + tl.arange(0, BLOCK_I)
    mask = (rows < n)[:, None] & (inputs < n_inputs)[None, :]
    tl.store(grad_x_ptr + rows[:, None] * n_inputs + inputs[None, :], total.to(grad_x_ptr.dtype.element_ty), mask)


@triton.jit
def spline_grad_weight(
    x_ptr, knots_ptr, pieces_ptr, origin_ptr, rate_ptr, first_ptr, g_ptr, parts_ptr,
    n, n_inputs, n_knots, n_basis, n_outputs, rows_of_part,
    ORDER: tl.constexpr, STEPS: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_I: tl.constexpr, CHUNK: tl.constexpr,
    BLOCK_O: tl.constexpr, NUMBER: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """``parts[p, c, o] = sum_r basis[r, c] g[r, o]`` for an input block's chunk, a block of outputs, a part of rows."""
    n_chunks = (n_basis + CHUNK - 1) // CHUNK
    start = tl.program_id(0) // n_chunks * BLOCK_I
    chunk = tl.program_id(0) % n_chunks * CHUNK
    outputs = tl.program_id(1) * BLOCK_O + tl.arange(0, BLOCK_O)
    part = tl.program_id(2).to(tl.int64)
    total = tl.zeros((BLOCK_I * CHUNK, BLOCK_O), NUMBER)
    for done in range(0, rows_of_part, BLOCK_N):
        rows = part * rows_of_part + done + tl.arange(0, BLOCK_N)
        piece_ptr, u, _, first = locate(
            x_ptr, knots_ptr, pieces_ptr, origin_ptr, rate_ptr, first_ptr, rows, start, n, n_inputs, n_knots,
            ORDER, STEPS, BLOCK_I, NUMBER,
        )  # fmt: skip
        mask = (rows < n)[:, None] & (outputs < n_outputs)[None, :]
        g = tl.load(g_ptr + rows[:, None] * n_outputs + outputs[None, :], mask, other=0.0)
        basis = tl.reshape(spread(piece_ptr, u, first, chunk, ORDER, CHUNK), (BLOCK_N, BLOCK_I * CHUNK)).to(g.dtype)
        total = tl.dot(tl.trans(basis), g, total, input_precision=PRECISION, out_dtype=NUMBER)
    places, mask = places_of(start, chunk, outputs, n_inputs, n_basis, n_outputs, BLOCK_I, CHUNK)
    tl.store(parts_ptr + part * n_inputs * n_basis * n_outputs + places, total, mask)


@triton.jit
def locate(
    x_ptr, knots_ptr, pieces_ptr, origin_ptr, rate_ptr, first_ptr, rows, start, n, n_inputs, n_knots,
    ORDER: tl.constexpr, STEPS: tl.constexpr, BLOCK_I: tl.constexpr, NUMBER: tl.constexpr,
):  # fmt: skip
    """Where a tile of x lies: its polynomials, place and rate on the interval, first function; each (rows, inputs).

    The row of the table is the number of knots at or below x, found by bisection. Outside the tile's inputs the last
    one stands in, so that whatever is read exists; what is made of it meets zeros or is not written.
    """
    inputs = start + tl.arange(0, BLOCK_I)[None, :].to(tl.int64)
    mask = (rows < n)[:, None] & (inputs < n_inputs)
    inputs = tl.minimum(inputs, n_inputs - 1)
    x = tl.load(x_ptr + rows[:, None] * n_inputs + inputs, mask, other=0.0).to(NUMBER)
    row = tl.zeros(x.shape, tl.int32)
    for step in tl.static_range(STEPS):
        further = row + (1 << (STEPS - 1 - step))
        exists = further <= n_knots
        knot = tl.load(knots_ptr + inputs * n_knots + further - 1, exists, other=0.0).to(NUMBER)
        row = tl.where(exists & (knot <= x), further, row)
    at = inputs * (n_knots + 1) + row
    rate = tl.load(rate_ptr + at).to(NUMBER)
    u = (x - tl.load(origin_ptr + at).to(NUMBER)) * rate
    return pieces_ptr + at * (ORDER * ORDER), u, rate, tl.load(first_ptr + at).to(tl.int32)


@triton.jit
def spread(piece_ptr, u, first, chunk, ORDER: tl.constexpr, CHUNK: tl.constexpr):
    """Values of the basis functions ``chunk, ..., chunk + CHUNK - 1``, zeros included: (rows, inputs, CHUNK)."""
    function = chunk + tl.arange(0, CHUNK)[None, None, :]
    basis = tl.zeros((u.shape[0], u.shape[1], CHUNK), u.dtype)
    for f in tl.static_range(ORDER):
        value = tl.load(piece_ptr + ((ORDER - 1) * ORDER + f)).to(u.dtype)
        for p in tl.static_range(1, ORDER):
            value = value * u + tl.load(piece_ptr + ((ORDER - 1 - p) * ORDER + f)).to(u.dtype)
        basis = tl.where(function == (first + f)[:, :, None], value[:, :, None], basis)
    return basis


@triton.jit
def spread_slopes(piece_ptr, u, rate, first, chunk, ORDER: tl.constexpr, CHUNK: tl.constexpr):
    """Derivatives by x of what `spread` gives."""
    function = chunk + tl.arange(0, CHUNK)[None, None, :]
    slopes = tl.zeros((u.shape[0], u.shape[1], CHUNK), u.dtype)
    for f in tl.static_range(ORDER):
        slope = tl.zeros(u.shape, u.dtype)
        for p in tl.static_range(1, ORDER):
            slope = slope * u + (ORDER - p) * tl.load(piece_ptr + ((ORDER - p) * ORDER + f)).to(u.dtype)
        slopes = tl.where(function == (first + f)[:, :, None], (slope * rate)[:, :, None], slopes)
    return slopes


@triton.jit
def slab_of(
    weight_ptr, start, chunk, outputs, n_inputs, n_basis, n_outputs, BLOCK_I: tl.constexpr, CHUNK: tl.constexpr
):  # fmt: skip
    """Coefficients of a tile's columns, (BLOCK_I * CHUNK, BLOCK_O); zero where there are none."""
    places, mask = places_of(start, chunk, outputs, n_inputs, n_basis, n_outputs, BLOCK_I, CHUNK)
    return tl.load(weight_ptr + places, mask, other=0.0)


@triton.jit
def places_of(start, chunk, outputs, n_inputs, n_basis, n_outputs, BLOCK_I: tl.constexpr, CHUNK: tl.constexpr):
    """Offsets of a tile's columns in the coefficients, and whether they exist."""
    column = tl.arange(0, BLOCK_I * CHUNK).to(tl.int64)
    inputs, function = start + column // CHUNK, chunk + column % CHUNK
    mask = ((inputs < n_inputs) & (function < n_basis))[:, None] & (outputs < n_outputs)[None, :]
    return ((inputs * n_basis + function) * n_outputs)[:, None] + outputs[None, :], mask
