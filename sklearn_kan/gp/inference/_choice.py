"""Which way of inference suits which data."""

from ._dense import Dense
from ._fourier import Fourier
from ._gaps import Gaps, gap_axes
from ._inducing import Inducing
from ._kronecker import Kronecker, grid_axes
from ._points import may_be_grid, merged, together
from ._toeplitz import Toeplitz, is_uniform

SOLVERS = {
    "cholesky": Dense, "toeplitz": Toeplitz, "kronecker": Kronecker, "gaps": Gaps, "fourier": Fourier,
    "inducing": Inducing,
}  # fmt: skip
NEEDS = {
    "kronecker": "it needs a full grid over two or more features, without sample_weight or alpha that differ",
    "toeplitz": "it needs one evenly spaced feature, without sample_weight or alpha that differ",
    "gaps": "it needs at least half of a grid over two or more features, without sample_weight or alpha that differ",
    "fourier": "it needs one or two features, a Gaussian spectrum, and no alpha",
}
GRID_ROWS = 400  # of a full grid, from which it is treated as one
GAPPY_ROWS = 1_000  # of a grid with gaps
DENSE_ROWS, DENSE_ROWS_GPU = 5_000, 15_000  # up to which inference is exact


def gathered(X, y, weight, alpha, solver):
    """Data as they are learned from: distinct points, unless there are so many that finding them is the work."""
    is_big = len(X) > DENSE_ROWS and solver in ("auto", "fourier") and not alpha.any()
    is_scattered = X.shape[1] == 1 or (X.shape[1] == 2 and not may_be_grid(X))
    return (together if is_big and is_scattered else merged)(X, y, weight, alpha)


def solver_for(data, solver, spectrum, device="cpu"):
    """The name of the fastest solver for some data, or the one asked for if it suits them."""
    n, n_features = data.X.shape
    suits = {
        "kronecker": lambda: n_features > 1 and grid_axes(data) is not None,
        "gaps": lambda: gap_axes(data) is not None,
        "toeplitz": lambda: is_uniform(data),
        "fourier": lambda: n_features <= 2 and spectrum != "student_t" and not data.extra.any() and n > 1,
    }
    if solver != "auto":
        if solver in suits and not suits[solver]():
            raise ValueError(f"solver={solver!r} does not suit these data: {NEEDS[solver]}. Choose solver='auto'.")
        return solver
    if n > GRID_ROWS and suits["kronecker"]():
        return "kronecker"
    if n > GAPPY_ROWS and n_features > 1 and suits["gaps"]():
        return "gaps"
    if n > DENSE_ROWS and suits["fourier"]():
        return "fourier"
    if suits["toeplitz"]() and n <= DENSE_ROWS_GPU:
        return "toeplitz"
    return "cholesky" if n <= (DENSE_ROWS_GPU if device.startswith("cuda") else DENSE_ROWS) else "inducing"
